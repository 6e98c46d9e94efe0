/** Payments of external bills: one function per statement. The table's trigger knows which moves there are. */
import { sql, type Queryable, type Row } from '../../kernel/database.ts';
import { shardOfPsid, type Psid } from '../../kernel/ids.ts';
import { isResultCode, type ResultCode } from '../../kernel/result-code.ts';
import type { ChannelName, PaymentRequest } from '../payment/index.ts';

export type BillerPaymentState =
  | 'asking'
  | 'accepted'
  | 'posting'
  | 'settled'
  | 'refused'
  | 'advising'
  | 'cancelling'
  | 'cancelled'
  | 'stuck';

/** A payment of an external bill, as far as it has come. */
export interface BillerPayment {
  readonly shard: number;
  readonly id: bigint;
  readonly departmentCode: string;
  readonly participant: string;
  readonly channel: ChannelName;
  readonly requestKey: string;
  readonly psid: Psid;
  readonly amount: bigint;
  readonly reference: string;
  readonly advice: boolean;
  readonly state: BillerPaymentState;
  readonly result?: ResultCode;
  readonly reversalKey?: string;
  readonly attempts: number;
}

interface PaymentRow extends Row {
  readonly shard_id: number;
  readonly biller_payment_id: bigint;
  readonly department_code: string;
  readonly participant_code: string;
  readonly channel: ChannelName;
  readonly request_key: string;
  readonly psid: Psid;
  readonly amount_paisa: bigint;
  readonly reference: string;
  readonly advice: boolean;
  readonly state: BillerPaymentState;
  readonly result: string | null;
  readonly reversal_key: string | null;
  readonly attempts: number;
}

function paymentOf(row: PaymentRow): BillerPayment {
  return {
    shard: row.shard_id,
    id: row.biller_payment_id,
    departmentCode: row.department_code,
    participant: row.participant_code,
    channel: row.channel,
    requestKey: row.request_key,
    psid: row.psid,
    amount: row.amount_paisa,
    reference: row.reference,
    advice: row.advice,
    state: row.state,
    ...(row.result !== null && isResultCode(row.result) ? { result: row.result } : {}),
    ...(row.reversal_key === null ? {} : { reversalKey: row.reversal_key }),
    attempts: row.attempts,
  };
}

/** The payment that a request began; undefined when there is none. */
export async function findBillerPayment(
  db: Queryable,
  key: { readonly psid: Psid; readonly participant: string; readonly requestKey: string },
): Promise<BillerPayment | undefined> {
  const [row] = await db.query<PaymentRow>(
    sql`select * from biller_payment
        where shard_id = ${shardOfPsid(key.psid)} and participant_code = ${key.participant} and request_key = ${key.requestKey}`,
  );
  return row === undefined ? undefined : paymentOf(row);
}

/** Begins a payment, before anything is asked; false when the same request has begun it already. */
export async function beginBillerPayment(
  db: Queryable,
  request: PaymentRequest,
  begin: {
    readonly id: bigint;
    readonly departmentCode: string;
    readonly state: 'asking' | 'posting';
    readonly nextAt: Date;
    readonly at: Date;
  },
): Promise<boolean> {
  const rows = await db.query(
    sql`insert into biller_payment (shard_id, biller_payment_id, department_code, participant_code, channel, request_key, psid,
          amount_paisa, reference, advice, state, next_at, created_at, changed_at)
        values (${shardOfPsid(request.psid)}, ${begin.id}, ${begin.departmentCode}, ${request.participant}, ${request.channel},
          ${request.requestKey}, ${request.psid}, ${request.amount}, ${request.reference}, ${request.advice === true}, ${begin.state},
          ${begin.nextAt}, ${begin.at}, ${begin.at})
        on conflict (shard_id, participant_code, request_key) do nothing returning 1`,
  );
  return rows.length === 1;
}

export interface Move {
  readonly to: BillerPaymentState;
  /** When it is looked at again; absent for a final state. */
  readonly nextAt?: Date;
  readonly result?: ResultCode;
  readonly billerReference?: string;
  readonly reversalKey?: string;
  readonly error?: string;
  readonly at: Date;
}

/** Moves a payment on, if it still is in one of `from`; false when somebody else has moved it. */
export async function moveBillerPayment(
  db: Queryable,
  payment: Pick<BillerPayment, 'shard' | 'participant' | 'requestKey'>,
  from: readonly BillerPaymentState[],
  move: Move,
): Promise<boolean> {
  const rows = await db.query(
    sql`update biller_payment set state = ${move.to}, next_at = ${move.nextAt ?? null}, changed_at = ${move.at},
          result = coalesce(${move.result ?? null}::text, result),
          biller_reference = coalesce(${move.billerReference ?? null}::text, biller_reference),
          reversal_key = coalesce(${move.reversalKey ?? null}::text, reversal_key),
          last_error = coalesce(${move.error?.slice(0, 200) ?? null}::text, last_error)
        where shard_id = ${payment.shard} and participant_code = ${payment.participant} and request_key = ${payment.requestKey}
          and state = any (${from}::text[]) returning 1`,
  );
  return rows.length === 1;
}

/** Takes payments whose time has come; nobody else gets them before `until`. */
export async function claimBillerPayments(
  db: Queryable,
  shard: number,
  when: { readonly now: Date; readonly until: Date },
  limit: number,
): Promise<BillerPayment[]> {
  const rows = await db.query<PaymentRow>(
    sql`with due as (
          select participant_code, request_key from biller_payment
          where shard_id = ${shard} and next_at <= ${when.now} order by next_at limit ${limit} for update skip locked
        )
        update biller_payment b set next_at = ${when.until}, attempts = b.attempts + 1 from due
        where b.shard_id = ${shard} and b.participant_code = due.participant_code and b.request_key = due.request_key
        returning b.*`,
  );
  return rows.map(paymentOf);
}

/** The engine's recorded answer to a request; undefined when it never came to the engine. */
export async function recordedAnswer(
  db: Queryable,
  payment: Pick<BillerPayment, 'shard' | 'participant' | 'requestKey'>,
): Promise<ResultCode | undefined> {
  const [row] = await db.query<{ result: string }>(
    sql`select result from request_record where shard_id = ${payment.shard} and participant_code = ${payment.participant}
          and request_key = ${payment.requestKey}`,
  );
  return row !== undefined && isResultCode(row.result) ? row.result : undefined;
}
