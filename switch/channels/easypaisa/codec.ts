/**
 * The wire format of the Easypaisa channel: the signed envelope read strictly, fields checked against their table,
 * amounts as rupees with decimals. Field tables and sources: README.md beside this file.
 */
import { compactTime, parseCompactTime } from '../../../kernel/clock.ts';
import { parseFlatJson } from '../../../kernel/flat-json.ts';
import { parseRupees, type Paisa } from '../../../kernel/money.ts';
import { compactJson } from './signature.ts';

/** A refused body: the field that is wrong, or `body`. */
export interface Malformed {
  readonly malformed: string;
}

export type Fields = ReadonlyMap<string, string>;

/** An envelope, not yet believed. */
export interface Envelope {
  readonly fields: Fields;
  /** What is signed. */
  readonly compact: string;
  readonly signature: string;
}

export interface BillRequest {
  readonly storeId: string;
  /** The PSID. */
  readonly orderRefNum: string;
  /** The wallet's own, used once. */
  readonly transactionId: string;
  readonly madeAt: Date;
}

export interface BillPaymentRequest extends BillRequest {
  readonly amount: Paisa;
}

export interface BillReversalRequest extends BillRequest {
  readonly amount: Paisa;
  /** The `transactionId` of the payment to reverse. */
  readonly originalTransactionId: string;
}

const FIELDS_MAX = 32;
const VALUE_MAX = 255;
const SIGNATURE = /^[A-Za-z0-9+/]{342,683}={0,2}$/;
/** No control character and no half of a surrogate pair. */
const VALUE = /^[^\p{Cc}\p{Surrogate}]*$/u;

/** True for valid JSON; the patterns below are linear on that alone. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Reads a JSON object of printable strings. */
export function parseFlatObject(text: string): Fields | undefined {
  const fields = parseFlatJson(text);
  if (fields === undefined || fields.size > FIELDS_MAX) return undefined;
  const isPrintable = (value: string): boolean => value.length <= VALUE_MAX && VALUE.test(value);
  return [...fields.values()].every(isPrintable) ? fields : undefined;
}

const ENVELOPES = {
  request: /^\{"request":(\{[^]*\}),"signature":"([^"\\]*)"\}$/,
  response: /^\{"response":(\{[^]*\}),"signature":"([^"\\]*)"\}$/,
} as const;

/** Reads `{"request": {…}, "signature": "…"}` (or `response`), in this order, without believing it. */
export function parseEnvelope(
  body: string,
  name: 'request' | 'response' = 'request',
): Envelope | Malformed {
  if (!isJson(body)) return { malformed: 'body' };
  const [, compact, signature] = ENVELOPES[name].exec(compactJson(body)) ?? [];
  if (compact === undefined || signature === undefined) return { malformed: 'body' };
  const fields = parseFlatObject(compact);
  if (fields === undefined) return { malformed: 'body' };
  if (!SIGNATURE.test(signature)) return { malformed: 'signature' };
  return { fields, compact, signature };
}

/** Reads `YYYYMMDD HHMMSS`, Pakistan time, years 2000 to 2099. */
export function parseDateTime(text: string): Date | undefined {
  return /^\d{8} \d{6}$/.test(text) ? parseCompactTime(text.replace(' ', '')) : undefined;
}

/** An instant as `YYYYMMDD HHMMSS`, Pakistan time. */
export function dateTimeText(instant: Date): string {
  const text = compactTime(instant);
  return `${text.slice(0, 8)} ${text.slice(8)}`;
}

const AMOUNT = /^(0|[1-9]\d{0,10})(\.\d{1,2})?$/;

/** Reads rupees with at most two decimals, more than zero: `1869.0` is 186,900 paisa. */
export function parseAmount(text: string): Paisa | undefined {
  if (!AMOUNT.test(text)) return undefined;
  const amount = parseRupees(text);
  return amount > 0n ? amount : undefined;
}

/** Paisa as rupees with two decimals. */
export function amountText(amount: Paisa): string {
  const text = amount.toString().padStart(3, '0');
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}

type FieldTable = Readonly<Record<string, RegExp>>;

const COMMON: FieldTable = {
  storeId: /^[0-9A-Za-z]{1,20}$/,
  orderRefNum: /^[0-9A-Za-z]{1,20}$/,
  transactionId: /^[0-9A-Za-z]{1,24}$/,
  requestDateTime: /^\d{8} \d{6}$/,
};
const INQUIRY: FieldTable = { ...COMMON, transactionType: /^INQ$/ };
const PAYMENT: FieldTable = {
  ...COMMON,
  transactionType: /^(MA|OTC|CC)$/,
  transactionAmount: AMOUNT,
};
const REVERSAL: FieldTable = {
  ...COMMON,
  transactionType: /^REVERSAL$/,
  transactionAmount: AMOUNT,
  originalTransactionId: /^[0-9A-Za-z]{1,24}$/,
};
/** May be left out. */
const OPTIONAL: FieldTable = { mobileAccountNo: /^03\d{9}$/, msisdn: /^03\d{9}$/ };

function wrongField(fields: Fields, table: FieldTable): string | undefined {
  for (const [name, form] of Object.entries(table)) {
    if (!form.test(fields.get(name) ?? '')) return name;
  }
  for (const [name, value] of fields) {
    const isKnown = Object.hasOwn(table, name) || Object.hasOwn(OPTIONAL, name);
    if (!isKnown) return 'unknown';
    if (OPTIONAL[name]?.test(value) === false) return name;
  }
  return undefined;
}

function readBill(fields: Fields, table: FieldTable): BillRequest | Malformed {
  const wrong = wrongField(fields, table);
  if (wrong !== undefined) return { malformed: wrong };
  const madeAt = parseDateTime(fields.get('requestDateTime') ?? '');
  if (madeAt === undefined) return { malformed: 'requestDateTime' };
  return {
    storeId: fields.get('storeId') ?? '',
    orderRefNum: fields.get('orderRefNum') ?? '',
    transactionId: fields.get('transactionId') ?? '',
    madeAt,
  };
}

/** Reads the fields of a bill inquiry. */
export function parseBillInquiry(fields: Fields): BillRequest | Malformed {
  return readBill(fields, INQUIRY);
}

/** Reads the fields of a bill payment. */
export function parseBillPayment(fields: Fields): BillPaymentRequest | Malformed {
  const bill = readBill(fields, PAYMENT);
  if ('malformed' in bill) return bill;
  const amount = parseAmount(fields.get('transactionAmount') ?? '');
  return amount === undefined ? { malformed: 'transactionAmount' } : { ...bill, amount };
}

/** Reads the fields of a bill reversal. */
export function parseBillReversal(fields: Fields): BillReversalRequest | Malformed {
  const bill = readBill(fields, REVERSAL);
  if ('malformed' in bill) return bill;
  const amount = parseAmount(fields.get('transactionAmount') ?? '');
  if (amount === undefined) return { malformed: 'transactionAmount' };
  return { ...bill, amount, originalTransactionId: fields.get('originalTransactionId') ?? '' };
}
