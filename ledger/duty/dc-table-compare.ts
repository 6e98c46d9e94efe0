/** Differences between two versions of a valuation table, and a version written out again as a file. */
import { csvLine } from '../../kernel/csv.ts';
import { sql, type Queryable } from '../../kernel/database.ts';
import { formatRupees, paisa } from '../../kernel/money.ts';

/** One version of one table. */
export interface TableVersionKey {
  readonly district: string;
  readonly fiscalYear: string;
  readonly version: number;
}

/** A rate that is not the same in two versions. */
export interface RateDifference {
  readonly tehsil: string;
  readonly locality: string;
  readonly part: string;
  readonly landClass: string;
  readonly storey: string;
  readonly khasras: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** As `rate per unit, marla, corner, main road`; absent where the version has no such rate. */
  readonly before?: string;
  readonly after?: string;
  /** The lines of both files. */
  readonly lineBefore?: number;
  readonly lineAfter?: number;
}

type DifferenceColumns = {
  tehsil_code: string;
  locality_code: string;
  part: string;
  land_class: string;
  storey: string;
  khasras: string;
  before: string | null;
  after: string | null;
  line_before: number | null;
  line_after: number | null;
};

const PAGE = 2_000;

/** Every difference between two versions (of one district; other years may be compared too), in order, in pages. */
export async function* compareDcTables(
  db: Queryable,
  before: TableVersionKey,
  after: TableVersionKey,
): AsyncGenerator<readonly RateDifference[]> {
  for (let offset = 0; ; offset += PAGE) {
    const rows: DifferenceColumns[] = await db.query<DifferenceColumns>(sql`
      with a as (
        select *, concat_ws(' ', trim_scale(rate_paisa / 100.0), 'per', unit, trim_scale(marla_sq_ft), 'corner',
          trim_scale(corner_percent), 'main road', trim_scale(main_road_percent)) as terms
        from dc_rate where district_code = ${before.district} and fiscal_year = ${before.fiscalYear} and version = ${before.version}),
      b as (
        select *, concat_ws(' ', trim_scale(rate_paisa / 100.0), 'per', unit, trim_scale(marla_sq_ft), 'corner',
          trim_scale(corner_percent), 'main road', trim_scale(main_road_percent)) as terms
        from dc_rate where district_code = ${after.district} and fiscal_year = ${after.fiscalYear} and version = ${after.version})
      select tehsil_code, locality_code, part, land_class, storey, khasras, a.terms as before, b.terms as after,
        a.line as line_before, b.line as line_after
      from a full join b using (tehsil_code, locality_code, part, land_class, storey, khasras)
      where a.terms is distinct from b.terms
      order by tehsil_code, locality_code, part, land_class, storey, khasras
      limit ${PAGE} offset ${offset}`);
    if (rows.length === 0) return;
    yield rows.map((row) => ({
      tehsil: row.tehsil_code,
      locality: row.locality_code,
      part: row.part,
      landClass: row.land_class,
      storey: row.storey,
      khasras: row.khasras,
      change: row.before === null ? 'added' : row.after === null ? 'removed' : 'changed',
      ...(row.before === null ? {} : { before: row.before }),
      ...(row.after === null ? {} : { after: row.after }),
      ...(row.line_before === null ? {} : { lineBefore: row.line_before }),
      ...(row.line_after === null ? {} : { lineAfter: row.line_after }),
    }));
    if (rows.length < PAGE) return;
  }
}

const EXPORT_COLUMNS =
  'district,fiscal_year,from,to,tehsil,locality,locality_name,setting,part,land_class,storey,khasras,unit,marla_sq_ft,rate,corner_percent,main_road_percent,source,assumed';

type ExportColumns = {
  effective_from: string;
  effective_to: string;
  tehsil_code: string;
  locality_code: string;
  name: string;
  setting: string;
  part: string;
  land_class: string;
  storey: string;
  khasras: string;
  unit: string;
  marla_sq_ft: string;
  rate_paisa: bigint;
  corner_percent: string;
  main_road_percent: string;
  line: number;
  source: string;
  assumed: boolean;
};

function exportLine(key: TableVersionKey, row: ExportColumns): string {
  const rate = formatRupees(paisa(row.rate_paisa)).replaceAll(',', '').replace(/\.00$/, '');
  const cells = [
    key.district,
    key.fiscalYear,
    row.effective_from,
    row.effective_to,
    row.tehsil_code,
    row.locality_code,
    row.name,
    row.setting,
    row.part,
    row.land_class,
    row.storey,
    row.khasras,
    row.unit,
    row.marla_sq_ft,
    rate,
    row.corner_percent,
    row.main_road_percent,
    row.source,
    row.assumed ? 'yes' : 'no',
  ];
  return `${csvLine(cells)}\n`;
}

/** A version as CSV that the import takes again, in the order of its own file, in pieces. */
export async function* exportDcTable(db: Queryable, key: TableVersionKey): AsyncGenerator<string> {
  yield `${EXPORT_COLUMNS}\n`;
  let after = 0;
  for (;;) {
    const rows: ExportColumns[] = await db.query<ExportColumns>(sql`
      select t.effective_from, t.effective_to, r.tehsil_code, r.locality_code, l.name, l.setting, r.part, r.land_class, r.storey,
        r.khasras, r.unit, trim_scale(r.marla_sq_ft)::text as marla_sq_ft, r.rate_paisa,
        trim_scale(r.corner_percent)::text as corner_percent, trim_scale(r.main_road_percent)::text as main_road_percent,
        r.line, r.source, r.assumed
      from dc_rate r
      join dc_table t using (district_code, fiscal_year, version)
      join dc_locality l using (district_code, fiscal_year, version, tehsil_code, locality_code)
      where r.district_code = ${key.district} and r.fiscal_year = ${key.fiscalYear} and r.version = ${key.version}
        and r.line > ${after}
      order by r.line limit ${PAGE}`);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => exportLine(key, row)).join('');
    after = last.line;
  }
}
