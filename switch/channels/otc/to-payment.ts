/** From a till's entries to the canonical messages and back. */
import { businessDate, printedTime } from '../../../kernel/clock.ts';
import { amountInWords } from '../../../kernel/money.ts';
import type { Participant } from '../../participants/index.ts';
import type { Bill, PaymentRequest, ReversalRequest } from '../../payment/index.ts';
import type { Batch } from './batch-store.ts';
import type { Entry } from './entry-store.ts';
import { codeFor, type OtcResult } from './result-codes.ts';

/** What JSON an answer may have: texts, lists of texts and objects of texts. */
export type Answer = Readonly<
  Record<string, string | readonly string[] | Readonly<Record<string, string>>>
>;

/** The two members that every answer has. */
export function resultFields(
  result: OtcResult,
  participant: Participant | undefined,
): { responseCode: string; result: string } {
  return { responseCode: codeFor(result, participant), result };
}

/** The key of a payment: unique for the participant, since a till's name and the teller's own key are in it. */
export function paymentKey(batch: Batch, idempotencyKey: string): string {
  return `P|${batch.branch}|${batch.till}|${idempotencyKey}`;
}

export function toPaymentRequest(entry: Entry): PaymentRequest {
  return {
    channel: 'otc',
    participant: entry.participant,
    requestKey: entry.requestKey,
    psid: entry.psid,
    amount: entry.amount,
    reference: `${entry.batchId.toString()}-${String(entry.serial)}`,
  };
}

/** An entry is voided once, so its own numbers name its reversal. */
export function toReversalRequest(entry: Entry): ReversalRequest {
  return {
    channel: 'otc',
    participant: entry.participant,
    requestKey: `V|${entry.batchId.toString()}|${String(entry.serial)}`,
    originalKey: entry.requestKey,
    psid: entry.psid,
    amount: entry.amount,
  };
}

/** What the teller reads out and asks for. */
export function billFields(bill: Bill): Answer {
  return {
    psid: bill.psid,
    consumerName: bill.consumerName.replace(/\p{Cc}/gu, ' ').slice(0, 120),
    status: bill.status,
    amount: bill.amount.toString(),
    amountInWords: amountInWords(bill.amount),
    dueDate: bill.dueDate,
    ...(bill.paid === undefined ? {} : { paidOn: bill.paid.on }),
  };
}

/** `0042-T1-20261123-1-0007`: branch, till, day, batch and serial; unique, and never used again. */
export function receiptNumber(
  batch: Pick<Batch, 'branch' | 'till' | 'businessDate' | 'number'>,
  serial: number,
): string {
  const day = batch.businessDate.replaceAll('-', '');
  const line = String(serial).padStart(4, '0');
  return `${batch.branch}-${batch.till}-${day}-${String(batch.number)}-${line}`;
}

/** A posted entry as the receipt that the depositor gets. */
export function receiptFields(batch: Batch, entry: Entry): Answer {
  const { cheque } = entry;
  return {
    receiptNumber: receiptNumber(batch, entry.serial),
    serial: String(entry.serial),
    psid: entry.psid,
    amount: entry.amount.toString(),
    amountInWords: amountInWords(entry.amount),
    means: cheque === undefined ? 'cash' : 'cheque',
    ...(cheque === undefined ? {} : { cheque: { ...cheque } }),
    authorisation: entry.authorisation ?? '',
    stampIds: [...entry.stampIds],
    branch: batch.branch,
    till: batch.till,
    teller: batch.teller,
    receivedAt: printedTime(entry.enteredAt),
  };
}

/** A batch as the teller's system sees it. */
export function batchFields(batch: Batch, now: Date): Readonly<Record<string, string>> {
  return {
    branch: batch.branch,
    till: batch.till,
    teller: batch.teller,
    batch: String(batch.number),
    businessDate: batch.businessDate,
    state: batch.state,
    // A batch of an earlier day takes no payment; it can only be closed.
    mustClose: batch.businessDate === businessDate(now) ? 'no' : 'yes',
  };
}
