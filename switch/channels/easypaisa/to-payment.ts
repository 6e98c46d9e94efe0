/** From Easypaisa's requests to the canonical messages and back. */
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
import {
  amountText,
  type BillPaymentRequest,
  type BillRequest,
  type BillReversalRequest,
} from './codec.ts';
import { codeFor, wordsFor } from './result-codes.ts';

/** An answer before its signature: field names to text. */
export type Answer = Readonly<Record<string, string>>;

export function toInquiry(request: BillRequest, participant: Participant): Inquiry {
  return { channel: 'easypaisa', participant: participant.code, psid: request.orderRefNum };
}

/** `transactionId` names one payment or reversal of the wallet; the time is no part of it. */
const walletKey = (transactionId: string): string => `B|${transactionId}`;

export function toPaymentRequest(
  request: BillPaymentRequest,
  participant: Participant,
): PaymentRequest {
  return {
    channel: 'easypaisa',
    participant: participant.code,
    requestKey: walletKey(request.transactionId),
    psid: request.orderRefNum,
    amount: request.amount,
    reference: request.transactionId,
  };
}

export function toReversalRequest(
  request: BillReversalRequest,
  participant: Participant,
): ReversalRequest {
  return {
    channel: 'easypaisa',
    participant: participant.code,
    requestKey: walletKey(request.transactionId),
    originalKey: walletKey(request.originalTransactionId),
    psid: request.orderRefNum,
    amount: request.amount,
  };
}

/** The two fields that every answer has. A refusal before authentication has these alone. */
export function resultFields(
  result: ResultCode,
  participant: Participant | undefined,
  malformed?: string,
): Answer {
  return {
    responseCode: codeFor(result, participant),
    responseDesc: wordsFor(result, malformed),
  };
}

function echo({ storeId, orderRefNum, transactionId }: BillRequest): Answer {
  return { storeId, orderRefNum, transactionId };
}

/** An expired challan is shown as blocked: the status tells the wallet's screen whether it may be paid. */
const BILL_STATUS = {
  unpaid: 'UNPAID',
  paid: 'PAID',
  blocked: 'BLOCKED',
  expired: 'BLOCKED',
} as const;
const CONSUMER_NAME_MAX = 60;

function shownName(name: string): string {
  return name
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, CONSUMER_NAME_MAX)
    .replace(/\p{Surrogate}/gu, '');
}

function billFields(bill: Bill): Answer {
  const { paid } = bill;
  return {
    transactionAmount: amountText(bill.amount),
    billStatus: BILL_STATUS[bill.status],
    consumerName: shownName(bill.consumerName),
    dueDate: bill.dueDate.replaceAll('-', ''),
    ...(paid === undefined
      ? {}
      : { authorisation: paid.authorisation, paidDate: paid.on.replaceAll('-', '') }),
  };
}

export function fromInquiryAnswer(
  answer: InquiryAnswer,
  request: BillRequest,
  participant: Participant,
): Answer {
  return {
    ...resultFields(answer.ok ? 'approved' : answer.result, participant),
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
    transactionAmount: amountText(request.amount),
    ...(answer.result === 'approved' ? { authorisation: answer.authorisation ?? '' } : {}),
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
    originalTransactionId: request.originalTransactionId,
    transactionAmount: amountText(request.amount),
  };
}
