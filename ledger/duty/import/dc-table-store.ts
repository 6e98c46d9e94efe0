/** Statements that write a valuation table. */
import { onlyRow, sql, type Queryable } from '../../../kernel/database.ts';
import type { DcTableRow } from './dc-table-file.ts';
import type { LoadedFile } from './import-store.ts';

export type DcTableOrigin = 'bundled' | 'collector';

/** Rows that go to the server in one statement. */
const BATCH = 10_000;

/** The version that a table has under this hash, if it was loaded before. */
export async function versionOfFile(
  db: Queryable,
  table: { readonly district: string; readonly fiscalYear: string },
  sha256: string,
): Promise<number | undefined> {
  const [row] = await db.query<{ version: number }>(sql`
    select version from dc_table
    where district_code = ${table.district} and fiscal_year = ${table.fiscalYear} and sha256 = ${sha256}`);
  return row?.version;
}

/** True when a Collector's file of this district and year is loaded. */
export async function hasCollectorTable(
  db: Queryable,
  table: { readonly district: string; readonly fiscalYear: string },
): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from dc_table
    where district_code = ${table.district} and fiscal_year = ${table.fiscalYear} and origin = 'collector' limit 1`);
  return rows.length > 0;
}

async function insertLocalities(
  tx: Queryable,
  version: number,
  rows: readonly DcTableRow[],
): Promise<void> {
  const localities = [
    ...new Map(rows.map((row) => [`${row.tehsil} ${row.locality}`, row])).values(),
  ];
  for (let start = 0; start < localities.length; start += BATCH) {
    const batch = localities.slice(start, start + BATCH);
    await tx.query(sql`
      insert into dc_locality (district_code, fiscal_year, version, tehsil_code, locality_code, name, setting)
      select r.district, r.year, ${version}::integer, r.tehsil, r.locality, r.name, r.setting
      from unnest(${batch.map((row) => row.district)}::text[], ${batch.map((row) => row.fiscalYear)}::text[],
        ${batch.map((row) => row.tehsil)}::text[], ${batch.map((row) => row.locality)}::text[],
        ${batch.map((row) => row.localityName)}::text[], ${batch.map((row) => row.setting)}::text[])
        as r (district, year, tehsil, locality, name, setting)`);
  }
}

async function insertRates(
  tx: Queryable,
  version: number,
  rows: readonly DcTableRow[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH);
    await tx.query(sql`
      insert into dc_rate (district_code, fiscal_year, version, tehsil_code, locality_code, part, land_class, storey, unit,
        marla_sq_ft, rate_paisa, line, source, assumed)
      select r.district, r.year, ${version}::integer, r.tehsil, r.locality, r.part, r.class, r.storey, r.unit, r.marla,
        r.rate, r.line, r.source, r.assumed
      from unnest(${batch.map((row) => row.district)}::text[], ${batch.map((row) => row.fiscalYear)}::text[],
        ${batch.map((row) => row.tehsil)}::text[], ${batch.map((row) => row.locality)}::text[],
        ${batch.map((row) => row.part)}::text[], ${batch.map((row) => row.landClass)}::text[],
        ${batch.map((row) => row.storey)}::text[], ${batch.map((row) => row.unit)}::text[],
        ${batch.map((row) => row.marlaBasis)}::numeric[], ${batch.map((row) => row.rate)}::bigint[],
        ${batch.map((row) => row.line)}::integer[], ${batch.map((row) => row.source)}::text[],
        ${batch.map((row) => row.assumed)}::boolean[])
        as r (district, year, tehsil, locality, part, class, storey, unit, marla, rate, line, source, assumed)`);
  }
}

/** Writes a new version of a table (all rows are of one district and year) and returns its number. */
export async function insertDcTable(
  tx: Queryable,
  file: LoadedFile & { readonly origin: DcTableOrigin },
  rows: readonly [DcTableRow, ...DcTableRow[]],
): Promise<number> {
  const [first] = rows;
  const inserted = await tx.query<{ version: number }>(sql`
    insert into dc_table (district_code, fiscal_year, version, effective_from, effective_to, origin, file_name, sha256,
      rate_count, imported_at)
    select ${first.district}::text, ${first.fiscalYear}::text, coalesce(max(version), 0) + 1, ${first.effectiveFrom}::date,
      ${first.effectiveTo}::date, ${file.origin}::text, ${file.fileName}::text, ${file.sha256}::text,
      ${file.rowCount}::integer, ${file.importedAt}::timestamptz
    from dc_table where district_code = ${first.district} and fiscal_year = ${first.fiscalYear}
    returning version`);
  const { version } = onlyRow(inserted, 'new version');
  await insertLocalities(tx, version, rows);
  await insertRates(tx, version, rows);
  return version;
}
