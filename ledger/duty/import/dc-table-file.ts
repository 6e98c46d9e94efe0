/**
 * The District Collector's valuation table as a file: one district and one fiscal year, one rate a line. The
 * columns are described in `ledger/reference-data/README.md`.
 */
import {
  AREA_UNITS,
  MARLA_BASES,
  squareFeetPer,
  type AreaUnit,
  type MarlaBasis,
} from '../../../kernel/area.ts';
import type { BusinessDate } from '../../../kernel/clock.ts';
import { rupees, type Paisa } from '../../../kernel/money.ts';
import { decimalOf } from '../../../kernel/rate.ts';
import { LAND_CLASSES, SETTINGS, STOREYS, type DcRate, type Setting } from '../duty-book.ts';
import { khasraListProblem, khasrasOverlap } from '../khasra.ts';
import type { ColumnShape } from './column-mapping.ts';
import type { Report, RowReader } from './row-reader.ts';

/** Above these a rate is a slip of the pen: Rs 10 crore a marla, Rs 1 lakh a square foot of building. */
const LAND_RATE_MAX = rupees(100_000_000n);
const STRUCTURE_RATE_MAX = rupees(100_000n);

const CODE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const FISCAL_YEAR = /^20\d{2}-\d{2}$/;

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

/** The columns of the file. `locality` may be left out when a mapping is given: then it is made from the name. */
export const DC_TABLE_COLUMNS: ColumnShape = {
  required: [
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
  optional: ['khasras', 'corner_percent', 'main_road_percent'],
  derived: ['locality'],
};

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

/** The highest believable rate of land in a unit. */
function landRateMax(unit: AreaUnit, basis: MarlaBasis): Paisa {
  const marlas = squareFeetPer(unit, basis).div(squareFeetPer('marla', basis));
  return BigInt(decimalOf(LAND_RATE_MAX).mul(marlas).floor().toFixed(0)) as Paisa;
}

const LAND_RATE_MAXES = new Map(
  AREA_UNITS.flatMap((unit) =>
    MARLA_BASES.map((basis) => [`${unit} ${basis}`, landRateMax(unit, basis)] as const),
  ),
);

function checkRate(cell: RowReader, row: DcTableRow): void {
  if (row.part === 'structure') {
    if (row.unit !== 'sq-ft') cell.problem('unit', 'must be sq-ft for a covered area');
    if (row.rate > STRUCTURE_RATE_MAX) cell.problem('rate', 'is more than Rs 1 lakh per sq ft');
    for (const column of ['khasras', 'corner_percent', 'main_road_percent']) {
      const stated = cell.raw(column);
      if (stated !== '' && stated !== '0') cell.problem(column, 'is for land only');
    }
    return;
  }
  if (row.storey !== 'any') cell.problem('storey', 'must be "any" for land');
  if (row.rate > (LAND_RATE_MAXES.get(`${row.unit} ${row.marlaBasis}`) ?? LAND_RATE_MAX))
    cell.problem('rate', 'is more than Rs 10 crore per marla');
}

/** `Block C, Gulberg III` as `block-c-gulberg-iii`. */
function localityCode(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
}

function khasras(cell: RowReader): string {
  const list = cell.raw('khasras').replace(/[\s,;]+/g, ' ');
  const problem = khasraListProblem(list);
  if (problem !== undefined) cell.problem('khasras', problem);
  return list;
}

function locality(cell: RowReader): string {
  if (!cell.isEmpty('locality') || !cell.isMapped) {
    const stated = cell.code('locality', CODE, 'small letters and digits with single hyphens');
    if (stated.length > 60) cell.problem('locality', 'is longer than 60 characters');
    return stated;
  }
  const made = localityCode(cell.raw('locality_name'));
  if (made === '') cell.problem('locality_name', 'has no Latin letters to make a code from');
  return made;
}

/** Reads one row; every problem names its line and column. */
export function dcTableRow(cell: RowReader, known: KnownPlaces): DcTableRow {
  const row: DcTableRow = {
    district: cell.text('district'),
    fiscalYear: cell.code('fiscal_year', FISCAL_YEAR, 'a fiscal year such as 2026-27'),
    effectiveFrom: cell.date('from'),
    effectiveTo: cell.date('to'),
    tehsil: cell.text('tehsil'),
    locality: locality(cell),
    localityName: cell.text('locality_name'),
    setting: cell.oneOf('setting', SETTINGS),
    part: cell.oneOf('part', ['land', 'structure']),
    landClass: cell.oneOf('land_class', LAND_CLASSES),
    storey: cell.oneOf('storey', STOREYS),
    unit: cell.oneOf('unit', AREA_UNITS),
    marlaBasis: cell.oneOf('marla_sq_ft', MARLA_BASES),
    khasras: khasras(cell),
    rate: cell.rupees('rate'),
    cornerPercent: cell.surcharge('corner_percent'),
    mainRoadPercent: cell.surcharge('main_road_percent'),
    line: cell.line,
    source: cell.text('source'),
    assumed: cell.yesNo('assumed'),
  };
  if (row.fiscalYear !== '') checkYear(cell, row);
  if (row.district !== '') checkPlace(cell, row, known);
  checkRate(cell, row);
  return row;
}

interface KnownLocality {
  readonly at: number;
  readonly line: number;
  readonly name: string;
  readonly setting: Setting;
}

const PARTS = ['land', 'structure'] as const;
const KINDS = PARTS.length * LAND_CLASSES.length * STOREYS.length;

/** What one file may not contradict, looked at row by row as the file is read. */
export class DcTableConsistency {
  #first: DcTableRow | undefined;
  readonly #localities = new Map<string, KnownLocality>();
  /** Line of each rate without khasras, by a number made of locality, part, class and storey: small in memory. */
  readonly #lines = new Map<number, number>();
  readonly #khasraLists = new Map<number, { readonly line: number; readonly khasras: string }[]>();

  /** The row that the file's district, year and dates are taken from. */
  get first(): DcTableRow | undefined {
    return this.#first;
  }

  /** Every tehsil and locality so far, as `LHR-CITY the-mall`. */
  get localities(): ReadonlySet<string> {
    return new Set(this.#localities.keys());
  }

  /** Reports what contradicts an earlier row. Returns true for the first row of a locality. */
  check(row: DcTableRow, report: Report): boolean {
    const first = (this.#first ??= row);
    const differs = 'differs from the first row; one file is one table';
    if (row.district !== first.district) report(row.line, 'district', differs);
    if (row.fiscalYear !== first.fiscalYear) report(row.line, 'fiscal_year', differs);
    if (row.effectiveFrom !== first.effectiveFrom) report(row.line, 'from', differs);
    if (row.effectiveTo !== first.effectiveTo) report(row.line, 'to', differs);
    const place = `${row.tehsil} ${row.locality}`;
    const known = this.#localities.get(place);
    const locality = known ?? {
      at: this.#localities.size,
      line: row.line,
      name: row.localityName,
      setting: row.setting,
    };
    if (known === undefined) this.#localities.set(place, locality);
    else checkSameLocality(row, known, report);
    this.#checkRepeats(row, locality.at, report);
    return known === undefined;
  }

  #checkRepeats(row: DcTableRow, localityAt: number, report: Report): void {
    const kind =
      (PARTS.indexOf(row.part) * LAND_CLASSES.length + LAND_CLASSES.indexOf(row.landClass)) *
        STOREYS.length +
      STOREYS.indexOf(row.storey);
    const key = localityAt * KINDS + kind;
    const same = 'the same locality, class and part has a rate on line';
    if (row.khasras === '') {
      const earlier = this.#lines.get(key);
      if (earlier === undefined) this.#lines.set(key, row.line);
      else report(row.line, 'rate', `${same} ${String(earlier)}`);
      return;
    }
    const lists = this.#khasraLists.get(key) ?? [];
    const clash = lists.find((each) => khasrasOverlap(each.khasras, row.khasras));
    if (clash !== undefined)
      report(row.line, 'khasras', `a khasra of it has a rate on line ${String(clash.line)}`);
    lists.push({ line: row.line, khasras: row.khasras });
    this.#khasraLists.set(key, lists);
  }
}

function checkSameLocality(row: DcTableRow, known: KnownLocality, report: Report): void {
  if (known.name !== row.localityName)
    report(row.line, 'locality_name', `differs from line ${String(known.line)}`);
  if (known.setting !== row.setting)
    report(row.line, 'setting', `differs from line ${String(known.line)}`);
}
