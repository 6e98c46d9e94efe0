/** Events and what they are made of: one function per statement. */
import { sql, type Queryable, type Row } from '../../kernel/database.ts';
import type { Psid } from '../../kernel/ids.ts';
import type { EventKind, EventSubject } from './event.ts';

/** True when any department wants to be told of anything. */
export async function hasActiveEndpoints(db: Queryable): Promise<boolean> {
  const rows = await db.query(sql`select 1 from webhook_endpoint where active limit 1`);
  return rows.length > 0;
}

/** An endpoint that wants the events of a department. */
export interface Listener {
  readonly endpointId: bigint;
  readonly departmentCode: string;
  readonly prefix: string;
  /** It is told of what was posted from then on. */
  readonly since: Date;
}

/** The active endpoints. */
export async function listListeners(db: Queryable): Promise<Listener[]> {
  const rows = await db.query<{
    endpoint_id: bigint;
    department_code: string;
    prefix: string;
    created_at: Date;
  }>(
    sql`select e.endpoint_id, e.department_code, d.prefix, e.created_at
        from webhook_endpoint e join department d on d.code = e.department_code where e.active`,
  );
  return rows.map((row) => ({
    endpointId: row.endpoint_id,
    departmentCode: row.department_code,
    prefix: row.prefix,
    since: row.created_at,
  }));
}

/** Which of these journal entries have their event already. */
export async function knownEntries(
  tx: Queryable,
  shard: number,
  journalIds: readonly bigint[],
): Promise<ReadonlySet<bigint>> {
  const rows = await tx.query<{ journal_id: bigint }>(
    sql`select journal_id from department_event where shard_id = ${shard} and journal_id = any (${journalIds}::bigint[])`,
  );
  return new Set(rows.map((row) => row.journal_id));
}

/** The last version of each of these PSIDs that has one. */
export async function lastVersions(
  tx: Queryable,
  shard: number,
  psids: readonly Psid[],
): Promise<ReadonlyMap<Psid, number>> {
  const rows = await tx.query<{ psid: string; version: number }>(
    sql`select psid, max(version) as version from department_event
        where shard_id = ${shard} and psid = any (${psids}::text[]) group by psid`,
  );
  return new Map(rows.map((row) => [row.psid, row.version]));
}

interface SubjectRow extends Row {
  readonly psid: string;
  readonly challan_number: string;
  readonly state: EventSubject['state'];
  readonly amount_paisa: bigint;
  readonly service_code: string | null;
  readonly reference: string | null;
}

/** The challans of these PSIDs as they stand. */
export async function findSubjects(
  tx: Queryable,
  shard: number,
  psids: readonly Psid[],
): Promise<ReadonlyMap<Psid, Omit<EventSubject, 'departmentCode'>>> {
  const rows = await tx.query<SubjectRow>(
    sql`select c.psid, c.challan_number, c.state, c.amount_paisa, s.service_code, s.reference
        from challan c left join service_challan s on s.shard_id = c.shard_id and s.psid = c.psid
        where c.shard_id = ${shard} and c.psid = any (${psids}::text[])`,
  );
  return new Map(
    rows.map((row) => [
      row.psid,
      {
        challanNumber: row.challan_number,
        state: row.state,
        amount: row.amount_paisa,
        ...(row.service_code === null ? {} : { serviceCode: row.service_code }),
        ...(row.reference === null ? {} : { reference: row.reference }),
      },
    ]),
  );
}

export interface NewEvent {
  readonly eventId: bigint;
  readonly departmentCode: string;
  readonly kind: EventKind;
  readonly psid: Psid;
  readonly version: number;
  readonly journalId: bigint;
  readonly body: string;
}

export interface NewDelivery {
  readonly eventId: bigint;
  readonly endpointId: bigint;
}

/** Writes events with their first deliveries, due at once. */
export async function insertEvents(
  tx: Queryable,
  shard: number,
  at: Date,
  rows: { readonly events: readonly NewEvent[]; readonly deliveries: readonly NewDelivery[] },
): Promise<void> {
  const event = <V>(of: (row: NewEvent) => V): V[] => rows.events.map(of);
  await tx.query(
    sql`insert into department_event (shard_id, event_id, department_code, kind, psid, version, journal_id, body, created_at)
        select ${shard}::smallint, x.*, ${at}::timestamptz from unnest(${event((row) => row.eventId)}::bigint[],
          ${event((row) => row.departmentCode)}::text[], ${event((row) => row.kind)}::text[], ${event((row) => row.psid)}::text[],
          ${event((row) => row.version)}::integer[], ${event((row) => row.journalId)}::bigint[], ${event((row) => row.body)}::text[]) as x`,
  );
  await tx.query(
    sql`insert into webhook_delivery (shard_id, event_id, endpoint_id, next_at)
        select ${shard}::smallint, x.*, ${at}::timestamptz from unnest(${rows.deliveries.map((row) => row.eventId)}::bigint[],
          ${rows.deliveries.map((row) => row.endpointId)}::bigint[]) as x`,
  );
}

/** The department that an event is for; undefined when there is no such event. */
export async function findEventDepartment(
  db: Queryable,
  key: { readonly shard: number; readonly eventId: bigint },
): Promise<string | undefined> {
  const [row] = await db.query<{ department_code: string }>(
    sql`select department_code from department_event where shard_id = ${key.shard} and event_id = ${key.eventId}`,
  );
  return row?.department_code;
}
