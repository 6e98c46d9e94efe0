/** Opens the books for a command: the database of DATABASE_URL, or the embedded one, started or attached to. */
import { access, constants, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../kernel/clock.ts';
import type { Config } from '../kernel/config.ts';
import { isUnreachable, openDatabase, sql, sqlState, type Database } from '../kernel/database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../kernel/embedded-postgres.ts';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { migrate } from '../kernel/migrate.ts';
import { packageRoot } from '../kernel/package-root.ts';
import { importReferenceData } from '../ledger/index.ts';

export interface Books {
  readonly database: Database;
  readonly postgres?: EmbeddedPostgres;
  close(): Promise<void>;
}

async function prepareDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    if (sqlState(cause) === 'ENOSPC') throw diskFull(folder, cause);
    throw new Fault(
      'config-invalid',
      'The data folder cannot be written; set SANAD_DATA_DIR to a folder that can.',
      {
        fields: { folder },
        cause,
      },
    );
  }
}

function diskFull(folder: string, cause: unknown): Fault {
  return new Fault('disk-full', 'The disk is full; free some space and start again.', {
    fields: { folder },
    cause,
  });
}

/** Says what to do about a failure of the first statements on a database. */
function explain(error: unknown, config: Config): unknown {
  if (error instanceof Fault) return error;
  if (['ENOSPC', '53100'].includes(sqlState(error) ?? ''))
    return diskFull(config.dataFolder, error);
  if (isUnreachable(error)) {
    return new Fault(
      'database-unreachable',
      'The database cannot be reached; check that it runs and that DATABASE_URL is right.',
      {
        fields: { reason: sqlState(error) ?? 'no connection' },
        cause: error,
      },
    );
  }
  return error;
}

/**
 * Opens the books, brings the schema and the reference data up to date. Close it when done. With `keepRunning` the
 * embedded server is started again when it dies, and stopped when the books are closed.
 */
export async function openBooks(
  config: Config,
  connectionsMax = 10,
  keepRunning?: { readonly log: Log },
): Promise<Books> {
  await prepareDataFolder(config.dataFolder);
  let postgres: EmbeddedPostgres | undefined;
  let database: Database | undefined;
  try {
    if (config.databaseUrl === undefined)
      postgres = await startEmbeddedPostgres(
        path.join(config.dataFolder, 'postgres'),
        {},
        keepRunning,
      );
    database = openDatabase({ url: config.databaseUrl ?? postgres?.url ?? '', connectionsMax });
    await migrate(database);
    const now = systemClock.now();
    const yearOn = new Date(now.getTime() + 366 * 86_400_000);
    await database.query(sql`select ensure_journal_partitions(${now}::date, ${yearOn}::date)`);
    await importReferenceData(
      database,
      path.join(packageRoot, 'ledger', 'reference-data'),
      systemClock,
    );
  } catch (error) {
    await database?.close();
    await postgres?.stop();
    throw explain(error, config);
  }
  const open = database;
  return {
    database: open,
    ...(postgres === undefined ? {} : { postgres }),
    async close() {
      await open.close();
      await postgres?.stop();
    },
  };
}
