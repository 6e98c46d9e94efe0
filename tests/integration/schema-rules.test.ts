/**
 * The rules under which the same schema runs on one PostgreSQL and spread over a cluster (docs/adr/0002-schema.md),
 * read from the catalogue. Every rule is also shown to find a table or function that breaks it.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readPlacement, type Placement } from '../../bin/distribute.ts';
import { sql, type Queryable } from '../../kernel/database.ts';
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts';

let test: TestDatabase;
let placement: Placement;

beforeAll(async () => {
  test = await openTestDatabase();
  placement = await readPlacement();
});
afterAll(() => test.drop());

async function names(db: Queryable, statement: ReturnType<typeof sql>): Promise<string[]> {
  return (await db.query<{ name: string }>(statement)).map(({ name }) => name);
}

type Rule = (db: Queryable, where: Placement) => Promise<string[]>;

/** Every table of ours has one place, and every place a table. */
const everyTableHasAPlace: Rule = async (db, where) => {
  const placed = [...where.distributed, ...where.reference, ...where.local];
  const there = await names(
    db,
    sql`select c.relname as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')`,
  );
  return [
    ...there.filter((name) => !placed.includes(name)).map((name) => `${name} has no place`),
    ...placed.filter((name) => !there.includes(name)).map((name) => `${name} is no table`),
    ...placed
      .filter((name, at) => placed.indexOf(name) !== at)
      .map((name) => `${name} has two places`),
  ];
};

/** The shard is the first column of every primary key and unique index, partial ones and those of partitions too. */
const shardLeadsEveryKey: Rule = (db, { distributed }) =>
  names(
    db,
    sql`with spread as (
          select c.oid, c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname = any (${distributed}::text[])
          union all
          select i.inhrelid, c.relname from pg_inherits i join pg_class c on c.oid = i.inhparent
          where c.relnamespace = 'public'::regnamespace and c.relname = any (${distributed}::text[])
        )
        select x.indexrelid::regclass::text as name from spread s join pg_index x on x.indrelid = s.oid and x.indisunique
        left join pg_attribute a on a.attrelid = s.oid and a.attnum = x.indkey[0]
        where a.attname is distinct from 'shard_id'
        union all
        select s.relname || ' has no primary key' from spread s
        where not exists (select 1 from pg_index x where x.indrelid = s.oid and x.indisprimary)
        union all
        select s.relname || ' has no shard_id smallint not null' from spread s
        where not exists (select 1 from pg_attribute a where a.attrelid = s.oid and a.attname = 'shard_id'
          and a.atttypid = 'smallint'::regtype and a.attnotnull)
        order by 1`,
  );

/** Foreign keys stay in a shard, with the shard first on both sides, or point to a reference table. */
const foreignKeysStayInTheirGroup: Rule = async (db, where) => {
  const keys = await db.query<{
    name: string;
    from: string;
    to: string;
    from_first: string;
    to_first: string;
  }>(
    sql`select c.conname as name, f.relname as from, t.relname as to, fa.attname as from_first, ta.attname as to_first
        from pg_constraint c
        join pg_class f on f.oid = c.conrelid and not f.relispartition and f.relnamespace = 'public'::regnamespace
        join pg_class t on t.oid = c.confrelid
        join pg_attribute fa on fa.attrelid = f.oid and fa.attnum = c.conkey[1]
        join pg_attribute ta on ta.attrelid = t.oid and ta.attnum = c.confkey[1]
        where c.contype = 'f' and c.conparentid = 0`,
  );
  const placeOf = (table: string): string =>
    where.distributed.includes(table)
      ? 'distributed'
      : where.reference.includes(table)
        ? 'reference'
        : 'local';
  return keys
    .filter((key) => {
      const [from, to] = [placeOf(key.from), placeOf(key.to)];
      if (to === 'reference') return from === 'local';
      if (from !== to) return true;
      return (
        from === 'distributed' && (key.from_first !== 'shard_id' || key.to_first !== 'shard_id')
      );
    })
    .map(({ name }) => name);
};

