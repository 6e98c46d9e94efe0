/** What the audit of the log reads, in pages, so that its memory does not grow with the log. */
import { onlyRow, sql, type Queryable } from '../../kernel/database.ts';
import type { Tile } from './tiles.ts';

export interface AuditedLeaf {
  readonly index: bigint;
  readonly entry: Buffer;
  readonly leafHash: Buffer;
  readonly shard: number;
  readonly stampId: string;
  readonly kind: string;
  readonly batchStart: bigint;
}

/** A reader of rows in the order of an index: `at` gives the row of an index, passing by all rows before it. */
export class OrderedRows<R extends { readonly index: bigint }> {
  readonly #fetch: (from: bigint) => Promise<R[]>;
  #page: R[] = [];
  #position = 0;
  #from: bigint;
  #ended = false;

  constructor(fetch: (from: bigint) => Promise<R[]>, first = 0n) {
    this.#fetch = fetch;
    this.#from = first;
  }

  /** The next row without passing it; undefined after the last. */
  async peek(): Promise<R | undefined> {
    if (this.#position === this.#page.length && !this.#ended) {
      this.#page = await this.#fetch(this.#from);
      this.#position = 0;
      const last = this.#page.at(-1);
      if (last === undefined) this.#ended = true;
      else this.#from = last.index + 1n;
    }
    return this.#page[this.#position];
  }

  /** The row of this index when it is the next one and already read: `at` without waiting. */
  ready(index: bigint): R | undefined {
    const row = this.#page[this.#position];
    if (row?.index !== index) return undefined;
    this.#position += 1;
    return row;
  }

  /** The row of this index, or undefined when there is none; indexes must be asked for in rising order. */
  async at(index: bigint): Promise<R | undefined> {
    for (;;) {
      const row = await this.peek();
      if (row === undefined || row.index > index) return undefined;
      this.#position += 1;
      if (row.index === index) return row;
    }
  }
}

/** The leaves in order, from an index on. */
export function leafRows(db: Queryable, first = 0n): OrderedRows<AuditedLeaf> {
  return new OrderedRows(async (from) => {
    const rows = await db.query<{
      leaf_index: bigint;
      entry: Buffer;
      leaf_hash: Buffer;
      shard_id: number;
      stamp_id: string;
      kind: string;
      batch_start: bigint;
    }>(sql`select leaf_index, entry, leaf_hash, shard_id, stamp_id, kind, batch_start from log_leaf
           where leaf_index >= ${from} order by leaf_index limit 5000`);
    return rows.map((row) => ({
      index: row.leaf_index,
      entry: row.entry,
      leafHash: row.leaf_hash,
      shard: row.shard_id,
      stampId: row.stamp_id,
      kind: row.kind,
      batchStart: row.batch_start,
    }));
  }, first);
}

/** The tiles of one level in order. */
export function tileRows(db: Queryable, level: number): OrderedRows<Tile> {
  return new OrderedRows(async (from) => {
    const rows = await db.query<{ tile_index: bigint; hashes: Buffer }>(sql`
      select tile_index, hashes from log_tile where level = ${level} and tile_index >= ${from} order by tile_index limit 64`);
    return rows.map((row) => ({ level, index: row.tile_index, hashes: row.hashes }));
  });
}

export interface BatchRecord {
  /** Where the batch starts. */
  readonly index: bigint;
  readonly entryCount: number;
  readonly root: Buffer;
  readonly issueBatches: readonly bigint[];
  readonly checkpoint: string | null;
}

/** The records of the batches in order. */
export function batchRecords(db: Queryable): OrderedRows<BatchRecord> {
  return new OrderedRows(async (from) => {
    const rows = await db.query<{
      batch_start: bigint;
      entry_count: number;
      root: Buffer;
      issue_batches: bigint[];
      checkpoint: string | null;
    }>(sql`select batch_start, entry_count, root, issue_batches, checkpoint from anchor_batch
           where batch_start >= ${from} order by batch_start limit 500`);
    return rows.map((row) => ({
      index: row.batch_start,
      entryCount: row.entry_count,
      root: row.root,
      issueBatches: row.issue_batches,
      checkpoint: row.checkpoint,
    }));
  });
}

/** Notices of the chain that name a batch which is not recorded here, or is another one; at most 1,000. */
export async function strangeNotices(
  db: Queryable,
): Promise<{ readonly start: bigint; readonly differs: boolean }[]> {
  return db.query<{ start: bigint; differs: boolean }>(sql`
    select n.batch_start as start, b.batch_start is not null as differs
    from chain_notice n left join anchor_batch b using (batch_start)
    where (b.entry_count, b.root) is distinct from (n.entry_count, n.root) order by 1 limit 1000`);
}

/** The SHA-256 of the values of these keys of the world state; a key without a value is absent. */
export async function stateHashes(
  db: Queryable,
  keys: readonly string[],
): Promise<Map<string, Buffer>> {
  const rows = await db.query<{ key: string; hash: Buffer }>(sql`
    select key, sha256(value) as hash from chain_state where key = any(${keys}::text[])`);
  return new Map(rows.map((row) => [row.key, row.hash]));
}

/** Up to 5,000 once-only keys after a key, in order. */
export async function lifeRows(
  db: Queryable,
  after: string,
): Promise<{ key: string; value: Buffer }[]> {
  return db.query(sql`
    select key, value from chain_state where key > ${after} and key >= 'life:' and key < 'life;' order by key limit 5000`);
}

export interface LogCounts {
  readonly stateKeys: bigint;
  readonly batchRecords: bigint;
  readonly confirmedSize: bigint;
  /** Start and end of the batch that is on its way, if there is one. */
  readonly planned: { readonly start: bigint; readonly end: bigint } | undefined;
}

/** Totals to compare with. */
export async function logCounts(db: Queryable): Promise<LogCounts> {
  const row = onlyRow(
    await db.query<{
      state_keys: bigint;
      batch_records: bigint;
      size: bigint;
      planned_start: bigint | null;
      planned_count: number | null;
    }>(sql`
      select (select count(*) from chain_state) as state_keys, (select count(*) from anchor_batch) as batch_records,
        coalesce((select size from anchor_head), 0) as size, p.batch_start as planned_start, p.entry_count as planned_count
      from (select 1) one left join anchor_batch p on p.state = 'planned'`),
    'log counts',
  );
  return {
    stateKeys: row.state_keys,
    batchRecords: row.batch_records,
    confirmedSize: row.size,
    planned:
      row.planned_start === null
        ? undefined
        : { start: row.planned_start, end: row.planned_start + BigInt(row.planned_count ?? 0) },
  };
}
