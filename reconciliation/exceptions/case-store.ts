/**
 * Cases that people decide: the queue of the desk of exceptions. Disputes, payments of external bills and refused
 * reversals put cases in; the desk lists the open ones, decides, and the dispute that a case came from is closed in the
 * same commit.
 */
import { sql, type Database, type Queryable, type Row } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Psid } from '../../kernel/ids.ts';

/** `reversal`: one that came after the stamp was used; opened where it is refused (migrations/0010-used-reversals.sql). */
export type CaseOrigin = 'dispute' | 'biller-payment' | 'reversal';

/** A case to put in the queue. */
export interface NewCase {
  readonly shard: number;
  readonly caseId: bigint;
  readonly origin: CaseOrigin;
  readonly originId: bigint;
  /** Stable word: `money-in-suspense`. */
  readonly reason: string;
  readonly psid: Psid;
  readonly amount?: bigint;
  readonly facts: unknown;
  readonly openedAt: Date;
  readonly dueAt: Date;
}

/** Puts a case in the queue; one for each origin, however often it is put. */
export async function openCase(tx: Queryable, row: NewCase): Promise<void> {
  await tx.query(
    sql`insert into exception_case (shard_id, case_id, origin, origin_id, reason, psid, amount_paisa, facts, opened_at, due_at)
        values (${row.shard}, ${row.caseId}, ${row.origin}, ${row.originId}, ${row.reason}, ${row.psid}, ${row.amount ?? null},
          ${JSON.stringify(row.facts)}::jsonb, ${row.openedAt}, ${row.dueAt})
        on conflict (shard_id, origin, origin_id) do nothing`,
  );
}

export interface OpenCase extends NewCase {
  readonly overdue: boolean;
}

interface CaseRow extends Row {
  readonly case_id: bigint;
  readonly origin: CaseOrigin;
  readonly origin_id: bigint;
  readonly reason: string;
  readonly psid: Psid;
  readonly amount_paisa: bigint | null;
  readonly facts: unknown;
  readonly opened_at: Date;
  readonly due_at: Date;
}

/** The open cases of a shard, the most urgent first. */
export async function listOpenCases(
  db: Queryable,
  shard: number,
  now: Date,
  limit: number,
): Promise<OpenCase[]> {
  const rows = await db.query<CaseRow>(
    sql`select case_id, origin, origin_id, reason, psid, amount_paisa, facts, opened_at, due_at from exception_case
        where shard_id = ${shard} and state = 'open' order by due_at, case_id limit ${limit}`,
  );
  return rows.map((row) => ({
    shard,
    caseId: row.case_id,
    origin: row.origin,
    originId: row.origin_id,
    reason: row.reason,
    psid: row.psid,
    ...(row.amount_paisa === null ? {} : { amount: row.amount_paisa }),
    facts: row.facts,
    openedAt: row.opened_at,
    dueAt: row.due_at,
    overdue: row.due_at < now,
  }));
}

/** Decides a case and closes the dispute that it came from. A Fault `conflict`: it is decided, or there is none. */
export async function decideCase(
  database: Database,
  key: { readonly shard: number; readonly caseId: bigint },
  decision: string,
  at: Date,
): Promise<void> {
  await database.transaction(async (tx) => {
    const [decided] = await tx.query<{ origin: CaseOrigin; origin_id: bigint }>(
      sql`update exception_case set state = 'decided', decision = ${decision}, decided_at = ${at}
          where shard_id = ${key.shard} and case_id = ${key.caseId} and state = 'open' returning origin, origin_id`,
    );
    if (decided === undefined)
      throw new Fault('conflict', 'The case is decided, or there is none.');
    if (decided.origin === 'dispute')
      await tx.query(
        sql`update dispute set state = 'closed', closed_at = ${at}
            where shard_id = ${key.shard} and dispute_id = ${decided.origin_id} and state = 'handed-over'`,
      );
  });
}