/** Ids are made by the application: a sequence would be one place that all shards wait for. */
const noSequences: Rule = (db) =>
  names(
    db,
    sql`select c.relname as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
          and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')
        union all
        select a.attrelid::regclass::text || '.' || a.attname from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relnamespace = 'public'::regnamespace
        where a.attidentity <> ''
        order by 1`,
  );

/** The journal is partitioned by business date, which is part of each of its keys. */
const historyIsPartitioned: Rule = (db) =>
  names(
    db,
    sql`select t.name || ' is not partitioned by business_date' as name from unnest(array['journal_entry', 'posting']) as t (name)
        left join pg_class c on c.relname = t.name and c.relnamespace = 'public'::regnamespace
        left join pg_partitioned_table p on p.partrelid = c.oid and p.partstrat = 'r'
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
        where a.attname is distinct from 'business_date'
        union all
        select x.indexrelid::regclass::text from pg_partitioned_table p
        join pg_index x on x.indrelid = p.partrelid and x.indisunique
        where not exists (select 1 from pg_attribute a
          where a.attrelid = x.indrelid and a.attname = 'business_date' and a.attnum = any (x.indkey))`,
  );

/** What a function does to tables, as far as its text names them. */
function tablesNamed(source: string, where: Placement): string[] {
  const code = source.replace(/--.*$/gm, '');
  const after = [...code.matchAll(/\b(?:from|join|into|update|lock table|truncate)\s+([a-z_]+)/gi)];
  const tables = [...where.distributed, ...where.reference, ...where.local];
  return [...new Set(after.map(([, name = '']) => name))].filter((name) => tables.includes(name));
}

interface FunctionRow extends Record<string, unknown> {
  readonly name: string;
  readonly source: string;
  readonly language: string;
  readonly trigger: boolean;
  readonly first: string | null;
  readonly pinned: boolean;
}

/** Our functions; on a cluster, with the bodies that were moved aside instead of their wrappers. */
async function functions(db: Queryable): Promise<FunctionRow[]> {
  return db.query<FunctionRow>(
    sql`select p.proname as name, p.prosrc as source, l.lanname as language, p.prorettype = 'trigger'::regtype as trigger,
          case when p.proargtypes[0] = 'smallint'::regtype then p.proargnames[1] end as first, coalesce(array_to_string(p.proconfig, ',') like '%search_path%', false) as pinned
        from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace in (select oid from pg_namespace where nspname in ('public', 'inside'))
          and p.proname <> 'enter_shard' and p.prosrc not like '%inside.enter_shard(%'
          and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')`,
  );
}

/** A trigger looks at its own row or statement only. */
const triggersStayInTheirShard: Rule = async (db, where) => {
  const breaks: string[] = [];
  for (const each of (await functions(db)).filter(({ trigger }) => trigger))
    for (const table of tablesNamed(each.source, where))
      // Every node has the reference tables whole, so that a trigger on one of them may look into another.
      if (!where.reference.includes(table)) breaks.push(`${each.name} reads or writes ${table}`);
  return breaks;
};

/**
 * A function that reads or writes tables is PL/pgSQL with the shard as its first argument, names tables as they are,
 * and takes no lock wider than rows. What the application calls of them is routed.
 */
const functionsStayInTheirShard: Rule = async (db, where) => {
  const breaks: string[] = [];
  const all = (await functions(db)).filter(({ trigger }) => !trigger);
  for (const name of where.routedFunctions)
    if (!all.some((each) => each.name === name)) breaks.push(`${name} is no function`);
  for (const each of all) {
    if (/advisory|\block\s+table\b/i.test(each.source))
      breaks.push(`${each.name} takes wide locks`);
    const tables = tablesNamed(each.source, where);
    if (tables.length === 0) continue;
    if (each.first !== 'p_shard')
      breaks.push(`${each.name} touches ${tables.join(', ')} without p_shard`);
    if (each.language !== 'plpgsql') breaks.push(`${each.name} is not PL/pgSQL`);
    if (each.pinned || /\bpublic\./.test(each.source))
      breaks.push(`${each.name} does not take its tables from search_path`);
    const calledInside = all.some(
      (other) => other.name !== each.name && new RegExp(`\\b${each.name}\\(`).test(other.source),
    );
    if (!where.routedFunctions.includes(each.name) && !calledInside)
      breaks.push(`${each.name} is not routed`);
  }
  return breaks;
};

