/**
 * Holds what the banks remember against the final books: every approved answer is there exactly once and as it
 * was told, every repeat was answered the same, what was refused is absent. Reads tables, and no model.
 */
import { sql, type Queryable } from '../../kernel/database.ts';
import type { Asked, WireAnswer } from './memory.ts';

type BookedPayment = {
  readonly psid: string;
  readonly amount: bigint;
  readonly authorisation: string;
  readonly state: string;
  readonly stamps: readonly string[];
  readonly used: boolean;
};

type BookedItem = {
  readonly psid: string;
  readonly amount: bigint;
  readonly state: string;
};

interface Booked {
  readonly payments: Map<string, BookedPayment[]>;
  readonly items: Map<string, BookedItem[]>;
}

const nameOf = (asked: Asked): string => `${asked.participant} ${asked.reference}`;

async function readBooked(database: Queryable): Promise<Booked> {
  const payments = new Map<string, BookedPayment[]>();
  const items = new Map<string, BookedItem[]>();
  const add = <T>(map: Map<string, T[]>, name: string, value: T): void => {
    map.set(name, [...(map.get(name) ?? []), value]);
  };
  const rows = await database.query<{ name: string } & BookedPayment>(sql`
    select m.participant_code || ' ' || m.reference as name, m.psid, m.amount_paisa as amount, m.authorisation, m.state,
      array(select s.stamp_id from stamp s where s.payment_id = m.payment_id order by s.line_no) as stamps,
      exists (select 1 from stamp s where s.payment_id = m.payment_id and s.state not in ('issued', 'cancelled')) as used
    from payment m`);
  for (const row of rows) add(payments, row.name, row);
  const suspended = await database.query<{ name: string } & BookedItem>(sql`
    select participant_code || ' ' || reference as name, psid, amount_paisa as amount, state from suspense_item`);
  for (const row of suspended) add(items, row.name, row);
  return { payments, items };
}

const describe = (answer: WireAnswer): string =>
  [answer.code, answer.authorisation ?? '', ...(answer.stamps ?? [])].join(' ');

/** Everything that does not agree, in words; empty when all does. */
export async function compareAnswers(
  database: Queryable,
  asked: readonly Asked[],
): Promise<string[]> {
  const booked = await readBooked(database);
  const problems: string[] = [];
  const byName = new Map<string, Asked[]>();
  for (const each of asked) byName.set(nameOf(each), [...(byName.get(nameOf(each)) ?? []), each]);
  for (const name of byName.keys()) {
    const rows = [...(booked.payments.get(name) ?? []), ...(booked.items.get(name) ?? [])];
    if (rows.length > 1) problems.push(`${name} stands ${String(rows.length)} times in the books`);
  }
  for (const name of [...booked.payments.keys(), ...booked.items.keys()])
    if (!byName.has(name)) problems.push(`${name} stands in the books and nobody asked for it`);
  for (const each of asked) {
    const payment = booked.payments.get(nameOf(each))?.[0];
    const item = booked.items.get(nameOf(each))?.[0];
    const family = byName.get(nameOf(each)) ?? [];
    const found =
      each.kind === 'payment'
        ? checkPayment(each, family, payment, item)
        : checkReversal(each, payment, item);
    problems.push(...found.map((problem) => `${nameOf(each)} (${each.kind}): ${problem}`));
  }
  return problems;
}

function checkPayment(
  asked: Asked,
  family: readonly Asked[],
  payment: BookedPayment | undefined,
  item: BookedItem | undefined,
): string[] {
  const isReversed = family.some(({ kind }) => kind === 'reversal');
  const problems: string[] = [];
  // A key that came with two contents belongs to the one that was first.
  const decided = asked.answers.filter(
    ({ meaning }) => meaning !== 'unknown' && meaning !== 'key-reused',
  );
  if (asked.answers.every(({ meaning }) => meaning === 'unknown'))
    problems.push('was never answered, although nothing was wrong any more');
  const lasting = decided.filter(({ meaning }) => meaning !== 'reversed');
  if (new Set(lasting.map(describe)).size > 1)
    problems.push(`was answered differently: ${[...new Set(lasting.map(describe))].join(' | ')}`);
  if (lasting.length < decided.length && !isReversed)
    problems.push('is said to be reversed, and nobody reversed it');
  for (const answer of decided) problems.push(...checkAnswer(asked, answer, payment, item));
  if (payment?.state === 'reversed' && !isReversed)
    problems.push('is reversed in the books, and nobody reversed it');
  return problems;
}

function checkAnswer(
  asked: Asked,
  answer: WireAnswer,
  payment: BookedPayment | undefined,
  item: BookedItem | undefined,
): string[] {
  switch (answer.meaning) {
    case 'approved': {
      if (payment === undefined) return [`${describe(answer)} was answered and no payment stands`];
      const isAsTold =
        payment.psid === asked.psid &&
        payment.amount === asked.amount &&
        payment.authorisation === answer.authorisation &&
        (answer.stamps === undefined || answer.stamps.join() === payment.stamps.join());
      return isAsTold
        ? []
        : [
            `${describe(answer)} was answered and the books have ${payment.authorisation} ${payment.stamps.join(' ')}`,
          ];
    }
    case 'in-suspense':
      return item?.psid === asked.psid && item.amount === asked.amount
        ? []
        : ['is said to be in suspense and is not'];
    case 'reversed': {
      const stands = payment?.state === 'posted' || item?.state === 'open';
      return stands ? ['is said to be reversed and stands'] : [];
    }
    case 'refused':
    case 'key-reused':
    case 'unknown':
      return isOf(asked, payment) || isOf(asked, item)
        ? [`was refused with ${answer.code} and stands in the books`]
        : [];
  }
}

function isOf(asked: Asked, row: BookedPayment | BookedItem | undefined): boolean {
  return row?.psid === asked.psid && row.amount === asked.amount;
}

function checkReversal(
  asked: Asked,
  payment: BookedPayment | undefined,
  item: BookedItem | undefined,
): string[] {
  const decided = asked.answers.filter(({ meaning }) => meaning !== 'unknown');
  const codes = new Set(decided.map(describe));
  if (codes.size === 0) return ['was never answered, although nothing was wrong any more'];
  if (codes.size > 1) return [`was answered differently: ${[...codes].join(' | ')}`];
  const [answer] = decided;
  const stands = payment?.state === 'posted' || item?.state === 'open';
  switch (answer?.code.slice(0, 2) ?? '') {
    case '00':
      return stands || (payment ?? item) === undefined
        ? ['is said to be done and the payment stands, or never was']
        : [];
    case '25':
      return payment !== undefined || item !== undefined
        ? ['found no original, and it is in the books']
        : [];
    case '77':
      return isOf(asked, payment) || isOf(asked, item)
        ? ['is said to differ from its original and does not']
        : [];
    case 'P1':
      return payment?.state === 'posted' && payment.used
        ? []
        : ['is refused for a used stamp, and none is used'];
    default:
      return [`was answered ${answer?.code ?? ''}`];
  }
}
