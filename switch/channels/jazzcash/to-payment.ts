/** From the JazzCash forms to the canonical messages and back. */
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';
import type {
  Bill,
  Inquiry,
  InquiryAnswer,
  PaymentAnswer,
  PaymentRequest,
  ReversalRequest,
} from '../../payment/index.ts';
import type {
  BillPaymentRequest,
  BillRequest,
  BillReversalRequest,
  Notification,
} from './codec.ts';
import { codeFor, wordsFor } from './result-codes.ts';

/** An answer before its hash: field names to text. */
export type Answer = Readonly<Record<string, string>>;

export function toInquiry(request: BillRequest, participant: Participant): Inquiry {
  return { channel: 'jazzcash', participant: participant.code, psid: request.billReference };
}

/** `pp_TxnRefNo` is unique for its merchant; payments and reversals of the biller form share one space of it. */
const billerKey = (txnRefNo: string): string => `B|${txnRefNo}`;

export function toPaymentRequest(
  request: BillPaymentRequest,
  participant: Participant,
): PaymentRequest {
  return {
    channel: 'jazzcash',
    participant: participant.code,
    requestKey: billerKey(request.txnRefNo),
    psid: request.billReference,
    amount: request.amount,
    reference: request.retrievalReference,
  };
}

export function toReversalRequest(
  request: BillReversalRequest,
  participant: Participant,
): ReversalRequest {
  return {
    channel: 'jazzcash',
    participant: participant.code,
    requestKey: billerKey(request.txnRefNo),
    originalKey: billerKey(request.originalTxnRefNo),
    psid: request.billReference,
    amount: request.amount,
  };
}

/** What the gateway has taken already: an advice, whose money is kept even when no challan can be paid with it. */
export function toAdvice(
  notification: Notification,
  participant: Participant,
  bill: Pick<PaymentRequest, 'psid' | 'amount'>,
): PaymentRequest {
  return {
    channel: 'jazzcash',
    participant: participant.code,
    requestKey: `V|${notification.txnRefNo}`,
    psid: bill.psid,
    amount: bill.amount,
    reference: notification.retrievalReference,
    advice: true,
  };
}

/** The two fields that every answer has. A refusal before authentication has these alone. */
export function resultFields(
  result: ResultCode,
  participant: Participant | undefined,
  malformed?: string,
): Answer {
  return {
    pp_ResponseCode: codeFor(result, participant),
    pp_ResponseMessage: wordsFor(result, malformed),
  };
}

function echo(request: BillRequest): Answer {
  return {
    pp_MerchantID: request.merchantId,
    pp_TxnRefNo: request.txnRefNo,
    pp_TxnType: request.txnType,
    pp_BillReference: request.billReference,
  };
}

/** An expired challan is shown as blocked: the status tells the wallet's screen whether it may be paid. */
const BILL_STATUS = { unpaid: 'U', paid: 'P', blocked: 'B', expired: 'B' } as const;
const CONSUMER_NAME_MAX = 60;

/** A name that may stand in a hashed value: no `&`, no control character, no half of a surrogate pair. */
function shownName(name: string): string {
  return name
    .replace(/[\p{Cc}&]/gu, ' ')
    .slice(0, CONSUMER_NAME_MAX)
    .replace(/\p{Surrogate}/gu, '');
}

function billFields(bill: Bill): Answer {
  const { paid } = bill;
  return {
    pp_Amount: bill.amount.toString(),
    pp_TxnCurrency: 'PKR',
    pp_BillStatus: BILL_STATUS[bill.status],
    pp_ConsumerName: shownName(bill.consumerName),
    pp_DueDate: bill.dueDate.replaceAll('-', ''),
    ...(paid === undefined
      ? {}
      : { pp_AuthCode: paid.authorisation, pp_PaidDate: paid.on.replaceAll('-', '') }),
  };
}

export function fromInquiryAnswer(
  answer: InquiryAnswer,
  request: BillRequest,
  participant: Participant,
): Answer {
  const result = answer.ok ? 'approved' : answer.result;
  return {
    ...resultFields(result, participant),
    ...echo(request),
    ...(answer.ok ? billFields(answer.bill) : {}),
  };
}

export function fromPaymentAnswer(
  answer: Pick<PaymentAnswer, 'result' | 'authorisation'>,
  request: BillPaymentRequest,
  participant: Participant,
): Answer {
  return {
    ...resultFields(answer.result, participant),
    ...echo(request),
    pp_Amount: request.amount.toString(),
    pp_TxnCurrency: 'PKR',
    pp_RetreivalReferenceNo: request.retrievalReference,
    ...(answer.result === 'approved' ? { pp_AuthCode: answer.authorisation ?? '' } : {}),
  };
}

export function fromReversalAnswer(
  result: ResultCode,
  request: BillReversalRequest,
  participant: Participant,
): Answer {
  return {
    ...resultFields(result, participant),
    ...echo(request),
    pp_OriginalTxnRefNo: request.originalTxnRefNo,
    pp_Amount: request.amount.toString(),
    pp_TxnCurrency: 'PKR',
  };
}
