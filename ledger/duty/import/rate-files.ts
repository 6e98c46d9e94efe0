/** The files of Schedule I (`schedule-i.csv`) and of the levies that go with a deed (`levies.csv`). */
import { paisa, type Paisa } from '../../../kernel/money.ts';
import {
  TAXPAYER_STATUSES,
  type Charge,
  type DatedRow,
  type LevyRow,
  type ScheduleRow,
} from '../duty-book.ts';
import { readTable, type Located, type SourceFile, type TableResult } from './table-file.ts';
import type { Report, RowReader } from './row-reader.ts';

const CODE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const CODE_FORM = 'small letters and digits with single hyphens';
const SETTINGS = ['any', 'urban', 'rural'] as const;
const ROUNDINGS = ['rupee-up', 'paisa-nearest'] as const;

const DATED_COLUMNS = [
  'setting',
  'value_above',
  'value_up_to',
  'amount',
  'rate_percent',
  'head',
  'rounding',
  'from',
  'to',
  'source',
  'assumed',
] as const;

/** Columns that a charge may use, beside `amount` and `rate_percent`. */
const CHARGE_COLUMNS = ['minimum', 'maximum'] as const;

type ChargeKind = Charge['kind'];

function mustBeEmpty(cell: RowReader, columns: readonly string[], why: string): void {
  for (const column of columns) {
    if (!cell.isEmpty(column)) cell.problem(column, `must be empty when ${why}`);
  }
}

