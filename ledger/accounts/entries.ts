/** Entries that are no payment: prefunding, the top-up of a float, settlement, an officer's adjustment. */
import { prepared, sql, sqlState, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Paisa } from '../../kernel/money.ts';

export interface EntryLine {
  /** Path of an open account of the shard. */
  readonly path: string;
  readonly side: 'D' | 'C';
  readonly amount: Paisa;
}

export interface Entry {
  readonly shard: number;
  /** Its row id, made by an `IdMaker`. */
  readonly journalId: bigint;
  readonly at: Date;
  /** Who posts it, and the key that makes it this entry and no other: a repeat posts nothing. */
  readonly owner: string;
  readonly requestKey: string;
  readonly kind: 'funding' | 'settlement' | 'adjustment';
  /** Why, in words that an auditor reads; at most 200 characters. */
  readonly description: string;
  readonly lines: readonly EntryLine[];
}

export type EntryResult = 'approved' | 'key-reused' | 'account-unknown' | 'insufficient-funds';

export interface EntryAnswer {
  readonly result: EntryResult;
  /** True when it was posted before under the same key. */
  readonly repeated: boolean;
}

function checkLines({ lines }: Entry): void {
  const total = (side: 'D' | 'C'): bigint =>
    lines.filter((line) => line.side === side).reduce((sum, line) => sum + line.amount, 0n);
  if (lines.length < 2 || lines.some((line) => line.amount <= 0n) || total('D') !== total('C')) {
    throw new Fault(
      'bad-input',
      'The debits of an entry must equal its credits, each above zero.',
      {
        fields: { debits: total('D').toString(), credits: total('C').toString() },
      },
    );
  }
}

/**
 * Posts a balanced entry in one statement. `insufficient-funds` when a guarded account (a float, an imprest)
 * would pay out more than is free on it. A Fault `bad-input` when the entry does not balance.
 */
export async function postEntry(db: Queryable, entry: Entry): Promise<EntryAnswer> {
  checkLines(entry);
  const { lines } = entry;
  try {
    const [row] = await db.query<{ result: EntryResult; repeated: boolean }>(
      prepared(
        'post_entry',
        sql`select result, repeated from post_entry(${entry.shard}::smallint, ${entry.at}::timestamptz, ${entry.journalId}::bigint,
              ${entry.owner}::text, ${entry.requestKey}::text, ${entry.kind}::text, ${entry.description}::text,
              ${lines.map((line) => line.path)}::text[], ${lines.map((line) => line.side)}::text[], ${lines.map((line) => line.amount)}::bigint[])`,
      ),
    );
    if (row === undefined) throw new Fault('internal', 'The database did not answer an entry.');
    return row;
  } catch (error) {
    if (breaksGuard(error)) return { result: 'insufficient-funds', repeated: false };
    throw error;
  }
}

/** True when a statement failed because a guarded account would have gone below what is reserved on it. */
function breaksGuard(error: unknown): boolean {
  return (
    sqlState(error) === '23514' &&
    error instanceof Error &&
    // By the message: a node of a cluster passes the text on, but not the constraint's own field.
    error.message.includes('"balance_guarded"')
  );
}
