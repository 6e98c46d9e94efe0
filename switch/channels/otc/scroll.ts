/**
 * The end-of-day scroll of a branch: every entry of the day by till, batch and serial, with totals of what was posted.
 * A serial that is missing in it was never given out. As JSON or as CSV for a spreadsheet.
 */
import { printedTime, type BusinessDate } from '../../../kernel/clock.ts';
import { csvLine } from '../../../kernel/csv.ts';
import type { Queryable } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import { receiptNumber } from './to-payment.ts';
import { scrollRows, type ScrollRow } from './entry-store.ts';

/** More than a branch collects in a day. */
const LINES_MAX = 50_000;

export interface ScrollQuery {
  readonly participant: string;
  readonly branch: string;
  readonly date: BusinessDate;
}

/** One line; every member is text, amounts are paisa. */
export type ScrollLine = Readonly<Record<(typeof COLUMNS)[number], string>>;

export interface Scroll {
  readonly participant: string;
  readonly branch: string;
  readonly date: BusinessDate;
  /** False while a batch of the day is not closed. */
  readonly final: boolean;
  readonly lines: readonly ScrollLine[];
  readonly totals: {
    readonly count: string;
    readonly cash: string;
    readonly cheque: string;
    readonly amount: string;
  };
}

const COLUMNS = [
  'receiptNumber',
  'till',
  'batch',
  'serial',
  'teller',
  'receivedAt',
  'psid',
  'amount',
  'means',
  'chequeNumber',
  'chequeBank',
  'chequeDate',
  'state',
  'result',
  'authorisation',
  'voidReason',
] as const;

function lineOf(row: ScrollRow, date: BusinessDate): ScrollLine {
  const { entry, branch, till, batch: number } = row;
  const { cheque } = entry;
  return {
    receiptNumber: receiptNumber({ branch, till, number, businessDate: date }, entry.serial),
    till,
    batch: String(number),
    serial: String(entry.serial),
    teller: row.teller,
    receivedAt: printedTime(entry.enteredAt),
    psid: entry.psid,
    amount: entry.amount.toString(),
    means: cheque === undefined ? 'cash' : 'cheque',
    chequeNumber: cheque?.number ?? '',
    chequeBank: cheque?.bank ?? '',
    chequeDate: cheque?.date ?? '',
    state: entry.state,
    result: entry.result ?? '',
    authorisation: entry.authorisation ?? '',
    voidReason: entry.voidReason ?? '',
  };
}

/** Makes the scroll of a branch's day. Refuses (`bad-input`) a day of more than 50,000 entries. */
export async function makeScroll(db: Queryable, query: ScrollQuery): Promise<Scroll> {
  const rows = await scrollRows(db, query, LINES_MAX + 1);
  if (rows.length > LINES_MAX) throw new Fault('bad-input', 'The scroll has too many lines.');
  let count = 0n;
  const sums = { cash: 0n, cheque: 0n };
  for (const { entry } of rows) {
    if (entry.state !== 'posted') continue;
    count += 1n;
    sums[entry.cheque === undefined ? 'cash' : 'cheque'] += entry.amount;
  }
  return {
    ...query,
    final: rows.every(({ batchState }) => batchState === 'closed'),
    lines: rows.map((row) => lineOf(row, query.date)),
    totals: {
      count: count.toString(),
      cash: sums.cash.toString(),
      cheque: sums.cheque.toString(),
      amount: (sums.cash + sums.cheque).toString(),
    },
  };
}

/** The scroll as CSV: a header, the lines, and a last line with the number and sum of what was posted. */
export function scrollCsv(scroll: Scroll): string {
  const lines = scroll.lines.map((line) => csvLine(COLUMNS.map((column) => line[column])));
  const total = COLUMNS.map((column) => {
    if (column === 'receiptNumber') return 'TOTAL POSTED';
    if (column === 'serial') return scroll.totals.count;
    return column === 'amount' ? scroll.totals.amount : '';
  });
  return `${[COLUMNS.join(','), ...lines, total.join(',')].join('\r\n')}\r\n`;
}
