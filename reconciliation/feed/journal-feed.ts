/**
 * What was posted, told once more to those who act on it (webhooks, confirmations). A follower reads the journal by a
 * cursor and does its work in the transaction that moves the cursor, so that a crash repeats nothing and loses
 * nothing. The posting itself knows nothing of it.
 *
 * Row ids grow with time but commits do not keep their order exactly: a second look reads everything again when it is
 * ten minutes old. So a follower sees an entry once or twice, and must make its rows unique by the journal id.
 */
import { businessDate, type BusinessDate, type Clock } from '../../kernel/clock.ts';
import { sql, type Database, type Queryable, type Row } from '../../kernel/database.ts';
import { lowestIdAt, type Psid } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';

/** A payment that was posted, or one that was reversed. */
export interface PostedEntry {
  readonly journalId: bigint;
  readonly businessDate: BusinessDate;
  readonly kind: 'payment' | 'reversal';
  readonly at: Date;
  readonly paymentId: bigint;
  readonly psid: Psid;
  readonly amount: Paisa;
  readonly participant: string;
  readonly reference: string;
  readonly authorisation: string;
  readonly paidAt: Date;
}

export interface FollowOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly shard: number;
  /** Name of the follower; one cursor each. */
  readonly follower: string;
  /** False when nobody wants to hear: the cursor then goes along without reading. */
  readonly wanted: (tx: Queryable) => Promise<boolean>;
  /** Does the work for some entries, oldest first; must not mind an entry that it had before. */
  readonly consume: (tx: Queryable, entries: readonly PostedEntry[]) => Promise<void>;
}

/** Entries read in one step. */
const STEP = 2_000;
/** How old an entry is at the second look: no batch takes that long to commit, no two clocks differ by so much. [A] */
const SECOND_LOOK_MS = 10 * 60_000;
/** Where a new follower begins. */
const BEGIN_MS = 60 * 60_000;

interface Place {
  readonly date: BusinessDate;
  readonly id: bigint;
}

interface Cursor {
  readonly first: Place;
  readonly second: Place;
}

interface EntryRow extends Row {
  readonly journal_id: bigint;
  readonly business_date: BusinessDate;
  readonly kind: PostedEntry['kind'];
  readonly posted_at: Date;
  readonly payment_id: bigint;
  readonly psid: Psid;
  readonly amount_paisa: bigint;
  readonly participant_code: string;
  readonly reference: string;
  readonly authorisation: string;
  readonly paid_at: Date;
}

function entryOf(row: EntryRow): PostedEntry {
  return {
    journalId: row.journal_id,
    businessDate: row.business_date,
    kind: row.kind,
    at: row.posted_at,
    paymentId: row.payment_id,
    psid: row.psid,
    amount: paisa(row.amount_paisa),
    participant: row.participant_code,
    reference: row.reference,
    authorisation: row.authorisation,
    paidAt: row.paid_at,
  };
}

async function readEntries(
  tx: Queryable,
  shard: number,
  after: Place,
  below?: bigint,
): Promise<PostedEntry[]> {
  const rows = await tx.query<EntryRow>(
    sql`select e.journal_id, e.business_date, e.kind, e.posted_at, m.payment_id, m.psid, m.amount_paisa, m.participant_code,
          m.reference, m.authorisation, m.posted_at as paid_at
        from (
          select j.journal_id, j.business_date, j.kind, j.posted_at, j.payment_id from journal_entry j
          where j.shard_id = ${shard} and j.business_date >= ${after.date} and (j.business_date, j.journal_id) > (${after.date}, ${after.id})
            and (${below ?? null}::bigint is null or j.journal_id < ${below ?? null}::bigint)
            and j.kind in ('payment', 'reversal') and j.payment_id is not null
          order by j.business_date, j.journal_id limit ${STEP}
        ) e
        join payment m on m.shard_id = ${shard} and m.payment_id = e.payment_id
        order by e.business_date, e.journal_id`,
  );
  return rows.map(entryOf);
}

function placeAt(instant: Date): Place {
  return { date: businessDate(instant), id: lowestIdAt(instant) };
}

/** Locks the cursor, makes it when it is new; undefined when another process holds it now. */
async function lockCursor(
  tx: Queryable,
  { shard, follower, clock }: FollowOptions,
): Promise<Cursor | undefined> {
  const begin = placeAt(new Date(clock.now().getTime() - BEGIN_MS));
  await tx.query(
    sql`insert into feed_cursor (shard_id, follower, business_date, journal_id, second_date, second_id, moved_at)
        values (${shard}, ${follower}, ${begin.date}, ${begin.id}, ${begin.date}, ${begin.id}, ${clock.now()})
        on conflict (shard_id, follower) do nothing`,
  );
  const [row] = await tx.query<{
    business_date: BusinessDate;
    journal_id: bigint;
    second_date: BusinessDate;
    second_id: bigint;
  }>(
    sql`select business_date, journal_id, second_date, second_id from feed_cursor
        where shard_id = ${shard} and follower = ${follower} for update skip locked`,
  );
  return row === undefined
    ? undefined
    : {
        first: { date: row.business_date, id: row.journal_id },
        second: { date: row.second_date, id: row.second_id },
      };
}

async function moveCursor(
  tx: Queryable,
  { shard, follower, clock }: FollowOptions,
  { first, second }: Cursor,
): Promise<void> {
  await tx.query(
    sql`update feed_cursor set business_date = ${first.date}, journal_id = ${first.id}, second_date = ${second.date},
          second_id = ${second.id}, moved_at = ${clock.now()}
        where shard_id = ${shard} and follower = ${follower}`,
  );
}

function lastPlace(entries: readonly PostedEntry[], otherwise: Place): Place {
  const last = entries.at(-1);
  return last === undefined ? otherwise : { date: last.businessDate, id: last.journalId };
}

function isBefore(left: Place, right: Place): boolean {
  return left.date < right.date || (left.date === right.date && left.id < right.id);
}

async function step(tx: Queryable, options: FollowOptions): Promise<number> {
  const cursor = await lockCursor(tx, options);
  if (cursor === undefined) return 0;
  const old = new Date(options.clock.now().getTime() - SECOND_LOOK_MS);
  if (!(await options.wanted(tx))) {
    // Once in a while is enough; what is older than that, nobody will want to hear.
    const longAgo = new Date(old.getTime() - SECOND_LOOK_MS);
    const here = placeAt(old);
    if (isBefore(cursor.second, placeAt(longAgo)))
      await moveCursor(tx, options, {
        first: isBefore(cursor.first, here) ? here : cursor.first,
        second: here,
      });
    return 0;
  }
  const fresh = await readEntries(tx, options.shard, cursor.first);
  if (fresh.length > 0) await options.consume(tx, fresh);
  const again = await readEntries(tx, options.shard, cursor.second, lowestIdAt(old));
  if (again.length > 0) await options.consume(tx, again);
  if (fresh.length + again.length > 0)
    await moveCursor(tx, options, {
      first: lastPlace(fresh, cursor.first),
      second: lastPlace(again, cursor.second),
    });
  return Math.max(fresh.length, again.length);
}

/** Does one step in one transaction; true when there is probably more to do at once. */
export async function followJournal(options: FollowOptions): Promise<boolean> {
  return (await options.database.transaction((tx) => step(tx, options))) >= STEP;
}
