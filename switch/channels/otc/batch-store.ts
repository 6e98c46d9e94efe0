/**
 * Rows of tills and batches. One function per statement. A batch lies in the home shard of its till, which is in every
 * statement about it, so that a cluster asks one node.
 */
import { createHash } from 'node:crypto';
import type { BusinessDate } from '../../../kernel/clock.ts';
import { sql, type Queryable, type Row } from '../../../kernel/database.ts';
import type { Paisa } from '../../../kernel/money.ts';

/** A till of a participant's branch. */
export interface Till {
  readonly participant: string;
  readonly branch: string;
  readonly till: string;
}

/** What names a batch. */
export interface BatchKey {
  /** The home shard of its till, 0 to 99. */
  readonly shard: number;
  readonly id: bigint;
}

export interface Batch extends Till, BatchKey {
  readonly businessDate: BusinessDate;
  /** Counts the batches of the till in one day. */
  readonly number: number;
  readonly teller: string;
  readonly state: 'open' | 'closing' | 'closed';
  /** The user name that signed in. */
  readonly username: string;
}

/** What entries come to. */
export interface Totals {
  readonly count: number;
  readonly cash: bigint;
  readonly cheque: bigint;
}

/** The home shard of a till: chosen by its names, and the same for ever. */
export function homeShard({ participant, branch, till }: Till): number {
  return (
    createHash('sha256').update(`${participant}|${branch}|${till}`).digest().readUInt32BE(0) % 100
  );
}

interface BatchRow extends Row {
  readonly shard_id: number;
  readonly batch_id: bigint;
  readonly participant_code: string;
  readonly branch: string;
  readonly till: string;
  readonly business_date: string;
  readonly batch_no: number;
  readonly teller: string;
  readonly state: 'open' | 'closing' | 'closed';
  readonly session_username: string | null;
}

function batchOf(row: BatchRow): Batch {
  return {
    shard: row.shard_id,
    id: row.batch_id,
    participant: row.participant_code,
    branch: row.branch,
    till: row.till,
    businessDate: row.business_date,
    number: row.batch_no,
    teller: row.teller,
    state: row.state,
    username: row.session_username ?? '',
  };
}

/** Adds a till, or leaves it as it is. */
export async function insertTill(db: Queryable, till: Till, at: Date): Promise<void> {
  await db.query(
    sql`insert into otc_till (participant_code, branch, till, created_at)
        values (${till.participant}, ${till.branch}, ${till.till}, ${at})
        on conflict (participant_code, branch, till) do nothing`,
  );
}

/** Takes the lock of a till until the transaction ends; false when there is no such active till. */
export async function lockTill(tx: Queryable, till: Till): Promise<boolean> {
  const rows = await tx.query(
    sql`select 1 from otc_till
        where participant_code = ${till.participant} and branch = ${till.branch} and till = ${till.till} and active
        for update`,
  );
  return rows.length > 0;
}

/** The batch of a till that is not closed. */
export async function findLivingBatch(db: Queryable, till: Till): Promise<Batch | undefined> {
  const rows = await db.query<BatchRow>(
    sql`select shard_id, batch_id, participant_code, branch, till, business_date, batch_no, teller, state, session_username
        from otc_batch
        where shard_id = ${homeShard(till)} and participant_code = ${till.participant} and branch = ${till.branch}
          and till = ${till.till} and state <> 'closed'`,
  );
  return rows.map(batchOf)[0];
}

/** Opens the next batch of a till on a day. */
export async function insertBatch(
  tx: Queryable,
  batch: Till & {
    readonly id: bigint;
    readonly businessDate: BusinessDate;
    readonly teller: string;
  },
  at: Date,
): Promise<void> {
  const shard = homeShard(batch);
  await tx.query(
    sql`insert into otc_batch (shard_id, batch_id, participant_code, branch, till, business_date, batch_no, teller, opened_at)
        select ${shard}::smallint, ${batch.id}::bigint, ${batch.participant}::text, ${batch.branch}::text, ${batch.till}::text,
          ${batch.businessDate}::date, coalesce(max(b.batch_no), 0) + 1, ${batch.teller}::text, ${at}::timestamptz
        from otc_batch b
        where b.shard_id = ${shard} and b.participant_code = ${batch.participant} and b.branch = ${batch.branch} and b.till = ${batch.till}
          and b.business_date = ${batch.businessDate}`,
  );
}

