/**
 * Stamp duty of an instrument and the levies that go with it, each on its head of account, with every step.
 * Pure: the same input and book give the same result. Rules: Schedule I and s. 27-A of the Stamp Act 1899;
 * docs/domain/stamp-duty.md says which of them are assumed.
 */
import type { BusinessDate } from '../../kernel/clock.ts';
import { rupees, sumPaisa, type Paisa } from '../../kernel/money.ts';
import type { StampKind } from '../challans/challan-line-draft.ts';
import { charge, chargeFigures, chargeText, matches } from './charge.ts';
import {
  dependsOnValue,
  inForce,
  type DatedRow,
  type DutyBook,
  type LevyRow,
  type RateVersion,
  type ScheduleRow,
} from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, type TraceStep } from './trace.ts';
import { valuate, VALUE_MAX, type PropertyValue } from './valuation.ts';

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
  /** The first bears the e-stamp; every amount is above zero. */
  readonly lines: readonly DutyLine[];
  readonly total: Paisa;
  /** True when any rate, head or table that was used is an assumption. */
  readonly assumed: boolean;
  /** In a step `assumed` is about the rate and the value only, not the head. */
  readonly trace: readonly TraceStep[];
  readonly versions: {
    readonly schedule: RateVersion;
    readonly levies: RateVersion;
    readonly dcTable?: RateVersion & { readonly district: string; readonly fiscalYear: string };
  };
}

export type DutyResult = Duty | DutyRefusal;

