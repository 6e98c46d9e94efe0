/** Makes a migrated database ready for histories: a clock that the world sets, a planted bug, empty books. */
import path from 'node:path';
import { openDatabase, sql, type Database } from '../../kernel/database.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import type { Clock } from '../../kernel/clock.ts';
import { importReferenceData } from '../../ledger/index.ts';
import { plantBug, type Plant } from './plants.ts';

/**
 * `now()` is found in the schema `simulated` before PostgreSQL's own, so that leases expire by the world's time.
 * The product's statements need no change for it.
 */
const CLOCK = `
create schema simulated;
create function simulated.now() returns timestamptz language sql stable
  as $$ select current_setting('simulated.now')::timestamptz $$;
do $$ begin
  execute format('alter database %I set search_path = simulated, public, pg_catalog', current_database());
  -- Histories come and go by the second; nothing here outlives the run.
  execute format('alter database %I set synchronous_commit = off', current_database());
end $$;`;

/** Brings the heads of account and districts that every history's challans name. */
export async function importReference(database: Database, clock: Clock): Promise<void> {
  await importReferenceData(database, path.join(packageRoot, 'ledger', 'reference-data'), clock);
}

/** Prepares a database that was migrated and has its reference data; connections opened afterwards see it so. */
export async function prepareDatabase(url: string, plant: Plant | undefined): Promise<void> {
  const database = openDatabase({ url, connectionsMax: 1 });
  try {
    await database.script(CLOCK);
    if (plant !== undefined) await plantBug(database, plant);
  } finally {
    await database.close();
  }
}

/** Empties every table that a history fills, whatever guards them, so that the next one begins with empty books. */
export async function emptyBooks(database: Database): Promise<void> {
  const tables = await database.query<{ name: string }>(sql`
    select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
      and (c.relname = 'participant' or exists (
        select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'shard_id' and a.attnum > 0))
    order by c.relname = 'participant'`);
  const deletes = tables.map(({ name }) => `delete from public.${name};`).join('\n');
  await database.script(
    `begin;\nset local session_replication_role = replica;\n${deletes}\ncommit;`,
  );
}
