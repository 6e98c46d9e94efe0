/** Rows of departments, of the service catalogue and of challans made by it. One function per statement. */
import type { BusinessDate } from '../../kernel/clock.ts';
import { onlyRow, prepared, sql, type Queryable, type Row } from '../../kernel/database.ts';
import type { Psid } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import type { LoadedFile } from '../duty/import/import-store.ts';
import type {
  DepartmentKind,
  DepartmentRow,
  FeeRule,
  Fulfilment,
  ServiceRow,
} from './service-files.ts';

export async function upsertDepartments(
  tx: Queryable,
  rows: readonly DepartmentRow[],
): Promise<void> {
  await tx.query(sql`
    insert into department (code, name, prefix, kind, head_code, source, assumed)
    select * from unnest(${rows.map((row) => row.code)}::text[], ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.prefix)}::text[], ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.head ?? null)}::text[], ${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.assumed)}::boolean[])
    on conflict (code) do update set name = excluded.name, prefix = excluded.prefix, kind = excluded.kind,
      head_code = excluded.head_code, source = excluded.source, assumed = excluded.assumed`);
}

/** A department as the registers keep it. */
export interface Department {
  readonly code: string;
  readonly name: string;
  /** The first three digits of its PSIDs. */
  readonly prefix: string;
  readonly kind: DepartmentKind;
  readonly headCode?: string;
}

/** Every department, by code. */
export async function listDepartments(db: Queryable): Promise<Department[]> {
  const rows = await db.query<{
    code: string;
    name: string;
    prefix: string;
    kind: DepartmentKind;
    head_code: string | null;
  }>(sql`select code, name, prefix, kind, head_code from department order by code`);
  return rows.map(({ head_code: headCode, ...row }) => ({
    ...row,
    ...(headCode === null ? {} : { headCode }),
  }));
}

/** Writes a new version of the service catalogue. */
export async function insertServices(
  tx: Queryable,
  file: LoadedFile,
  rows: readonly ServiceRow[],
): Promise<void> {
  const inserted = await tx.query<{ version: number }>(sql`
    insert into service_version (version, file_name, sha256, row_count, imported_at)
    select coalesce(max(version), 0) + 1, ${file.fileName}::text, ${file.sha256}::text, ${file.rowCount}::integer,
      ${file.importedAt}::timestamptz from service_version
    returning version`);
  const { version } = onlyRow(inserted, 'new version');
  const column = <V>(of: (row: ServiceRow) => V): V[] => rows.map(of);
  const bound = (which: 'minimum' | 'maximum'): (bigint | null)[] =>
    column(({ fee }) => (fee.basis === 'given' ? fee[which] : null));
  await tx.query(sql`
    insert into service_row (version, line, service_code, title, department_code, head_code, basis, amount_paisa, minimum_paisa,
      maximum_paisa, payable_days, fulfilment, stamp_kind, article, active, effective_from, effective_to, source, assumed)
    select ${version}::integer, r.* from unnest(
      ${column((row) => row.line)}::integer[], ${column((row) => row.code)}::text[], ${column((row) => row.title)}::text[],
      ${column((row) => row.department)}::text[], ${column((row) => row.head)}::text[], ${column((row) => row.fee.basis)}::text[],
      ${column(({ fee }) => (fee.basis === 'fixed' ? fee.amount : null))}::bigint[], ${bound('minimum')}::bigint[],
      ${bound('maximum')}::bigint[], ${column((row) => row.payableDays)}::smallint[], ${column((row) => row.fulfilment)}::text[],
      ${column((row) => row.stamp?.kind ?? null)}::text[], ${column((row) => row.stamp?.article ?? null)}::text[],
      ${column((row) => row.active)}::boolean[], ${column((row) => row.from)}::date[], ${column((row) => row.to ?? null)}::date[],
      ${column((row) => row.source)}::text[], ${column((row) => row.assumed)}::boolean[]) as r`);
}

/** A service as it holds on a day. */
export interface Service {
  readonly version: number;
  readonly code: string;
  readonly title: string;
  readonly departmentCode: string;
  readonly departmentName: string;
  readonly prefix: string;
  readonly headCode: string;
  readonly fee: FeeRule;
  readonly payableDays: number;
  readonly fulfilment: Fulfilment;
  readonly stamp?: NonNullable<ServiceRow['stamp']>;
  readonly assumed: boolean;
}

interface ServiceRecord extends Row {
  readonly version: number;
  readonly service_code: string;
  readonly title: string;
  readonly department_code: string;
  readonly department_name: string;
  readonly prefix: string;
  readonly head_code: string;
  readonly amount_paisa: bigint | null;
  readonly minimum_paisa: bigint | null;
  readonly maximum_paisa: bigint | null;
  readonly payable_days: number;
  readonly fulfilment: Fulfilment;
  readonly stamp_kind: NonNullable<ServiceRow['stamp']>['kind'] | null;
  readonly article: string | null;
  readonly assumed: boolean;
}