/** What is known before the rows are chosen. */
interface Base {
  readonly ok: true;
  readonly property?: PropertyValue;
  readonly chargeable?: Paisa;
  /** True when the chargeable value itself rests on an assumption. */
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

/** `23(a)` */
function articleOf(row: ScheduleRow): string {
  return row.subArticle === undefined ? row.article : `${row.article}(${row.subArticle})`;
}

/** True when an instrument with these rows cannot be reckoned without a property. */
export function needsProperty(rows: readonly ScheduleRow[]): boolean {
  return rows.some((row) => row.valueOf === 'property' || row.setting !== 'any');
}

/** True when an instrument with these rows cannot be reckoned without a declared amount. */
export function needsDeclaredValue(rows: readonly ScheduleRow[]): boolean {
  return rows.some((row) => row.valueOf === 'consideration' && dependsOnValue(row));
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

function checkDeclared(input: DutyInput, needed: boolean): DutyRefusal | undefined {
  const { declaredValue } = input;
  if (declaredValue === undefined) {
    return needed
      ? refuse(
          'declared-value-missing',
          'declaredValue',
          'The duty depends on the amount in the deed; state it.',
        )
      : undefined;
  }
  if (declaredValue < 0n || (needed && declaredValue === 0n)) {
    return refuse('value-not-positive', 'declaredValue', 'The amount must be more than nothing.');
  }
  return declaredValue > VALUE_MAX
    ? refuse('value-too-large', 'declaredValue', 'The amount is more than Rs 1 trillion.')
    : undefined;
}

function chargeableStep(chargeable: Paisa, text: string, assumed: boolean): TraceStep {
  return {
    step: 'chargeable-value',
    text: `${text}: ${rupeesText(chargeable)}.`,
    figures: { value: chargeable.toString() },
    source: 'Stamp Act 1899, s. 27-A',
    assumed,
  };
}

/** The higher of the table's value and the declared one (s. 27-A). */
function higherValue(input: DutyInput, property: PropertyValue): Base | DutyRefusal {
  const { byTable } = property;
  const declared = input.declaredValue;
  if (byTable === undefined && declared === undefined) {
    return refuse(
      'no-dc-rate',
      'declaredValue',
      'There is no DC rate for this property and no declared value; state the declared value.',
    );
  }
  const fromTable = byTable !== undefined && (declared === undefined || byTable >= declared);
  const chargeable = fromTable ? byTable : declared;
  if (chargeable === undefined || chargeable === 0n) {
    return refuse('value-not-positive', 'declaredValue', 'The value must be more than nothing.');
  }
  const steps: TraceStep[] = [...property.steps];
  if (declared !== undefined) {
    steps.push({
      step: 'declared-value',
      text: `Value declared in the deed: ${rupeesText(declared)}.`,
      figures: { value: declared.toString() },
      assumed: false,
    });
  }
  const assumed = fromTable || byTable === undefined ? property.assumed : false;
  let text = 'Duty is reckoned on the declared value, which is the higher';
  if (byTable === undefined) text = 'Duty is reckoned on the declared value';
  else if (declared === undefined) text = 'Duty is reckoned on the value by the DC table';
  else if (declared === byTable) text = 'Both values are the same; duty is reckoned on';
  else if (fromTable) text = 'Duty is reckoned on the value by the DC table, which is the higher';
  steps.push(chargeableStep(chargeable, text, assumed));
  return { ok: true, property, chargeable, assumed, steps };
}

function consideration(input: DutyInput, property: PropertyValue | undefined): Base {
  const { declaredValue } = input;
  const known = property === undefined ? {} : { property };
  const steps = property?.steps ?? [];
  if (declaredValue === undefined || declaredValue === 0n) {
    return { ok: true, ...known, assumed: false, steps };
  }
  return {
    ok: true,
    ...known,
    chargeable: declaredValue,
    assumed: false,
    steps: [
      ...steps,
      {
        step: 'chargeable-value',
        text: `Amount stated in the deed: ${rupeesText(declaredValue)}.`,
        figures: { value: declaredValue.toString() },
        assumed: false,
      },
    ],
  };
}

function findBase(
  input: DutyInput,
  rows: readonly ScheduleRow[],
  book: DutyBook,
): Base | DutyRefusal {
  const declared = checkDeclared(input, needsDeclaredValue(rows));
  if (declared !== undefined) return declared;
  if (!needsProperty(rows)) return consideration(input, undefined);
  if (input.property === undefined) {
    return refuse(
      'property-missing',
      'property',
      'The duty of this instrument depends on the property; state district, tehsil, locality, class and area.',
    );
  }
  const property = valuate(input.property, book);
  if (!property.ok) return property;
  return rows.some((row) => row.valueOf === 'property')
    ? higherValue(input, property)
    : consideration(input, property);
}

function stampKind(row: ScheduleRow, amount: Paisa): StampKind {
  return row.stampKind === 'non-judicial' && amount < LOW_DENOMINATION_BELOW
    ? 'low-denomination'
    : row.stampKind;
}

interface Charged {
  readonly line: DutyLine;
  readonly step: TraceStep;
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

function rateAssumed(row: DatedRow, base: Base): boolean {
  return row.assumed || (base.assumed && dependsOnValue(row));
}

function stampDuty(row: ScheduleRow, base: Base, book: DutyBook): Charged | undefined {
  const amount = charge(row, base.chargeable);
  if (amount === undefined) return undefined;
  const article = articleOf(row);
  const assumed = rateAssumed(row, base);
  return {
    line: {
      line: 'stamp-duty',
      ...headOf(row, book),
      description: `${row.title} - ${article}`,
      amount,
      assumed: assumed || headAssumed(row, book),
      stamp: { kind: stampKind(row, amount), article },
    },
    step: {
      step: 'stamp-duty',
      text: `Stamp duty, article ${article} of Schedule I (version ${String(book.scheduleVersion.version)}): ${chargeText(row, base.chargeable, amount)}.`,
      figures: { article, ...chargeFigures(row, book.scheduleVersion, amount) },
      source: row.source,
      assumed,
    },
  };
}

/** The standing that a levy asks for; undefined when the input does not state it. */
function statusOf(row: LevyRow, input: DutyInput): string | undefined {
  if (row.taxpayerStatus === 'any') return 'any';
  return row.payer === 'seller' ? input.seller : input.purchaser;
}

function levyCharged(row: LevyRow, base: Base, book: DutyBook): Charged | undefined {
  const amount = charge(row, base.chargeable);
  if (amount === undefined || amount === 0n) return undefined;
  const assumed = rateAssumed(row, base);
  const who = row.payer === 'either' ? '' : `, paid by the ${row.payer}`;
  return {
    line: {
      line: row.levy,
      ...headOf(row, book),
      description: row.title,
      amount,
      assumed: assumed || headAssumed(row, book),
    },
    step: {
      step: `levy:${row.levy}`,
      text: `${row.title}${who} (levies, version ${String(book.levyVersion.version)}): ${chargeText(row, base.chargeable, amount)}.`,
      figures: {
        ...(row.taxpayerStatus === 'any' ? {} : { taxpayerStatus: row.taxpayerStatus }),
        ...chargeFigures(row, book.levyVersion, amount),
      },
      source: row.source,
      assumed,
    },
  };
}

function leftOut(row: LevyRow): TraceStep {
  return {
    step: `left-out:${row.levy}`,
    text: `${row.title} is not in this calculation, because the taxpayer status of the ${row.payer} was not stated.`,
    figures: {},
    assumed: false,
  };
}

function levies(
  input: DutyInput,
  base: Base,
  book: DutyBook,
): { readonly charged: readonly Charged[]; readonly skipped: readonly TraceStep[] } {
  const charged: Charged[] = [];
  const skipped = new Map<string, TraceStep>();
  for (const row of book.levies) {
    const applies =
      row.active &&
      row.instruments.includes(input.instrument) &&
      inForce(row, book.date) &&
      matches(row, base.property?.setting, base.chargeable);
    if (!applies) continue;
    const status = statusOf(row, input);
    if (status === undefined) skipped.set(row.levy, leftOut(row));
    if (status !== row.taxpayerStatus) continue;
    const levy = levyCharged(row, base, book);
    if (levy !== undefined) charged.push(levy);
  }
  return { charged, skipped: [...skipped.values()] };
}

function versionsOf(base: Base, book: DutyBook): Duty['versions'] {
  const table = base.property?.table;
  return {
    schedule: book.scheduleVersion,
    levies: book.levyVersion,
    ...(table === undefined
      ? {}
      : {
          dcTable: {
            district: table.districtCode,
            fiscalYear: table.fiscalYear,
            version: table.version,
            sha256: table.sha256,
          },
        }),
  };
}

function valuesOf(input: DutyInput, base: Base): Duty['value'] {
  return {
    ...(base.property?.byTable === undefined ? {} : { byTable: base.property.byTable }),
    ...(input.declaredValue === undefined ? {} : { declared: input.declaredValue }),
    ...(base.chargeable === undefined ? {} : { chargeable: base.chargeable }),
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
  const row = rows.find((each) => matches(each, base.property?.setting, base.chargeable));
  const duty = row === undefined ? undefined : stampDuty(row, base, book);
  if (row === undefined || duty === undefined) {
    return refuse(
      'no-rate-for-value',
      'declaredValue',
      'Schedule I has no rate for this instrument at this value and place.',
    );
  }
  const others = levies(input, base, book);
  const charged = [duty, ...others.charged];
  const total = sumPaisa(charged.map((each) => each.line.amount));
  return {
    ok: true,
    date: book.date,
    instrument: { code: row.instrument, title: row.title, article: articleOf(row) },
    value: valuesOf(input, base),
    lines: charged.map((each) => each.line),
    total,
    assumed: charged.some((each) => each.line.assumed),
    trace: [
      ...base.steps,
      ...charged.map((each) => each.step),
      ...others.skipped,
      {
        step: 'total',
        text: `Total to pay: ${rupeesText(total)}.`,
        figures: { amount: total.toString() },
        assumed: false,
      },
    ],
    versions: versionsOf(base, book),
  };
}
