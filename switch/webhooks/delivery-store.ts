/** Deliveries of events: one function per statement. */
import { sql, type Queryable } from '../../kernel/database.ts';
import type { Psid } from '../../kernel/ids.ts';
import type { EventKind } from './event.ts';

/** A delivery that this process may send now; its next attempt stands at the end of the lease until it is settled. */
export interface ClaimedDelivery {
  readonly eventId: bigint;
  readonly attempts: number;
  readonly body: string;
}

/** Takes the oldest due deliveries of an endpoint; nobody else gets them before `until`. */
export async function claimDeliveries(
  db: Queryable,
  key: { readonly shard: number; readonly endpointId: bigint },
  when: { readonly now: Date; readonly until: Date },
  limit: number,
): Promise<ClaimedDelivery[]> {
  const rows = await db.query<{ event_id: bigint; attempts: number; body: string }>(
    sql`with due as (
          select w.event_id from webhook_delivery w
          where w.shard_id = ${key.shard} and w.endpoint_id = ${key.endpointId} and w.state = 'pending' and w.next_at <= ${when.now}
          order by w.next_at, w.event_id limit ${limit} for update skip locked
        )
        update webhook_delivery d set attempts = d.attempts + 1, next_at = ${when.until}
        from due, department_event e
        where d.shard_id = ${key.shard} and d.endpoint_id = ${key.endpointId} and d.event_id = due.event_id
          and e.shard_id = ${key.shard} and e.event_id = due.event_id
        returning d.event_id, d.attempts, e.body`,
  );
  return rows
    .map((row) => ({ eventId: row.event_id, attempts: row.attempts, body: row.body }))
    .sort((left, right) => (left.eventId < right.eventId ? -1 : 1));
}

/** How an attempt ended. `next` undefined: this was the last. */
export interface AttemptEnd {
  readonly delivered: boolean;
  readonly status?: number;
  readonly error?: string;
  readonly next?: Date;
  readonly at: Date;
}

/** Records the end of an attempt: delivered, to be tried again, or dead. */
export async function settleAttempt(
  db: Queryable,
  key: { readonly shard: number; readonly endpointId: bigint; readonly eventId: bigint },
  end: AttemptEnd,
): Promise<void> {
  const state = end.delivered ? 'delivered' : end.next === undefined ? 'dead' : 'pending';
  await db.query(
    sql`update webhook_delivery set state = ${state}, next_at = ${end.next ?? null}, last_status = ${end.status ?? null},
          last_error = ${end.error?.slice(0, 200) ?? null}, settled_at = ${state === 'pending' ? null : end.at}
        where shard_id = ${key.shard} and event_id = ${key.eventId} and endpoint_id = ${key.endpointId} and state = 'pending'`,
  );
}

/** Endpoints with something due in a shard. */
export async function dueEndpoints(db: Queryable, shard: number, now: Date): Promise<bigint[]> {
  const rows = await db.query<{ endpoint_id: bigint }>(
    sql`select e.endpoint_id from webhook_endpoint e
        where e.active and exists (select 1 from webhook_delivery w
          where w.shard_id = ${shard} and w.endpoint_id = e.endpoint_id and w.state = 'pending' and w.next_at <= ${now})`,
  );
  return rows.map((row) => row.endpoint_id);
}

/** One delivery as its department or an operator sees it. */
export interface ListedDelivery {
  readonly eventId: bigint;
  readonly endpointId: bigint;
  readonly kind: EventKind;
  readonly psid: Psid;
  readonly version: number;
  readonly state: 'pending' | 'delivered' | 'dead';
  readonly attempts: number;
  readonly resends: number;
  readonly nextAt?: Date;
  readonly lastStatus?: number;
  readonly lastError?: string;
}

export interface DeliveryFilter {
  readonly shard: number;
  readonly department: string;
  readonly state?: ListedDelivery['state'] | undefined;
  readonly psid?: Psid | undefined;
  /** Only older ones than this event. */
  readonly before?: bigint | undefined;
  readonly limit: number;
}

type DeliveryRow = {
  event_id: bigint;
  endpoint_id: bigint;
  kind: EventKind;
  psid: string;
  version: number;
  state: ListedDelivery['state'];
  attempts: number;
  resends: number;
  next_at: Date | null;
  last_status: number | null;
  last_error: string | null;
};

function listedDelivery(row: DeliveryRow): ListedDelivery {
  return {
    eventId: row.event_id,
    endpointId: row.endpoint_id,
    kind: row.kind,
    psid: row.psid,
    version: row.version,
    state: row.state,
    attempts: row.attempts,
    resends: row.resends,
    ...(row.next_at === null ? {} : { nextAt: row.next_at }),
    ...(row.last_status === null ? {} : { lastStatus: row.last_status }),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
  };
}

/** Deliveries of a department, the newest event first. */
export async function listDeliveries(
  db: Queryable,
  filter: DeliveryFilter,
): Promise<ListedDelivery[]> {
  const rows = await db.query<DeliveryRow>(
    sql`select w.event_id, w.endpoint_id, e.kind, e.psid, e.version, w.state, w.attempts, w.resends, w.next_at, w.last_status, w.last_error
        from webhook_delivery w join department_event e on e.shard_id = w.shard_id and e.event_id = w.event_id
        where w.shard_id = ${filter.shard} and e.department_code = ${filter.department}
          and (${filter.state ?? null}::text is null or w.state = ${filter.state ?? null}::text)
          and (${filter.psid ?? null}::text is null or e.psid = ${filter.psid ?? null}::text)
          and (${filter.before ?? null}::bigint is null or w.event_id < ${filter.before ?? null}::bigint)
        order by w.event_id desc, w.endpoint_id limit ${filter.limit}`,
  );
  return rows.map(listedDelivery);
}

/**
 * Puts deliveries of an event back in line, whatever became of them before, with a full count of attempts; answers
 * how many. `department` undefined: for an operator, any.
 */
export async function resendEvent(
  db: Queryable,
  key: {
    readonly shard: number;
    readonly eventId: bigint;
    readonly department: string | undefined;
  },
  now: Date,
): Promise<number> {
  const rows = await db.query(
    sql`update webhook_delivery w set state = 'pending', attempts = 0, resends = w.resends + 1, next_at = ${now}, settled_at = null
        from department_event e, webhook_endpoint p
        where w.shard_id = ${key.shard} and w.event_id = ${key.eventId} and e.shard_id = ${key.shard} and e.event_id = ${key.eventId}
          and p.endpoint_id = w.endpoint_id and p.active
          and (${key.department ?? null}::text is null or e.department_code = ${key.department ?? null}::text)
        returning 1`,
  );
  return rows.length;
}

/** Puts every dead delivery of an endpoint back in line; answers how many. */
export async function resendDead(
  db: Queryable,
  key: { readonly shard: number; readonly endpointId: bigint; readonly limit: number },
  now: Date,
): Promise<number> {
  const rows = await db.query(
    sql`update webhook_delivery w set state = 'pending', attempts = 0, resends = w.resends + 1, next_at = ${now}, settled_at = null
        where w.shard_id = ${key.shard} and w.endpoint_id = ${key.endpointId} and w.event_id in (
          select x.event_id from webhook_delivery x
          where x.shard_id = ${key.shard} and x.endpoint_id = ${key.endpointId} and x.state = 'dead'
          order by x.event_id limit ${key.limit})
        returning 1`,
  );
  return rows.length;
}