function serviceOf(row: ServiceRecord): Service {
  const fee: FeeRule =
    row.amount_paisa === null
      ? {
          basis: 'given',
          minimum: paisa(row.minimum_paisa ?? 0n),
          maximum: paisa(row.maximum_paisa ?? 0n),
        }
      : { basis: 'fixed', amount: paisa(row.amount_paisa) };
  const stamp =
    row.stamp_kind === null || row.article === null
      ? {}
      : { stamp: { kind: row.stamp_kind, article: row.article } };
  return {
    version: row.version,
    code: row.service_code,
    title: row.title,
    departmentCode: row.department_code,
    departmentName: row.department_name,
    prefix: row.prefix,
    headCode: row.head_code,
    fee,
    payableDays: row.payable_days,
    fulfilment: row.fulfilment,
    ...stamp,
    assumed: row.assumed,
  };
}

/** The services in force on a day, by department and code. */
export async function listServices(db: Queryable, day: BusinessDate): Promise<Service[]> {
  const rows = await db.query<ServiceRecord>(
    sql`select r.version, r.service_code, r.title, r.department_code, d.name as department_name, d.prefix, r.head_code,
          r.amount_paisa, r.minimum_paisa, r.maximum_paisa, r.payable_days, r.fulfilment, r.stamp_kind, r.article, r.assumed
        from service_row r join department d on d.code = r.department_code
        where r.version = (select max(version) from service_version) and r.active
          and r.effective_from <= ${day} and coalesce(r.effective_to, 'infinity') >= ${day}
        order by r.department_code, r.service_code`,
  );
  return rows.map(serviceOf);
}

export interface ServiceChallanRow {
  readonly shard: number;
  readonly psid: Psid;
  readonly departmentCode: string;
  readonly serviceCode: string;
  readonly serviceVersion: number;
  readonly reference: string;
  readonly fulfilment: Fulfilment;
  readonly createdAt: Date;
}

/** Inserts what a challan for a service adds to its challan. */
export async function insertServiceChallan(tx: Queryable, row: ServiceChallanRow): Promise<void> {
  await tx.query(
    prepared(
      'insert_service_challan',
      sql`insert into service_challan (shard_id, psid, department_code, service_code, service_version, reference, fulfilment, created_at)
          values (${row.shard}, ${row.psid}, ${row.departmentCode}, ${row.serviceCode}, ${row.serviceVersion}, ${row.reference},
            ${row.fulfilment}, ${row.createdAt})`,
    ),
  );
}

/** The service part of a challan. */
export interface ServiceChallan {
  readonly psid: Psid;
  readonly departmentCode: string;
  readonly departmentName: string;
  readonly serviceCode: string;
  readonly serviceVersion: number;
  readonly title: string;
  readonly reference: string;
  readonly fulfilment: Fulfilment;
  readonly amount: Paisa;
}

type ServiceChallanRecord = {
  psid: string;
  department_code: string;
  department_name: string;
  service_code: string;
  service_version: number;
  title: string;
  reference: string;
  fulfilment: Fulfilment;
  amount_paisa: bigint;
};

function serviceChallanOf(row: ServiceChallanRecord): ServiceChallan {
  return {
    psid: row.psid,
    departmentCode: row.department_code,
    departmentName: row.department_name,
    serviceCode: row.service_code,
    serviceVersion: row.service_version,
    title: row.title,
    reference: row.reference,
    fulfilment: row.fulfilment,
    amount: paisa(row.amount_paisa),
  };
}

/** The service part of a challan; undefined when there is none with this PSID or it is of another kind. */
export async function findServiceChallan(
  db: Queryable,
  shard: number,
  psid: Psid,
): Promise<ServiceChallan | undefined> {
  const [row] = await db.query<ServiceChallanRecord>(
    prepared(
      'find_service_challan',
      sql`select s.psid, s.department_code, d.name as department_name, s.service_code, s.service_version, s.reference, s.fulfilment,
            l.description as title, c.amount_paisa
          from service_challan s
          join challan c on c.shard_id = s.shard_id and c.psid = s.psid
          join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = 1
          join department d on d.code = s.department_code
          where s.shard_id = ${shard} and s.psid = ${psid}`,
    ),
  );
  return row === undefined ? undefined : serviceChallanOf(row);
}

/** The PSIDs of a department's challans with its own reference, the newest first, at most 100. */
export async function findByReference(
  db: Queryable,
  shard: number,
  department: string,
  reference: string,
): Promise<Psid[]> {
  const rows = await db.query<{ psid: string }>(
    sql`select psid from service_challan
        where shard_id = ${shard} and department_code = ${department} and reference = ${reference}
        order by created_at desc limit 100`,
  );
  return rows.map(({ psid }) => psid);
}

/** Cancels a challan that is not paid; false when it is paid or cancelled already. The lane waits for it, or it for the lane. */
export async function cancelChallan(db: Queryable, shard: number, psid: Psid): Promise<boolean> {
  const rows = await db.query(
    sql`update challan set state = 'cancelled' where shard_id = ${shard} and psid = ${psid} and state = 'payable' returning 1`,
  );
  return rows.length === 1;
}
