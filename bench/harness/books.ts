/** Books of a benchmark's own: a fresh durable database with schema and reference data, and who may pay into it. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { openDatabase, sql, type Database } from '../../kernel/database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../kernel/embedded-postgres.ts';
import { Fault } from '../../kernel/fault.ts';
import { IdMaker, secureRandom } from '../../kernel/ids.ts';
import { migrate } from '../../kernel/migrate.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import {
  checkInvariants,
  importReferenceData,
  openAccount,
  settlementAccount,
} from '../../ledger/index.ts';
import { registerParticipant } from '../../switch/index.ts';

/** The shard that every benchmark runs on. */
export const SHARD = 0;

export interface BenchBooks {
  readonly folder: string;
  readonly postgres: EmbeddedPostgres;
  readonly database: Database;
  readonly ids: IdMaker;
  /** Stops the server; the folder stays. */
  close(): Promise<void>;
}

/** Makes a folder of its own below `parent`; the benchmark removes it when it is done. */
export async function makeFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(path.join(parent, 'bench-'));
}

/** Removes what `makeFolder` made. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Reads `name=value,name=value`; a Fault `bad-input` when it is something else. */
export function parseSettings(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', ...value] = pair.split('=');
      if (!/^[a-z_.]+$/.test(name) || value.length === 0)
        throw new Fault('bad-input', 'Server settings are written name=value,name=value.', {
          fields: { given: pair },
        });
      return [name, value.join('=')];
    }),
  );
}

/** Registers a bank of the ISO 8583 channel that may pay from this machine. */
export async function registerBank(
  database: Database,
  ids: IdMaker,
  bank: { readonly code: string; readonly institutionId: string },
): Promise<void> {
  await registerParticipant(
    {
      code: bank.code,
      name: `Bank ${bank.code}`,
      channel: 'iso8583',
      institutionId: bank.institutionId,
      allowedAddresses: ['127.0.0.1', '::1'],
    },
    {
      database,
      clock: systemClock,
      random: secureRandom,
      openAccounts: async (tx, code) => {
        await openAccount(tx, settlementAccount(SHARD, code), ids);
      },
    },
  );
}

/** Starts a server on `folder` (or attaches to the one that runs there) and brings the books up to date. */
export async function openBenchBooks(
  folder: string,
  options: {
    readonly settings?: Readonly<Record<string, string>>;
    readonly clock?: Clock;
    /** First day of the journal; a month ago when absent. */
    readonly from?: Date;
  } = {},
): Promise<BenchBooks> {
  const { clock = systemClock } = options;
  const postgres = await startEmbeddedPostgres(path.join(folder, 'postgres'), options.settings);
  const database = openDatabase({ url: postgres.url, connectionsMax: 10 });
  const close = async (): Promise<void> => {
    await database.close();
    await postgres.stop();
  };
  try {
    await migrate(database);
    const now = systemClock.now().getTime();
    const from = options.from ?? new Date(now - 31 * 86_400_000);
    await database.query(
      sql`select ensure_journal_partitions(${from}::date, ${new Date(now + 366 * 86_400_000)}::date)`,
    );
    await importReferenceData(database, path.join(packageRoot, 'ledger', 'reference-data'), clock);
  } catch (error) {
    // The server would keep this process alive.
    await close();
    throw error;
  }
  return {
    folder,
    postgres,
    database,
    // Node 31: no product that runs on the same books makes the same ids.
    ids: new IdMaker(clock, 31),
    close,
  };
}

/** Checks every invariant of the books; `ok`, or what broke. */
export async function invariantsOf(database: Database): Promise<'ok' | string[]> {
  const broken = await database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
    return checkInvariants(tx);
  });
  return broken.length === 0
    ? 'ok'
    : broken.map(
        ({ invariant, rule, rows }) => `${invariant}: ${rule} ${JSON.stringify(rows.slice(0, 3))}`,
      );
}

/** Bytes that the database takes on disk, and the position in its write-ahead log. */
export async function diskUse(
  database: Database,
): Promise<{ readonly bytes: bigint; readonly walPosition: bigint }> {
  const [row] = await database.query<{ bytes: bigint; position: bigint }>(sql`
    select pg_database_size(current_database()) as bytes, (pg_current_wal_insert_lsn() - '0/0')::bigint as position`);
  return { bytes: row?.bytes ?? 0n, walPosition: row?.position ?? 0n };
}
