/** Who and what a history begins with: banks with their limits, challans of every state, and the banks' stories. */
import { sql, type Database } from '../../kernel/database.ts';
import { IdMaker, newPsid } from '../../kernel/ids.ts';
import { paisa } from '../../kernel/money.ts';
import {
  bankAccount,
  createChallan,
  floatAccount,
  openAccount,
  prefundingAccount,
  settlementAccount,
} from '../../ledger/index.ts';
import { COURSES, type Bank, type Story } from './bank.ts';
import { BANKS_ADDRESS } from './iso-line.ts';
import { prefunding, type ModelBooks } from './model-books.ts';

import type { Seeded } from './seeded.ts';
import { FLOAT, VENDOR } from './vendor.ts';
import type { World } from './world.ts';

/** The participants of every history; `institution` marks those on the ISO 8583 line. */
export const ISO_BANKS = [
  { code: 'BANKA', institution: '586001' },
  { code: 'BANKB', institution: '586002' },
] as const;
export const ONEBILL_BANK = 'LINKC';
/** On the 1BILL side, but in no register: the engine must refuse it. */
export const STRANGER = 'NOBODY';

export interface SetupParts {
  readonly database: Database;
  readonly world: World;
  readonly books: ModelBooks;
  readonly random: Seeded;
  readonly shard: number;
}

const MAXIMUM_NODE = 31;
const HEADS = 3;

/** Registers the banks: one without limits, one with limits a payment and a day, one with a net debit cap. */
export async function registerBanks(parts: SetupParts): Promise<void> {
  const { database, world, books, random, shard } = parts;
  const ids = new IdMaker(world.clock, MAXIMUM_NODE);
  const rupees = (low: number, high: number): bigint => BigInt(random.between(low, high)) * 100n;
  const rows = [
    { code: 'BANKA', channel: 'iso8583', institution: '586001' },
    {
      code: 'BANKB',
      channel: 'iso8583',
      institution: '586002',
      perTransaction: rupees(2_500, 6_000),
      perDay: rupees(3_000, 15_000),
    },
    { code: ONEBILL_BANK, channel: 'onebill', netDebitCap: rupees(2_000, 6_000) },
    { code: VENDOR, channel: 'otc' },
  ];
  for (const row of rows) {
    const { code, channel, institution, perTransaction, perDay, netDebitCap } = row;
    await database.query(sql`
      insert into participant (code, name, channel, institution_id, allowed_addresses,
        limit_per_transaction_paisa, limit_per_day_paisa, net_debit_cap_paisa, created_at)
      values (${code}, ${code}, ${channel}, ${institution ?? null}, ${[BANKS_ADDRESS]},
        ${perTransaction ?? null}, ${perDay ?? null}, ${netDebitCap ?? null}, ${world.clock.now()})`);
    await openAccount(database, settlementAccount(shard, code), ids);
    books.participants.set(code, { code, active: true, perTransaction, perDay, netDebitCap });
  }
  await openAccount(database, bankAccount(shard, 'collection'), ids);
  await openAccount(database, floatAccount(shard, 'L-7'), ids);
  await openAccount(database, prefundingAccount(shard, ONEBILL_BANK), ids);
  books.guarded.add(FLOAT).add(prefunding(ONEBILL_BANK));
}

/** Makes the challans of a history by the product's own code: one to three lines, most with a stamp. */
export async function makeChallans(parts: SetupParts, count: number): Promise<string[]> {
  const { database, world, random, shard, books } = parts;
  const ids = new IdMaker(world.clock, MAXIMUM_NODE - 1);
  const heads = await database.query<{ code: string }>(
    sql`select code from head_of_account order by code limit ${HEADS}`,
  );
  const psids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const lines = Array.from({ length: random.between(1, HEADS) }, (_, line) => ({
      headCode: heads[line]?.code ?? '',
      description: `line ${String(line + 1)}`,
      amount: paisa(BigInt(random.between(100, 1_500)) * 100n),
      assumed: false,
      ...(random.chance(700)
        ? {
            stamp: { kind: 'non-judicial' as const, article: '23', description: 'CONVEYANCE - 23' },
          }
        : {}),
    }));
    const party = { name: 'Ayesha Khan' };
    const made = await createChallan(
      {
        application: {
          applicant: party,
          firstParties: [party],
          secondParties: [party],
          purpose: 'sale',
          districtCode: 'LHR',
          districtName: 'Lahore',
          instrumentTitle: 'CONVEYANCE - 23',
        },
        lines,
        duty: {},
        idempotencyKey: `challan ${String(index)}`,
        contentHash: Buffer.alloc(32, index),
      },
      // Some end today, so that a payment near midnight or after a jump of the clock is too late.
      { database, clock: world.clock, random, ids, shard, challanDays: random.pick([0, 0, 15]) },
    );
    books.challans.set(made.psid, {
      psid: made.psid,
      amount: made.amount,
      payableUntil: made.payableUntil,
      lines: lines.map((line, at) => ({
        no: at + 1,
        path: `treasury:${line.headCode}`,
        amount: line.amount,
        stamped: 'stamp' in line,
      })),
      state: 'payable',
    });
    psids.push(made.psid);
  }
  return psids;
}

/** Draws what the banks' customers will do, and when. */
export function drawStories(
  parts: SetupParts,
  banks: readonly Bank[],
  psids: readonly string[],
  count: number,
): Story[] {
  const { random, books, shard } = parts;
  const unknown = newPsid('101', shard, random);
  const elsewhere = newPsid('101', (shard + 1) % 100, random);
  // Rushes: in some seconds many come at once, so that batches grow and challans are contested.
  const rushes = Array.from({ length: 4 }, () => random.between(0, 30_000));
  return Array.from({ length: count }, () => {
    const kind = random.weighted({ right: 88, 'wrong-amount': 6, unknown: 4, elsewhere: 2 });
    const psid =
      kind === 'unknown' ? unknown : kind === 'elsewhere' ? elsewhere : random.pick(psids);
    const due = books.challans.get(psid)?.amount ?? 150_000n;
    return {
      bank: random.pick(banks),
      order: {
        psid,
        amount: kind === 'wrong-amount' ? due + BigInt(random.pick([-100, 1, 100])) : due,
        advice: random.chance(120),
      },
      course: random.chance(400) ? 'pay' : random.pick(COURSES),
      startMs: random.chance(600)
        ? random.pick(rushes) + random.between(0, 20)
        : random.between(0, 40_000),
    };
  });
}
