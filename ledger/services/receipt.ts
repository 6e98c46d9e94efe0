/** The receipt of a payment: a number that can be checked by hand, and what was paid for. */
import { checkDigit } from '../../kernel/check-digit.ts';
import { businessDate, type BusinessDate } from '../../kernel/clock.ts';
import type { Queryable } from '../../kernel/database.ts';
import { isPsid, shardOfPsid, type Psid } from '../../kernel/ids.ts';
import type { Paisa } from '../../kernel/money.ts';
import { findChallan, type Challan, type ChallanLine } from '../challans/challan-store.ts';
import { findServiceChallan } from './service-store.ts';

/** `R-` and 18 digits: the row id of the payment and a Damm check digit (docs/spec/psid.md). */
export function receiptNumber(paymentId: bigint): string {
  const body = paymentId.toString().padStart(17, '0');
  return `R-${body}${checkDigit(body)}`;
}

export interface Receipt {
  readonly number: string;
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly department: string;
  readonly departmentName: string;
  readonly service: string;
  readonly title: string;
  readonly reference: string;
  readonly payerName: string;
  readonly amount: Paisa;
  readonly lines: readonly ChallanLine[];
  readonly paidAt: Date;
  readonly paidOn: BusinessDate;
  readonly paidThrough: string;
  readonly bankReference: string;
}

/** What a look for a receipt finds: the challan with its secret, and the receipt when it is paid now. */
export interface FoundReceipt {
  readonly challan: Challan;
  readonly receipt?: Receipt;
}

/**
 * The receipt of a paid service challan. None when there is no such challan, it is of another kind or not paid; a
 * payment that was reversed has no receipt any more.
 */
export async function findReceipt(db: Queryable, psid: string): Promise<FoundReceipt | undefined> {
  if (!isPsid(psid)) return undefined;
  const service = await findServiceChallan(db, shardOfPsid(psid), psid);
  const challan = service === undefined ? undefined : await findChallan(db, psid);
  if (service === undefined || challan === undefined) return undefined;
  const { payment } = challan;
  if (payment === undefined) return { challan };
  return {
    challan,
    receipt: {
      number: receiptNumber(payment.paymentId),
      psid: challan.psid,
      challanNumber: challan.challanNumber,
      department: service.departmentCode,
      departmentName: service.departmentName,
      service: service.serviceCode,
      title: service.title,
      reference: service.reference,
      payerName: challan.payerName,
      amount: challan.amount,
      lines: challan.lines,
      paidAt: payment.paidAt,
      paidOn: businessDate(payment.paidAt),
      paidThrough: payment.participantName,
      bankReference: payment.reference,
    },
  };
}
