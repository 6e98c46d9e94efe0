/** Keeps boundaries with their localities, and reads what the maps show. */
import type { Clock } from '../../../kernel/clock.ts';
import { sql, type Database, type Queryable } from '../../../kernel/database.ts';
import { loadTehsilDistricts } from '../import/import-store.ts';
import type { FileProblem } from '../import/table-file.ts';
import { sourceHash, type TableSource } from '../import/table-source.ts';
import { readBoundaries, type Boundary } from './boundary-file.ts';
import type { MultiPolygon } from './geometry.ts';

const BATCH = 200;

export type BoundaryImport =
  | { readonly ok: true; readonly boundaries: number }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

async function insertBoundaries(
  tx: Queryable,
  boundaries: readonly Boundary[],
  file: {
    readonly fileName: string;
    readonly sha256: string;
    readonly by: string;
    readonly at: Date;
  },
): Promise<void> {
  for (let start = 0; start < boundaries.length; start += BATCH) {
    const batch = boundaries.slice(start, start + BATCH);
    await tx.query(sql`
      insert into dc_boundary (tehsil_code, locality_code, version, name, coordinates, file_name, sha256, imported_by, imported_at)
      select r.tehsil, r.locality,
        1 + coalesce((select max(b.version) from dc_boundary b
                      where b.tehsil_code = r.tehsil and b.locality_code = r.locality), 0),
        r.name, r.coordinates::jsonb, ${file.fileName}::text, ${file.sha256}::text, ${file.by}::text, ${file.at}::timestamptz
      from unnest(${batch.map((each) => each.tehsil)}::text[], ${batch.map((each) => each.locality)}::text[],
        ${batch.map((each) => each.name)}::text[],
        ${batch.map((each) => JSON.stringify(each.coordinates))}::text[]) as r (tehsil, locality, name, coordinates)`);
  }
}

/**
 * Imports the boundaries of a file, each as a new version of its locality's. A file with a wrong feature changes
 * nothing and names all that is wrong.
 */
export async function importBoundaries(
  database: Database,
  source: TableSource,
  options: { readonly clock: Clock; readonly importedBy: string },
): Promise<BoundaryImport> {
  const result = await readBoundaries(source, await loadTehsilDistricts(database));
  if (!result.ok) return result;
  const file = {
    fileName: source.fileName,
    sha256: await sourceHash(source),
    by: options.importedBy,
    at: options.clock.now(),
  };
  await database.transaction((tx) => insertBoundaries(tx, result.boundaries, file));
  return { ok: true, boundaries: result.boundaries.length };
}

/** A locality of a table, with the rate that the map shows and its boundary where one is known. */
export interface MappedLocality {
  readonly tehsil: string;
  readonly locality: string;
  readonly name: string;
  readonly setting: string;
  /** Highest land rate of the class in paisa per marla of the row's basis; absent when it has none. */
  readonly perMarla?: bigint;
  /** The rates as the table states them. */
  readonly rates: string;
  readonly assumed: boolean;
  readonly coordinates?: MultiPolygon;
}

type MappedColumns = {
  tehsil_code: string;
  locality_code: string;
  name: string;
  setting: string;
  per_marla: bigint | null;
  rates: string | null;
  assumed: boolean;
  coordinates: MultiPolygon | null;
};

