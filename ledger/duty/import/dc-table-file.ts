/**
 * The District Collector's valuation table as a file: one district and one fiscal year, one rate a line. The
 * columns are described in `ledger/reference-data/README.md`.
 */
import { AREA_UNITS, MARLA_BASES, squareFeetPer } from '../../../kernel/area.ts';
import type { BusinessDate } from '../../../kernel/clock.ts';
import { rupees } from '../../../kernel/money.ts';
import { decimalOf } from '../../../kernel/rate.ts';
import { LAND_CLASSES, SETTINGS, STOREYS, type DcRate, type Setting } from '../duty-book.ts';
import {
  readTable,
  type Located,
  type RowReader,
  type SourceFile,
  type TableResult,
} from './table-file.ts';

/** Above these a rate is a slip of the pen: Rs 10 crore a marla, Rs 1 lakh a square foot of building. */
const LAND_RATE_MAX = rupees(100_000_000n);
const STRUCTURE_RATE_MAX = rupees(100_000n);

const CODE = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export interface DcTableRow extends DcRate {
  readonly district: string;
  readonly fiscalYear: string;
  readonly effectiveFrom: BusinessDate;
  readonly effectiveTo: BusinessDate;
  readonly tehsil: string;
  readonly locality: string;
  readonly localityName: string;
  readonly setting: Setting;
}

/** The places that a table may name. */
export interface KnownPlaces {
  readonly districts: ReadonlySet<string>;
  /** District of each tehsil. */
  readonly tehsils: ReadonlyMap<string, string>;
}

function checkYear(cell: RowReader, row: DcTableRow): void {
  const first = Number(row.fiscalYear.slice(0, 4));
  if (String((first + 1) % 100).padStart(2, '0') !== row.fiscalYear.slice(5)) {
    cell.problem('fiscal_year', `"${row.fiscalYear}" is not two years in a row`);
    return;
  }
  if (row.effectiveFrom < `${String(first)}-07-01`)
    cell.problem('from', 'is before 1 July of the fiscal year');
  if (row.effectiveTo > `${String(first + 1)}-06-30`)
    cell.problem('to', 'is after 30 June of the fiscal year');
  if (row.effectiveTo < row.effectiveFrom) cell.problem('to', 'is before from');
}

function checkPlace(cell: RowReader, row: DcTableRow, known: KnownPlaces): void {
  if (!known.districts.has(row.district)) {
    cell.problem('district', `there is no district "${row.district}"`);
  } else if (known.tehsils.get(row.tehsil) !== row.district) {
    cell.problem('tehsil', `district ${row.district} has no tehsil "${row.tehsil}"`);
  }
}

function checkRate(cell: RowReader, row: DcTableRow): void {
  if (row.part === 'structure') {
    if (row.unit !== 'sq-ft') cell.problem('unit', 'must be sq-ft for a covered area');
    if (row.rate > STRUCTURE_RATE_MAX) cell.problem('rate', 'is more than Rs 1 lakh per sq ft');
    return;
  }
  if (row.storey !== 'any') cell.problem('storey', 'must be "any" for land');
  const perMarla = decimalOf(row.rate)
    .mul(squareFeetPer('marla', row.marlaBasis))
    .div(squareFeetPer(row.unit, row.marlaBasis));
  if (perMarla.greaterThan(LAND_RATE_MAX.toString()))
    cell.problem('rate', 'is more than Rs 10 crore per marla');
}

function dcTableRow(cell: RowReader, known: KnownPlaces): DcTableRow {
  const row: DcTableRow = {
    district: cell.text('district'),
    fiscalYear: cell.code('fiscal_year', /^20\d{2}-\d{2}$/, 'a fiscal year such as 2026-27'),
    effectiveFrom: cell.date('from'),
    effectiveTo: cell.date('to'),
    tehsil: cell.text('tehsil'),
    locality: cell.code('locality', CODE, 'small letters and digits with single hyphens'),
    localityName: cell.text('locality_name'),
    setting: cell.oneOf('setting', SETTINGS),
    part: cell.oneOf('part', ['land', 'structure']),
    landClass: cell.oneOf('land_class', LAND_CLASSES),
    storey: cell.oneOf('storey', STOREYS),
    unit: cell.oneOf('unit', AREA_UNITS),
    marlaBasis: cell.oneOf('marla_sq_ft', MARLA_BASES),
    rate: cell.rupees('rate'),
    line: cell.line,
    source: cell.text('source'),
    assumed: cell.yesNo('assumed'),
  };
  if (row.fiscalYear !== '') checkYear(cell, row);
  if (row.district !== '') checkPlace(cell, row, known);
  checkRate(cell, row);
  return row;
}

function checkTogether(
  rows: readonly Located<DcTableRow>[],
  report: (line: number, column: string, reason: string) => void,
): void {
  const first = rows[0]?.row;
  const localities = new Map<string, DcTableRow>();
  const rates = new Map<string, number>();
  for (const { line, row } of rows) {
    for (const [column, same] of [
      ['district', row.district === first?.district],
      ['fiscal_year', row.fiscalYear === first?.fiscalYear],
      ['from', row.effectiveFrom === first?.effectiveFrom],
      ['to', row.effectiveTo === first?.effectiveTo],
    ] as const) {
      if (!same) report(line, column, 'differs from the first row; one file is one table');
    }
    const place = `${row.tehsil} ${row.locality}`;
    const known = localities.get(place) ?? row;
    localities.set(place, known);
    if (known.localityName !== row.localityName)
      report(line, 'locality_name', `differs from line ${String(known.line)}`);
    if (known.setting !== row.setting)
      report(line, 'setting', `differs from line ${String(known.line)}`);
    const key = `${place} ${row.part} ${row.landClass} ${row.storey}`;
    const earlier = rates.get(key);
    if (earlier === undefined) rates.set(key, line);
    else
      report(
        line,
        'rate',
        `the same locality, class and part has a rate on line ${String(earlier)}`,
      );
  }
}

/** Reads a valuation table; every problem names its line and column. */
export function readDcTable(file: SourceFile, known: KnownPlaces): TableResult<DcTableRow> {
  return readTable<DcTableRow>(file, {
    columns: [
      'district',
      'fiscal_year',
      'from',
      'to',
      'tehsil',
      'locality',
      'locality_name',
      'setting',
      'part',
      'land_class',
      'storey',
      'unit',
      'marla_sq_ft',
      'rate',
      'source',
      'assumed',
    ],
    toRow: (cell) => dcTableRow(cell, known),
    check: checkTogether,
  });
}
