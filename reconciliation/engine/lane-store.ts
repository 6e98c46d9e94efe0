/** The statements of the lane: its lease and the two posting functions. One function per statement. */
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { isResultCode, type ResultCode } from '../../kernel/result-code.ts';
import { paisa } from '../../kernel/money.ts';
import type {
  Bill,
  PaymentAnswer,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from './payment.ts';

/** The right to post to a shard, fenced by its epoch. */
export interface Lease {
  readonly shard: number;
  readonly epoch: bigint;
}

/**
 * Takes the lease of a shard when it is free, expired, or ours already; undefined when another holder has it.
 * Every taking raises the epoch, which shuts out whoever held it before, even in the middle of a batch.
 */
export async function takeLease(
  db: Queryable,
  shard: number,
  holder: string,
  ttlMs: number,
): Promise<Lease | undefined> {
  const rows = await db.query<{ epoch: bigint | null }>(
    sql`select take_lane(${shard}::smallint, ${holder}::text, now(), ${ttlMs}::bigint) as epoch`,
  );
  const epoch = rows[0]?.epoch ?? null;
  return epoch === null ? undefined : { shard, epoch };
}

/** Keeps a lease alive; false when it was taken over. */
export async function renewLease(db: Queryable, lease: Lease, ttlMs: number): Promise<boolean> {
  const rows = await db.query(sql`
    update lane_lease set expires_at = now() + ${ttlMs} * interval '1 millisecond'
    where shard_id = ${lease.shard} and epoch = ${lease.epoch} returning 1`);
  return rows.length === 1;
}

/** Gives a lease back, so that the next holder need not wait for its expiry. */
export async function releaseLease(db: Queryable, lease: Lease): Promise<void> {
  await db.query(
    sql`update lane_lease set expires_at = now() where shard_id = ${lease.shard} and epoch = ${lease.epoch}`,
  );
}

/** A payment with what the engine adds to it: its row id and the 32-byte seed of its stamps' ids and salts. */
export interface NumberedPayment {
  readonly request: PaymentRequest;
  readonly paymentId: bigint;
  readonly seed: Buffer;
}

type PaymentRow = {
  result: string;
  repeated: boolean;
  payment_id: bigint | null;
  authorisation: string | null;
  posted_at: Date | null;
  business_date: string | null;
  stamp_ids: string[];
};

function resultCode(value: string): ResultCode {
  if (!isResultCode(value))
    throw new Fault('internal', 'The database answered with an unknown result code.', {
      fields: { value },
    });
  return value;
}

function paymentAnswer(row: PaymentRow): PaymentAnswer {
  const {
    payment_id: paymentId,
    authorisation,
    posted_at: postedAt,
    business_date: businessDate,
  } = row;
  const posted =
    row.result !== 'approved' ||
    paymentId === null ||
    authorisation === null ||
    postedAt === null ||
    businessDate === null
      ? {}
      : { paymentId, authorisation, postedAt, businessDate };
  return {
    result: resultCode(row.result),
    repeated: row.repeated,
    stampIds: row.stamp_ids,
    ...posted,
  };
}

/** Posts a batch in one statement and one commit; one answer per payment, in order. */
export async function postPayments(
  db: Queryable,
  lease: Lease,
  at: Date,
  batch: readonly NumberedPayment[],
): Promise<PaymentAnswer[]> {
  const column = <T>(pick: (payment: NumberedPayment) => T): T[] => batch.map(pick);
  const rows = await db.query<PaymentRow>(
    prepared(
      'post_payments',
      sql`select result, repeated, payment_id, authorisation, posted_at, business_date, stamp_ids
          from post_payments(${lease.shard}::smallint, ${lease.epoch}::bigint, ${at}::timestamptz,
            ${column((each) => each.paymentId)}::bigint[], ${column((each) => each.request.participant)}::text[],
            ${column((each) => each.request.channel)}::text[], ${column((each) => each.request.requestKey)}::text[],
            ${column((each) => each.request.psid)}::text[], ${column((each) => each.request.amount)}::bigint[],
            ${column((each) => each.request.reference)}::text[], ${column((each) => each.seed)}::bytea[],
            ${column((each) => each.request.hold ?? null)}::bigint[], ${column((each) => each.request.advice === true)}::boolean[])
          order by ordinal`,
    ),
  );
  if (rows.length !== batch.length)
    throw new Fault('internal', 'The database did not answer every payment of a batch.');
  return rows.map(paymentAnswer);
}

/** Reverses one payment in one commit. */
export async function reversePayment(
  db: Queryable,
  lease: Lease,
  at: Date,
  journalId: bigint,
  request: ReversalRequest,
): Promise<ReversalAnswer> {
  const rows = await db.query<{ result: string; repeated: boolean }>(
    prepared(
      'reverse_payment',
      sql`select result, repeated from reverse_payment(${lease.shard}::smallint, ${lease.epoch}::bigint, ${at}::timestamptz, ${journalId}::bigint,
            ${request.participant}::text, ${request.requestKey}::text, ${request.originalKey}::text, ${request.psid}::text, ${request.amount}::bigint)`,
    ),
  );
  const [row] = rows;
  if (row === undefined) throw new Fault('internal', 'The database did not answer a reversal.');
  return { result: resultCode(row.result), repeated: row.repeated };
}

/** What a payer's bank is told about a challan; undefined when there is none. `today` is the Karachi date. */
export async function findBill(
  db: Queryable,
  shard: number,
  psid: string,
  today: string,
): Promise<Bill | undefined> {
  const rows = await db.query<{
    payer_name: string;
    state: 'payable' | 'paid' | 'cancelled';
    amount_paisa: bigint;
    payable_until: string;
    billed_on: string;
    paid_on: string | null;
    authorisation: string | null;
  }>(
    prepared(
      'find_bill',
      sql`select c.payer_name, c.state, c.amount_paisa, c.payable_until, (c.created_at at time zone 'Asia/Karachi')::date as billed_on,
            m.business_date as paid_on, m.authorisation
          from challan c left join payment m on m.shard_id = c.shard_id and m.payment_id = c.payment_id
          where c.shard_id = ${shard} and c.psid = ${psid}`,
    ),
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const amount = paisa(row.amount_paisa);
  const status =
    row.state === 'payable'
      ? row.payable_until < today
        ? 'expired'
        : 'unpaid'
      : row.state === 'cancelled'
        ? 'blocked'
        : 'paid';
  const paid =
    row.paid_on === null || row.authorisation === null
      ? {}
      : { paid: { on: row.paid_on, amount, authorisation: row.authorisation } };
  return {
    psid,
    consumerName: row.payer_name,
    status,
    amount,
    dueDate: row.payable_until,
    billedOn: row.billed_on,
    ...paid,
  };
}
