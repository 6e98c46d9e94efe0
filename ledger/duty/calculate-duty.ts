/**
 * Stamp duty of an instrument and the levies that go with it, each on its head of account, with every step.
 * Pure: the same input and book give the same result. Rules: Schedule I and s. 27-A of the Stamp Act 1899;
 * docs/domain/stamp-duty.md says which of them are assumed.
 */
import type { BusinessDate } from '../../kernel/clock.ts';
import { amountInWords, rupees, sumPaisa, type Paisa } from '../../kernel/money.ts';
import type { StampKind } from '../../kernel/stamp.ts';
import { chargeFigures, chargeText } from './charge.ts';
import { findBase, type Base } from './chargeable-value.ts';
import {
  applicableRemissions,
  ratesAssumed,
  remit,
  rowCharges,
  type RowCharge,
} from './charged-line.ts';
import {
  inForce,
  type DatedRow,
  type DutyBook,
  type RateVersion,
  type RemissionRow,
  type ScheduleRow,
} from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import { chargeLevies } from './levies.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, rupeesUrdu, type TraceStep } from './trace.ts';
import { amountInUrdu } from './urdu.ts';

/** A non-judicial stamp below this amount is of low denomination (Phase II: sold by vendors). [A] */
const LOW_DENOMINATION_BELOW: Paisa = rupees(500n);

export interface DutyLine {
  /** `stamp-duty`, or the code of the levy. */
  readonly line: string;
  readonly headCode: string;
  readonly headTitle: string;
  /** `CONVEYANCE - 23(a)` on the stamp-bearing line, else the levy's title. */
  readonly description: string;
  readonly amount: Paisa;
  /** True when the rate, the value it is reckoned on, or the head of account is an assumption. */
  readonly assumed: boolean;
  /** Present on the one line that bears the e-stamp. */
  readonly stamp?: { readonly kind: StampKind; readonly article: string };
}

/** A property of the deed, for those who look a stamp up by place. */
export interface DutyProperty {
  readonly district: string;
  readonly tehsil: string;
  readonly locality: string;
  readonly setting: string;
  readonly byTable?: Paisa;
}

export interface Duty {
  readonly ok: true;
  readonly date: BusinessDate;
  readonly instrument: { readonly code: string; readonly title: string; readonly article: string };
  readonly value: {
    readonly byTable?: Paisa;
    readonly declared?: Paisa;
    /** The one that the duty is reckoned on; absent for a fixed duty. */
    readonly chargeable?: Paisa;
  };
  readonly properties: readonly DutyProperty[];
  /** Every amount is above zero. The first bears the e-stamp, unless the whole duty is remitted. */
  readonly lines: readonly DutyLine[];
  readonly total: Paisa;
  /** True when any rate, head or table that was used is an assumption. */
  readonly assumed: boolean;
  /** In a step `assumed` is about the rate and the value only, not the head. */
  readonly trace: readonly TraceStep[];
  readonly versions: {
    readonly schedule: RateVersion;
    readonly levies: RateVersion;
    readonly remissions: RateVersion;
    /** The first property's table, and all tables when the deed has more properties. */
    readonly dcTable?: DcTableVersion;
    readonly dcTables: readonly DcTableVersion[];
  };
}

/** Which version of which table a value comes from. */
export interface DcTableVersion extends RateVersion {
  readonly district: string;
  readonly fiscalYear: string;
}

export type DutyResult = Duty | DutyRefusal;

/** `23(a)` */
function articleOf(row: ScheduleRow): string {
  return row.subArticle === undefined ? row.article : `${row.article}(${row.subArticle})`;
}

function scheduleRows(input: DutyInput, book: DutyBook): readonly ScheduleRow[] | DutyRefusal {
  const rows = book.schedule.filter((row) => row.instrument === input.instrument);
  if (rows.length === 0) {
    return refuse(
      'unknown-instrument',
      'instrument',
      'Schedule I has no instrument with this code; the list of instruments shows the codes.',
    );
  }
  const current = rows.filter((row) => inForce(row, book.date));
  return current.length === 0
    ? refuse(
        'date-outside-schedule',
        'date',
        `Schedule I has no rate for this instrument on ${book.date}.`,
      )
    : current;
}

function noRate(input: DutyInput, rows: readonly ScheduleRow[], base: Base): DutyRefusal {
  if (input.count === undefined && rows.some((row) => row.charge.kind === 'per-head')) {
    return refuse(
      'count-missing',
      'count',
      'The duty is charged for each person, page or copy; state how many.',
    );
  }
  const settings = new Set(base.deed?.properties.map((each) => each.setting));
  if (settings.size > 1 && base.deed?.byTable === undefined) {
    return refuse(
      'settings-differ',
      'properties',
      'Urban and rural property have other rates, and without DC tables the value cannot be divided; make a deed for each.',
    );
  }
  return refuse(
    'no-rate-for-value',
    'declaredValue',
    'Schedule I has no rate for this instrument at this value and place.',
  );
}

function stampKind(row: ScheduleRow, amount: Paisa): StampKind {
  return row.stampKind === 'non-judicial' && amount < LOW_DENOMINATION_BELOW
    ? 'low-denomination'
    : row.stampKind;
}

function headOf(row: DatedRow, book: DutyBook): Pick<DutyLine, 'headCode' | 'headTitle'> {
  return {
    headCode: row.headCode,
    headTitle: book.heads.get(row.headCode)?.title ?? row.headCode,
  };
}

function headAssumed(row: DatedRow, book: DutyBook): boolean {
  return book.heads.get(row.headCode)?.assumed ?? true;
}

