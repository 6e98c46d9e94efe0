/** Rows of a till's entries. One function per statement. */
import type { BusinessDate } from '../../../kernel/clock.ts';
import { onlyRow, sql, type Queryable, type Row } from '../../../kernel/database.ts';
import type { Psid } from '../../../kernel/ids.ts';
import { paisa, type Paisa } from '../../../kernel/money.ts';
import type { BatchKey, Totals } from './batch-store.ts';
import type { Cheque } from './codec.ts';

export type EntryState = 'pending' | 'posted' | 'refused' | 'voiding' | 'void';

export interface Entry {
  /** The home shard of its till, which is that of its batch. */
  readonly shard: number;
  readonly batchId: bigint;
  readonly serial: number;
  readonly participant: string;
  readonly requestKey: string;
  readonly psid: Psid;
  readonly amount: Paisa;
  /** Absent: cash. */
  readonly cheque?: Cheque;
  readonly state: EntryState;
  readonly result?: string;
  readonly authorisation?: string;
  readonly stampIds: readonly string[];
  readonly enteredAt: Date;
  readonly voidReason?: string;
}

interface EntryRow extends Row {
  readonly shard_id: number;
  readonly batch_id: bigint;
  readonly serial: number;
  readonly participant_code: string;
  readonly request_key: string;
  readonly psid: string;
  readonly amount_paisa: bigint;
  readonly cheque_number: string | null;
  readonly cheque_bank: string | null;
  readonly cheque_date: string | null;
  readonly state: EntryState;
  readonly result: string | null;
  readonly authorisation: string | null;
  readonly stamp_ids: readonly string[];
  readonly entered_at: Date;
  readonly void_reason: string | null;
}

function entryOf(row: EntryRow): Entry {
  const { cheque_number: number, cheque_bank: bank, cheque_date: date } = row;
  return {
    shard: row.shard_id,
    batchId: row.batch_id,
    serial: row.serial,
    participant: row.participant_code,
    requestKey: row.request_key,
    psid: row.psid,
    amount: paisa(row.amount_paisa),
    ...(number === null || bank === null || date === null
      ? {}
      : { cheque: { number, bank, date } }),
    state: row.state,
    ...(row.result === null ? {} : { result: row.result }),
    ...(row.authorisation === null ? {} : { authorisation: row.authorisation }),
    stampIds: row.stamp_ids,
    enteredAt: row.entered_at,
    ...(row.void_reason === null ? {} : { voidReason: row.void_reason }),
  };
}

/** Writes an entry that the engine is about to be asked for. A key that is taken breaks a unique key. */
export async function insertEntry(
  tx: Queryable,
  entry: Omit<Entry, 'state' | 'stampIds'>,
): Promise<void> {
  const { cheque } = entry;
  await tx.query(
    sql`insert into otc_entry (shard_id, batch_id, serial, participant_code, request_key, psid, amount_paisa, means,
          cheque_number, cheque_bank, cheque_date, entered_at)
        values (${entry.shard}, ${entry.batchId}, ${entry.serial}, ${entry.participant}, ${entry.requestKey},
          ${entry.psid}, ${entry.amount}, ${cheque === undefined ? 'cash' : 'cheque'},
          ${cheque?.number ?? null}, ${cheque?.bank ?? null}, ${cheque?.date ?? null}, ${entry.enteredAt})`,
  );
}

/** The entry under a key of a till whose home is this shard. */
export async function findByKey(
  db: Queryable,
  { shard, participant }: Pick<Entry, 'shard' | 'participant'>,
  requestKey: string,
): Promise<Entry | undefined> {
  const rows = await db.query<EntryRow>(
    sql`select shard_id, batch_id, serial, participant_code, request_key, psid, amount_paisa, cheque_number, cheque_bank, cheque_date,
          state, result, authorisation, stamp_ids, entered_at, void_reason
        from otc_entry where shard_id = ${shard} and participant_code = ${participant} and request_key = ${requestKey}`,
  );
  return rows.map(entryOf)[0];
}

/** All entries of a batch by serial. */
export async function entriesOf(db: Queryable, batch: BatchKey): Promise<Entry[]> {
  const rows = await db.query<EntryRow>(
    sql`select shard_id, batch_id, serial, participant_code, request_key, psid, amount_paisa, cheque_number, cheque_bank, cheque_date,
          state, result, authorisation, stamp_ids, entered_at, void_reason
        from otc_entry where shard_id = ${batch.shard} and batch_id = ${batch.id} order by serial`,
  );
  return rows.map(entryOf);
}

