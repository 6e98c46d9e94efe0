/**
 * PostgreSQL: a pool, tagged-template queries and transactions. `int8` comes back as `bigint`, `date` as
 * `YYYY-MM-DD` text, `timestamptz` as `Date`. SQL is written as SQL; values only ever travel as parameters.
 */
import pg from 'pg';
import { Fault } from './fault.ts';

/** Object ids of the types that we read in our own way (pg_type.oid). */
const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;

const types = {
  getTypeParser(oid: number, format: 'text' | 'binary' = 'text'): unknown {
    if (format === 'text') {
      if (oid === INT8) return BigInt;
      if (oid === DATE) return String;
      if (oid === INT8_ARRAY) return parseInt8Array;
    }
    // The driver lists the ids it knows as an enum; any other id gets its default parser.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- an id is a plain number on the wire
    return pg.types.getTypeParser(oid, format);
  },
};

function parseInt8Array(text: string): bigint[] {
  const inner = text.slice(1, -1);
  return inner === '' ? [] : inner.split(',').map(BigInt);
}

/** A statement made by the `sql` tag: text with `$n` places and their values. */
export interface Sql {
  /** Under this name the server keeps the prepared statement for the connection's life. */
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Writes a parameterised statement: every `${value}` becomes a `$n` parameter. */
export function sql(parts: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  let text = parts[0] ?? '';
  for (let index = 1; index < parts.length; index += 1)
    text += `$${String(index)}${parts[index] ?? ''}`;
  return { text, values };
}

/** Gives a hot statement the name under which each connection prepares it once. */
export function prepared(name: string, statement: Sql): Sql {
  return { ...statement, name };
}

export type Row = Record<string, unknown>;

/** What a store needs: somewhere to run a statement. A pool and an open transaction both are one. */
export interface Queryable {
  /** Runs one statement and returns its rows. `R` states the columns the statement selects. */
  query<R extends Row>(statement: Sql): Promise<R[]>;
}

interface Runner {
  query(config: {
    name?: string;
    text: string;
    values: unknown[];
    types: typeof types;
  }): Promise<{ rows: unknown[] }>;
}

function queryable(runner: Runner): Queryable {
  return {
    async query<R extends Row>(statement: Sql): Promise<R[]> {
      const result = await runner.query({
        ...(statement.name === undefined ? {} : { name: statement.name }),
        text: statement.text,
        values: [...statement.values],
        types,
      });
      // The caller states the columns of its own SELECT; the driver cannot know them.
      return result.rows as R[];
    },
  };
}

/** A pool of connections to one database. */
export interface Database extends Queryable {
  readonly url: string;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Runs a script of several statements without parameters (a migration). */
  script(text: string): Promise<void>;
  /** Holds one connection for as long as `work` runs (session locks, listening). */
  session<T>(work: (connection: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Most connections at once; 10 when absent. */
  readonly connectionsMax?: number;
  readonly applicationName?: string;
}

/** SQLSTATEs after which the same transaction may simply be run again. */
const RETRYABLE = new Set(['40001', '40P01', '55P03']);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '08006',
  '08001',
  '28P01',
  '3D000',
]);

/** The SQLSTATE or system code of a driver error, or undefined. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** True when the statement failed only because of a neighbour and may be run again as it is. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE.has(sqlState(error) ?? '');
}

/** True when the database cannot be reached now: it is away, starting, stopping or refuses the login. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnreachable);
  return (
    UNREACHABLE.has(sqlState(error) ?? '') ||
    (error instanceof Error &&
      /Connection terminated|timeout exceeded when trying to connect/.test(error.message))
  );
}

async function runTransaction<T>(
  client: pg.PoolClient,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  await client.query('begin');
  try {
    const result = await work(queryable(client));
    await client.query('commit');
    return result;
  } catch (error) {
    // A broken connection cannot roll back; the server does it, and the first error is the one to tell.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Opens a pool. Nothing is connected before the first query. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax ?? 10,
    application_name: options.applicationName ?? 'sanad',
    connectionTimeoutMillis: 10_000,
  });
  // An idle connection that dies is replaced at the next query, which reports the fault to its caller.
  pool.on('error', () => undefined);
  const base = queryable(pool);
  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken = false;
    try {
      return await work(client);
    } catch (error) {
      broken = isUnreachable(error);
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    url: options.url,
    query: (statement) => base.query(statement),
    transaction: (work) => withClient((client) => runTransaction(client, work)),
    session: (work) => withClient((client) => work(queryable(client))),
    script: (text) =>
      withClient(async (client) => {
        await client.query(text);
      }),
    close: () => pool.end(),
  };
}

/** Returns the only row of a result; a Fault when there is none or more than one. */
export function onlyRow<R>(rows: readonly R[], what: string): R {
  const [row, ...others] = rows;
  if (row === undefined || others.length > 0) {
    throw new Fault('internal', 'A statement did not return exactly one row.', {
      fields: { what, rows: rows.length },
    });
  }
  return row;
}
