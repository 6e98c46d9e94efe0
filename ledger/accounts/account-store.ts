/** The chart of accounts: one row per account and shard, named by a path, with its running balance. */
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import type { IdMaker } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';

/** What an account is to the books: what participants owe us, what we owe the treasury, and so on. */
export type AccountKind = 'asset' | 'liability' | 'income' | 'expense';

export interface AccountSpec {
  readonly shard: number;
  /** `treasury:B02701`, `participant:BOP:settlement`. */
  readonly path: string;
  readonly kind: AccountKind;
  readonly headCode?: string;
  readonly participantCode?: string;
  /** True when it may never pay out, nor reserve, more than it holds. */
  readonly guarded?: boolean;
}

/** Returns the id of the account with this path, opening it with a zero balance when it is new. */
export async function openAccount(tx: Queryable, spec: AccountSpec, ids: IdMaker): Promise<bigint> {
  const find = async (): Promise<bigint | undefined> => {
    const rows = await tx.query<{ account_id: bigint }>(
      prepared(
        'find_account',
        sql`select account_id from account where shard_id = ${spec.shard} and path = ${spec.path}`,
      ),
    );
    return rows[0]?.account_id;
  };
  const known = await find();
  if (known !== undefined) return known;
  const id = ids.next();
  const opened = await tx.query(sql`
    insert into account (shard_id, account_id, path, kind, head_code, participant_code)
    values (${spec.shard}, ${id}, ${spec.path}, ${spec.kind}, ${spec.headCode ?? null}, ${spec.participantCode ?? null})
    on conflict (shard_id, path) do nothing
    returning account_id`);
  if (opened.length === 0) return (await find()) ?? openAccount(tx, spec, ids);
  await tx.query(
    sql`insert into account_balance (shard_id, account_id, guarded) values (${spec.shard}, ${id}, ${spec.guarded === true})`,
  );
  return id;
}

/** The account of a treasury head: what was collected for the treasury and is owed to it. */
export function treasuryAccount(shard: number, headCode: string): AccountSpec {
  return { shard, path: `treasury:${headCode}`, kind: 'liability', headCode };
}

/** The account of what a participant has collected for us and must settle. */
export function settlementAccount(shard: number, participantCode: string): AccountSpec {
  return {
    shard,
    path: `participant:${participantCode}:settlement`,
    kind: 'asset',
    participantCode,
  };
}

/** What a participant paid in beforehand; it widens its net debit cap. */
export function prefundingAccount(shard: number, participantCode: string): AccountSpec {
  return {
    shard,
    path: `participant:${participantCode}:prefunding`,
    kind: 'liability',
    participantCode,
    guarded: true,
  };
}

/** A stamp vendor's float: paid in through the switch, spent on stamps sold. */
export function floatAccount(shard: number, licence: string): AccountSpec {
  return { shard, path: `vendor:${licence}:float`, kind: 'liability', guarded: true };
}

/** Money that a bank took and that no challan could be paid with, until it is applied or returned. */
export function suspenseAccount(shard: number): AccountSpec {
  return { shard, path: 'suspense:unmatched', kind: 'liability' };
}

/** Our own account at a bank, by its name: where prefunding and settlement money arrives. */
export function bankAccount(shard: number, name: string): AccountSpec {
  return { shard, path: `bank:${name}`, kind: 'asset' };
}

export interface TrialBalanceLine {
  readonly path: string;
  readonly kind: AccountKind;
  readonly debits: Paisa;
  readonly credits: Paisa;
}

/** Every account with its running totals, shards rolled up, in order of path. */
export async function trialBalance(database: Queryable): Promise<TrialBalanceLine[]> {
  const rows = await database.query<{
    path: string;
    kind: AccountKind;
    debits: bigint;
    credits: bigint;
  }>(sql`
    select a.path, a.kind, sum(b.debits_paisa)::bigint as debits, sum(b.credits_paisa)::bigint as credits
    from account a join account_balance b using (shard_id, account_id)
    group by a.path, a.kind order by a.path`);
  return rows.map((row) => ({
    path: row.path,
    kind: row.kind,
    debits: paisa(row.debits),
    credits: paisa(row.credits),
  }));
}