function dutyStep(
  { row, base, amount }: RowCharge<ScheduleRow>,
  book: DutyBook,
  assumed: boolean,
): TraceStep {
  const article = articleOf(row);
  const version = String(book.scheduleVersion.version);
  const words = chargeText(row, base, amount);
  return {
    step: 'stamp-duty',
    text: `Stamp duty, article ${article} of Schedule I (version ${version}): ${words.en}.`,
    textUrdu: `سٹامپ ڈیوٹی، شیڈول اول کا آرٹیکل ${article} (ورژن ${version}): ${words.ur}۔`,
    figures: chargeFigures(row, base, {
      version: book.scheduleVersion,
      amount,
      also: ['article', article],
    }),
    source: row.source,
    assumed,
  };
}

/** A line, if anything is to be paid on it, and the steps that lead to it. */
interface Charged {
  readonly lines: readonly DutyLine[];
  readonly steps: readonly TraceStep[];
}

function stampDuty(
  charges: readonly RowCharge<ScheduleRow>[],
  base: Base,
  context: { readonly book: DutyBook; readonly remissions: readonly RemissionRow[] },
): Charged {
  const { book } = context;
  const assumed = ratesAssumed(charges, base);
  const left = remit('stamp-duty', charges, context.remissions, book.remissionVersion.version);
  const steps = [...charges.map((each) => dutyStep(each, book, assumed)), ...left.steps];
  const row = charges[0]?.row;
  if (row === undefined || left.amount === 0n) return { lines: [], steps };
  const article = charges.map((each) => articleOf(each.row)).join(', ');
  const line: DutyLine = {
    line: 'stamp-duty',
    ...headOf(row, book),
    description: `${row.title} - ${article}`,
    amount: left.amount,
    assumed: assumed || (left.remission?.assumed ?? false) || headAssumed(row, book),
    stamp: { kind: stampKind(row, left.amount), article },
  };
  return { lines: [line], steps };
}

function levyLines(
  base: Base,
  context: {
    readonly input: DutyInput;
    readonly book: DutyBook;
    readonly remissions: readonly RemissionRow[];
  },
): Charged {
  const { charged, skipped } = chargeLevies(base, context);
  const { book } = context;
  return {
    lines: charged
      .filter((each) => each.amount > 0n)
      .map(({ row, amount, assumed }) => ({
        line: row.levy,
        ...headOf(row, book),
        description: row.title,
        amount,
        assumed: assumed || headAssumed(row, book),
      })),
    steps: [...charged.flatMap((each) => each.steps), ...skipped],
  };
}

function versionsOf(base: Base, book: DutyBook): Duty['versions'] {
  const tables = new Map<string, DcTableVersion>();
  for (const { table } of base.deed?.properties ?? []) {
    if (table === undefined) continue;
    tables.set(`${table.districtCode} ${table.fiscalYear}`, {
      district: table.districtCode,
      fiscalYear: table.fiscalYear,
      version: table.version,
      sha256: table.sha256,
    });
  }
  const [dcTable] = tables.values();
  return {
    schedule: book.scheduleVersion,
    levies: book.levyVersion,
    remissions: book.remissionVersion,
    ...(dcTable === undefined ? {} : { dcTable }),
    dcTables: [...tables.values()],
  };
}

function valuesOf(input: DutyInput, base: Base): Duty['value'] {
  return {
    ...(base.deed?.byTable === undefined ? {} : { byTable: base.deed.byTable }),
    ...(input.declaredValue === undefined ? {} : { declared: input.declaredValue }),
    ...(base.chargeable === undefined ? {} : { chargeable: base.chargeable }),
  };
}

function propertiesOf(base: Base): DutyProperty[] {
  return (base.deed?.properties ?? []).map(({ district, tehsil, locality, setting, byTable }) => ({
    district,
    tehsil,
    locality,
    setting,
    ...(byTable === undefined ? {} : { byTable }),
  }));
}

function totalStep(total: Paisa): TraceStep {
  return {
    step: 'total',
    text: `Total to pay: ${rupeesText(total)} (${amountInWords(total)}).`,
    textUrdu: `کل واجب الادا رقم: ${rupeesUrdu(total)} (${amountInUrdu(total)})۔`,
    figures: { amount: total.toString() },
    assumed: false,
  };
}

/**
 * Calculates the duty of an instrument and its companion levies on the book's date. `input.date` is not read:
 * the book was loaded for it. Expected refusals come back as a union.
 */
export function calculateDuty(input: DutyInput, book: DutyBook): DutyResult {
  const rows = scheduleRows(input, book);
  if ('ok' in rows) return rows;
  const base = findBase(input, rows, book);
  if (!base.ok) return base;
  const charges = rowCharges(rows, base, input.count);
  const row = charges?.[0]?.row;
  if (charges === undefined || row === undefined) return noRate(input, rows, base);
  const remissions = applicableRemissions(input, book, base);
  if ('ok' in remissions) return remissions;
  const duty = stampDuty(charges, base, { book, remissions });
  const others = levyLines(base, { input, book, remissions });
  const lines = [...duty.lines, ...others.lines];
  const total = sumPaisa(lines.map((each) => each.amount));
  return {
    ok: true,
    date: book.date,
    instrument: {
      code: row.instrument,
      title: row.title,
      article: charges.map((each) => articleOf(each.row)).join(', '),
    },
    value: valuesOf(input, base),
    properties: propertiesOf(base),
    lines,
    total,
    assumed: lines.some((each) => each.assumed),
    trace: [...base.steps, ...duty.steps, ...others.steps, totalStep(total)],
    versions: versionsOf(base, book),
  };
}
