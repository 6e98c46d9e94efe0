/**
 * The wire format of the 1BILL-style interface: requests parsed strictly, answers written field for field.
 * Field table and sources: README.md beside this file.
 */
import { parseCompactTime } from '../../../kernel/clock.ts';
import { parseFlatJson } from '../../../kernel/flat-json.ts';
import { paisa, type Paisa } from '../../../kernel/money.ts';

/** A parsed `BillInquiry` request. */
export interface BillInquiryRequest {
  readonly consumerNumber: string;
  readonly bankMnemonic: string;
}

/** A parsed `BillPayment` request. */
export interface BillPaymentRequest extends BillInquiryRequest {
  readonly tranAuthId: string;
  readonly amount: Paisa;
  /** YYYYMMDD, a day that exists. */
  readonly tranDate: string;
  /** HHMMSS. */
  readonly tranTime: string;
}

/** A refused body: the field that is wrong, or `body`. Goes to the log only, never to the bank. */
export interface Malformed {
  readonly malformed: string;
}

/** The most that the 12 digits of `amount_paid` can say: Rs 9,999,999,999.99. A dearer bill has another channel. */
const LARGEST = 999_999_999_999n;

/** True for an amount that every field of this channel can carry. */
export function fitsChannel(amount: Paisa): boolean {
  return amount <= LARGEST;
}

const CONSUMER_NUMBER = /^[0-9A-Za-z]{1,24}$/;
const BANK_MNEMONIC = /^[0-9A-Za-z]{1,8}$/;
const TRAN_AUTH_ID = /^[0-9A-Za-z]{6}$/;
const AMOUNT = /^\d{12,14}$/;
const RESERVED_MAX = 200;

const isDate = (text: string): boolean => parseCompactTime(`${text}000000`) !== undefined;
const isTime = (text: string): boolean => /^([01]\d|2[0-3])([0-5]\d){2}$/.test(text);

type FieldTable = Readonly<Record<string, (value: string) => boolean>>;

const INQUIRY_FIELDS: FieldTable = {
  consumer_number: (value) => CONSUMER_NUMBER.test(value),
  bank_mnemonic: (value) => BANK_MNEMONIC.test(value),
  reserved: (value) => value.length <= RESERVED_MAX,
};

const PAYMENT_FIELDS: FieldTable = {
  ...INQUIRY_FIELDS,
  tran_auth_id: (value) => TRAN_AUTH_ID.test(value),
  transaction_amount: (value) => AMOUNT.test(value) && /[1-9]/.test(value),
  tran_date: isDate,
  tran_time: isTime,
};

/** `reserved` is optional in the field table; every other field is mandatory. */
const OPTIONAL = new Set(['reserved']);

function parseFields(body: string, table: FieldTable): ReadonlyMap<string, string> | Malformed {
  const fields = parseFlatJson(body);
  if (fields === undefined) return { malformed: 'body' };
  for (const key of fields.keys()) if (!Object.hasOwn(table, key)) return { malformed: 'unknown' };
  for (const [key, isGood] of Object.entries(table)) {
    const value = fields.get(key);
    if (value === undefined ? !OPTIONAL.has(key) : !isGood(value)) return { malformed: key };
  }
  return fields;
}

/** Reads a `BillInquiry` body. */
export function parseBillInquiry(body: string): BillInquiryRequest | Malformed {
  const fields = parseFields(body, INQUIRY_FIELDS);
  if ('malformed' in fields) return fields;
  return {
    consumerNumber: fields.get('consumer_number') ?? '',
    bankMnemonic: fields.get('bank_mnemonic') ?? '',
  };
}

/** Reads a `BillPayment` body. The amount has two implied decimals: it is paisa. */
export function parseBillPayment(body: string): BillPaymentRequest | Malformed {
  const fields = parseFields(body, PAYMENT_FIELDS);
  if ('malformed' in fields) return fields;
  return {
    consumerNumber: fields.get('consumer_number') ?? '',
    bankMnemonic: fields.get('bank_mnemonic') ?? '',
    tranAuthId: fields.get('tran_auth_id') ?? '',
    amount: paisa(BigInt(fields.get('transaction_amount') ?? '0')),
    tranDate: fields.get('tran_date') ?? '',
    tranTime: fields.get('tran_time') ?? '',
  };
}

/** The answer to an inquiry: exactly these keys, all strings, at the widths of the field table. */
export interface BillInquiryAnswer {
  readonly response_Code: string;
  readonly consumer_Detail: string;
  readonly bill_status: 'U' | 'P' | 'B';
  readonly due_date: string;
  readonly amount_within_dueDate: string;
  readonly amount_after_dueDate: string;
  readonly email_address: string;
  readonly contact_number: string;
  readonly billing_month: string;
  readonly date_paid: string;
  readonly amount_paid: string;
  readonly tran_auth_Id: string;
  readonly reserved: string;
}

/** The answer to a payment. */
export interface BillPaymentAnswer {
  readonly response_Code: string;
  readonly Identification_parameter: string;
  readonly reserved: string;
}

/** Text cut or padded with spaces on the right to exactly `width` UTF-16 units, never through a surrogate pair. */
export function padText(text: string, width: number): string {
  let cut = text.slice(0, width);
  const last = cut.charCodeAt(cut.length - 1);
  if (last >= 0xd800 && last <= 0xdbff) cut = cut.slice(0, -1);
  return cut.padEnd(width);
}

/** Sign and 13 digits with two implied decimals: `+0000000186900` is Rs 1,869.00. A bill is never negative. */
export function signedAmount(amount: Paisa): string {
  return `+${amount.toString().padStart(13, '0')}`;
}

/** `2026-11-23` as `20261123`. */
export function compactDate(date: string): string {
  return date.replaceAll('-', '');
}

/** 12 digits with two implied decimals. */
export function unsignedAmount(amount: Paisa): string {
  return amount.toString().padStart(12, '0');
}
