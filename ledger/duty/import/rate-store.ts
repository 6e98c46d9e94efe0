/** Statements that write versions of Schedule I, of the levies and of the remissions. Rows travel as arrays. */
import { onlyRow, sql, type Queryable } from '../../../kernel/database.ts';
import type { Charge, LevyRow, RemissionRow, ScheduleRow } from '../duty-book.ts';
import type { LoadedFile } from './import-store.ts';

function amountOf(charge: Charge): bigint | null {
  return charge.kind === 'percent' ? null : charge.amount;
}

function rateOf(charge: Charge): string | null {
  return charge.kind === 'percent' || charge.kind === 'excess' ? charge.rate : null;
}

function slabOf(charge: Charge): bigint | null {
  return charge.kind === 'slab' ? charge.slab : null;
}

function limitOf(charge: Charge, which: 'minimum' | 'maximum'): bigint | null {
  return charge.kind === 'fixed' ? null : (charge[which] ?? null);
}

/** The `basis` column of a row: its kind of charge and what the charge is of. */
function basisOf(charge: Charge, of: string): string {
  return charge.kind === 'fixed' || charge.kind === 'per-head'
    ? charge.kind
    : `${charge.kind}-of-${of}`;
}

function column<T, V>(rows: readonly T[], of: (row: T) => V): V[] {
  return rows.map(of);
}

/** True when the Schedule in use was approved by officers. */
export async function hasOfficerSchedule(db: Queryable): Promise<boolean> {
  const [newest] = await db.query<{ origin: string }>(
    sql`select origin from schedule_version order by version desc limit 1`,
  );
  return newest?.origin === 'officer';
}

/** Writes a new version of Schedule I and returns its number. */
export async function insertSchedule(
  tx: Queryable,
  file: LoadedFile & { readonly origin?: 'bundled' | 'officer' },
  rows: readonly ScheduleRow[],
): Promise<number> {
  const inserted = await tx.query<{ version: number }>(sql`
    insert into schedule_version (version, file_name, sha256, row_count, imported_at, origin)
    select coalesce(max(version), 0) + 1, ${file.fileName}::text, ${file.sha256}::text, ${file.rowCount}::integer,
      ${file.importedAt}::timestamptz, ${file.origin ?? 'bundled'}::text from schedule_version
    returning version`);
  const { version } = onlyRow(inserted, 'new version');
  await tx.query(sql`
    insert into schedule_row (version, line, instrument_code, title, article, sub_article, stamp_kind, head_code, basis,
      setting, value_above_paisa, value_up_to_paisa, amount_paisa, rate_percent, slab_paisa, minimum_paisa, maximum_paisa,
      rounding, effective_from, effective_to, source, assumed)
    select ${version}::integer, r.* from unnest(
      ${column(rows, (row) => row.line)}::integer[], ${column(rows, (row) => row.instrument)}::text[],
      ${column(rows, (row) => row.title)}::text[], ${column(rows, (row) => row.article)}::text[],
      ${column(rows, (row) => row.subArticle ?? null)}::text[], ${column(rows, (row) => row.stampKind)}::text[],
      ${column(rows, (row) => row.headCode)}::text[], ${column(rows, (row) => basisOf(row.charge, row.valueOf))}::text[],
      ${column(rows, (row) => row.setting)}::text[], ${column(rows, (row) => row.valueAbove)}::bigint[],
      ${column(rows, (row) => row.valueUpTo ?? null)}::bigint[], ${column(rows, (row) => amountOf(row.charge))}::bigint[],
      ${column(rows, (row) => rateOf(row.charge))}::numeric[], ${column(rows, (row) => slabOf(row.charge))}::bigint[],
      ${column(rows, (row) => limitOf(row.charge, 'minimum'))}::bigint[],
      ${column(rows, (row) => limitOf(row.charge, 'maximum'))}::bigint[], ${column(rows, (row) => row.rounding)}::text[],
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
    insert into levy_row (version, line, levy_code, title, title_urdu, head_code, instrument_codes, payer, taxpayer_status,
      basis, setting, value_above_paisa, value_up_to_paisa, amount_paisa, rate_percent, slab_paisa, minimum_paisa,
      maximum_paisa, rounding, active, effective_from, effective_to, source, assumed)
    select ${version}::integer, r.line, r.levy, r.title, r.urdu, r.head, string_to_array(r.instruments, ' '), r.payer, r.status,
      r.basis, r.setting, r.above, r.up_to, r.amount, r.rate, r.slab, r.least, r.most, r.rounding, r.active, r.since, r.until,
      r.source, r.assumed
    from unnest(
      ${column(rows, (row) => row.line)}::integer[], ${column(rows, (row) => row.levy)}::text[],
      ${column(rows, (row) => row.title)}::text[], ${column(rows, (row) => row.titleUrdu)}::text[],
      ${column(rows, (row) => row.headCode)}::text[],
      ${column(rows, (row) => row.instruments.join(' '))}::text[], ${column(rows, (row) => row.payer)}::text[],
      ${column(rows, (row) => row.taxpayerStatus)}::text[],
      ${column(rows, (row) => basisOf(row.charge, 'value'))}::text[],
      ${column(rows, (row) => row.setting)}::text[], ${column(rows, (row) => row.valueAbove)}::bigint[],
      ${column(rows, (row) => row.valueUpTo ?? null)}::bigint[], ${column(rows, (row) => amountOf(row.charge))}::bigint[],
      ${column(rows, (row) => rateOf(row.charge))}::numeric[], ${column(rows, (row) => slabOf(row.charge))}::bigint[],
      ${column(rows, (row) => limitOf(row.charge, 'minimum'))}::bigint[],
      ${column(rows, (row) => limitOf(row.charge, 'maximum'))}::bigint[], ${column(rows, (row) => row.rounding)}::text[],
      ${column(rows, (row) => row.active)}::boolean[], ${column(rows, (row) => row.effectiveFrom)}::date[],
      ${column(rows, (row) => row.effectiveTo ?? null)}::date[], ${column(rows, (row) => row.source)}::text[],
      ${column(rows, (row) => row.assumed)}::boolean[])
      as r (line, levy, title, urdu, head, instruments, payer, status, basis, setting, above, up_to, amount, rate, slab, least,
        most, rounding, active, since, until, source, assumed)`);
  return version;
}

