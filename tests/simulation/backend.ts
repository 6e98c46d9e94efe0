/**
 * The real PostgreSQL below the simulation: a few connections held open, statements that are run one at a time,
 * and one transaction that may be kept open while others run into its locks. The database's clock is the world's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  openDatabase,
  sql,
  type Database,
  type Queryable,
  type Sql,
} from '../../kernel/database.ts';
import type { Outcome } from './model.ts';

interface Connection {
  readonly queryable: Queryable;
  readonly pid: number;
  busy: boolean;
}

/** A statement at the server. Without an outcome it waits for a lock that the open transaction holds. */
export interface Running {
  outcome: Outcome | undefined;
}

/** A transaction that has run its statement and waits to be told its end. */
export interface Held {
  readonly outcome: Outcome;
  settle(end: 'commit' | 'rollback'): Promise<void>;
}

interface Waiting extends Running {
  readonly connection: Connection;
  done: Promise<void>;
}

/** How long a statement is given before the server is asked whether it waits; decides nothing but the speed. */
const LOOK_AFTER_MS = 3;

/** Opened at the start; more when several statements wait for locks at once. */
const CONNECTIONS = 2;
const CONNECTIONS_MAX = 16;

export class Backend {
  readonly database: Database;
  readonly #connections: Connection[] = [];
  readonly #sessions: Promise<void>[] = [];
  readonly #waiting = new Set<Waiting>();
  readonly #closed: Promise<void>;
  #close: () => void = () => undefined;
  #openHolds = 0;

  private constructor(url: string) {
    this.#closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.database = openDatabase({ url, connectionsMax: CONNECTIONS_MAX + 2 });
  }

  /** Opens the connections to a database that `prepareDatabase` has made ready. */
  static async open(url: string): Promise<Backend> {
    const backend = new Backend(url);
    for (let index = 0; index < CONNECTIONS; index += 1) await backend.#connect();
    return backend;
  }

  #connect(): Promise<Connection> {
    return new Promise((ready, fail) => {
      const session = this.database.session(async (queryable) => {
        const [row] = await queryable.query<{ pid: number }>(sql`select pg_backend_pid() as pid`);
        const connection = { queryable, pid: row?.pid ?? 0, busy: false };
        this.#connections.push(connection);
        ready(connection);
        await this.#closed;
      });
      session.catch(fail);
      this.#sessions.push(session);
    });
  }

  async close(): Promise<void> {
    this.#close();
    await Promise.allSettled(this.#sessions);
    await this.database.close();
  }

  /** True while a transaction is kept open. */
  get holds(): boolean {
    return this.#openHolds > 0;
  }

  /**
   * Runs a statement in its own transaction, until it has ended or waits for a lock. With `isLost` its commit
   * is thrown away although its rows are returned: the bug that acknowledges before it commits.
   */
  async run(statement: Sql, now: Date, isLost = false): Promise<Running> {
    const connection = await this.#free();
    const running: Waiting = { connection, outcome: undefined, done: Promise.resolve() };
    const { queryable } = connection;
    connection.busy = true;
    await setClock(queryable, statement, now);
    const work = isLost ? runAndLose(queryable, statement) : outcomeOf(queryable, statement);
    running.done = work.then((outcome) => {
      running.outcome = outcome;
      connection.busy = false;
    });
    if (this.holds) {
      await this.#untilDoneOrWaiting(running);
      if (running.outcome === undefined) this.#waiting.add(running);
    } else await running.done;
    return running;
  }

  /** Runs a statement and leaves its transaction open; a statement that fails is rolled back at once. */
  async hold(statement: Sql, now: Date): Promise<Held> {
    const connection = await this.#free();
    const { queryable } = connection;
    connection.busy = true;
    await setClock(queryable, statement, now);
    await queryable.query({ text: 'begin', values: [] });
    const outcome = await outcomeOf(queryable, statement);
    this.#openHolds += 1;
    return {
      outcome,
      settle: async (end) => {
        await queryable.query({ text: end, values: [] });
        this.#openHolds -= 1;
        connection.busy = false;
        // Nothing holds them up any more.
        await Promise.all([...this.#waiting].map((running) => running.done));
        this.#waiting.clear();
      },
    };
  }

  async #free(): Promise<Connection> {
    const free = this.#connections.find((connection) => !connection.busy);
    if (free !== undefined) return free;
    if (this.#connections.length === CONNECTIONS_MAX)
      throw new Error('The simulation has no free connection.');
    return this.#connect();
  }

  async #untilDoneOrWaiting(running: Waiting): Promise<void> {
    for (;;) {
      await Promise.race([running.done, sleep(LOOK_AFTER_MS)]);
      if (running.outcome !== undefined) return;
      const [row] = await this.database.query<{ waits: boolean }>(
        sql`select cardinality(pg_blocking_pids(${running.connection.pid})) > 0 as waits`,
      );
      if (row?.waits === true) return;
    }
  }
}

/** Only a lease's statements read the database's clock. */
async function setClock(queryable: Queryable, statement: Sql, now: Date): Promise<void> {
  if (/\bnow\(\)/.test(statement.text))
    await queryable.query(sql`select set_config('simulated.now', ${now.toISOString()}, false)`);
}

async function outcomeOf(queryable: Queryable, statement: Sql): Promise<Outcome> {
  try {
    return { ok: true, rows: await queryable.query(statement) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function runAndLose(queryable: Queryable, statement: Sql): Promise<Outcome> {
  await queryable.query({ text: 'begin', values: [] });
  const outcome = await outcomeOf(queryable, statement);
  await queryable.query({ text: 'rollback', values: [] });
  return outcome;
}
