/**
 * Holds: money reserved on an account now, and posted, voided or expired later, once (MEASURED §7: kept in
 * PostgreSQL, counted in what is free). A payment spends a hold by naming it (`PaymentRequest.hold`).
 */
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';

export interface Reservation {
  readonly shard: number;
  /** Its row id, made by an `IdMaker`. */
  readonly holdId: bigint;
  readonly at: Date;
  /** Who reserves, and the key that makes it this reservation and no other: a repeat gets the same hold. */
  readonly owner: string;
  readonly requestKey: string;
  /** Path of the account: a vendor's float, an imprest, a participant's settlement account. */
  readonly path: string;
  readonly amount: Paisa;
  /** What for, at most 200 characters. */
  readonly purpose: string;
  /** After this instant it is spent no more, and the next sweep frees it. */
  readonly expiresAt: Date;
}

export type ReservationAnswer =
  | { readonly result: 'reserved'; readonly holdId: bigint; readonly repeated: boolean }
  | {
      readonly result: 'insufficient-funds' | 'account-unknown' | 'key-reused';
      readonly repeated: boolean;
    };

/**
 * Reserves an amount. On a guarded account no more than its free balance (credits less debits less other
 * holds); on a participant's settlement account no more than its net debit cap and prefunding leave. A Fault
 * `bad-input` when the amount is not above zero or the expiry not in the future.
 */
export async function reserveHold(
  db: Queryable,
  reservation: Reservation,
): Promise<ReservationAnswer> {
  const { shard, holdId, at, owner, requestKey, path, amount, purpose, expiresAt } = reservation;
  if (amount <= 0n || expiresAt.getTime() <= at.getTime()) {
    throw new Fault('bad-input', 'A hold needs an amount above zero and an expiry in the future.');
  }
  const [row] = await db.query<{
    result: 'reserved' | 'insufficient-funds' | 'account-unknown' | 'key-reused';
    repeated: boolean;
    hold_id: bigint | null;
  }>(
    prepared(
      'reserve_hold',
      sql`select result, repeated, hold_id from reserve_hold(${shard}::smallint, ${at}::timestamptz, ${holdId}::bigint, ${owner}::text,
            ${requestKey}::text, ${path}::text, ${amount}::bigint, ${purpose}::text, ${expiresAt}::timestamptz)`,
    ),
  );
  if (row === undefined) throw new Fault('internal', 'The database did not answer a reservation.');
  const { result, repeated, hold_id: known } = row;
  if (result !== 'reserved') return { result, repeated };
  if (known === null) throw new Fault('internal', 'A reservation came back without its hold.');
  return { result, repeated, holdId: known };
}

export type HoldState = 'reserved' | 'posted' | 'voided' | 'expired';

/** Frees a hold and answers the state it has now: `voided`, or what it was settled as before; undefined when there is none. */
export async function voidHold(
  db: Queryable,
  shard: number,
  holdId: bigint,
  at: Date,
): Promise<HoldState | undefined> {
  const [row] = await db.query<{ state: HoldState | null }>(
    sql`select void_hold(${shard}::smallint, ${at}::timestamptz, ${holdId}::bigint) as state`,
  );
  return row?.state ?? undefined;
}

/** Frees at most `max` holds whose time has passed; answers how many. Run by the product's sweep. */
export async function expireHolds(
  db: Queryable,
  shard: number,
  at: Date,
  max = 1_000,
): Promise<number> {
  const [row] = await db.query<{ freed: number }>(
    sql`select expire_holds(${shard}::smallint, ${at}::timestamptz, ${max}::integer) as freed`,
  );
  return row?.freed ?? 0;
}

export interface Hold {
  readonly path: string;
  readonly amount: Paisa;
  readonly purpose: string;
  readonly state: HoldState;
  readonly reservedAt: Date;
  readonly expiresAt: Date;
  readonly settledAt: Date | undefined;
  readonly journalId: bigint | undefined;
}

/** A hold as it stands; undefined when there is none. */
export async function findHold(
  db: Queryable,
  shard: number,
  holdId: bigint,
): Promise<Hold | undefined> {
  const [row] = await db.query<{
    path: string;
    amount_paisa: bigint;
    purpose: string;
    state: HoldState;
    reserved_at: Date;
    expires_at: Date;
    settled_at: Date | null;
    journal_id: bigint | null;
  }>(sql`
    select a.path, h.amount_paisa, h.purpose, h.state, h.reserved_at, h.expires_at, h.settled_at, h.journal_id
    from hold h join account a using (shard_id, account_id) where h.shard_id = ${shard} and h.hold_id = ${holdId}`);
  if (row === undefined) return undefined;
  return {
    path: row.path,
    amount: paisa(row.amount_paisa),
    purpose: row.purpose,
    state: row.state,
    reservedAt: row.reserved_at,
    expiresAt: row.expires_at,
    settledAt: row.settled_at ?? undefined,
    journalId: row.journal_id ?? undefined,
  };
}
