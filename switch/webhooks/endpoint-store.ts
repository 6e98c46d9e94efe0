/** The endpoints of departments: one function per statement. */
import { sql, type Queryable, type Row } from '../../kernel/database.ts';

/** An address that a department wants to be told at. */
export interface Endpoint {
  readonly endpointId: bigint;
  readonly departmentCode: string;
  readonly url: string;
  readonly secretSealed: string;
  readonly previousSealed?: string;
  /** Until when the previous secret signs too. */
  readonly previousUntil?: Date;
  readonly active: boolean;
  readonly createdAt: Date;
}

interface EndpointRow extends Row {
  readonly endpoint_id: bigint;
  readonly department_code: string;
  readonly url: string;
  readonly secret_sealed: string;
  readonly previous_sealed: string | null;
  readonly previous_until: Date | null;
  readonly active: boolean;
  readonly created_at: Date;
}

function endpointOf(row: EndpointRow): Endpoint {
  return {
    endpointId: row.endpoint_id,
    departmentCode: row.department_code,
    url: row.url,
    secretSealed: row.secret_sealed,
    ...(row.previous_sealed === null ? {} : { previousSealed: row.previous_sealed }),
    ...(row.previous_until === null ? {} : { previousUntil: row.previous_until }),
    active: row.active,
    createdAt: row.created_at,
  };
}

/** One endpoint; undefined when there is none. */
export async function findEndpoint(
  db: Queryable,
  endpointId: bigint,
): Promise<Endpoint | undefined> {
  const [row] = await db.query<EndpointRow>(
    sql`select endpoint_id, department_code, url, secret_sealed, previous_sealed, previous_until, active, created_at
        from webhook_endpoint where endpoint_id = ${endpointId}`,
  );
  return row === undefined ? undefined : endpointOf(row);
}

/** The endpoints of a department, the oldest first. */
export async function listEndpoints(db: Queryable, departmentCode: string): Promise<Endpoint[]> {
  const rows = await db.query<EndpointRow>(
    sql`select endpoint_id, department_code, url, secret_sealed, previous_sealed, previous_until, active, created_at
        from webhook_endpoint where department_code = ${departmentCode} order by endpoint_id`,
  );
  return rows.map(endpointOf);
}

/** Adds an endpoint. */
export async function insertEndpoint(
  db: Queryable,
  row: Pick<Endpoint, 'endpointId' | 'departmentCode' | 'url' | 'secretSealed' | 'createdAt'>,
): Promise<void> {
  await db.query(
    sql`insert into webhook_endpoint (endpoint_id, department_code, url, secret_sealed, created_at, changed_at)
        values (${row.endpointId}, ${row.departmentCode}, ${row.url}, ${row.secretSealed}, ${row.createdAt}, ${row.createdAt})`,
  );
}

/** Puts a new secret in the place of the present one, which goes on signing until `until`. */
export async function replaceSecret(
  db: Queryable,
  endpointId: bigint,
  change: { readonly sealed: string; readonly until: Date; readonly at: Date },
): Promise<void> {
  await db.query(
    sql`update webhook_endpoint set previous_sealed = secret_sealed, previous_until = ${change.until}, secret_sealed = ${change.sealed},
          changed_at = ${change.at} where endpoint_id = ${endpointId}`,
  );
}

/** Switches an endpoint on or off. What is pending for it waits while it is off. */
export async function switchEndpoint(
  db: Queryable,
  endpointId: bigint,
  active: boolean,
  at: Date,
): Promise<void> {
  await db.query(
    sql`update webhook_endpoint set active = ${active}, changed_at = ${at} where endpoint_id = ${endpointId}`,
  );
}
