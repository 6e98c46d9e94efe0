/**
 * The way between the processes and the database: every statement travels, meets its fault, is run by the real
 * server, and its answer travels back to a process that may be dead by then. The model hears of every commit.
 */
import type { Database, Queryable, Row, Sql } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Backend, Held, Running } from './backend.ts';
import { CALM, errorOf, unreachable, type FaultPlan, type StatementFault } from './faults.ts';
import { describeError, type Model, type Outcome } from './model.ts';
import type { Plant } from './plants.ts';
import type { Seeded } from './seeded.ts';
import { readLease } from './statement-reader.ts';
import type { World } from './world.ts';
import type { SimulatedProcess } from './process.ts';

export interface ServerParts {
  readonly world: World;
  readonly backend: Backend;
  readonly model: Model;
  readonly random: Seeded;
  readonly plant: Plant | undefined;
  readonly report: (problem: string) => void;
  readonly count: (fault: string) => void;
}

interface Sent {
  readonly statement: Sql;
  readonly label: string;
  readonly reply: (outcome: Outcome) => void;
}

/** A statement at the server since an instant, which is its `now()`. */
interface Arrived extends Sent {
  readonly at: Date;
  /** True when another transaction was open beside it. */
  readonly overlapped: boolean;
}

const MILLISECOND = 1_000;
/** What a statement that passes over locked rows does beside an open transaction, the model cannot say; it waits. */
const SKIPS_LOCKED = /\bexpire_holds\(/;
/** Differences to the model that a history tells of. */
const DIFFERENCES_MAX = 5;
/** Of a thousand batches, how many the planted bug acknowledges without a commit. */
const LOST_COMMITS_PER_MILLE = 60;

const statementName = (sent: Sent): string => sent.statement.name ?? '';
/** True for the calls of the posting lane. */
const isOfLane = (name: string): boolean => /_payments?$/.test(name);

/** A short name of a statement for the trace. */
function labelOf(statement: Sql): string {
  const lease = readLease(statement);
  if (lease !== undefined) return `${lease} lease`;
  if (statement.name !== undefined) return statement.name;
  return statement.text.trim().split(/\s+/).slice(0, 4).join(' ');
}

export class SimulatedServer {
  faults: FaultPlan = CALM;
  /** Until then (microseconds of the world) nobody can connect. */
  awayUntil = 0;
  /** True when a process's clock has jumped: a row id may then be made twice, which its key must refuse. */
  clocksDiffer = false;
  #differences = 0;
  readonly #parts: ServerParts;
  #held: { readonly sent: Arrived; readonly held: Held; readonly isKept: boolean } | undefined;
  readonly #waiting: { readonly sent: Arrived; readonly running: Running }[] = [];

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  /** The database as one process sees it. */
  databaseOf(owner: SimulatedProcess): Database {
    const refuse = (): Promise<never> =>
      Promise.reject(new Fault('internal', 'A simulated process runs single statements only.'));
    const queryable: Queryable = {
      query: <R extends Row>(statement: Sql) =>
        // The statement states its columns, as with the real database.
        this.#send(statement, owner) as Promise<R[]>,
    };
    return {
      ...queryable,
      url: 'simulated',
      transaction: refuse,
      session: refuse,
      script: refuse,
      close: () => Promise.resolve(),
    };
  }

  /** Ends a transaction that is still open, so that the history can come to rest. */
  async settle(): Promise<void> {
    const current = this.#held;
    if (current === undefined) return;
    const { sent, held, isKept } = current;
    this.#held = undefined;
    await held.settle(isKept ? 'commit' : 'rollback');
    this.#parts.world.note(
      `database: the open ${sent.label} is ${isKept ? 'committed' : 'rolled back'}`,
    );
    if (isKept && !isOfLane(statementName(sent))) this.#tellModel(sent, held.outcome);
    for (const { sent: waited, running } of this.#waiting.splice(0)) {
      if (running.outcome === undefined) throw new Error('A statement waits and nothing is open.');
      this.#finish(waited, running.outcome);
    }
  }

  /**
   * Runs a statement of somebody who meets no faults (an officer, a registrar), when no transaction is open;
   * `done` hears its rows, and the promise resolves after that.
   */
  administer(label: string, statement: Sql, done: (rows: readonly Row[]) => void): Promise<void> {
    const { world } = this.#parts;
    return new Promise((resolve) => {
      const run = async (): Promise<void> => {
        if (this.#held !== undefined) {
          world.after(500 * MILLISECOND, run);
          return;
        }
        const reply = (outcome: Outcome): void => {
          if (outcome.ok) done(outcome.rows);
          resolve();
        };
        await this.#execute({ statement, label, reply });
      };
      world.after(0, run);
    });
  }

  #tellModel(sent: Arrived, outcome: Outcome): void {
    const { model, report } = this.#parts;
    // The lane's own calls wait for each other at the lease; what else overlaps may meet in a unique key.
    const mayCollide = this.clocksDiffer || (sent.overlapped && !isOfLane(statementName(sent)));
    for (const problem of model.apply(sent.statement, outcome, sent.at.getTime(), mayCollide)) {
      // Once it has gone another way than the database, the model disagrees with all that follows.
      this.#differences += 1;
      if (this.#differences <= DIFFERENCES_MAX) report(problem);
    }
  }

  #send(statement: Sql, owner: SimulatedProcess): Promise<Row[]> {
    const { world, random, count } = this.#parts;
    const label = `${owner.name} ${labelOf(statement)}`;
    return new Promise((resolve, reject) => {
      const fault = random.weighted(this.faults.statements);
      const travel = random.between(100, 3 * MILLISECOND);
      // A statement that was sent may reach the server although its sender dies before.
      const outlives = random.chance(500);
      const sent: Sent = {
        statement,
        label,
        reply: (outcome) => {
          world.after(
            random.between(50, 2 * MILLISECOND),
            () => {
              if (outcome.ok) resolve([...outcome.rows]);
              else reject(outcome.error);
            },
            owner,
          );
        },
      };
      const wait = fault === 'slow' ? random.between(200, 15_000) * MILLISECOND : travel;
      world.after(wait, async () => {
        if (!owner.alive && !outlives) {
          world.note(`database: ${label} is lost with its sender`);
          return;
        }
        if (world.now < this.awayUntil) {
          count('server-away');
          world.note(`database: ${label} finds no server`);
          sent.reply({ ok: false, error: unreachable(random) });
          return;
        }
        if (fault !== 'none') count(fault);
        await this.#arrive(sent, fault);
      });
    });
  }

  async #arrive(sent: Sent, fault: StatementFault): Promise<void> {
    const { world, random } = this.#parts;
    const fail = (): void => {
      const error = errorOf(fault, random);
      world.note(`database: ${sent.label} meets ${fault}`);
      sent.reply({ ok: false, error });
    };
    switch (fault) {
      case 'none':
      case 'slow':
        await this.#execute(sent);
        return;
      case 'lost-after-commit':
        await this.#execute({ ...sent, reply: fail });
        return;
      case 'commits-late':
      case 'rolls-back-late':
        // One transaction at a time is kept open, and only of those that change the books.
        if (this.#held === undefined && /_(payments?|entry|hold)$/.test(sent.statement.name ?? ''))
          await this.#keepOpen(sent, fault === 'commits-late');
        fail();
        return;
      case 'serialization-failure':
      case 'deadlock':
      case 'lost-before-commit':
      case 'statement-timeout':
      case 'no-connection-in-time':
      case 'disk-full':
        fail();
    }
  }

  async #keepOpen(sent: Sent, isKept: boolean): Promise<void> {
    const { world, backend, random } = this.#parts;
    const arrived = { ...sent, at: world.clock.now(), overlapped: false };
    const held = await backend.hold(sent.statement, arrived.at);
    if (!held.outcome.ok) {
      await held.settle('rollback');
      this.#tellModel(arrived, held.outcome);
      return;
    }
    // What a lane's call decided is of the moment in which it ran, and no other call passes it before its commit. An
    // entry or a hold is seen from its commit on: a payment reads a prefunding without waiting for it.
    if (isKept && isOfLane(statementName(sent))) this.#tellModel(arrived, held.outcome);
    world.note(`database: ${sent.label} has run and is not committed yet`);
    this.#held = { sent: arrived, held, isKept };
    world.after(random.between(1, 9_000) * MILLISECOND, () => this.settle());
  }

  async #execute(sent: Sent): Promise<void> {
    const { world, backend, plant, random } = this.#parts;
    if (this.#held !== undefined && SKIPS_LOCKED.test(sent.statement.text)) {
      world.after(500 * MILLISECOND, () => this.#execute(sent));
      return;
    }
    // Two that wait for the open transaction would race each other when it ends, and no seed decides that race.
    if (this.#waiting.length > 0) await this.settle();
    const isLost =
      plant === 'ack-before-commit' &&
      sent.statement.name === 'post_payments' &&
      random.chance(LOST_COMMITS_PER_MILLE);
    const arrived = {
      ...sent,
      at: world.clock.now(),
      overlapped: this.#held !== undefined,
    };
    const running = await backend.run(sent.statement, arrived.at, isLost);
    if (running.outcome === undefined) {
      world.note(`database: ${sent.label} waits for a lock`);
      this.#waiting.push({ sent: arrived, running });
    } else this.#finish(arrived, running.outcome);
  }

  #finish(sent: Arrived, outcome: Outcome): void {
    this.#parts.world.note(
      `database: ${sent.label} ${outcome.ok ? 'is committed' : `fails: ${describeError(outcome.error)}`}`,
    );
    this.#tellModel(sent, outcome);
    sent.reply(outcome);
  }
}
