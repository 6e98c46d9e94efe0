/**
 * Bugs that are planted to see that the simulation finds them. They live here only: in the way a statement is
 * run (`server.ts`) or in the functions of the simulation's own database, changed from their text in it.
 */
import { sql, type Database } from '../../kernel/database.ts';

export const PLANTS = [
  /** The lane is told that its batch is posted, and the commit is lost. */
  'ack-before-commit',
  /** A request that came before is not looked up, and its record is no longer unique. */
  'drop-idempotency',
  /** The running totals of accounts are left as they were. */
  'skip-balance',
  /** A lane whose lease was taken over may go on posting. */
  'drop-fence',
  /** A reversal that comes before its payment is not remembered. */
  'forget-early-reversal',
] as const;
export type Plant = (typeof PLANTS)[number];

interface Change {
  readonly function: string;
  readonly from: RegExp;
  readonly to: string;
}

/** Each pattern must be found exactly once in the function's text. */
const CHANGES: Readonly<Record<Exclude<Plant, 'ack-before-commit'>, readonly Change[]>> = {
  'drop-idempotency': [
    ...['post_any_payments', 'needs_judging'].map((name) => ({
      function: name,
      from: /\w\.participant_code = i\.participant and \w\.request_key = i\.request_key/g,
      to: 'false',
    })),
    {
      function: 'post_any_payments',
      from: /(from decided d where d\.result not in \('participant-unavailable', 'busy'\))/g,
      to: '$1 on conflict do nothing',
    },
    {
      function: 'post_payments',
      from: /(from decided d where d\.result <> 'participant-unavailable')/g,
      to: '$1 on conflict do nothing',
    },
  ],
  'skip-balance': [
    ...['post_any_payments', 'post_payments'].map((name) => ({
      function: name,
      from: /set debits_paisa = b\.debits_paisa \+ m\.debits, credits_paisa = b\.credits_paisa \+ m\.credits/g,
      to: 'set debits_paisa = b.debits_paisa, credits_paisa = b.credits_paisa',
    })),
  ],
  'drop-fence': [
    { function: 'hold_lane', from: /and epoch = p_epoch/g, to: 'and p_epoch is not null' },
  ],
  'forget-early-reversal': [
    {
      function: 'reverse_in_books',
      from: /p_original_key, 'tombstone'/g,
      to: "p_original_key || ' forgotten', 'tombstone'",
    },
  ],
};

async function functionText(database: Database, name: string): Promise<string> {
  const [row] = await database.query<{ text: string }>(
    sql`select pg_get_functiondef(p.oid) as text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'public' and p.proname = ${name}`,
  );
  if (row === undefined) throw new Error(`There is no function ${name} to plant a bug in.`);
  return row.text;
}

/** Plants a bug in the functions of a database of the simulation. */
export async function plantBug(database: Database, plant: Plant): Promise<void> {
  if (plant === 'ack-before-commit') return;
  for (const change of CHANGES[plant]) {
    const text = await functionText(database, change.function);
    const found = [...text.matchAll(change.from)].length;
    if (found !== 1)
      throw new Error(
        `The bug ${plant} cannot be planted: its place in ${change.function} was found ${String(found)} times.`,
      );
    await database.script(text.replace(change.from, change.to));
  }
}
