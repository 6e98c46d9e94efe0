/**
 * The positional fields of our own [A]: DE 48 (which bill), DE 120 (its details), DE 121 (what was issued) and
 * the standard's DE 90 (which message a reversal is about). Layouts: docs/spec/iso8583.md.
 */
import type { BusinessDate } from '../../../kernel/clock.ts';
import type { Paisa } from '../../../kernel/money.ts';
import type { Bill } from '../../payment/index.ts';

const COMPANY_WIDTH = 8;
const CONSUMER_WIDTH = 24;
/** DE 4 has twelve digits. */
const LARGEST_AMOUNT = 999_999_999_999n;
/** DE 121 has 999 characters: a count of two digits and this many ids of sixteen. */
const STAMPS_MAX = 62;

/** Reads DE 48: company code and consumer number without its blanks; undefined when it is not positional. */
export function parseBillReference(
  text: string,
): { readonly companyCode: string; readonly consumerNumber: string } | undefined {
  if (text.length !== COMPANY_WIDTH + CONSUMER_WIDTH) return undefined;
  const consumerNumber = text.slice(COMPANY_WIDTH).trimEnd();
  if (consumerNumber === '' || consumerNumber.includes(' ')) return undefined;
  return { companyCode: text.slice(0, COMPANY_WIDTH), consumerNumber };
}

/** Twelve digits of paisa, or undefined when the amount does not fit. */
export function formatAmount(amount: Paisa): string | undefined {
  if (amount < 0n || amount > LARGEST_AMOUNT) return undefined;
  return amount.toString().padStart(12, '0');
}

const compactDate = (date: BusinessDate): string => date.replaceAll('-', '');

/** DE 15: month and day of a business date. */
export function settlementDate(date: BusinessDate): string {
  return compactDate(date).slice(4);
}

/** A name as the wire may hold it: what is not printable ASCII becomes `?`. */
function printableName(name: string, width: number): string {
  return name
    .replace(/[^\x20-\x7e]/gu, '?')
    .slice(0, width)
    .padEnd(width);
}

const STATUS: Readonly<Record<Bill['status'], string>> = {
  unpaid: 'U',
  paid: 'P',
  blocked: 'B',
  expired: 'E',
};

/** DE 120 of an inquiry's answer, 83 characters. */
export function formatBillDetails(bill: Bill): string {
  const amount = (value: Paisa): string => value.toString().padStart(12, '0');
  return [
    printableName(bill.consumerName, 30),
    STATUS[bill.status],
    compactDate(bill.dueDate),
    `+0${amount(bill.amount)}`,
    compactDate(bill.billedOn).slice(2, 6),
    bill.paid === undefined ? ' '.repeat(8) : compactDate(bill.paid.on),
    bill.paid === undefined ? ' '.repeat(12) : amount(bill.paid.amount),
    (bill.paid?.authorisation ?? '').slice(0, 6).padEnd(6),
  ].join('');
}

/** DE 121 of a payment's answer: how many e-stamps were issued, and the ids of the first 62. */
export function formatStamps(stampIds: readonly string[]): string {
  const shown = stampIds.slice(0, STAMPS_MAX);
  return String(shown.length).padStart(2, '0') + shown.join('');
}

export interface OriginalData {
  readonly mti: string;
  readonly stan: string;
  readonly transmission: string;
  /** Eleven digits, zeros when not given. */
  readonly acquirer: string;
}

/** Reads DE 90: MTI 4, STAN 6, transmission date and time 10, acquirer 11, forwarder 11. */
export function parseOriginalData(text: string): OriginalData {
  return {
    mti: text.slice(0, 4),
    stan: text.slice(4, 10),
    transmission: text.slice(10, 20),
    acquirer: text.slice(20, 31),
  };
}

const DAYS_OF_MONTH = ['31', '29', '31', '30', '31', '30', '31', '31', '30', '31', '30', '31'];

/**
 * DE 7 (MMDDhhmmss, UTC) with its year, which the field leaves out: the year that puts it nearest to `now`. So a
 * key does not come back after twelve months. Undefined when it is no date and time.
 */
export function transmissionInstant(text: string, now: Date): string | undefined {
  const month = text.slice(0, 2);
  const longest = DAYS_OF_MONTH[Number(month) - 1];
  const day = text.slice(2, 4);
  if (longest === undefined || day === '00' || day > longest) return undefined;
  if (text.slice(4, 6) > '23' || text.slice(6, 8) > '59' || text.slice(8, 10) > '59')
    return undefined;
  const distance = Number(month) - (now.getUTCMonth() + 1);
  const shift = distance > 6 ? -1 : distance < -6 ? 1 : 0;
  return `${String(now.getUTCFullYear() + shift)}${text}`;
}
