/** The files of divisions, districts, tehsils and heads of account. */
import type { Report } from './row-reader.ts';
import { readTable, type Located, type SourceFile, type TableResult } from './table-file.ts';

const DISTRICT_CODE = /^[A-Z]{3}$/;
const TEHSIL_CODE = /^[A-Z]{3}-[A-Z0-9]+(-[A-Z0-9]+)*$/;

/** Reports a value that came on an earlier line. */
function reportRepeats<T>(
  rows: readonly Located<T>[],
  key: { readonly column: string; readonly of: (row: T) => string },
  report: Report,
): void {
  const first = new Map<string, number>();
  for (const { line, row } of rows) {
    const value = key.of(row);
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, line);
    else report(line, key.column, `"${value}" stands already on line ${String(earlier)}`);
  }
}

interface Sourced {
  readonly code: string;
  readonly name: string;
  readonly source: string;
  readonly assumed: boolean;
}

export type DivisionRow = Sourced;

/** `divisions.csv` */
export function readDivisions(file: SourceFile): TableResult<DivisionRow> {
  return readTable<DivisionRow>(file, {
    columns: ['code', 'name', 'source', 'assumed'],
    toRow: (cell) => ({
      code: cell.code('code', DISTRICT_CODE, 'three capital letters'),
      name: cell.text('name'),
      source: cell.text('source'),
      assumed: cell.yesNo('assumed'),
    }),
    check: (rows, report) => reportRepeats(rows, { column: 'code', of: (row) => row.code }, report),
  });
}

export interface DistrictRow extends Sourced {
  readonly division: string;
}

/** `districts.csv`; every division must be one of `divisions`. */
export function readDistricts(
  file: SourceFile,
  divisions: ReadonlySet<string>,
): TableResult<DistrictRow> {
  return readTable<DistrictRow>(file, {
    columns: ['code', 'name', 'division', 'source', 'assumed'],
    toRow: (cell) => ({
      code: cell.code('code', DISTRICT_CODE, 'three capital letters'),
      name: cell.text('name'),
      division: cell.text('division'),
      source: cell.text('source'),
      assumed: cell.yesNo('assumed'),
    }),
    check(rows, report) {
      reportRepeats(rows, { column: 'code', of: (row) => row.code }, report);
      for (const { line, row } of rows) {
        if (!divisions.has(row.division))
          report(line, 'division', `there is no division "${row.division}"`);
      }
    },
  });
}

export interface TehsilRow extends Sourced {
  readonly district: string;
}

/** `tehsils.csv`; every district must be one of `districts`, and its code the start of the tehsil's. */
export function readTehsils(
  file: SourceFile,
  districts: ReadonlySet<string>,
): TableResult<TehsilRow> {
  return readTable<TehsilRow>(file, {
    columns: ['code', 'name', 'district', 'source', 'assumed'],
    toRow: (cell) => ({
      code: cell.code('code', TEHSIL_CODE, 'a district code, a hyphen and capital letters'),
      name: cell.text('name'),
      district: cell.text('district'),
      source: cell.text('source'),
      assumed: cell.yesNo('assumed'),
    }),
    check(rows, report) {
      reportRepeats(rows, { column: 'code', of: (row) => row.code }, report);
      for (const { line, row } of rows) {
        if (!districts.has(row.district))
          report(line, 'district', `there is no district "${row.district}"`);
        else if (!row.code.startsWith(`${row.district}-`))
          report(line, 'code', `does not start with its district "${row.district}-"`);
      }
    },
  });
}

const HEAD_KINDS = [
  'stamps',
  'court-fees',
  'registration',
  'property-tax',
  'local-government',
  'federal-tax',
  'copying-fees',
  'other',
] as const;

export interface HeadRow extends Omit<Sourced, 'name'> {
  readonly title: string;
  readonly kind: (typeof HEAD_KINDS)[number];
}

/** `heads-of-account.csv` */
export function readHeads(file: SourceFile): TableResult<HeadRow> {
  return readTable<HeadRow>(file, {
    columns: ['code', 'title', 'kind', 'source', 'assumed'],
    toRow: (cell) => ({
      code: cell.code('code', /^[A-Z0-9][A-Z0-9-]{2,19}$/, 'a code of the Chart of Accounts'),
      title: cell.text('title'),
      kind: cell.oneOf('kind', HEAD_KINDS),
      source: cell.text('source'),
      assumed: cell.yesNo('assumed'),
    }),
    check: (rows, report) => reportRepeats(rows, { column: 'code', of: (row) => row.code }, report),
  });
}
