/** Bodies of the teller interface: flat JSON of texts, strictly parsed. Field tables: README.md beside this file. */
import { parseFlatJson } from '../../../kernel/flat-json.ts';
import { parsePaisa, type Paisa } from '../../../kernel/money.ts';
import type { Psid } from '../../../kernel/ids.ts';
import { psidOfScan } from './scan.ts';

/** A refused body: the field that is wrong, or `body`. */
export interface Malformed {
  readonly malformed: string;
}

export interface SignIn {
  readonly branch: string;
  readonly till: string;
  readonly teller: string;
}

export interface Cheque {
  readonly number: string;
  readonly bank: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
}

export interface TillPayment {
  /** Undefined when the code is no PSID, or was misread. */
  readonly psid: Psid | undefined;
  readonly amount: Paisa;
  /** Absent: cash. */
  readonly cheque?: Cheque;
}

export interface Void {
  readonly serial: number;
  readonly reason: string;
}

/** What the teller counted. */
export interface Control {
  readonly count: number;
  readonly cash: Paisa;
  readonly cheque: Paisa;
  /** Closes although the totals differ; the difference is kept with the batch. */
  readonly acceptDifference: boolean;
}

export type Fields = ReadonlyMap<string, string>;

const VALUE_MAX = 200;
const PRINTABLE = /^[^\p{Cc}\p{Surrogate}]*$/u;
/** What a scanner adds behind a code. */
const LINE_END = /[\r\n\t]+$/;

/** Reads a JSON object of strings; a key that comes twice is refused. An empty body is an empty object. */
function parseFields(body: string): Fields | undefined {
  if (body === '') return new Map();
  const fields = parseFlatJson(body);
  if (fields === undefined) return undefined;
  for (const [name, value] of fields) {
    if (value.length > VALUE_MAX) return undefined;
    const text = name === 'code' ? value.replace(LINE_END, '') : value;
    if (!PRINTABLE.test(text)) return undefined;
    fields.set(name, text);
  }
  return fields;
}

type FieldTable = Readonly<Record<string, RegExp>>;

function readFields(
  body: string,
  table: FieldTable,
  optional: FieldTable = {},
): Fields | Malformed {
  const fields = parseFields(body);
  if (fields === undefined) return { malformed: 'body' };
  for (const [name, form] of Object.entries(table)) {
    if (!form.test(fields.get(name) ?? '')) return { malformed: name };
  }
  for (const [name, value] of fields) {
    if (Object.hasOwn(table, name)) continue;
    if (!Object.hasOwn(optional, name)) return { malformed: 'unknown' };
    if (optional[name]?.test(value) !== true) return { malformed: name };
  }
  return fields;
}

const SIGN_IN: FieldTable = {
  branch: /^[0-9A-Z]{1,12}$/,
  till: /^[0-9A-Z]{1,8}$/,
  teller: /^[0-9A-Za-z._-]{1,32}$/,
};

/** Reads a sign-in. */
export function parseSignIn(body: string): SignIn | Malformed {
  const fields = readFields(body, SIGN_IN);
  if ('malformed' in fields) return fields;
  return {
    branch: fields.get('branch') ?? '',
    till: fields.get('till') ?? '',
    teller: fields.get('teller') ?? '',
  };
}

const CODE: FieldTable = { code: /^[^]{1,40}$/ };

/** Reads an inquiry: the PSID of its code, undefined in it when the code is none. */
export function parseInquiry(body: string): { readonly psid: Psid | undefined } | Malformed {
  const fields = readFields(body, CODE);
  if ('malformed' in fields) return fields;
  return { psid: psidOfScan(fields.get('code') ?? '') };
}

const DATE = /^20\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

/** True for a day of the calendar written `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  // A day that does not exist rolls over to another.
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}

const PAYMENT: FieldTable = { ...CODE, amount: /^[1-9]\d{0,14}$/, means: /^(cash|cheque)$/ };
const CHEQUE: FieldTable = {
  chequeNumber: /^[0-9A-Za-z]{1,20}$/,
  chequeBank: /^[^]{1,60}$/,
  chequeDate: DATE,
};

/** Reads a payment. A cheque's three fields come with `means` cheque and with no other. */
export function parsePayment(body: string): TillPayment | Malformed {
  const fields = readFields(body, PAYMENT, CHEQUE);
  if ('malformed' in fields) return fields;
  const amount = parsePaisa(fields.get('amount') ?? '0');
  const psid = psidOfScan(fields.get('code') ?? '');
  const number = fields.get('chequeNumber');
  const bank = fields.get('chequeBank');
  const date = fields.get('chequeDate');
  const isCheque = fields.get('means') === 'cheque';
  for (const [name, value] of Object.entries({
    chequeNumber: number,
    chequeBank: bank,
    chequeDate: date,
  })) {
    if ((value !== undefined) !== isCheque) return { malformed: name };
  }
  if (number === undefined || bank === undefined || date === undefined) return { psid, amount };
  if (!isDate(date) || bank.trim() === '')
    return { malformed: isDate(date) ? 'chequeBank' : 'chequeDate' };
  return { psid, amount, cheque: { number, bank, date } };
}

const VOID: FieldTable = { serial: /^[1-9]\d{0,6}$/, reason: /^[^]{1,200}$/ };

/** Reads a void. */
export function parseVoid(body: string): Void | Malformed {
  const fields = readFields(body, VOID);
  if ('malformed' in fields) return fields;
  const reason = (fields.get('reason') ?? '').trim();
  if (reason === '') return { malformed: 'reason' };
  return { serial: Number(fields.get('serial')), reason };
}

const TOTAL = /^(0|[1-9]\d{0,14})$/;
const CONTROL: FieldTable = { count: /^(0|[1-9]\d{0,6})$/, cash: TOTAL, cheque: TOTAL };

/** Reads the control totals of a closing. */
export function parseControl(body: string): Control | Malformed {
  const fields = readFields(body, CONTROL, { acceptDifference: /^(yes|no)$/ });
  if ('malformed' in fields) return fields;
  return {
    count: Number(fields.get('count')),
    cash: parsePaisa(fields.get('cash') ?? '0'),
    cheque: parsePaisa(fields.get('cheque') ?? '0'),
    acceptDifference: fields.get('acceptDifference') === 'yes',
  };
}