function limits(cell: RowReader): { readonly minimum?: Paisa; readonly maximum?: Paisa } {
  const minimum = cell.optionalRupees('minimum');
  const maximum = cell.optionalRupees('maximum');
  if (minimum !== undefined && maximum !== undefined && maximum < minimum) {
    cell.problem('maximum', 'is less than the minimum');
  }
  return {
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function chargeOf(cell: RowReader, kind: ChargeKind): Charge {
  switch (kind) {
    case 'fixed':
      mustBeEmpty(cell, ['rate_percent', 'slab', ...CHARGE_COLUMNS], 'the amount is fixed');
      return { kind, amount: cell.rupees('amount') };
    case 'percent':
      mustBeEmpty(cell, ['amount', 'slab'], 'a rate is charged');
      return { kind, rate: cell.percent('rate_percent'), ...limits(cell) };
    case 'per-head':
      mustBeEmpty(cell, ['rate_percent', 'slab'], 'an amount is charged for each');
      return { kind, amount: cell.rupees('amount'), ...limits(cell) };
    case 'slab':
      mustBeEmpty(cell, ['rate_percent'], 'an amount is charged for every slab');
      return { kind, amount: cell.rupees('amount'), slab: cell.rupees('slab'), ...limits(cell) };
    case 'excess':
      mustBeEmpty(cell, ['slab'], 'a rate is charged on the excess');
      return {
        kind,
        amount: cell.rupees('amount'),
        rate: cell.percent('rate_percent'),
        ...limits(cell),
      };
  }
}

function datedRow(cell: RowReader, charge: Charge, heads: ReadonlySet<string>): DatedRow {
  const headCode = cell.text('head');
  if (headCode !== '' && !heads.has(headCode)) {
    cell.problem('head', `there is no head of account "${headCode}"`);
  }
  const valueAbove: Paisa = cell.optionalRupees('value_above') ?? paisa(0n);
  const valueUpTo = cell.optionalRupees('value_up_to');
  if (valueUpTo !== undefined && valueUpTo <= valueAbove) {
    cell.problem('value_up_to', 'is not more than value_above');
  }
  const effectiveFrom = cell.date('from');
  const effectiveTo = cell.optionalDate('to');
  if (effectiveTo !== undefined && effectiveTo < effectiveFrom) {
    cell.problem('to', 'is before from');
  }
  return {
    line: cell.line,
    setting: cell.oneOf('setting', SETTINGS),
    valueAbove,
    ...(valueUpTo === undefined ? {} : { valueUpTo }),
    charge,
    headCode,
    rounding: cell.oneOf('rounding', ROUNDINGS),
    effectiveFrom,
    ...(effectiveTo === undefined ? {} : { effectiveTo }),
    source: cell.text('source'),
    assumed: cell.yesNo('assumed'),
  };
}

/** True when a date, a setting and a value exist for which both rows would hold. */
function overlap(a: DatedRow, b: DatedRow): boolean {
  const settings = a.setting === 'any' || b.setting === 'any' || a.setting === b.setting;
  const values =
    (a.valueUpTo === undefined || b.valueAbove < a.valueUpTo) &&
    (b.valueUpTo === undefined || a.valueAbove < b.valueUpTo);
  const dates =
    (a.effectiveTo === undefined || b.effectiveFrom <= a.effectiveTo) &&
    (b.effectiveTo === undefined || a.effectiveFrom <= b.effectiveTo);
  return settings && values && dates;
}

/** Reports each row that would hold together with an earlier one of its group. */
function reportOverlaps<T extends DatedRow>(
  rows: readonly Located<T>[],
  groups: { readonly of: (row: T) => readonly string[]; readonly also?: (a: T, b: T) => boolean },
  report: Report,
): void {
  const seen = new Map<string, T[]>();
  for (const { line, row } of rows) {
    for (const group of groups.of(row)) {
      const earlier = seen.get(group) ?? [];
      const clash = earlier.find(
        (other) => overlap(other, row) && (groups.also?.(other, row) ?? true),
      );
      if (clash !== undefined) {
        report(line, 'from', `overlaps line ${String(clash.line)}: same place, value and dates`);
      }
      seen.set(group, [...earlier, row]);
    }
  }
}

const VALUE_BASES = ['consideration', 'property', 'table'] as const;
const BASES = [
  'fixed',
  'per-head',
  'percent-of-consideration',
  'percent-of-property',
  'percent-of-table',
  'slab-of-consideration',
  'slab-of-property',
  'slab-of-table',
  'excess-of-consideration',
  'excess-of-property',
  'excess-of-table',
] as const;
const LEVY_BASES = [
  'fixed',
  'per-head',
  'percent-of-value',
  'slab-of-value',
  'excess-of-value',
] as const;
const KINDS = ['fixed', 'per-head', 'percent', 'slab', 'excess'] as const;

/** The kind of charge that a basis begins with. */
function kindOf(basis: string): ChargeKind {
  return KINDS.find((kind) => basis === kind || basis.startsWith(`${kind}-of-`)) ?? 'fixed';
}

/** Reads one row of Schedule I. */
export function scheduleRow(cell: RowReader, heads: ReadonlySet<string>): ScheduleRow {
  const basis = cell.oneOf('basis', BASES);
  const subArticle = cell.isEmpty('sub_article')
    ? undefined
    : cell.code('sub_article', /^[a-z]{1,4}$/, 'one to four small letters');
  return {
    ...datedRow(cell, chargeOf(cell, kindOf(basis)), heads),
    instrument: cell.code('instrument', CODE, CODE_FORM),
    title: cell.text('title'),
    article: cell.code('article', /^[0-9]{1,2}(-[A-Z])?$/, 'an article such as 23 or 46-A'),
    ...(subArticle === undefined ? {} : { subArticle }),
    stampKind: cell.oneOf('stamp', ['non-judicial', 'judicial']),
    valueOf: VALUE_BASES.find((of) => basis.endsWith(`-of-${of}`)) ?? 'consideration',
  };
}

/** Looks at all rows of a Schedule together: no overlaps, one title and article and one kind of value each. */
export function checkSchedule(rows: readonly Located<ScheduleRow>[], report: Report): void {
  reportOverlaps(rows, { of: (row) => [row.instrument] }, report);
  const first = new Map<string, ScheduleRow>();
  for (const { line, row } of rows) {
    const other = first.get(row.instrument) ?? row;
    first.set(row.instrument, other);
    if (other.title !== row.title)
      report(line, 'title', `differs from line ${String(other.line)} of the same instrument`);
    if (other.article !== row.article)
      report(line, 'article', `differs from line ${String(other.line)} of the same instrument`);
  }
}

export const SCHEDULE_COLUMNS = [
  'instrument',
  'title',
  'article',
  'sub_article',
  'stamp',
  'basis',
  'minimum',
  'maximum',
  ...DATED_COLUMNS,
] as const;

/** Reads Schedule I. Refuses rows of one instrument that overlap, or that differ in title or article. */
export function readSchedule(
  file: SourceFile,
  heads: ReadonlySet<string>,
): TableResult<ScheduleRow> {
  return readTable<ScheduleRow>(file, {
    columns: SCHEDULE_COLUMNS,
    optional: ['slab'],
    toRow: (cell) => scheduleRow(cell, heads),
    check: checkSchedule,
  });
}

function levyRow(
  cell: RowReader,
  known: { readonly heads: ReadonlySet<string>; readonly instruments: ReadonlySet<string> },
): LevyRow {
  const basis = cell.oneOf('basis', LEVY_BASES);
  const instruments = cell.text('instruments').split(/\s+/);
  for (const instrument of instruments) {
    if (instrument !== '' && !known.instruments.has(instrument))
      cell.problem('instruments', `Schedule I has no instrument "${instrument}"`);
  }
  const payer = cell.oneOf('payer', ['either', 'seller', 'purchaser']);
  const taxpayerStatus = cell.oneOf('taxpayer_status', ['any', ...TAXPAYER_STATUSES]);
  if (payer === 'either' && taxpayerStatus !== 'any') {
    cell.problem('taxpayer_status', 'must be "any" when either party may pay');
  }
  return {
    ...datedRow(cell, chargeOf(cell, kindOf(basis)), known.heads),
    levy: cell.code('levy', CODE, CODE_FORM),
    title: cell.text('title'),
    titleUrdu: cell.isEmpty('title_urdu') ? cell.text('title') : cell.text('title_urdu'),
    instruments,
    payer,
    taxpayerStatus,
    active: cell.yesNo('active'),
  };
}

/** Reads the levies. Refuses rows of one levy and instrument that overlap for the same taxpayer status. */
export function readLevies(
  file: SourceFile,
  known: { readonly heads: ReadonlySet<string>; readonly instruments: ReadonlySet<string> },
): TableResult<LevyRow> {
  return readTable<LevyRow>(file, {
    columns: [
      'levy',
      'title',
      'instruments',
      'payer',
      'taxpayer_status',
      'basis',
      'active',
      ...DATED_COLUMNS,
    ],
    optional: ['title_urdu', 'minimum', 'maximum', 'slab'],
    toRow: (cell) => levyRow(cell, known),
    check: (rows, report) =>
      reportOverlaps(
        rows,
        {
          of: (row) => row.instruments.map((instrument) => `${row.levy} ${instrument}`),
          also: (a, b) =>
            a.taxpayerStatus === 'any' ||
            b.taxpayerStatus === 'any' ||
            a.taxpayerStatus === b.taxpayerStatus,
        },
        report,
      ),
  });
}