/** The localities of one table in pages, so that a large one is never held whole. */
export async function* mappedLocalities(
  db: Queryable,
  table: { readonly district: string; readonly fiscalYear: string; readonly version: number },
  landClass: string,
): AsyncGenerator<readonly MappedLocality[]> {
  let after = { tehsil: '', locality: '' };
  for (;;) {
    const rows: MappedColumns[] = await db.query<MappedColumns>(sql`
      select l.tehsil_code, l.locality_code, l.name, l.setting, r.per_marla, r.rates, coalesce(r.assumed, false) as assumed,
        b.coordinates
      from (select * from dc_locality
            where district_code = ${table.district} and fiscal_year = ${table.fiscalYear} and version = ${table.version}
              and (tehsil_code, locality_code) > (${after.tehsil}, ${after.locality})
            order by tehsil_code, locality_code limit ${BATCH}) l
      left join lateral (
        select max(round(rate_paisa / case unit when 'sarsai' then 1 / 9.0 when 'marla' then 1 when 'kanal' then 20
                     when 'acre' then 160 else 1 / marla_sq_ft end))::bigint as per_marla,
          string_agg(trim_scale(rate_paisa / 100.0)::text || ' per ' || unit ||
            case when khasras = '' then '' else ' (khasras ' || khasras || ')' end, '; ' order by line) as rates,
          bool_or(assumed) as assumed
        from dc_rate d
        where d.district_code = l.district_code and d.fiscal_year = l.fiscal_year and d.version = l.version
          and d.tehsil_code = l.tehsil_code and d.locality_code = l.locality_code
          and d.part = 'land' and d.land_class = ${landClass}) r on true
      left join lateral (
        select coordinates from dc_boundary b
        where b.tehsil_code = l.tehsil_code and b.locality_code = l.locality_code
        order by b.version desc limit 1) b on true
      order by l.tehsil_code, l.locality_code`);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => ({
      tehsil: row.tehsil_code,
      locality: row.locality_code,
      name: row.name,
      setting: row.setting,
      ...(row.per_marla === null ? {} : { perMarla: row.per_marla }),
      rates: row.rates ?? 'no rate of this class',
      assumed: row.assumed,
      ...(row.coordinates === null ? {} : { coordinates: row.coordinates }),
    }));
    after = { tehsil: last.tehsil_code, locality: last.locality_code };
  }
}

/** The fifths of a table's land rates per marla: the upper ends of the first four, rising. */
export async function rateFifths(
  db: Queryable,
  table: { readonly district: string; readonly fiscalYear: string; readonly version: number },
  landClass: string,
): Promise<readonly bigint[]> {
  const [row] = await db.query<{ ends: bigint[] | null }>(sql`
    select percentile_disc(array[0.2, 0.4, 0.6, 0.8]) within group (order by
      round(rate_paisa / case unit when 'sarsai' then 1 / 9.0 when 'marla' then 1 when 'kanal' then 20
        when 'acre' then 160 else 1 / marla_sq_ft end)::bigint) as ends
    from dc_rate
    where district_code = ${table.district} and fiscal_year = ${table.fiscalYear} and version = ${table.version}
      and part = 'land' and land_class = ${landClass}`);
  const ends = row?.ends ?? [];
  return [...new Set(ends)].sort((a, b) => (a < b ? -1 : 1));
}

/** Stamps that were issued for property in a locality in a period. */
export interface LocalityStamps {
  readonly district: string;
  readonly tehsil: string;
  readonly locality: string;
  readonly name: string;
  readonly stamps: bigint;
  /** Duty of the stamps; a deed with several properties counts with its first. */
  readonly amountPaisa: bigint;
  readonly coordinates?: MultiPolygon;
}

/** Stamps of a period by locality, from the calculations that their challans keep. Cancelled ones are left out. */
export async function stampsByLocality(
  db: Queryable,
  period: { readonly from: Date; readonly until: Date },
): Promise<LocalityStamps[]> {
  const rows = await db.query<{
    district: string;
    tehsil: string;
    locality: string;
    name: string | null;
    stamps: bigint;
    amount: bigint;
    coordinates: MultiPolygon | null;
  }>(sql`
    with placed as (
      select p.place ->> 'district' as district, p.place ->> 'tehsil' as tehsil, p.place ->> 'locality' as locality,
        count(*) as stamps, coalesce(sum(s.amount_paisa) filter (where p.at = 1), 0)::bigint as amount
      from stamp s
      join challan c on c.shard_id = s.shard_id and c.psid = s.psid
      cross join lateral jsonb_array_elements(coalesce(c.duty -> 'properties', '[]')) with ordinality as p (place, at)
      where s.issued_at >= ${period.from} and s.issued_at < ${period.until} and s.state <> 'cancelled'
      group by 1, 2, 3)
    select placed.*, b.coordinates,
      (select l.name from dc_locality l
       where l.district_code = placed.district and l.tehsil_code = placed.tehsil and l.locality_code = placed.locality
       order by l.fiscal_year desc, l.version desc limit 1) as name
    from placed
    left join lateral (
      select coordinates from dc_boundary b
      where b.tehsil_code = placed.tehsil and b.locality_code = placed.locality order by b.version desc limit 1) b on true
    order by district, tehsil, locality`);
  return rows.map((row) => ({
    district: row.district,
    tehsil: row.tehsil,
    locality: row.locality,
    name: row.name ?? row.locality,
    stamps: row.stamps,
    amountPaisa: row.amount,
    ...(row.coordinates === null ? {} : { coordinates: row.coordinates }),
  }));
}
