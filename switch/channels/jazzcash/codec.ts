/**
 * The wire format of the JazzCash forms: bodies read strictly as JSON or as a posted form, fields checked against
 * their table. Field tables and sources: README.md beside this file.
 */
import { parseCompactTime } from '../../../kernel/clock.ts';
import { parseFlatJson } from '../../../kernel/flat-json.ts';
import { paisa, type Paisa } from '../../../kernel/money.ts';

/** A refused body: the field that is wrong, or `body`. */
export interface Malformed {
  readonly malformed: string;
}

export type Fields = ReadonlyMap<string, string>;

/** What every signed request of the biller form says. */
export interface BillRequest {
  readonly merchantId: string;
  readonly txnRefNo: string;
  readonly txnType: string;
  readonly madeAt: Date;
  readonly billReference: string;
}

export interface BillPaymentRequest extends BillRequest {
  readonly amount: Paisa;
  /** JazzCash's own reference of the payment. */
  readonly retrievalReference: string;
}

export interface BillReversalRequest extends BillRequest {
  readonly amount: Paisa;
  /** The `pp_TxnRefNo` of the payment to reverse. */
  readonly originalTxnRefNo: string;
}

/** An instant payment notification of the voucher form. */
export interface Notification {
  readonly txnRefNo: string;
  readonly responseCode: string;
  readonly retrievalReference: string;
  /** Present when the sender says what was paid; the published form does not. */
  readonly amount?: Paisa;
  readonly billReference?: string;
}

const FIELDS_MAX = 48;
const VALUE_MAX = 255;
const NAME = /^(pp_[A-Za-z0-9]{1,40}|ppmpf_[1-5])$/;
/** Printable text in any script; a control character or an `&` has no place in a value. */
const VALUE = /^[^\p{Cc}\p{Surrogate}&]*$/u;

/** Adds one field; false when its name or value is not allowed or the name came before. */
function addField(fields: Map<string, string>, name: string, value: string): boolean {
  const isAllowed =
    fields.size < FIELDS_MAX && NAME.test(name) && value.length <= VALUE_MAX && VALUE.test(value);
  if (!isAllowed || fields.has(name)) return false;
  fields.set(name, value);
  return true;
}

function readJson(body: string): Map<string, string> | undefined {
  // The gateway writes an absent value as null.
  const members = parseFlatJson(body, '');
  if (members === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const [name, value] of members) if (!addField(fields, name, value)) return undefined;
  return fields;
}

function readForm(body: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const pair of body.split('&', FIELDS_MAX + 1)) {
    const [name = '', value = '', ...more] = pair.split('=');
    if (more.length > 0) return undefined;
    try {
      const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
      if (!addField(fields, decode(name), decode(value))) return undefined;
    } catch (error) {
      if (error instanceof URIError) return undefined;
      throw error;
    }
  }
  return fields;
}

/** Reads the fields of a body: a JSON object of strings (or null), or a form. */
export function parseFields(body: string): Fields | Malformed {
  const fields = body.trimStart().startsWith('{') ? readJson(body) : readForm(body);
  return fields ?? { malformed: 'body' };
}

type FieldTable = Readonly<Record<string, RegExp>>;

const COMMON: FieldTable = {
  pp_Version: /^(1\.1|2\.0)$/,
  pp_MerchantID: /^[0-9A-Za-z]{1,20}$/,
  pp_Password: /^[\x21-\x7e]{1,128}$/,
  pp_TxnRefNo: /^[0-9A-Za-z]{1,20}$/,
  pp_TxnDateTime: /^\d{14}$/,
  pp_BillReference: /^[0-9A-Za-z]{1,20}$/,
  pp_SecureHash: /^[0-9A-Fa-f]{64}$/,
};
const MONEY: FieldTable = { pp_Amount: /^[1-9]\d{0,12}$/, pp_TxnCurrency: /^PKR$/ };
const INQUIRY: FieldTable = { ...COMMON, pp_TxnType: /^INQ$/ };
const PAYMENT: FieldTable = {
  ...COMMON,
  ...MONEY,
  pp_TxnType: /^(MWALLET|OTC|MIGS)$/,
  pp_RetreivalReferenceNo: /^[0-9A-Za-z]{1,20}$/,
};
const REVERSAL: FieldTable = {
  ...COMMON,
  ...MONEY,
  pp_TxnType: /^REFUND$/,
  pp_OriginalTxnRefNo: /^[0-9A-Za-z]{1,20}$/,
};
/** May be left out or empty in every form. */
const OPTIONAL: FieldTable = { pp_Language: /^(EN)?$/, pp_MobileNumber: /^(03\d{9})?$/ };

