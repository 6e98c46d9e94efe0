/** Finds valuation tables, and localities in them: by key, never a whole table. */
import { AREA_UNITS, MARLA_BASES, type AreaUnit, type MarlaBasis } from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { paisa } from '../../kernel/money.ts';
import type { DcRate, DcTable, LandClass, Setting, Storey } from './duty-book.ts';

/** A table without its localities. */
export type TableHead = Omit<DcTable, 'locality'>;
export type TableLocality = NonNullable<DcTable['locality']>;

type TableColumns = {
  district_code: string;
  fiscal_year: string;
  version: number;
  sha256: string;
  effective_from: string;
  effective_to: string;
};

function tableHead(row: TableColumns): TableHead {
  return {
    districtCode: row.district_code,
    fiscalYear: row.fiscal_year,
    version: row.version,
    sha256: row.sha256,
    effectiveFrom: row.effective_from,
    effectiveTo: row.effective_to,
  };
}

/** The approved tables of a district, or of all, the highest version of a year first. */
export async function loadTableHeads(db: Queryable, district?: string): Promise<TableHead[]> {
  const rows = await db.query<TableColumns>(
    prepared(
      'load_table_heads',
      sql`select district_code, fiscal_year, version, sha256, effective_from, effective_to from dc_table
          where state = 'approved' and (${district ?? null}::text is null or district_code = ${district ?? null})
          order by district_code, version desc`,
    ),
  );
  return rows.map(tableHead);
}

/** The one of a district's tables that is in force: the highest version that covers the date. */
export function tableInForce(
  tables: readonly TableHead[],
  date: BusinessDate,
): TableHead | undefined {
  let found: TableHead | undefined;
  for (const table of tables) {
    const covers = table.effectiveFrom <= date && date <= table.effectiveTo;
    if (covers && (found === undefined || table.version > found.version)) found = table;
  }
  return found;
}

/** The table of a district in force on a date. */
export async function findDcTable(
  db: Queryable,
  district: string,
  date: BusinessDate,
): Promise<TableHead | undefined> {
  return tableInForce(await loadTableHeads(db, district), date);
}

/** One locality of one table. */
export interface LocalityKey {
  readonly table: TableHead;
  readonly tehsil: string;
  readonly locality: string;
}

/** A key as text, for maps. */
export function localityKeyText({ table, tehsil, locality }: LocalityKey): string {
  return `${table.districtCode} ${table.fiscalYear} ${String(table.version)} ${tehsil} ${locality}`;
}

type RateColumns = {
  at: number;
  name: string;
  locality_setting: Setting;
  line: number;
  part: 'land' | 'structure';
  land_class: LandClass;
  storey: Storey;
  khasras: string;
  unit: string;
  marla_sq_ft: string;
  rate_paisa: bigint;
  corner_percent: string;
  main_road_percent: string;
  source: string;
  assumed: boolean;
};

function areaUnit(text: string): AreaUnit {
  return AREA_UNITS.find((unit) => unit === text) ?? 'sq-ft';
}

function marlaBasis(text: string): MarlaBasis {
  return MARLA_BASES.find((basis) => basis === text) ?? '225';
}

/** Sources repeat from row to row; one copy of each is enough. */
const texts = new Map<string, string>();
const TEXTS_MAX = 10_000;

function once(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size < TEXTS_MAX) texts.set(text, text);
  return text;
}

function dcRate(row: RateColumns): DcRate {
  return {
    line: row.line,
    part: row.part,
    landClass: row.land_class,
    storey: row.storey,
    khasras: row.khasras,
    unit: areaUnit(row.unit),
    marlaBasis: marlaBasis(row.marla_sq_ft),
    rate: paisa(row.rate_paisa),
    cornerPercent: once(row.corner_percent),
    mainRoadPercent: once(row.main_road_percent),
    source: once(row.source),
    assumed: row.assumed,
  };
}

/** The localities of the keys, in their order; undefined where a table does not name one. */
export async function loadLocalities(
  db: Queryable,
  keys: readonly LocalityKey[],
): Promise<(TableLocality | undefined)[]> {
  const rows = await db.query<RateColumns>(
    prepared(
      'load_dc_localities',
      sql`select k.at::integer as at, l.name, l.setting as locality_setting, r.line, r.part, r.land_class, r.storey, r.khasras,
            r.unit, trim_scale(r.marla_sq_ft)::text as marla_sq_ft, r.rate_paisa,
            trim_scale(r.corner_percent)::text as corner_percent, trim_scale(r.main_road_percent)::text as main_road_percent,
            r.source, r.assumed
          from unnest(${keys.map((key) => key.table.districtCode)}::text[], ${keys.map((key) => key.table.fiscalYear)}::text[],
              ${keys.map((key) => key.table.version)}::integer[], ${keys.map((key) => key.tehsil)}::text[],
              ${keys.map((key) => key.locality)}::text[])
            with ordinality as k (district, year, version, tehsil, locality, at)
          join dc_locality l on l.district_code = k.district and l.fiscal_year = k.year and l.version = k.version
            and l.tehsil_code = k.tehsil and l.locality_code = k.locality
          join dc_rate r on r.district_code = l.district_code and r.fiscal_year = l.fiscal_year and r.version = l.version
            and r.tehsil_code = l.tehsil_code and r.locality_code = l.locality_code
          order by k.at, r.line`,
    ),
  );
  const found = new Map<number, { name: string; setting: Setting; rates: DcRate[] }>();
  for (const row of rows) {
    const known = found.get(row.at);
    if (known !== undefined) known.rates.push(dcRate(row));
    else found.set(row.at, { name: row.name, setting: row.locality_setting, rates: [dcRate(row)] });
  }
  return keys.map((key, index) => {
    const locality = found.get(index + 1);
    return locality === undefined ? undefined : { code: key.locality, ...locality };
  });
}
