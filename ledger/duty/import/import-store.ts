/** Statements of the import. Rows travel as arrays: one statement a batch, whatever its size. */
import { onlyRow, sql, type Queryable } from '../../../kernel/database.ts';
import type { Charge, DatedRow, LevyRow, ScheduleRow } from '../duty-book.ts';
import type { DistrictRow, DivisionRow, HeadRow, TehsilRow } from './place-files.ts';

export type PlaceKind = 'divisions' | 'districts' | 'tehsils' | 'heads-of-account';

/** A loaded file as the registers keep it. */
export interface LoadedFile {
  readonly fileName: string;
  readonly sha256: string;
  readonly rowCount: number;
  readonly importedAt: Date;
}

/** Hashes of the files that places and heads were last loaded from. */
export async function placeFileHashes(db: Queryable): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ kind: string; sha256: string }>(
    sql`select kind, sha256 from reference_file`,
  );
  return new Map(rows.map((row) => [row.kind, row.sha256]));
}

/** Every hash of a file of rates or of a valuation table that was ever loaded. */
export async function rateFileHashes(db: Queryable): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ sha256: string }>(
    sql`select sha256 from schedule_version union all select sha256 from levy_version union all select sha256 from dc_table`,
  );
  return new Set(rows.map((row) => row.sha256));
}

export async function keepPlaceFile(
  tx: Queryable,
  kind: PlaceKind,
  file: LoadedFile,
): Promise<void> {
  await tx.query(sql`
    insert into reference_file (kind, file_name, sha256, row_count, imported_at)
    values (${kind}, ${file.fileName}, ${file.sha256}, ${file.rowCount}, ${file.importedAt})
    on conflict (kind) do update set file_name = excluded.file_name, sha256 = excluded.sha256,
      row_count = excluded.row_count, imported_at = excluded.imported_at`);
}

export async function upsertDivisions(tx: Queryable, rows: readonly DivisionRow[]): Promise<void> {
  await tx.query(sql`
    insert into division (code, name, source, assumed)
    select * from unnest(${rows.map((row) => row.code)}::text[], ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.source)}::text[], ${rows.map((row) => row.assumed)}::boolean[])
    on conflict (code) do update set name = excluded.name, source = excluded.source, assumed = excluded.assumed`);
}

export async function upsertDistricts(tx: Queryable, rows: readonly DistrictRow[]): Promise<void> {
  await tx.query(sql`
    insert into district (code, name, division_code, source, assumed)
    select * from unnest(${rows.map((row) => row.code)}::text[], ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.division)}::text[], ${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.assumed)}::boolean[])
    on conflict (code) do update set name = excluded.name, division_code = excluded.division_code,
      source = excluded.source, assumed = excluded.assumed`);
}

export async function upsertTehsils(tx: Queryable, rows: readonly TehsilRow[]): Promise<void> {
  await tx.query(sql`
    insert into tehsil (code, name, district_code, source, assumed)
    select * from unnest(${rows.map((row) => row.code)}::text[], ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.district)}::text[], ${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.assumed)}::boolean[])
    on conflict (code) do update set name = excluded.name, source = excluded.source, assumed = excluded.assumed`);
}

export async function upsertHeads(tx: Queryable, rows: readonly HeadRow[]): Promise<void> {
  await tx.query(sql`
    insert into head_of_account (code, title, kind, source, assumed)
    select * from unnest(${rows.map((row) => row.code)}::text[], ${rows.map((row) => row.title)}::text[],
      ${rows.map((row) => row.kind)}::text[], ${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.assumed)}::boolean[])
    on conflict (code) do update set title = excluded.title, kind = excluded.kind,
      source = excluded.source, assumed = excluded.assumed`);
}

/** Codes that rows of other files may name. */
export async function loadCodes(
  db: Queryable,
  of: 'division' | 'district' | 'head' | 'instrument',
): Promise<ReadonlySet<string>> {
  const statements = {
    division: sql`select code from division`,
    district: sql`select code from district`,
    head: sql`select code from head_of_account`,
    instrument: sql`select distinct instrument_code as code from schedule_row
                    where version = (select max(version) from schedule_version)`,
  };
  const rows = await db.query<{ code: string }>(statements[of]);
  return new Set(rows.map((row) => row.code));
}

/** The district of every tehsil. */
export async function loadTehsilDistricts(db: Queryable): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ code: string; district_code: string }>(
    sql`select code, district_code from tehsil`,
  );
  return new Map(rows.map((row) => [row.code, row.district_code]));
}

function fixedAmount(charge: Charge): bigint | null {
  return charge.kind === 'fixed' ? charge.amount : null;
}

function percentRate(charge: Charge): string | null {
  return charge.kind === 'percent' ? charge.rate : null;
}

function limit(charge: Charge, which: 'minimum' | 'maximum'): bigint | null {
  return charge.kind === 'percent' ? (charge[which] ?? null) : null;
}

function basisOf(row: ScheduleRow): string {
  return row.charge.kind === 'fixed' ? 'fixed' : `percent-of-${row.valueOf}`;
}