function wrongField(fields: Fields, table: FieldTable): string | undefined {
  for (const [name, form] of Object.entries(table)) {
    if (!form.test(fields.get(name) ?? '')) return name;
  }
  for (const [name, value] of fields) {
    if (Object.hasOwn(table, name) || name.startsWith('ppmpf_')) continue;
    if (OPTIONAL[name]?.test(value) !== true) return 'unknown';
  }
  return undefined;
}

function readBill(fields: Fields, table: FieldTable): BillRequest | Malformed {
  const wrong = wrongField(fields, table);
  if (wrong !== undefined) return { malformed: wrong };
  const madeAt = parseCompactTime(fields.get('pp_TxnDateTime') ?? '');
  if (madeAt === undefined) return { malformed: 'pp_TxnDateTime' };
  return {
    merchantId: fields.get('pp_MerchantID') ?? '',
    txnRefNo: fields.get('pp_TxnRefNo') ?? '',
    txnType: fields.get('pp_TxnType') ?? '',
    madeAt,
    billReference: fields.get('pp_BillReference') ?? '',
  };
}

const amountOf = (fields: Fields): Paisa => paisa(BigInt(fields.get('pp_Amount') ?? '0'));

/** Reads the fields of a bill inquiry. */
export function parseBillInquiry(fields: Fields): BillRequest | Malformed {
  return readBill(fields, INQUIRY);
}

/** Reads the fields of a bill payment; `pp_Amount` is paisa. */
export function parseBillPayment(fields: Fields): BillPaymentRequest | Malformed {
  const bill = readBill(fields, PAYMENT);
  if ('malformed' in bill) return bill;
  const retrievalReference = fields.get('pp_RetreivalReferenceNo') ?? '';
  return { ...bill, amount: amountOf(fields), retrievalReference };
}

/** Reads the fields of a bill reversal. */
export function parseBillReversal(fields: Fields): BillReversalRequest | Malformed {
  const bill = readBill(fields, REVERSAL);
  if ('malformed' in bill) return bill;
  const originalTxnRefNo = fields.get('pp_OriginalTxnRefNo') ?? '';
  return { ...bill, amount: amountOf(fields), originalTxnRefNo };
}

const NOTIFICATION: FieldTable = {
  pp_TxnRefNo: /^[0-9A-Za-z]{1,20}$/,
  pp_ResponseCode: /^\d{3}$/,
  // Empty while nothing was paid yet.
  pp_RetreivalReferenceNo: /^[0-9A-Za-z]{0,20}$/,
  pp_TxnCurrency: /^(PKR)?$/,
  pp_Amount: /^([1-9]\d{0,12})?$/,
  pp_BillReference: /^[0-9A-Za-z]{0,20}$/,
};

/** Reads a notification. What else the gateway says is under its hash, and is not looked at. */
export function parseNotification(fields: Fields): Notification | Malformed {
  for (const [name, form] of Object.entries(NOTIFICATION)) {
    if (!form.test(fields.get(name) ?? '')) return { malformed: name };
  }
  const given = (name: string): string | undefined => fields.get(name) || undefined;
  const billReference = given('pp_BillReference');
  return {
    txnRefNo: fields.get('pp_TxnRefNo') ?? '',
    responseCode: fields.get('pp_ResponseCode') ?? '',
    retrievalReference: fields.get('pp_RetreivalReferenceNo') ?? '',
    ...(given('pp_Amount') === undefined ? {} : { amount: amountOf(fields) }),
    ...(billReference === undefined ? {} : { billReference }),
  };
}