/** Writes a new version of the remissions and returns its number. */
export async function insertRemissions(
  tx: Queryable,
  file: LoadedFile,
  rows: readonly RemissionRow[],
): Promise<number> {
  const inserted = await tx.query<{ version: number }>(sql`
    insert into remission_version (version, file_name, sha256, row_count, imported_at)
    select coalesce(max(version), 0) + 1, ${file.fileName}::text, ${file.sha256}::text, ${file.rowCount}::integer,
      ${file.importedAt}::timestamptz from remission_version
    returning version`);
  const { version } = onlyRow(inserted, 'new version');
  const rate = ({ relief }: RemissionRow): string | null => ('rate' in relief ? relief.rate : null);
  const amount = ({ relief }: RemissionRow): bigint | null =>
    'amount' in relief ? relief.amount : null;
  await tx.query(sql`
    insert into remission_row (version, line, remission_code, title, title_urdu, of_line, instrument_codes, setting,
      value_above_paisa, value_up_to_paisa, relief, rate_percent, amount_paisa, evidence, active, effective_from, effective_to,
      source, assumed)
    select ${version}::integer, r.line, r.remission, r.title, r.urdu, r.of_line, string_to_array(r.instruments, ' '), r.setting,
      r.above, r.up_to, r.relief, r.rate, r.amount, r.evidence, r.active, r.since, r.until, r.source, r.assumed
    from unnest(
      ${column(rows, (row) => row.line)}::integer[], ${column(rows, (row) => row.remission)}::text[],
      ${column(rows, (row) => row.title)}::text[], ${column(rows, (row) => row.titleUrdu)}::text[],
      ${column(rows, (row) => row.of)}::text[], ${column(rows, (row) => row.instruments.join(' '))}::text[],
      ${column(rows, (row) => row.setting)}::text[], ${column(rows, (row) => row.valueAbove)}::bigint[],
      ${column(rows, (row) => row.valueUpTo ?? null)}::bigint[], ${column(rows, (row) => row.relief.kind)}::text[],
      ${column(rows, rate)}::numeric[], ${column(rows, amount)}::bigint[], ${column(rows, (row) => row.evidence)}::text[],
      ${column(rows, (row) => row.active)}::boolean[], ${column(rows, (row) => row.effectiveFrom)}::date[],
      ${column(rows, (row) => row.effectiveTo ?? null)}::date[], ${column(rows, (row) => row.source)}::text[],
      ${column(rows, (row) => row.assumed)}::boolean[])
      as r (line, remission, title, urdu, of_line, instruments, setting, above, up_to, relief, rate, amount, evidence, active,
        since, until, source, assumed)`);
  return version;
}
