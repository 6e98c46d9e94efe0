/** Moves of stamps by officers, one statement for a batch; each stamp moves or is refused on its own. */
import { businessDate, type Clock } from '../../kernel/clock.ts';
import { prepared, sql, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { IdMaker } from '../../kernel/ids.ts';
import type { StampState } from '../../kernel/stamp.ts';
import { STAMP_MOVES, type StampMoveKind, type StampRole } from './moves.ts';
import { refundableUntil } from './refund-window.ts';

const MOVE_STAMPS_MAX = 1_000;

/** Who moves a stamp, as it is written down. */
export interface StampOfficer {
  /** Kept with the event as `<role>:<id>`. */
  readonly id: string;
  readonly role: Exclude<StampRole, 'switch'>;
  /** Sub-registrar's or Collector's office, in words. */
  readonly office: string;
}

export interface StampMoveRequest {
  readonly kind: Exclude<StampMoveKind, 'cancel'>;
  readonly officer: StampOfficer;
  /** Makes this request itself: a repeat of it moves nothing and is answered `repeated`. At most 120 characters. */
  readonly requestKey: string;
  /** Why, in the officer's words; part of the event's commitment in the log. */
  readonly reason: string;
  /** With `lock`: the deed that the stamp is used for, as it will be shown to whoever verifies a copy. */
  readonly usedFor?: string;
  /** At most `MOVE_STAMPS_MAX` e-stamp ids; one that comes twice counts once. */
  readonly stampIds: readonly string[];
}

/**
 * `moved`, or `repeated` when this very request moved it before. Refusals: `not-found`; `wrong-state` (used, spoiled,
 * … already); `same-officer` (who asked for a refund does not grant it); `window-over` (six months have passed since
 * the issue); `key-reused` (the key came before with something else).
 */
export const STAMP_MOVE_RESULTS = [
  'moved',
  'repeated',
  'not-found',
  'wrong-state',
  'same-officer',
  'window-over',
  'key-reused',
] as const;
export type StampMoveResult = (typeof STAMP_MOVE_RESULTS)[number];

export interface StampMoveAnswer {
  readonly stampId: string;
  readonly result: StampMoveResult;
  /** The state that the stamp is in now; absent for one that does not exist. */
  readonly state?: StampState;
  readonly stateChangedAt?: Date;
  readonly usedFor?: string;
}

export interface MoveDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
}

function checkRequest({ kind, officer, usedFor, stampIds }: StampMoveRequest): void {
  const move = STAMP_MOVES.find((each) => each.kind === kind);
  if (move?.role !== officer.role)
    throw new Fault('forbidden', 'This move is not the business of the officer’s role.', {
      fields: { kind, role: officer.role },
    });
  if ((kind === 'lock') !== (usedFor !== undefined))
    throw new Fault('bad-input', 'A stamp is used for a deed, and nothing else names one.');
  if (stampIds.length === 0 || stampIds.length > MOVE_STAMPS_MAX)
    throw new Fault('bad-input', 'Name between one and a thousand stamps.', {
      fields: { path: 'stamps' },
    });
}

/** The shards of stamps and when they were issued; those that do not exist are absent. */
async function places(
  db: Queryable,
  stampIds: readonly string[],
): Promise<Map<string, { readonly shard: number; readonly issuedAt: Date }>> {
  const rows = await db.query<{ shard_id: number; stamp_id: string; issued_at: Date }>(
    prepared(
      'stamp_places',
      sql`select shard_id, stamp_id, issued_at from stamp
          where shard_id in (select shard_id from lane_lease) and stamp_id = any (${stampIds}::text[])`,
    ),
  );
  return new Map(
    rows.map((row) => [row.stamp_id, { shard: row.shard_id, issuedAt: row.issued_at }]),
  );
}

type MovedRow = {
  stamp_id: string;
  result: StampMoveResult;
  state: StampState | null;
  state_changed_at: Date | null;
  used_for: string | null;
};

async function moveInShard(
  shard: number,
  stampIds: readonly string[],
  request: StampMoveRequest,
  { database, clock, ids }: MoveDeps,
): Promise<StampMoveAnswer[]> {
  const { kind, officer, requestKey, reason, usedFor } = request;
  const rows = await database.query<MovedRow>(
    prepared(
      'move_stamps',
      sql`select stamp_id, result, state, state_changed_at, used_for from move_stamps(${shard}::smallint, ${clock.now()}::timestamptz,
            ${kind}::text, ${`${officer.role}:${officer.id}`}::text, ${officer.office}::text, ${requestKey}::text, ${reason}::text,
            ${usedFor ?? null}::text, ${stampIds.map(() => ids.next() * 128n)}::bigint[], ${stampIds}::text[])`,
    ),
  );
  return rows.map((row) => ({
    stampId: row.stamp_id,
    result: row.result,
    ...(row.state === null ? {} : { state: row.state }),
    ...(row.state_changed_at === null ? {} : { stateChangedAt: row.state_changed_at }),
    ...(row.used_for === null ? {} : { usedFor: row.used_for }),
  }));
}

/**
 * Moves stamps and answers for each in the order of the request. Throws Fault `forbidden` when the move is not of the
 * officer's role, `bad-input` for a request that cannot be meant. Every move is written with its event and its leaf
 * in one commit; of any number of callers at once, one moves a stamp and the others are told what became of it.
 */
export async function moveStamps(
  request: StampMoveRequest,
  deps: MoveDeps,
): Promise<StampMoveAnswer[]> {
  checkRequest(request);
  const asked = [...new Set(request.stampIds)];
  const known = await places(deps.database, asked);
  const today = businessDate(deps.clock.now());
  const answers = new Map<string, StampMoveAnswer>();
  const byShard = new Map<number, string[]>();
  for (const stampId of asked) {
    const place = known.get(stampId);
    if (place === undefined) answers.set(stampId, { stampId, result: 'not-found' });
    else if (request.kind === 'refund-request' && refundableUntil(place.issuedAt) < today)
      answers.set(stampId, { stampId, result: 'window-over' });
    else byShard.set(place.shard, [...(byShard.get(place.shard) ?? []), stampId]);
  }
  for (const [shard, stampIds] of byShard)
    for (const answer of await moveInShard(shard, stampIds, request, deps))
      answers.set(answer.stampId, answer);
  return asked.flatMap((stampId) => answers.get(stampId) ?? []);
}

/** One event of a stamp's life. */
export interface StampEvent {
  readonly kind: StampMoveKind;
  readonly at: Date;
  /** `sub-registrar:<id>`, `collector:<id>`, `participant:<code>`. */
  readonly actor: string;
  readonly office?: string;
  readonly reason: string;
}

/** What happened to a stamp since its issue, in order. */
export async function stampEvents(
  db: Queryable,
  stamp: { readonly shard: number; readonly id: string },
): Promise<StampEvent[]> {
  const rows = await db.query<{
    kind: StampMoveKind;
    at: Date;
    actor: string;
    office: string | null;
    reason: string;
  }>(sql`select kind, at, actor, office, reason from stamp_event
         where shard_id = ${stamp.shard} and stamp_id = ${stamp.id} order by event_id`);
  return rows.map(({ office, ...event }) => ({
    ...event,
    ...(office === null ? {} : { office }),
  }));
}
