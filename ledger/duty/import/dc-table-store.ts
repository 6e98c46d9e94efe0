/** Statements that write a valuation table. */
import type { BusinessDate } from '../../../kernel/clock.ts';
import { onlyRow, sql, type Queryable } from '../../../kernel/database.ts';
import type { DcTableRow } from './dc-table-file.ts';

export type DcTableOrigin = 'bundled' | 'collector';

/** One district and one fiscal year. */
export interface TableKey {
  readonly district: string;
  readonly fiscalYear: string;
}

/** The version that a table has under this hash, if it was loaded before. */
export async function versionOfFile(
  db: Queryable,
  key: TableKey,
  sha256: string,
): Promise<
  { readonly version: number; readonly rates: number; readonly state: string } | undefined
> {
  const [row] = await db.query<{ version: number; rate_count: number; state: string }>(sql`
    select version, rate_count, state from dc_table
    where district_code = ${key.district} and fiscal_year = ${key.fiscalYear} and sha256 = ${sha256}`);
  return row === undefined
    ? undefined
    : { version: row.version, rates: row.rate_count, state: row.state };
}

/** True when a Collector's file of this district and year is loaded. */
export async function hasCollectorTable(db: Queryable, key: TableKey): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from dc_table
    where district_code = ${key.district} and fiscal_year = ${key.fiscalYear} and origin = 'collector' limit 1`);
  return rows.length > 0;
}

/** What a table is compared with when it comes in. */
export interface EarlierTable {
  readonly fiscalYear: string;
  readonly version: number;
  readonly effectiveTo: BusinessDate;
}

/** The table of the district that was in force last before, or together with, the year of the key. */
export async function findEarlierTable(
  db: Queryable,
  key: TableKey,
): Promise<EarlierTable | undefined> {
  const [row] = await db.query<{ fiscal_year: string; version: number; effective_to: string }>(sql`
    select fiscal_year, version, effective_to from dc_table
    where district_code = ${key.district} and fiscal_year <= ${key.fiscalYear} and state = 'approved'
    order by fiscal_year desc, version desc limit 1`);
  return row === undefined
    ? undefined
    : { fiscalYear: row.fiscal_year, version: row.version, effectiveTo: row.effective_to };
}

/** Localities of a table, as `LHR-CITY the-mall`, with their names. */
export async function localitiesOf(
  db: Queryable,
  district: string,
  table: EarlierTable,
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ tehsil_code: string; locality_code: string; name: string }>(sql`
    select tehsil_code, locality_code, name from dc_locality
    where district_code = ${district} and fiscal_year = ${table.fiscalYear} and version = ${table.version}
    order by tehsil_code, locality_code`);
  return new Map(rows.map((row) => [`${row.tehsil_code} ${row.locality_code}`, row.name]));
}

/** A file as the register of tables keeps it. */
export interface IncomingTable {
  readonly origin: DcTableOrigin;
  readonly fileName: string;
  readonly sha256: string;
  readonly importedAt: Date;
  /** The officer who proposes it; absent for a file that came with the program. */
  readonly proposedBy?: string | undefined;
}

/** Opens a new version of a table; `finishTable` states how many rates it got. */
export async function openTable(
  tx: Queryable,
  file: IncomingTable,
  first: DcTableRow,
): Promise<number> {
  const state = file.origin === 'bundled' ? 'approved' : 'proposed';
  const inserted = await tx.query<{ version: number }>(sql`
    insert into dc_table (district_code, fiscal_year, version, effective_from, effective_to, origin, file_name, sha256,
      rate_count, imported_at, state, proposed_by)
    select ${first.district}::text, ${first.fiscalYear}::text, coalesce(max(version), 0) + 1, ${first.effectiveFrom}::date,
      ${first.effectiveTo}::date, ${file.origin}::text, ${file.fileName}::text, ${file.sha256}::text, 1,
      ${file.importedAt}::timestamptz, ${state}::text, ${file.proposedBy ?? null}::text
    from dc_table where district_code = ${first.district} and fiscal_year = ${first.fiscalYear}
    returning version`);
  return onlyRow(inserted, 'new version').version;
}

/** States how many rates a new version has, and how many rows of its file were left out. */
export async function finishTable(
  tx: Queryable,
  key: TableKey & { readonly version: number },
  counts: { readonly rates: number; readonly leftOut: number },
): Promise<void> {
  await tx.query(sql`
    update dc_table set rate_count = ${counts.rates}, refused_rows = ${counts.leftOut}
    where district_code = ${key.district} and fiscal_year = ${key.fiscalYear} and version = ${key.version}`);
}

/** Cells have no control characters, so this one parts them: the server splits text faster than it reads arrays. */
const SEPARATOR = '\u001f';

function column(rows: readonly DcTableRow[], of: (row: DcTableRow) => string): string {
  return rows.map(of).join(SEPARATOR);
}

type TableVersion = TableKey & { readonly version: number };

/** Writes localities of a table. */
export async function insertLocalities(
  tx: Queryable,
  table: TableVersion,
  rows: readonly DcTableRow[],
): Promise<void> {
  await tx.query(sql`
    insert into dc_locality (district_code, fiscal_year, version, tehsil_code, locality_code, name, setting)
    select ${table.district}::text, ${table.fiscalYear}::text, ${table.version}::integer, r.tehsil, r.locality, r.name, r.setting
    from unnest(string_to_array(${column(rows, (row) => row.tehsil)}, ${SEPARATOR}),
      string_to_array(${column(rows, (row) => row.locality)}, ${SEPARATOR}),
      string_to_array(${column(rows, (row) => row.localityName)}, ${SEPARATOR}),
      string_to_array(${column(rows, (row) => row.setting)}, ${SEPARATOR}))
      as r (tehsil, locality, name, setting)`);
}

/** Writes rates of a table whose localities are written. */
export async function insertRates(
  tx: Queryable,
  table: TableVersion,
  rows: readonly DcTableRow[],
): Promise<void> {
  // A file names few sources over and over: each goes to the server once.
  const sources = [...new Set(rows.map((row) => row.source))];
  const sourceAt = new Map(sources.map((source, index) => [source, String(index + 1)]));
  const list = (of: (row: DcTableRow) => string): string => column(rows, of);
  await tx.query(sql`
    insert into dc_rate (district_code, fiscal_year, version, tehsil_code, locality_code, part, land_class, storey, khasras,
      unit, marla_sq_ft, rate_paisa, corner_percent, main_road_percent, line, source, assumed)
    select ${table.district}::text, ${table.fiscalYear}::text, ${table.version}::integer, r.tehsil, r.locality, r.part, r.class,
      r.storey, coalesce(r.khasras, ''), r.unit, r.marla::numeric, r.rate::bigint, r.corner::numeric, r.road::numeric, r.line::integer,
      (string_to_array(${sources.join(SEPARATOR)}, ${SEPARATOR}))[r.source::integer], r.assumed::boolean
    from unnest(string_to_array(${list((row) => row.tehsil)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.locality)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.part)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.landClass)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.storey)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.khasras)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.unit)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.marlaBasis)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.rate.toString())}, ${SEPARATOR}),
      string_to_array(${list((row) => row.cornerPercent)}, ${SEPARATOR}),
      string_to_array(${list((row) => row.mainRoadPercent)}, ${SEPARATOR}),
      string_to_array(${list((row) => String(row.line))}, ${SEPARATOR}),
      string_to_array(${list((row) => sourceAt.get(row.source) ?? '1')}, ${SEPARATOR}),
      string_to_array(${list((row) => (row.assumed ? 't' : 'f'))}, ${SEPARATOR}))
      as r (tehsil, locality, part, class, storey, khasras, unit, marla, rate, corner, road, line, source, assumed)`);
}