/** The entry of a batch with this serial. */
export async function findBySerial(
  db: Queryable,
  batch: BatchKey,
  serial: number,
): Promise<Entry | undefined> {
  const rows = await db.query<EntryRow>(
    sql`select shard_id, batch_id, serial, participant_code, request_key, psid, amount_paisa, cheque_number, cheque_bank, cheque_date,
          state, result, authorisation, stamp_ids, entered_at, void_reason
        from otc_entry where shard_id = ${batch.shard} and batch_id = ${batch.id} and serial = ${serial}`,
  );
  return rows.map(entryOf)[0];
}

/** Settles a pending entry; one that was settled or voided meanwhile stays as it is. */
export async function settleEntry(
  db: Queryable,
  entry: Entry,
  settled: {
    readonly state: 'posted' | 'refused';
    readonly result: string;
    readonly authorisation: string | undefined;
    readonly stampIds: readonly string[];
    readonly at: Date;
  },
): Promise<void> {
  await db.query(
    sql`update otc_entry
        set state = ${settled.state}, result = ${settled.result}, authorisation = ${settled.authorisation ?? null},
          stamp_ids = ${settled.stampIds}, settled_at = ${settled.at}
        where shard_id = ${entry.shard} and batch_id = ${entry.batchId} and serial = ${entry.serial}
          and state = 'pending'`,
  );
}

/** Notes that an entry is being voided. Call with the batch's lock held, so that a closing sees it. */
export async function beginVoid(tx: Queryable, entry: Entry, reason: string): Promise<void> {
  await tx.query(
    sql`update otc_entry set state = 'voiding', void_reason = ${reason}
        where shard_id = ${entry.shard} and batch_id = ${entry.batchId} and serial = ${entry.serial}
          and state in ('pending', 'posted')`,
  );
}

/** Ends a void: done, or refused, after which the entry is what it was before. */
export async function endVoid(
  db: Queryable,
  entry: Entry,
  ended: { readonly done: boolean; readonly at: Date },
): Promise<void> {
  const { done, at } = ended;
  await db.query(
    sql`update otc_entry
        set state = case when ${done} then 'void' when authorisation is null then 'pending' else 'posted' end,
          voided_at = case when ${done} then ${at}::timestamptz end,
          void_reason = case when ${done} then void_reason end
        where shard_id = ${entry.shard} and batch_id = ${entry.batchId} and serial = ${entry.serial}
          and state = 'voiding'`,
  );
}

/** What the posted entries of a batch come to. */
export async function totalsOf(db: Queryable, batch: BatchKey): Promise<Totals> {
  const row = onlyRow(
    await db.query<{ count: bigint; cash: bigint; cheque: bigint }>(
      sql`select count(*) as count,
            coalesce(sum(amount_paisa) filter (where means = 'cash'), 0)::bigint as cash,
            coalesce(sum(amount_paisa) filter (where means = 'cheque'), 0)::bigint as cheque
          from otc_entry where shard_id = ${batch.shard} and batch_id = ${batch.id} and state = 'posted'`,
    ),
    'totals of a batch',
  );
  return { count: Number(row.count), cash: row.cash, cheque: row.cheque };
}

/** One line of an end-of-day scroll. */
export interface ScrollRow {
  readonly branch: string;
  readonly till: string;
  readonly batch: number;
  readonly batchState: string;
  readonly teller: string;
  readonly entry: Entry;
}

/** The entries of a participant's branch on one business date, by till, batch and serial; at most `limit`. */
export async function scrollRows(
  db: Queryable,
  of: { readonly participant: string; readonly branch: string; readonly date: BusinessDate },
  limit: number,
): Promise<ScrollRow[]> {
  const rows = await db.query<
    EntryRow & {
      branch: string;
      till: string;
      batch_no: number;
      teller: string;
      batch_state: string;
    }
  >(
    sql`select b.branch, b.till, b.batch_no, b.teller, b.state as batch_state, e.shard_id, e.batch_id, e.serial, e.participant_code,
          e.request_key, e.psid, e.amount_paisa, e.cheque_number, e.cheque_bank, e.cheque_date, e.state, e.result,
          e.authorisation, e.stamp_ids, e.entered_at, e.void_reason
        from otc_batch b join otc_entry e on e.shard_id = b.shard_id and e.batch_id = b.batch_id
        where b.participant_code = ${of.participant} and b.branch = ${of.branch} and b.business_date = ${of.date}
        order by b.till, b.batch_no, e.serial limit ${limit}`,
  );
  return rows.map((row) => ({
    branch: row.branch,
    till: row.till,
    batch: row.batch_no,
    batchState: row.batch_state,
    teller: row.teller,
    entry: entryOf(row),
  }));
}