function column<T extends DatedRow, V>(rows: readonly T[], of: (row: T) => V): V[] {
  return rows.map(of);
}

/** Writes a new version of Schedule I and returns its number. */
export async function insertSchedule(
  tx: Queryable,
  file: LoadedFile,
  rows: readonly ScheduleRow[],
): Promise<number> {
  const inserted = await tx.query<{ version: number }>(sql`
    insert into schedule_version (version, file_name, sha256, row_count, imported_at)
    select coalesce(max(version), 0) + 1, ${file.fileName}::text, ${file.sha256}::text, ${file.rowCount}::integer,
      ${file.importedAt}::timestamptz from schedule_version
    returning version`);
  const { version } = onlyRow(inserted, 'new version');
  await tx.query(sql`
    insert into schedule_row (version, line, instrument_code, title, article, sub_article, stamp_kind, head_code, basis,
      setting, value_above_paisa, value_up_to_paisa, amount_paisa, rate_percent, minimum_paisa, maximum_paisa, rounding,
      effective_from, effective_to, source, assumed)
    select ${version}::integer, r.* from unnest(
      ${column(rows, (row) => row.line)}::integer[], ${column(rows, (row) => row.instrument)}::text[],
      ${column(rows, (row) => row.title)}::text[], ${column(rows, (row) => row.article)}::text[],
      ${column(rows, (row) => row.subArticle ?? null)}::text[], ${column(rows, (row) => row.stampKind)}::text[],
      ${column(rows, (row) => row.headCode)}::text[], ${column(rows, basisOf)}::text[],
      ${column(rows, (row) => row.setting)}::text[], ${column(rows, (row) => row.valueAbove)}::bigint[],
      ${column(rows, (row) => row.valueUpTo ?? null)}::bigint[], ${column(rows, (row) => fixedAmount(row.charge))}::bigint[],
      ${column(rows, (row) => percentRate(row.charge))}::numeric[], ${column(rows, (row) => limit(row.charge, 'minimum'))}::bigint[],
      ${column(rows, (row) => limit(row.charge, 'maximum'))}::bigint[], ${column(rows, (row) => row.rounding)}::text[],
      ${column(rows, (row) => row.effectiveFrom)}::date[], ${column(rows, (row) => row.effectiveTo ?? null)}::date[],
      ${column(rows, (row) => row.source)}::text[], ${column(rows, (row) => row.assumed)}::boolean[]) as r`);
  return version;
}

/** Writes a new version of the levies and returns its number. */
export async function insertLevies(
  tx: Queryable,
  file: LoadedFile,
  rows: readonly LevyRow[],
): Promise<number> {
  const inserted = await tx.query<{ version: number }>(sql`
    insert into levy_version (version, file_name, sha256, row_count, imported_at)
    select coalesce(max(version), 0) + 1, ${file.fileName}::text, ${file.sha256}::text, ${file.rowCount}::integer,
      ${file.importedAt}::timestamptz from levy_version
    returning version`);
  const { version } = onlyRow(inserted, 'new version');
  await tx.query(sql`
    insert into levy_row (version, line, levy_code, title, head_code, instrument_codes, payer, taxpayer_status, basis,
      setting, value_above_paisa, value_up_to_paisa, amount_paisa, rate_percent, rounding, active,
      effective_from, effective_to, source, assumed)
    select ${version}::integer, r.line, r.levy, r.title, r.head, string_to_array(r.instruments, ' '), r.payer, r.status,
      r.basis, r.setting, r.above, r.up_to, r.amount, r.rate, r.rounding, r.active, r.since, r.until, r.source, r.assumed
    from unnest(
      ${column(rows, (row) => row.line)}::integer[], ${column(rows, (row) => row.levy)}::text[],
      ${column(rows, (row) => row.title)}::text[], ${column(rows, (row) => row.headCode)}::text[],
      ${column(rows, (row) => row.instruments.join(' '))}::text[], ${column(rows, (row) => row.payer)}::text[],
      ${column(rows, (row) => row.taxpayerStatus)}::text[],
      ${column(rows, (row) => (row.charge.kind === 'fixed' ? 'fixed' : 'percent-of-value'))}::text[],
      ${column(rows, (row) => row.setting)}::text[], ${column(rows, (row) => row.valueAbove)}::bigint[],
      ${column(rows, (row) => row.valueUpTo ?? null)}::bigint[], ${column(rows, (row) => fixedAmount(row.charge))}::bigint[],
      ${column(rows, (row) => percentRate(row.charge))}::numeric[], ${column(rows, (row) => row.rounding)}::text[],
      ${column(rows, (row) => row.active)}::boolean[], ${column(rows, (row) => row.effectiveFrom)}::date[],
      ${column(rows, (row) => row.effectiveTo ?? null)}::date[], ${column(rows, (row) => row.source)}::text[],
      ${column(rows, (row) => row.assumed)}::boolean[])
      as r (line, levy, title, head, instruments, payer, status, basis, setting, above, up_to, amount, rate, rounding,
        active, since, until, source, assumed)`);
  return version;
}
