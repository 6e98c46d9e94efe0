/**
 * Spreads the books over the nodes of a Citus cluster: what `migrations/distributed/` says, step by step. Each step is
 * skipped when it was done before, so a run that was cut off is finished by the next one.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { onlyRow, sql, sqlState, type Database, type Queryable } from '../kernel/database.ts';
import { Fault } from '../kernel/fault.ts';
import { packageRoot } from '../kernel/package-root.ts';

const FOLDER = path.join(packageRoot, 'migrations', 'distributed');

const names = z.array(z.string().regex(/^[a-z_]+$/)).readonly();
const placementSchema = z.strictObject({
  /** Spread by `shard_id`; the rows of one shard are on one node. */
  distributed: names,
  /** Small; a whole copy on every node. */
  reference: names,
  /** On the coordinator only: what is one for all shards. */
  local: names,
  /** Functions that run on the node of their first argument, `p_shard`. */
  routedFunctions: names,
});

/** Where every table of the schema belongs on Citus; partitions go with their parent. */
export type Placement = z.infer<typeof placementSchema>;

/** Reads `migrations/distributed/tables.json`. */
export async function readPlacement(): Promise<Placement> {
  return placementSchema.parse(
    JSON.parse(await readFile(path.join(FOLDER, 'tables.json'), 'utf8')),
  );
}

export interface Distribution {
  /** The extension's version. */
  readonly citus: string;
  /** Nodes that hold shards, as `host:port`. */
  readonly nodes: readonly string[];
  /** What this run did, in order; empty when everything was in place. */
  readonly done: readonly string[];
}

async function ensureExtension(db: Queryable): Promise<string> {
  const version = async (): Promise<string | undefined> => {
    const rows = await db.query<{ version: string }>(
      sql`select extversion as version from pg_extension where extname = 'citus'`,
    );
    return rows[0]?.version;
  };
  const there = await version();
  if (there !== undefined) return there;
  try {
    await db.query(sql`create extension citus`);
  } catch (cause) {
    throw new Fault(
      'config-invalid',
      'The extension citus cannot be created in this database: install Citus on every node, put it in shared_preload_libraries, and let the role of DATABASE_URL create it.',
      { fields: { reason: sqlState(cause) ?? 'unknown' }, cause },
    );
  }
  return (await version()) ?? '';
}

async function shardNodes(db: Queryable): Promise<string[]> {
  const [row] = await db.query<{ is_coordinator: boolean }>(
    sql`select groupid = 0 as is_coordinator from pg_dist_local_group`,
  );
  if (row?.is_coordinator === false)
    throw new Fault('config-invalid', 'DATABASE_URL is a worker; give the Citus coordinator.');
  const nodes = await db.query<{ node: string }>(
    sql`select nodename || ':' || nodeport as node from pg_dist_node
        where isactive and shouldhaveshards and noderole = 'primary' order by 1`,
  );
  return nodes.map(({ node }) => node);
}

async function refuseUnknownTables(db: Queryable, placement: Placement): Promise<void> {
  const known = [...placement.distributed, ...placement.reference, ...placement.local];
  const rows = await db.query<{ name: string }>(
    sql`select c.relname as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and c.relname <> all (${known}::text[]) and not exists (
            select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1`,
  );
  if (rows.length > 0) {
    throw new Fault('internal', 'Tables are missing in migrations/distributed/tables.json.', {
      fields: { tables: rows.map(({ name }) => name).join(', ') },
    });
  }
}

async function isSpread(db: Queryable, table: string): Promise<boolean> {
  const rows = await db.query<{ spread: boolean }>(
    sql`select scale_out.is_spread(${table}) as spread`,
  );
  return onlyRow(rows, 'is_spread').spread;
}

