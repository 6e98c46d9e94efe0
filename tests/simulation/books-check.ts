/** Holds the real tables against the books in memory: balances, payments, stamps and challans, row by row. */
import { sql, type Queryable } from '../../kernel/database.ts';
import type { ModelBooks } from './model-books.ts';

function differences(
  what: string,
  expected: ReadonlyMap<string, string>,
  is: ReadonlyMap<string, string>,
): string[] {
  const names = new Set([...expected.keys(), ...is.keys()]);
  return [...names].sort().flatMap((name) => {
    const [shouldBe, real] = [expected.get(name) ?? 'absent', is.get(name) ?? 'absent'];
    return shouldBe === real ? [] : [`${what} ${name} is ${real}, not ${shouldBe}`];
  });
}

async function table(
  database: Queryable,
  statement: ReturnType<typeof sql>,
): Promise<Map<string, string>> {
  const rows = await database.query<{ name: string; value: string }>(statement);
  return new Map(rows.map((row) => [row.name, row.value]));
}

/** Everything in which the tables differ from the model, in words; empty when nothing does. */
export async function compareBooks(database: Queryable, books: ModelBooks): Promise<string[]> {
  const balances = new Map<string, string>();
  for (const [path, { debits, credits, postings }] of books.balances) {
    if (postings > 0n)
      balances.set(path, `${String(debits)} ${String(credits)} ${String(postings)}`);
  }
  const holds = new Map<string, string>();
  for (const { id, state } of books.holds.values()) holds.set(id.toString(), state);
  const payments = new Map<string, string>();
  const stamps = new Map<string, string>();
  for (const payment of books.payments.values()) {
    const { id, psid, participant, key, amount, state } = payment;
    payments.set(id.toString(), `${psid} ${participant} ${key} ${amount.toString()} ${state}`);
    for (const stamp of payment.stamps) stamps.set(stamp.id, `${stamp.state} ${id.toString()}`);
  }
  const challans = new Map<string, string>();
  for (const { psid, state, paymentId } of books.challans.values())
    challans.set(psid, `${state} ${paymentId?.toString() ?? '-'}`);
  return [
    ...differences(
      'the balance of',
      balances,
      await table(
        database,
        sql`select path as name, concat_ws(' ', debits_paisa, credits_paisa, postings) as value
            from account_balance join account using (shard_id, account_id) where postings > 0`,
      ),
    ),
    ...differences(
      'the payment',
      payments,
      await table(
        database,
        sql`select payment_id::text as name, concat_ws(' ', psid, participant_code, request_key, amount_paisa, state) as value from payment`,
      ),
    ),
    ...differences(
      'the stamp',
      stamps,
      await table(
        database,
        sql`select stamp_id as name, concat_ws(' ', state, payment_id) as value from stamp`,
      ),
    ),
    ...differences(
      'the challan',
      challans,
      await table(
        database,
        sql`select psid as name, concat_ws(' ', state, coalesce(payment_id::text, '-')) as value from challan`,
      ),
    ),
    ...differences(
      'the hold',
      holds,
      await table(database, sql`select hold_id::text as name, state as value from hold`),
    ),
  ];
}
