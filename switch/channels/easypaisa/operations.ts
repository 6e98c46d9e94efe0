/** What each operation of the channel does with the fields of an authenticated sender. */
import { isPsid } from '../../../kernel/ids.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { ReplayGuard } from '../../participants/index.ts';
import type { PaymentEngine } from '../../payment/index.ts';
import type { Sender } from './authentication.ts';
import {
  parseBillInquiry,
  parseBillPayment,
  parseBillReversal,
  type BillRequest,
  type Fields,
  type Malformed,
} from './codec.ts';
import {
  fromInquiryAnswer,
  fromPaymentAnswer,
  fromReversalAnswer,
  resultFields,
  toInquiry,
  toPaymentRequest,
  toReversalRequest,
  type Answer,
} from './to-payment.ts';

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
}

export type Operation = (fields: Fields, sender: Sender, deps: OperationDeps) => Promise<Outcome>;

function refused(
  result: ResultCode,
  { participant }: Sender,
  detail: { readonly malformed?: string; readonly reason?: string } = {},
): Outcome {
  const reason = detail.malformed ?? detail.reason;
  return {
    result,
    answer: resultFields(result, participant, detail.malformed),
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
    if (!isPsid(request.orderRefNum)) return refuse('unknown-consumer', sender);
    return work(request, sender, deps);
  };
}

export const billInquiry = operation(parseBillInquiry, async (request, sender, deps) => {
  const { participant } = sender;
  // Nothing durable remembers an inquiry, so a captured one is caught here.
  if (!deps.replays.isFirst(participant.code, request.transactionId, request.madeAt)) {
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