async function spreadTables(
  db: Queryable,
  placement: Placement,
  shards: number,
): Promise<string[]> {
  const done: string[] = [];
  const both = [...placement.reference, ...placement.distributed];
  const lifted = await db.query<{ count: number }>(
    sql`select scale_out.lift_foreign_keys(${both}::text[]) as count`,
  );
  if (onlyRow(lifted, 'lifted').count > 0)
    done.push(`lifted ${onlyRow(lifted, 'lifted').count.toString()} foreign keys`);
  for (const table of placement.reference) {
    if (await isSpread(db, table)) continue;
    await db.query(sql`select create_reference_table(${table}::regclass)`);
    done.push(`copied ${table} to every node`);
  }
  // `account` is the table that the others are placed with.
  const ordered = ['account', ...placement.distributed.filter((table) => table !== 'account')];
  for (const table of ordered) {
    if (await isSpread(db, table)) continue;
    await (table === 'account'
      ? db.query(
          sql`select create_distributed_table('account', 'shard_id', shard_count := ${shards}::integer, colocate_with := 'none')`,
        )
      : db.query(
          sql`select create_distributed_table(${table}::regclass, 'shard_id', colocate_with := 'account')`,
        ));
    done.push(`spread ${table} by shard_id`);
  }
  const emptied = await db.query<{ name: string }>(
    sql`select name from scale_out.drop_left_behind() as x(name)`,
  );
  done.push(...emptied.map(({ name }) => `emptied the coordinator's own copy of ${name}`));
  for (;;) {
    const rows = await db.query<{ name: string | null }>(
      sql`select scale_out.return_foreign_key() as name`,
    );
    const { name } = onlyRow(rows, 'foreign key');
    if (name === null) return done;
    done.push(`made foreign key ${name} again`);
  }
}

async function placeFunctions(db: Queryable, placement: Placement): Promise<string[]> {
  const done: string[] = [];
  const copied = await db.query<{ name: string }>(
    sql`select name from scale_out.copy_functions(${placement.routedFunctions}::text[]) as x(name)`,
  );
  done.push(...copied.map(({ name }) => `copied function ${name} to every node`));
  for (const name of placement.routedFunctions) {
    const rows = await db.query<{ changed: boolean }>(
      sql`select scale_out.route_function(${name}) as changed`,
    );
    if (onlyRow(rows, name).changed) done.push(`routed function ${name} by its shard`);
  }
  return done;
}

async function refuseUnrouted(db: Queryable, placement: Placement): Promise<void> {
  const rows = await db.query<{ name: string }>(
    sql`select p.proname as name from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.proname = any (${placement.routedFunctions}::text[])
        group by 1 having count(*) > 1`,
  );
  if (rows.length > 0) {
    throw new Fault('internal', 'A routed function must have one form only.', {
      fields: { functions: rows.map(({ name }) => name).join(', ') },
    });
  }
}

/** Forgets the shards' views of every node before the schema changes; does nothing where the books are not spread. */
export async function forgetShardViews(db: Queryable): Promise<void> {
  const rows = await db.query<{ there: boolean }>(
    sql`select to_regprocedure('scale_out.forget_views()') is not null as there`,
  );
  if (onlyRow(rows, 'forget_views').there) await db.query(sql`select scale_out.forget_views()`);
}

/**
 * Spreads migrated books over the cluster whose coordinator `database` is; `shards` is the number of pieces, which
 * caps the number of nodes (32 when absent). Nobody may post meanwhile. Faults: `config-invalid` when Citus is not
 * there or the database is a worker, `internal` when a table has no place in the list.
 */
export async function distributeOnCitus(
  database: Database,
  { shards = 32 }: { readonly shards?: number } = {},
): Promise<Distribution> {
  const placement = await readPlacement();
  const script = await readFile(path.join(FOLDER, 'citus.sql'), 'utf8');
  return database.session(async (db) => {
    const citus = await ensureExtension(db);
    const nodes = await shardNodes(db);
    await refuseUnknownTables(db, placement);
    await refuseUnrouted(db, placement);
    // Triggers of ours look at the row or statement at hand only, which is what Citus asks us to promise.
    await db.query({
      text: `do $$ begin execute format('alter database %I set citus.enable_unsafe_triggers to on', current_database()); end $$`,
      values: [],
    });
    await db.query(sql`set citus.enable_unsafe_triggers to on`);
    await db.query(sql`set client_min_messages to warning`);
    try {
      await db.query({ text: script, values: [] });
      await forgetShardViews(db);
      const tables = await spreadTables(db, placement, shards);
      const functions = await placeFunctions(db, placement);
      return { citus, nodes, done: [...tables, ...functions] };
    } finally {
      await db.query(sql`reset client_min_messages`).catch(() => undefined);
    }
  });
}
