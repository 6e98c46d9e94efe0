/** The tables of the worker: lease, outbox, planned and anchored batches, leaves, tiles and the confirmed head. */
import { onlyRow, prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { AnchorBatch, BatchNotice, ChainPosition } from './anchor-chain.ts';
import type { BatchPlan, IssuePlace, OutboxItem } from './plan-batch.ts';
import type { Tile, TileName } from './tiles.ts';

export interface Lease {
  readonly holder: string;
  readonly epoch: bigint;
}

/** Takes or renews the lease; undefined while another worker holds it. */
export async function takeLease(
  db: Queryable,
  holder: string,
  times: { readonly now: Date; readonly until: Date },
): Promise<Lease | undefined> {
  const [row] = await db.query<{ epoch: bigint }>(sql`
    update anchor_lease set epoch = case when holder = ${holder} then epoch else epoch + 1 end, holder = ${holder}, expires_at = ${times.until}
    where holder = ${holder} or expires_at <= ${times.now} returning epoch`);
  return row === undefined ? undefined : { holder, epoch: row.epoch };
}

/** Gives the lease back, if it is still held. */
export async function releaseLease(db: Queryable, lease: Lease): Promise<void> {
  await db.query(sql`
    update anchor_lease set expires_at = '2000-01-01Z' where holder = ${lease.holder} and epoch = ${lease.epoch}`);
}

/** Holds the lease against a taker until the transaction ends; a Fault `lease-lost` when it was taken over. */
export async function holdLease(tx: Queryable, lease: Lease): Promise<void> {
  const rows = await tx.query(sql`
    select 1 from anchor_lease where holder = ${lease.holder} and epoch = ${lease.epoch} for update`);
  if (rows.length !== 1)
    throw new Fault('lease-lost', 'Another worker has taken over the anchoring.');
}

/** Size of the log as far as it is confirmed. */
export async function anchoredSize(db: Queryable): Promise<bigint> {
  return onlyRow(await db.query<{ size: bigint }>(sql`select size from anchor_head`), 'anchor_head')
    .size;
}

/** Up to `limit` items in the order of the outbox. */
export async function outboxItems(db: Queryable, limit: number): Promise<OutboxItem[]> {
  return (
    await db.query<{
      shard_id: number;
      outbox_id: bigint;
      kind: OutboxItem['kind'];
      stamp_id: string;
      at: Date;
      amount_paisa: bigint;
      payment_commitment: Buffer | null;
      commitment: Buffer;
      log_size: bigint;
    }>(
      prepared(
        'anchoring_outbox',
        sql`select shard_id, outbox_id, kind, stamp_id, at, amount_paisa, payment_commitment, commitment, log_size
            from outbox order by shard_id, outbox_id limit ${limit}`,
      ),
    )
  ).map((row) => ({
    shard: row.shard_id,
    id: row.outbox_id,
    kind: row.kind,
    stampId: row.stamp_id,
    at: row.at,
    amountPaisa: row.amount_paisa,
    paymentCommitment: row.payment_commitment,
    commitment: row.commitment,
    logSize: row.log_size,
  }));
}

/** Where these stamps were issued in the log; a stamp that the log does not know is absent. */
export async function issuePlaces(
  db: Queryable,
  stampIds: readonly string[],
): Promise<Map<string, IssuePlace>> {
  if (stampIds.length === 0) return new Map();
  const rows = await db.query<{ stamp_id: string; leaf_index: bigint; batch_start: bigint }>(sql`
    select stamp_id, leaf_index, batch_start from log_leaf where kind = 'issue' and stamp_id = any(${stampIds}::text[])`);
  return new Map(
    rows.map((row) => [row.stamp_id, { leafIndex: row.leaf_index, batchStart: row.batch_start }]),
  );
}

/** Moves a plan from the outbox into the log's tables, as a batch that is planned and not yet appended. */
export async function storePlan(
  tx: Queryable,
  plan: BatchPlan,
  batch: { readonly start: bigint; readonly root: Uint8Array; readonly plannedAt: Date },
): Promise<void> {
  const deleted = await tx.query(sql`
    delete from outbox o using unnest(${plan.taken.map((item) => item.shard)}::smallint[], ${plan.taken.map((item) => item.id)}::bigint[]) as t (shard_id, outbox_id)
    where o.shard_id = t.shard_id and o.outbox_id = t.outbox_id returning 1`);
  if (deleted.length !== plan.taken.length) {
    throw new Fault('conflict', 'Items of the outbox vanished while a batch was planned.');
  }
  await tx.query(sql`
    insert into anchor_batch (batch_start, entry_count, root, issue_batches, planned_at)
    values (${batch.start}, ${plan.leaves.length}, ${batch.root}, ${plan.issueBatches}::bigint[], ${batch.plannedAt})`);
  await tx.query(sql`
    insert into log_leaf (leaf_index, entry, leaf_hash, shard_id, stamp_id, kind, batch_start)
    select ${batch.start}::bigint + t.position - 1, t.entry, t.leaf_hash, t.shard_id, t.stamp_id, t.kind, ${batch.start}
    from unnest(${plan.leaves.map((leaf) => leaf.entry)}::bytea[], ${plan.leaves.map((leaf) => leaf.leafHash)}::bytea[],
      ${plan.leaves.map((leaf) => leaf.shard)}::smallint[], ${plan.leaves.map((leaf) => leaf.stampId)}::text[],
      ${plan.leaves.map((leaf) => leaf.kind)}::text[]) with ordinality as t (entry, leaf_hash, shard_id, stamp_id, kind, position)`);
}

/** The batch that was planned and is not confirmed yet; at most one. */
export async function plannedBatch(db: Queryable): Promise<AnchorBatch | undefined> {
  const [row] = await db.query<{
    batch_start: bigint;
    root: Buffer;
    issue_batches: bigint[];
    entries: Buffer;
  }>(sql`
    select b.batch_start, b.root, b.issue_batches,
      (select string_agg(l.entry, ''::bytea order by l.leaf_index) from log_leaf l
       where l.leaf_index >= b.batch_start and l.leaf_index < b.batch_start + b.entry_count) as entries
    from anchor_batch b where b.state = 'planned'`);
  if (row === undefined) return undefined;
  return {
    start: row.batch_start,
    entries: row.entries,
    expectedRoot: row.root,
    issueBatches: row.issue_batches,
  };
}

/** The root of the log after its last confirmed batch; undefined for an empty log. */
export async function lastAnchoredRoot(db: Queryable): Promise<Uint8Array | undefined> {
  const [row] = await db.query<{ root: Buffer }>(sql`
    select root from anchor_batch where state = 'anchored' order by batch_start desc limit 1`);
  return row?.root;
}

/** The named tiles, as far as they exist. */
export async function findTiles(db: Queryable, names: readonly TileName[]): Promise<Tile[]> {
  if (names.length === 0) return [];
  const rows = await db.query<{ level: number; tile_index: bigint; hashes: Buffer }>(
    prepared(
      'anchoring_tiles',
      sql`select t.level, t.tile_index, t.hashes from log_tile t
          join unnest(${names.map((name) => name.level)}::smallint[], ${names.map((name) => name.index)}::bigint[]) as n (level, tile_index)
            on n.level = t.level and n.tile_index = t.tile_index`,
    ),
  );
  return rows.map((row) => ({ level: row.level, index: row.tile_index, hashes: row.hashes }));
}

/** Writes tiles; an unfinished one is replaced by its longer form. */
export async function putTiles(tx: Queryable, tiles: readonly Tile[]): Promise<void> {
  await tx.query(sql`
    insert into log_tile (level, tile_index, hashes)
    select * from unnest(${tiles.map((tile) => tile.level)}::smallint[], ${tiles.map((tile) => tile.index)}::bigint[], ${tiles.map((tile) => tile.hashes)}::bytea[])
    on conflict (level, tile_index) do update set hashes = excluded.hashes`);
}

export interface Confirmation {
  readonly start: bigint;
  readonly end: bigint;
  readonly reference: string;
  readonly checkpoint: string;
  readonly at: Date;
}

/** Marks a planned batch as anchored and moves the confirmed head; false when it was confirmed before. */
export async function confirmBatch(tx: Queryable, confirmation: Confirmation): Promise<boolean> {
  const { start, end, reference, checkpoint, at } = confirmation;
  const rows = await tx.query(sql`
    update anchor_batch set state = 'anchored', anchored_at = ${at}, reference = ${reference}, checkpoint = ${checkpoint}
    where batch_start = ${start} and state = 'planned' returning 1`);
  if (rows.length === 0) return false;
  const moved = await tx.query(
    sql`update anchor_head set size = ${end} where size = ${start} returning 1`,
  );
  if (moved.length !== 1) {
    throw new Fault('conflict', 'The confirmed head of the log is not the start of the batch.');
  }
  return true;
}

/** Stamps issued and not yet in the log as confirmed: in the outbox, or in a batch on its way; and since when. */
export async function findLag(
  db: Queryable,
): Promise<{ readonly stamps: number; readonly oldest: Date | undefined }> {
  const rows = await db.query<{ stamps: bigint; oldest: Date | null }>(sql`
    select count(*) as stamps, min(at) as oldest from (
      select at from outbox where kind = 'issue'
      union all
      select b.planned_at from anchor_batch b join log_leaf l
        on l.leaf_index >= b.batch_start and l.leaf_index < b.batch_start + b.entry_count
      where b.state = 'planned' and l.kind = 'issue') waiting`);
  const { stamps, oldest } = onlyRow(rows, 'lag');
  return { stamps: Number(stamps), oldest: oldest ?? undefined };
}

/** Keeps what the chain told of a batch; the first word stands. */
export async function insertNotice(
  db: Queryable,
  notice: BatchNotice,
  notedAt: Date,
): Promise<void> {
  await db.query(sql`
    insert into chain_notice (batch_start, entry_count, root, block_number, transaction_id, noted_at)
    values (${notice.start}, ${notice.count}, ${notice.head.root}, ${notice.at.blockNumber}, ${notice.at.transactionId}, ${notedAt})
    on conflict (batch_start) do nothing`);
}

/** Where the last notice stood in the chain; undefined before the first. */
export async function lastNotice(db: Queryable): Promise<ChainPosition | undefined> {
  const [row] = await db.query<{ block_number: bigint; transaction_id: string }>(sql`
    select block_number, transaction_id from chain_notice order by batch_start desc limit 1`);
  return row === undefined
    ? undefined
    : { blockNumber: row.block_number, transactionId: row.transaction_id };
}

/** The record of a batch: planned or anchored; undefined when there is none. */
export async function batchRecord(
  db: Queryable,
  start: bigint,
): Promise<{ readonly count: number; readonly root: Uint8Array } | undefined> {
  const [row] = await db.query<{ entry_count: number; root: Buffer }>(
    sql`select entry_count, root from anchor_batch where batch_start = ${start}`,
  );
  return row === undefined ? undefined : { count: row.entry_count, root: row.root };
}
