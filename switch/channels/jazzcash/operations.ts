/** What each operation of the channel does with the fields of an authenticated sender. */
import { isPsid } from '../../../kernel/ids.ts';
import type { Log } from '../../../kernel/log.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { ReplayGuard } from '../../participants/index.ts';
import type { PaymentEngine } from '../../payment/index.ts';
import type { Sender } from './authentication.ts';
import {
  parseBillInquiry,
  parseBillPayment,
  parseBillReversal,
  parseNotification,
  type BillRequest,
  type Fields,
  type Malformed,
  type Notification,
} from './codec.ts';
import {
  fromInquiryAnswer,
  fromPaymentAnswer,
  fromReversalAnswer,
  resultFields,
  toAdvice,
  toInquiry,
  toPaymentRequest,
  toReversalRequest,
  type Answer,
} from './to-payment.ts';
import { psidOfReference } from './voucher.ts';

/** What was decided about one request. */
export interface Outcome {
  readonly result: ResultCode;
  readonly answer: Answer;
  /** For the log: the field that is malformed, or why the sender was not believed. */
  readonly reason?: string;
}

export interface OperationDeps {
  readonly engine: PaymentEngine;
  readonly replays: ReplayGuard;
  readonly log: Log;
}

export type Operation = (fields: Fields, sender: Sender, deps: OperationDeps) => Promise<Outcome>;

function refused(
  result: ResultCode,
  sender: Sender,
  detail: { readonly malformed?: string; readonly reason?: string } = {},
): Outcome {
  const reason = detail.malformed ?? detail.reason;
  return {
    result,
    answer: resultFields(result, sender.participant, detail.malformed),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Reads a request and looks at what holds for all; then does the work. */
function operation<Request extends BillRequest>(
  parse: (fields: Fields) => Request | Malformed,
  work: (request: Request, sender: Sender, deps: OperationDeps) => Promise<Outcome>,
): Operation {
  return (fields, sender, deps) => {
    const request = parse(fields);
    const refuse = (...given: Parameters<typeof refused>): Promise<Outcome> =>
      Promise.resolve(refused(...given));
    if ('malformed' in request) {
      return refuse('format-error', sender, { malformed: request.malformed });
    }
    if (!deps.replays.isTimely(request.madeAt)) {
      return refuse('unauthorised', sender, { reason: 'stale' });
    }
    if (!isPsid(request.billReference)) return refuse('unknown-consumer', sender);
    return work(request, sender, deps);
  };
}

export const billInquiry = operation(parseBillInquiry, async (request, sender, deps) => {
  const { participant } = sender;
  // Nothing durable remembers an inquiry, so a captured one is caught here.
  if (!deps.replays.isFirst(participant.code, request.txnRefNo, request.madeAt)) {
    return refused('unauthorised', sender, { reason: 'replayed' });
  }
  const answer = await deps.engine.inquire(toInquiry(request, participant));
  return {
    result: answer.ok ? 'approved' : answer.result,
    answer: fromInquiryAnswer(answer, request, participant),
  };
});

export const billPayment = operation(parseBillPayment, async (request, { participant }, deps) => {
  const answer = await deps.engine.pay(toPaymentRequest(request, participant));
  return { result: answer.result, answer: fromPaymentAnswer(answer, request, participant) };
});

export const billReversal = operation(parseBillReversal, async (request, { participant }, deps) => {
  const { result } = await deps.engine.reverse(toReversalRequest(request, participant));
  return { result, answer: fromReversalAnswer(result, request, participant) };
});

/** `pp_ResponseCode` of a notification that tells of money taken: 000, and 121 "confirmed by merchant". */
const PAID_CODES = new Set(['000', '121']);

const acknowledged: Outcome = {
  result: 'approved',
  answer: { pp_ResponseCode: '000', pp_ResponseMessage: 'IPN received successfully' },
};

async function paidBill(
  notification: Notification,
  sender: Sender,
  { engine }: OperationDeps,
): Promise<Parameters<typeof toAdvice>[2] | ResultCode> {
  const psid = notification.billReference ?? psidOfReference(notification.txnRefNo);
  if (psid === undefined) return 'unknown-consumer';
  if (notification.amount !== undefined) return { psid, amount: notification.amount };
  // The voucher was made for the challan's amount, which never changes.
  const { code } = sender.participant;
  const known = await engine.inquire({ channel: 'jazzcash', participant: code, psid });
  return known.ok ? { psid, amount: known.bill.amount } : known.result;
}

/** Notes a payment that the gateway has taken. Told again it is acknowledged again and posted once. */
export const notification: Operation = async (fields, sender, deps) => {
  const told = parseNotification(fields);
  if ('malformed' in told) return refused('format-error', sender, { malformed: told.malformed });
  if (!PAID_CODES.has(told.responseCode)) return acknowledged;
  const bill = await paidBill(told, sender, deps);
  if (typeof bill === 'string') {
    if (bill === 'unknown-consumer') {
      deps.log.error(
        { channel: 'jazzcash', participant: sender.participant.code, txnRefNo: told.txnRefNo },
        'The gateway tells of a payment for a voucher that is not ours.',
      );
    }
    return refused(bill, sender);
  }
  const { result } = await deps.engine.pay(toAdvice(told, sender.participant, bill));
  if (result === 'approved' || result === 'in-suspense') return { ...acknowledged, result };
  return refused(result, sender);
};