/** Gives a batch its session, in place of any before. */
export async function setSession(
  tx: Queryable,
  batch: BatchKey,
  session: { readonly hash: Uint8Array; readonly username: string; readonly until: Date },
): Promise<void> {
  await tx.query(
    sql`update otc_batch set session_hash = ${session.hash}, session_username = ${session.username}, session_until = ${session.until}
        where shard_id = ${batch.shard} and batch_id = ${batch.id}`,
  );
}

/** Ends the session of a batch, which stays as it is. */
export async function clearSession(db: Queryable, batch: BatchKey): Promise<void> {
  await db.query(
    sql`update otc_batch set session_hash = null, session_username = null, session_until = null where shard_id = ${batch.shard} and batch_id = ${batch.id}`,
  );
}

/** The batch whose teller holds this token. */
export async function findBySession(
  db: Queryable,
  session: { readonly shard: number; readonly hash: Uint8Array },
  now: Date,
): Promise<Batch | undefined> {
  const rows = await db.query<BatchRow>(
    sql`select shard_id, batch_id, participant_code, branch, till, business_date, batch_no, teller, state, session_username
        from otc_batch where shard_id = ${session.shard} and session_hash = ${session.hash} and session_until > ${now}`,
  );
  return rows.map(batchOf)[0];
}

/** The next serial of an open batch; undefined when it is not open. Entries of one batch follow each other here. */
export async function nextSerial(tx: Queryable, batch: BatchKey): Promise<number | undefined> {
  const rows = await tx.query<{ last_serial: number }>(
    sql`update otc_batch set last_serial = last_serial + 1 where shard_id = ${batch.shard} and batch_id = ${batch.id} and state = 'open' returning last_serial`,
  );
  return rows[0]?.last_serial;
}

/** Takes the lock of an open batch until the transaction ends; false when it is not open. */
export async function lockOpenBatch(tx: Queryable, batch: BatchKey): Promise<boolean> {
  const rows = await tx.query(
    sql`select 1 from otc_batch where shard_id = ${batch.shard} and batch_id = ${batch.id} and state = 'open' for update`,
  );
  return rows.length > 0;
}

/** Stops new entries; false when the batch is closed. */
export async function beginClosing(db: Queryable, batch: BatchKey): Promise<boolean> {
  const rows = await db.query(
    sql`update otc_batch set state = 'closing' where shard_id = ${batch.shard} and batch_id = ${batch.id} and state <> 'closed' returning 1 as done`,
  );
  return rows.length > 0;
}

/** Takes entries again after a closing that did not agree. */
export async function reopenBatch(db: Queryable, batch: BatchKey): Promise<void> {
  await db.query(
    sql`update otc_batch set state = 'open' where shard_id = ${batch.shard} and batch_id = ${batch.id} and state = 'closing'`,
  );
}

/** Closes a batch with both totals and ends its session. */
export async function closeBatch(
  db: Queryable,
  batch: BatchKey,
  closing: {
    readonly declared: { readonly count: number; readonly cash: Paisa; readonly cheque: Paisa };
    readonly posted: Totals;
    readonly at: Date;
  },
): Promise<void> {
  const { declared, posted, at } = closing;
  await db.query(
    sql`update otc_batch
        set state = 'closed', closed_at = ${at}, session_hash = null, session_username = null, session_until = null,
          declared_count = ${declared.count}, declared_cash_paisa = ${declared.cash}, declared_cheque_paisa = ${declared.cheque},
          posted_count = ${posted.count}, posted_cash_paisa = ${posted.cash}, posted_cheque_paisa = ${posted.cheque}
        where shard_id = ${batch.shard} and batch_id = ${batch.id} and state = 'closing'`,
  );
}
