/** The statement of an account: what it held before a day, and every posting since, with the balance after each. */
import type { BusinessDate } from '../../kernel/clock.ts';
import { onlyRow, prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';

/** Where a page ended: give it back to get the next one. */
export interface StatementCursor {
  readonly businessDate: BusinessDate;
  readonly journalId: bigint;
  readonly line: number;
  /** Debits less credits after the last line of the page, in paisa. */
  readonly balance: bigint;
}

export interface StatementLine {
  readonly businessDate: BusinessDate;
  readonly journalId: bigint;
  readonly line: number;
  readonly kind: 'payment' | 'reversal' | 'suspense' | 'funding' | 'settlement' | 'adjustment';
  /** In paisa; a debit is positive, a credit negative. */
  readonly amount: bigint;
  /** Debits less credits of the account after this line, in paisa. */
  readonly balance: bigint;
  readonly psid: string | undefined;
  readonly description: string | undefined;
  readonly postedAt: Date;
}

export interface StatementPage {
  readonly path: string;
  /** Debits less credits before the first line of this page, in paisa. */
  readonly opening: bigint;
  readonly lines: readonly StatementLine[];
  /** Present when there is more. */
  readonly next: StatementCursor | undefined;
}

export interface StatementQuery {
  readonly shard: number;
  readonly path: string;
  /** First and last business day, both included. */
  readonly from: BusinessDate;
  readonly to: BusinessDate;
  /** Lines of a page, 1 to 1,000; 50 when absent. */
  readonly limit?: number;
  readonly after?: StatementCursor;
}

/** Debits less credits of an account at the end of the day before `date`, in paisa. */
async function balanceBefore(
  db: Queryable,
  shard: number,
  accountId: bigint,
  date: BusinessDate,
): Promise<bigint> {
  const rows = await db.query<{ balance: bigint }>(
    prepared(
      'balance_before',
      sql`select coalesce(sum(d.debits_paisa - d.credits_paisa), 0)::bigint as balance from account_day d
          where d.shard_id = ${shard} and d.account_id = ${accountId} and d.business_date < ${date}::date`,
    ),
  );
  return onlyRow(rows, 'balance_before').balance;
}

type LineRow = {
  business_date: string;
  journal_id: bigint;
  line_no: number;
  kind: StatementLine['kind'];
  amount: bigint;
  psid: string | null;
  description: string | null;
  posted_at: Date;
};

async function readLines(
  db: Queryable,
  query: StatementQuery,
  accountId: bigint,
  limit: number,
): Promise<LineRow[]> {
  const { shard, from, to, after } = query;
  return db.query<LineRow>(
    prepared(
      'statement_lines',
      sql`select p.business_date, p.journal_id, p.line_no, e.kind, e.description, e.posted_at, m.psid,
            case p.side when 'D' then p.amount_paisa else -p.amount_paisa end as amount
          from (
            select * from posting g
            where g.shard_id = ${shard} and g.account_id = ${accountId} and g.business_date between ${from}::date and ${to}::date
              and (g.business_date, g.journal_id, g.line_no) > (${after?.businessDate ?? from}::date, ${after?.journalId ?? -1n}::bigint, ${after?.line ?? -1}::smallint)
            order by g.business_date, g.journal_id, g.line_no limit ${limit}::integer
          ) p
          join journal_entry e on e.shard_id = ${shard} and e.business_date = p.business_date and e.journal_id = p.journal_id
          left join payment m on m.shard_id = ${shard} and m.payment_id = e.payment_id
          order by p.business_date, p.journal_id, p.line_no`,
    ),
  );
}

/**
 * One page of the statement of an account, in order of business day and journal entry. A Fault `not-found` when
 * the account is not open, `bad-input` when the days are the wrong way round or the limit is out of range.
 */
export async function accountStatement(
  db: Queryable,
  query: StatementQuery,
): Promise<StatementPage> {
  const { shard, path, from, to, after, limit = 50 } = query;
  if (from > to || !Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new Fault('bad-input', 'A statement needs days in order and 1 to 1,000 lines a page.', {
      fields: { from, to, limit },
    });
  }
  const [account] = await db.query<{ account_id: bigint }>(
    prepared(
      'find_account',
      sql`select account_id from account where shard_id = ${shard} and path = ${path}`,
    ),
  );
  if (account === undefined)
    throw new Fault('not-found', 'No account has this path.', { fields: { shard, path } });
  const opening = after?.balance ?? (await balanceBefore(db, shard, account.account_id, from));
  const rows = await readLines(db, query, account.account_id, limit + 1);
  let balance = opening;
  const lines = rows.slice(0, limit).map((row): StatementLine => {
    balance += row.amount;
    return {
      businessDate: row.business_date,
      journalId: row.journal_id,
      line: row.line_no,
      kind: row.kind,
      amount: row.amount,
      balance,
      psid: row.psid ?? undefined,
      description: row.description ?? undefined,
      postedAt: row.posted_at,
    };
  });
  const last = rows.length > limit ? lines.at(-1) : undefined;
  const next = last && {
    businessDate: last.businessDate,
    journalId: last.journalId,
    line: last.line,
    balance: last.balance,
  };
  return { path, opening, lines, next };
}
