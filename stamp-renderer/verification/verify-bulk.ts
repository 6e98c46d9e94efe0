/**
 * Verifies a list: one stamp a line, by the text of its code or by its number. From a code the seal is judged like any
 * other; from a number only the register's word can be had, and the answer says so.
 */
import { hasValidCheckDigit } from '../../kernel/check-digit.ts';
import { csvLine } from '../../kernel/csv.ts';
import type { Message, StampStatus } from './report.ts';
import { statusMessage } from './sms.ts';
import { verifyQr, type VerifyQrOptions } from './verify-qr.ts';

export const BULK_LINES_MAX = 10_000;
const LINE_CHARACTERS_MAX = 2_000;
const AT_ONCE = 8;

export interface BulkLine {
  /** From 1, as in the file. */
  readonly line: number;
  /**
   * `genuine`, `refused`: the seal was judged. `registered`: a number that the register has, as issued and unused or
   * as used (see `state`); `not-registered`; `unreadable`: neither a code nor a number.
   */
  readonly verdict: 'genuine' | 'refused' | 'registered' | 'not-registered' | 'unreadable';
  readonly stampId?: string;
  readonly state?: StampStatus['state'];
  readonly usedFor?: string;
  readonly reasons: readonly string[];
  readonly message: Message;
}

const UNREADABLE: Message = {
  en: 'Neither the text of a code nor a number of 16 digits.',
  ur: 'نہ کوڈ کی عبارت ہے نہ 16 ہندسوں کا نمبر۔',
};
const MISTYPED: Message = {
  en: 'The number has a wrong check digit; it was mistyped.',
  ur: 'نمبر کا پڑتالی ہندسہ غلط ہے۔',
};

/** The lines of a list with their numbers: the first field of a CSV, blank lines and remarks (`#` first) left out. */
export function bulkEntries(content: string): { readonly line: number; readonly text: string }[] {
  return content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, index) => ({ line: index + 1, text: firstField(text) }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
}

function firstField(line: string): string {
  const [, quoted] = /^\s*"([^"]*)"/.exec(line) ?? [];
  return (quoted ?? line.split(/[,;\t]/, 1)[0] ?? '').trim();
}

async function verifyEntry(
  { line, text }: { readonly line: number; readonly text: string },
  options: VerifyQrOptions,
): Promise<BulkLine> {
  if (text.length > LINE_CHARACTERS_MAX)
    return { line, verdict: 'unreadable', reasons: [], message: UNREADABLE };
  if (text.includes('#')) {
    const report = await verifyQr(text, options);
    const { status } = report;
    const known = status.state === 'unchecked' || status.state === 'unknown' ? undefined : status;
    return {
      line,
      verdict: report.verdict,
      ...(report.facts === undefined ? {} : { stampId: report.facts.stampId }),
      ...(known === undefined ? {} : { state: known.state }),
      ...(known?.usedFor === undefined ? {} : { usedFor: known.usedFor }),
      reasons: report.reasons.map(({ code }) => code),
      message: report.message,
    };
  }
  const stampId = text.replace(/[\s-]/g, '');
  if (!/^\d{16}$/.test(stampId))
    return { line, verdict: 'unreadable', reasons: [], message: UNREADABLE };
  if (!hasValidCheckDigit(stampId))
    return { line, verdict: 'unreadable', stampId, reasons: [], message: MISTYPED };
  const status = await options.status?.(stampId);
  return {
    line,
    stampId,
    verdict: status === undefined ? 'not-registered' : 'registered',
    ...(status === undefined ? {} : { state: status.state }),
    ...(status?.usedFor === undefined ? {} : { usedFor: status.usedFor }),
    reasons: status === undefined ? ['not-in-register'] : [],
    message: statusMessage(status),
  };
}

/**
 * Verifies the entries of a list, some at a time, in their order. Whatever a line holds, its answer is a line; only
 * what the status look-up throws is passed on. The caller limits the list to `BULK_LINES_MAX`.
 */
export async function verifyBulk(
  entries: readonly { readonly line: number; readonly text: string }[],
  options: VerifyQrOptions,
): Promise<BulkLine[]> {
  const answers: BulkLine[] = [];
  for (let at = 0; at < entries.length; at += AT_ONCE)
    answers.push(
      ...(await Promise.all(
        entries.slice(at, at + AT_ONCE).map((entry) => verifyEntry(entry, options)),
      )),
    );
  return answers;
}

/** True when nothing in the list is refused, unknown or used: what makes the command's exit code 0. */
export function allGood(lines: readonly BulkLine[]): boolean {
  return lines.every(
    ({ verdict, state }) =>
      (verdict === 'genuine' || verdict === 'registered') &&
      (state === undefined || state === 'issued'),
  );
}

/** The answers as CSV (RFC 4180), safe to open in a spreadsheet: no field begins a formula. */
export function bulkCsv(lines: readonly BulkLine[]): string {
  const rows = lines.map(({ line, stampId, verdict, state, usedFor, reasons, message }) =>
    csvLine([
      String(line),
      stampId ?? '',
      verdict,
      state ?? '',
      usedFor ?? '',
      reasons.join(' '),
      message.en,
      message.ur,
    ]),
  );
  return `${['line,e-stamp,verdict,state,used for,reasons,message,پیغام', ...rows].join('\r\n')}\r\n`;
}
