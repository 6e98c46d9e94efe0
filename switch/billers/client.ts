/**
 * The questions to an external biller (docs/integrators/billers.md). Every request is signed with the shared secret;
 * every answer is parsed strictly, and what is no answer of the protocol counts as none: the state is then unknown.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import type { Psid } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import type { ResultCode } from '../../kernel/result-code.ts';
import type { Caller, OutboundResult } from '../outbound/index.ts';

/** How a biller is reached. */
export interface BillerConnection {
  readonly baseUrl: string;
  readonly secret: Buffer;
  readonly timeoutMs: number;
}

/** Why a biller refuses, in its own protocol's words, and what the bank is told. */
const REASONS = {
  unknown: 'unknown-consumer',
  'already-paid': 'already-paid',
  'amount-mismatch': 'amount-mismatch',
  expired: 'expired',
  blocked: 'blocked',
} as const satisfies Record<string, ResultCode>;
type Reason = keyof typeof REASONS;
export type BillerRefusal = (typeof REASONS)[Reason];

const reason = z.enum(Object.keys(REASONS) as [Reason, ...Reason[]]);
const amountText = z.string().regex(/^[1-9]\d{0,14}$/);
const day = z.iso.date();

const billSchema = z.object({
  psid: z.string(),
  consumerName: z.string().trim().min(1).max(120),
  amount: amountText,
  dueDate: day,
  status: z.enum(['unpaid', 'paid', 'blocked']),
});
const paymentSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('accepted'), reference: z.string().min(1).max(60) }),
  z.object({ status: z.literal('refused'), reason }),
  z.object({ status: z.literal('cancelled') }),
]);
const cancellationSchema = z.object({ status: z.enum(['cancelled', 'fulfilled']) });

export interface BillerBill {
  readonly consumerName: string;
  readonly amount: Paisa;
  readonly dueDate: string;
  readonly status: 'unpaid' | 'paid' | 'blocked';
}

/** No answer: `not-sent` when the biller cannot know of it, else `unknown`. */
interface NoAnswer {
  readonly kind: 'not-sent' | 'unknown';
  readonly reason: string;
}

/** True for an answer that tells nothing: for the biller's circuit a failure. */
export function isNoAnswer(answer: { readonly kind: string }): answer is NoAnswer {
  return answer.kind === 'unknown' || answer.kind === 'not-sent';
}

export type BillAnswer =
  { readonly kind: 'bill'; readonly bill: BillerBill } | { readonly kind: 'no-bill' } | NoAnswer;
export type PaymentAdvice =
  | { readonly kind: 'accepted'; readonly reference: string }
  | { readonly kind: 'refused'; readonly result: BillerRefusal }
  | { readonly kind: 'cancelled' }
  | NoAnswer;
export type StatusAnswer = PaymentAdvice | { readonly kind: 'no-payment' };
export type CancelAnswer = { readonly kind: 'cancelled' | 'fulfilled' } | NoAnswer;

/** A payment as the biller is told of it. */
export interface PaymentNotice {
  /** The same for every attempt: the biller answers a repeat as it did before. */
  readonly id: string;
  readonly psid: Psid;
  readonly amount: bigint;
  readonly participant: string;
  readonly reference: string;
  /** True when the payer's money was taken already: refusing it does not undo it. */
  readonly advice: boolean;
}

export interface BillerClient {
  findBill(psid: Psid): Promise<BillAnswer>;
  pay(notice: PaymentNotice): Promise<PaymentAdvice>;
  /** What became of a payment that was not answered. */
  status(id: string): Promise<StatusAnswer>;
  /** Undoes a payment; the biller remembers it for one that it has not seen yet. */
  cancel(id: string): Promise<CancelAnswer>;
}

/** The signature of a request: HMAC-SHA256 over method, path, time and body, each on a line. */
export function requestSignature(
  secret: Buffer,
  request: {
    readonly method: string;
    readonly path: string;
    readonly at: string;
    readonly body: string;
  },
): string {
  const content = [request.method, request.path, request.at, request.body].join('\n');
  return `v1,${createHmac('sha256', secret).update(content, 'utf8').digest('base64')}`;
}

function noAnswer(result: Exclude<OutboundResult, { kind: 'answered' }>): NoAnswer {
  return { kind: result.kind === 'unknown' ? 'unknown' : 'not-sent', reason: result.reason };
}

const GARBAGE: NoAnswer = { kind: 'unknown', reason: 'not an answer of the protocol' };

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.output<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    // No JSON is no answer; the caller says what that means.
    return undefined;
  }
}

function paymentAnswer(result: OutboundResult): PaymentAdvice {
  if (result.kind !== 'answered') return noAnswer(result);
  const answer = [200, 409].includes(result.status)
    ? parsed(paymentSchema, result.body)
    : undefined;
  if (answer === undefined) return GARBAGE;
  if (answer.status === 'accepted') return { kind: 'accepted', reference: answer.reference };
  return answer.status === 'refused'
    ? { kind: 'refused', result: REASONS[answer.reason] }
    : { kind: 'cancelled' };
}

/** Makes the client of one biller. It never throws for what the biller does. */
export function makeBillerClient(
  connection: BillerConnection,
  deps: { readonly call: Caller; readonly clock: Clock },
): BillerClient {
  const base = connection.baseUrl.replace(/\/$/, '');
  const ask = (method: 'GET' | 'POST', path: string, body?: object): Promise<OutboundResult> => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const url = `${base}${path}`;
    const at = deps.clock.now().toISOString();
    const signed = { method, path: new URL(url).pathname, at, body: text };
    return deps.call({
      method,
      url,
      headers: {
        accept: 'application/json',
        'sanad-timestamp': at,
        'sanad-signature': requestSignature(connection.secret, signed),
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
      },
      ...(method === 'GET' ? {} : { body: text }),
      timeoutMs: connection.timeoutMs,
    });
  };
  return {
    async findBill(psid) {
      const result = await ask('GET', `/bills/${psid}`);
      if (result.kind !== 'answered') return noAnswer(result);
      if (result.status === 404) return { kind: 'no-bill' };
      const bill = result.status === 200 ? parsed(billSchema, result.body) : undefined;
      if (bill?.psid !== psid) return GARBAGE;
      const { consumerName, amount, dueDate, status } = bill;
      return {
        kind: 'bill',
        bill: { consumerName, amount: paisa(BigInt(amount)), dueDate, status },
      };
    },
    async pay({ amount, ...notice }) {
      return paymentAnswer(
        await ask('POST', '/payments', { ...notice, amount: amount.toString() }),
      );
    },
    async status(id) {
      const result = await ask('GET', `/payments/${id}`);
      return result.kind === 'answered' && result.status === 404
        ? { kind: 'no-payment' }
        : paymentAnswer(result);
    },
    async cancel(id) {
      const result = await ask('POST', `/payments/${id}/cancellation`, {});
      if (result.kind !== 'answered') return noAnswer(result);
      const answer = [200, 409].includes(result.status)
        ? parsed(cancellationSchema, result.body)
        : undefined;
      return answer === undefined ? GARBAGE : { kind: answer.status };
    },
  };
}
