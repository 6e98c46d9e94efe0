/** From 1BILL messages to the canonical ones and back. */
import { ZERO } from '../../../kernel/money.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';
import type {
  Bill,
  Inquiry,
  InquiryAnswer,
  PaymentAnswer,
  PaymentRequest,
} from '../../payment/index.ts';
import {
  compactDate,
  padText,
  signedAmount,
  unsignedAmount,
  type BillInquiryAnswer,
  type BillInquiryRequest,
  type BillPaymentAnswer,
  type BillPaymentRequest,
} from './codec.ts';
import { codeFor } from './result-codes.ts';

export function toInquiry(request: BillInquiryRequest, participant: Participant): Inquiry {
  return { channel: 'onebill', participant: participant.code, psid: request.consumerNumber };
}

/** A repeat is the same `tran_auth_id`, day and bank (DOMAIN §5); the time of day is not part of it. */
export function toPaymentRequest(
  request: BillPaymentRequest,
  participant: Participant,
): PaymentRequest {
  return {
    channel: 'onebill',
    participant: participant.code,
    requestKey: `${request.tranAuthId}|${request.tranDate}|${request.bankMnemonic}`,
    psid: request.consumerNumber,
    amount: request.amount,
    reference: request.tranAuthId,
  };
}

/** An expired challan is shown as blocked: the status tells the bank's screen whether it may be paid. */
const BILL_STATUS = { unpaid: 'U', paid: 'P', blocked: 'B', expired: 'B' } as const;

function billAnswer(bill: Bill, code: string): BillInquiryAnswer {
  // A challan 32-A costs the same on every day on which it can be paid.
  const amount = signedAmount(bill.amount);
  const { paid } = bill;
  return {
    response_Code: code,
    consumer_Detail: padText(bill.consumerName, 30),
    bill_status: BILL_STATUS[bill.status],
    due_date: compactDate(bill.dueDate),
    amount_within_dueDate: amount,
    amount_after_dueDate: amount,
    // The payer's contact is none of the bank's business.
    email_address: '',
    contact_number: '',
    billing_month: compactDate(bill.billedOn).slice(2, 6),
    date_paid: padText(paid === undefined ? '' : compactDate(paid.on), 8),
    amount_paid: paid === undefined ? padText('', 12) : unsignedAmount(paid.amount),
    tran_auth_Id: padText(paid === undefined ? '' : paid.authorisation, 6),
    reserved: '',
  };
}

/** A refused inquiry: all keys, blank at full width; `B` so that no screen offers to pay. */
export function refusedInquiry(
  result: ResultCode,
  participant: Participant | undefined,
): BillInquiryAnswer {
  const nothing = signedAmount(ZERO);
  return {
    response_Code: codeFor(result, participant),
    consumer_Detail: padText('', 30),
    bill_status: 'B',
    due_date: padText('', 8),
    amount_within_dueDate: nothing,
    amount_after_dueDate: nothing,
    email_address: '',
    contact_number: '',
    billing_month: padText('', 4),
    date_paid: padText('', 8),
    amount_paid: padText('', 12),
    tran_auth_Id: padText('', 6),
    reserved: '',
  };
}

export function fromInquiryAnswer(
  answer: InquiryAnswer,
  participant: Participant,
): BillInquiryAnswer {
  return answer.ok
    ? billAnswer(answer.bill, codeFor('approved', participant))
    : refusedInquiry(answer.result, participant);
}

/** A payment's answer; `Identification_parameter` is the switch's authorisation when it was posted. */
export function fromPaymentAnswer(
  answer: Pick<PaymentAnswer, 'result' | 'authorisation'>,
  participant: Participant | undefined,
): BillPaymentAnswer {
  const authorisation = answer.result === 'approved' ? (answer.authorisation ?? '') : '';
  return {
    response_Code: codeFor(answer.result, participant),
    Identification_parameter: padText(authorisation, 20),
    reserved: '',
  };
}