const RULES: Readonly<Record<string, Rule>> = {
  everyTableHasAPlace,
  shardLeadsEveryKey,
  foreignKeysStayInTheirGroup,
  noSequences,
  historyIsPartitioned,
  triggersStayInTheirShard,
  functionsStayInTheirShard,
};

/** Runs `work` in a transaction that is never kept. */
async function tried(work: (tx: Queryable) => Promise<void>): Promise<void> {
  const undo = new Error('undo');
  await test.database
    .transaction(async (tx) => {
      await work(tx);
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
}

describe('the schema', () => {
  it.each(Object.keys(RULES))('keeps the rule %s', async (name) => {
    expect(await RULES[name]!(test.database, placement)).toEqual([]);
  });

  const spread = (...tables: string[]): Placement => ({
    ...placement,
    distributed: [...placement.distributed, ...tables],
  });
  it.each<[string, string, () => Placement, string]>([
    [
      'everyTableHasAPlace',
      'create table stray (a integer)',
      () => placement,
      'stray has no place',
    ],
    ['everyTableHasAPlace', '', () => spread('gone'), 'gone is no table'],
    ['everyTableHasAPlace', '', () => spread('participant'), 'participant has two places'],
    [
      'shardLeadsEveryKey',
      'create table bad (shard_id smallint not null, id bigint primary key)',
      () => spread('bad'),
      'bad_pkey',
    ],
    [
      'shardLeadsEveryKey',
      'create table bad (shard_id smallint not null, id bigint, primary key (shard_id, id)); create unique index bad_once on bad (id) where id > 5',
      () => spread('bad'),
      'bad_once',
    ],
    [
      'shardLeadsEveryKey',
      'create table bad (shard_id integer not null, primary key (shard_id))',
      () => spread('bad'),
      'bad has no shard_id smallint not null',
    ],
    [
      'foreignKeysStayInTheirGroup',
      'create table base (shard_id smallint, id bigint unique, primary key (shard_id, id)); create table bad (shard_id smallint, id bigint references base (id), primary key (shard_id, id))',
      () => spread('base', 'bad'),
      'bad_id_fkey',
    ],
    [
      'foreignKeysStayInTheirGroup',
      'create table base (id bigint primary key); create table bad (shard_id smallint, id bigint references base (id), primary key (shard_id, id))',
      () => spread('bad'),
      'bad_id_fkey',
    ],
    ['noSequences', 'create table bad (id bigserial)', () => placement, 'bad_id_seq'],
    [
      'noSequences',
      'create table bad (id bigint generated always as identity)',
      () => placement,
      'bad.id',
    ],
    [
      'triggersStayInTheirShard',
      'create function bad() returns trigger language plpgsql as $$ begin perform 1 from stamp; return new; end $$',
      () => placement,
      'bad reads or writes stamp',
    ],
    [
      'functionsStayInTheirShard',
      'create function bad(p_shard smallint) returns void language plpgsql as $$ begin update stamp set state = state; end $$',
      () => placement,
      'bad is not routed',
    ],
    [
      'functionsStayInTheirShard',
      'create function bad(p_id bigint) returns void language plpgsql as $$ begin update stamp set state = state; end $$',
      () => placement,
      'bad touches stamp without p_shard',
    ],
    [
      'functionsStayInTheirShard',
      'create function bad(p_shard smallint) returns void language plpgsql as $$ begin perform pg_advisory_lock(1); end $$',
      () => placement,
      'bad takes wide locks',
    ],
  ])('finds by %s: %s', async (name, statement, where, expected) => {
    await tried(async (tx) => {
      if (statement !== '') await tx.query({ text: statement, values: [] });
      expect(await RULES[name]!(tx, where())).toContain(expected);
    });
  });
});
