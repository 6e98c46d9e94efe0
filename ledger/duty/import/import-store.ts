/** Statements of the import of places and heads, and what rows of other files may name. */
import { sql, type Queryable } from '../../../kernel/database.ts';
import type { DistrictRow, DivisionRow, HeadRow, TehsilRow } from './place-files.ts';

export type PlaceKind = 'divisions' | 'districts' | 'tehsils' | 'heads-of-account' | 'departments';

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
    sql`select sha256 from schedule_version union all select sha256 from levy_version
        union all select sha256 from remission_version union all select sha256 from service_version
        union all select sha256 from dc_table`,
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
  of: 'division' | 'district' | 'head' | 'instrument' | 'levy' | 'department',
): Promise<ReadonlySet<string>> {
  const statements = {
    division: sql`select code from division`,
    district: sql`select code from district`,
    head: sql`select code from head_of_account`,
    instrument: sql`select distinct instrument_code as code from schedule_row
                    where version = (select max(version) from schedule_version)`,
    levy: sql`select distinct levy_code as code from levy_row
              where version = (select max(version) from levy_version)`,
    department: sql`select code from department where kind = 'services'`,
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
