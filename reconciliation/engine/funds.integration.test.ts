import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { rupees } from '../../kernel/money.ts';
import {
  accountStatement,
  bankAccount,
  checkInvariants,
  expireHolds,
  findHold,
  floatAccount,
  openAccount,
  postEntry,
  prefundingAccount,
  reserveHold,
  voidHold,
  type Entry,
  type EntryAnswer,
  type ReservationAnswer,
  type StatementCursor,
} from '../../ledger/index.ts';
import { CHALLAN_AMOUNT, LaneRig } from '../../tests/support/lane-rig.ts';

let rig: LaneRig;
const FLOAT = 'vendor:LHR-17:float';

beforeAll(async () => {
  rig = await LaneRig.open();
  await openAccount(rig.test.database, bankAccount(0, 'bop-main'), rig.ids);
  await openAccount(rig.test.database, floatAccount(0, 'LHR-17'), rig.ids);
});

afterAll(() => rig.close());

afterEach(async () => {
  expect(await checkInvariants(rig.test.database)).toEqual([]);
});

function entry(
  path: string,
  amount: bigint,
  requestKey: string,
  change: Partial<Entry> = {},
): Entry {
  return {
    shard: 0,
    journalId: rig.ids.next(),
    at: rig.clock.now(),
    owner: 'FINANCE',
    requestKey,
    kind: 'funding',
    description: 'Deposit of the test',
    lines: [
      { path: 'bank:bop-main', side: 'D', amount: rupees(amount) },
      { path, side: 'C', amount: rupees(amount) },
    ],
    ...change,
  };
}

const fund = (path: string, amount: bigint, key: string): Promise<EntryAnswer> =>
  postEntry(rig.test.database, entry(path, amount, key));

function reserve(amount: bigint, requestKey: string, path = FLOAT): Promise<ReservationAnswer> {
  const at = rig.clock.now();
  return reserveHold(rig.test.database, {
    shard: 0,
    holdId: rig.ids.next(),
    at,
    owner: 'LHR-17',
    requestKey,
    path,
    amount: rupees(amount),
    purpose: 'sale of a stamp',
    expiresAt: new Date(at.getTime() + 60_000),
  });
}

async function reserved(amount: bigint, requestKey: string, path = FLOAT): Promise<bigint> {
  const answer = await reserve(amount, requestKey, path);
  if (answer.result !== 'reserved') throw new Error(answer.result);
  return answer.holdId;
}

describe('an entry that is no payment', () => {
  it('is posted once for each key of its owner', async () => {
    const before = await rig.balance(FLOAT);
    expect(await fund(FLOAT, 10_000n, 'e1')).toEqual({ result: 'approved', repeated: false });
    expect(await fund(FLOAT, 10_000n, 'e1')).toEqual({ result: 'approved', repeated: true });
    expect(await fund(FLOAT, 10_001n, 'e1')).toEqual({ result: 'key-reused', repeated: true });
    expect((await rig.balance(FLOAT)).balance).toBe(before.balance - rupees(10_000n));
  });

  it('is posted once by many callers at once', async () => {
    const before = await rig.balance(FLOAT);
    const answers = await Promise.all(Array.from({ length: 8 }, () => fund(FLOAT, 5n, 'e2')));
    expect(answers.filter((answer) => !answer.repeated)).toHaveLength(1);
    expect((await rig.balance(FLOAT)).balance).toBe(before.balance - rupees(5n));
  });

  it('is refused when it does not balance, names no account, or overdraws a guarded one', async () => {
    const { lines } = entry(FLOAT, 7n, 'e3');
    await expect(
      postEntry(rig.test.database, entry(FLOAT, 7n, 'e3', { lines: lines.slice(0, 1) })),
    ).rejects.toMatchObject({ code: 'bad-input' });
    expect(await fund('vendor:NOBODY:float', 7n, 'e4')).toMatchObject({
      result: 'account-unknown',
    });
    const withdrawal = entry(FLOAT, 0n, 'e5', {
      kind: 'settlement',
      lines: [
        { path: FLOAT, side: 'D', amount: rupees(10_000_000n) },
        { path: 'bank:bop-main', side: 'C', amount: rupees(10_000_000n) },
      ],
    });
    expect(await postEntry(rig.test.database, withdrawal)).toMatchObject({
      result: 'insufficient-funds',
    });
  });
});

describe('a hold', () => {
  it('reserves no more than is free, and counts other holds', async () => {
    await fund(FLOAT, 3_000n, 'h1');
    const { balance, held } = await rig.balance(FLOAT);
    const free = (-balance - held) / 100n;
    const hold = await reserved(free - 1n, 'h2');
    expect(await reserve(2n, 'h3')).toMatchObject({ result: 'insufficient-funds' });
    expect(await reserve(free - 1n, 'h2')).toEqual({
      result: 'reserved',
      holdId: hold,
      repeated: true,
    });
    expect(await reserve(1n, 'h2')).toMatchObject({ result: 'key-reused' });
    expect(await voidHold(rig.test.database, 0, hold, rig.clock.now())).toBe('voided');
    expect(await voidHold(rig.test.database, 0, hold, rig.clock.now())).toBe('voided');
    expect(await voidHold(rig.test.database, 0, 1n, rig.clock.now())).toBeUndefined();
    expect((await rig.balance(FLOAT)).held).toBe(held);
  });

  it('lets of many reservations at once only as many through as the float bears', async () => {
    await openAccount(rig.test.database, floatAccount(0, 'LHR-18'), rig.ids);
    await fund('vendor:LHR-18:float', 10n, 'h4');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        reserve(3n, `h5-${String(index)}`, 'vendor:LHR-18:float'),
      ),
    );
    expect(answers.filter((answer) => answer.result === 'reserved')).toHaveLength(3);
  });

  it('pays a challan, once, from the float and not from the participant', async () => {
    await fund(FLOAT, 5_000n, 'h6');
    const settlement = await rig.balance('participant:BOP:settlement');
    const before = await rig.balance(FLOAT);
    const hold = await reserved(2_000n, 'h7');
    const [one, two] = [await rig.challan(), await rig.challan()];
    const answers = await Promise.all([
      rig.engine.pay(rig.payment(one, 'h8', { hold })),
      rig.engine.pay(rig.payment(two, 'h9', { hold })),
    ]);
    expect(answers.map((answer) => answer.result)).toEqual(['approved', 'hold-unavailable']);
    expect(await rig.balance(FLOAT)).toEqual({
      balance: before.balance + CHALLAN_AMOUNT,
      held: before.held,
    });
    expect(await rig.balance('participant:BOP:settlement')).toEqual(settlement);
    expect(await findHold(rig.test.database, 0, hold)).toMatchObject({
      state: 'posted',
      journalId: answers[0].paymentId,
    });
    expect(await rig.engine.reverse(rig.reversal(one, 'h8'))).toMatchObject({ result: 'approved' });
    expect(await rig.balance(FLOAT)).toEqual(before);
  });

  it('is spent no more when it is too small, voided or expired; the sweep frees it', async () => {
    await fund(FLOAT, 5_000n, 'h10');
    const { held } = await rig.balance(FLOAT);
    const psid = await rig.challan();
    const small = await reserved(1_499n, 'h11');
    expect(await rig.engine.pay(rig.payment(psid, 'h12', { hold: small }))).toMatchObject({
      result: 'hold-unavailable',
    });
    const late = await reserved(1_500n, 'h13');
    rig.clock.advance(60_000);
    expect(await rig.engine.pay(rig.payment(psid, 'h14', { hold: late }))).toMatchObject({
      result: 'hold-unavailable',
    });
    expect(await expireHolds(rig.test.database, 0, rig.clock.now())).toBeGreaterThanOrEqual(2);
    expect(await expireHolds(rig.test.database, 0, rig.clock.now())).toBe(0);
    expect((await rig.balance(FLOAT)).held).toBe(held);
    expect(await findHold(rig.test.database, 0, late)).toMatchObject({ state: 'expired' });
    expect(await voidHold(rig.test.database, 0, late, rig.clock.now())).toBe('expired');
  });
});

describe('the limits of a participant', () => {
  it('refuses in one batch only the payments that pass the net debit cap, in order', async () => {
    await rig.registerBank('CAPPED', { netDebitCap: rupees(3_500n) });
    const psids = await Promise.all(Array.from({ length: 4 }, () => rig.challan()));
    const pay = (index: number, key: string) =>
      rig.engine.pay(rig.payment(psids[index]!, key, { participant: 'CAPPED' }));
    const answers = await Promise.all(psids.map((_, index) => pay(index, `c${String(index)}`)));
    expect(answers.map((answer) => answer.result)).toEqual([
      'approved',
      'approved',
      'limit-exceeded',
      'limit-exceeded',
    ]);
    // Prefunding widens it; the refused keys keep their answer, new ones go through.
    await openAccount(rig.test.database, prefundingAccount(0, 'CAPPED'), rig.ids);
    await fund('participant:CAPPED:prefunding', 1_000n, 'c-fund');
    expect(await pay(2, 'c2')).toMatchObject({ result: 'limit-exceeded', repeated: true });
    expect(await pay(2, 'c2-again')).toMatchObject({ result: 'approved' });
    expect(await pay(3, 'c3-again')).toMatchObject({ result: 'limit-exceeded' });
  });

  it('counts what is reserved on the settlement account', async () => {
    await rig.registerBank('RESERVED', { netDebitCap: rupees(2_000n) });
    const settlement = 'participant:RESERVED:settlement';
    expect(await reserve(2_001n, 'n1', settlement)).toMatchObject({ result: 'insufficient-funds' });
    const hold = await reserved(1_500n, 'n2', settlement);
    const psid = await rig.challan();
    const plain = rig.payment(psid, 'n3', { participant: 'RESERVED' });
    expect(await rig.engine.pay(plain)).toMatchObject({ result: 'limit-exceeded' });
    expect(await rig.engine.pay({ ...plain, requestKey: 'n4', hold })).toMatchObject({
      result: 'approved',
    });
  });

  it('starts the limit of a day anew on the next Karachi day', async () => {
    await rig.registerBank('DAILY', { perDay: rupees(1_500n) });
    const pay = async (key: string) =>
      rig.engine.pay(rig.payment(await rig.challan(), key, { participant: 'DAILY' }));
    expect(await pay('y1')).toMatchObject({ result: 'approved' });
    expect(await pay('y2')).toMatchObject({ result: 'limit-exceeded' });
    rig.clock.set(new Date('2026-11-23T19:00:00.000Z'));
    expect(await pay('y3')).toMatchObject({ result: 'approved', businessDate: '2026-11-24' });
    rig.clock.set(new Date('2026-11-23T10:00:00.000Z'));
  });

  it('asks again for a challan whose first payer in the batch was over its limit', async () => {
    await rig.registerBank('EMPTY', { netDebitCap: 0n });
    const psid = await rig.challan();
    const answers = await Promise.all([
      rig.engine.pay(rig.payment(psid, 'q1', { participant: 'EMPTY' })),
      rig.engine.pay(rig.payment(psid, 'q2')),
    ]);
    expect(answers.map((answer) => answer.result)).toEqual(['limit-exceeded', 'busy']);
    expect(await rig.engine.pay(rig.payment(psid, 'q2'))).toMatchObject({
      result: 'approved',
      repeated: false,
    });
  });
});

describe('an advice that no challan can be paid with', () => {
  it.each(['amount-mismatch', 'already-paid', 'unknown-consumer'] as const)(
    'goes to suspense (%s), is answered alike on a repeat, and is given back by a reversal',
    async (reason) => {
      const known = await rig.challan();
      if (reason === 'already-paid') await rig.engine.pay(rig.payment(known, `${reason}-first`));
      const psid = reason === 'unknown-consumer' ? '10100000000000007' : known;
      const amount = reason === 'amount-mismatch' ? rupees(1_400n) : CHALLAN_AMOUNT;
      const before = await rig.balance('suspense:unmatched');
      const advice = rig.payment(psid, `s-${reason}`, { advice: true, amount });
      expect(await rig.engine.pay(advice)).toMatchObject({
        result: 'in-suspense',
        repeated: false,
      });
      expect(await rig.engine.pay(advice)).toMatchObject({ result: 'in-suspense', repeated: true });
      expect((await rig.balance('suspense:unmatched')).balance).toBe(before.balance - amount);
      const [item] = await rig.test.database.query<{ reason: string; state: string }>(
        sql`select reason, state from suspense_item where request_key = ${`s-${reason}`}`,
      );
      expect(item).toEqual({ reason, state: 'open' });
      const back = rig.reversal(psid, `s-${reason}`, { amount });
      expect(await rig.engine.reverse(back)).toEqual({ result: 'approved', repeated: false });
      expect(await rig.engine.reverse(back)).toEqual({ result: 'approved', repeated: true });
      expect(await rig.balance('suspense:unmatched')).toEqual(before);
      expect(await rig.engine.pay(advice)).toMatchObject({ result: 'reversed-before' });
    },
  );

  it('pays the challan when it can', async () => {
    const psid = await rig.challan();
    expect(await rig.engine.pay(rig.payment(psid, 's-good', { advice: true }))).toMatchObject({
      result: 'approved',
    });
  });
});

describe('the statement of an account', () => {
  it('starts from what stood before, keeps the balance on every page, and ends at the balance', async () => {
    for (let index = 0; index < 7; index += 1)
      await rig.engine.pay(rig.payment(await rig.challan(), `t${String(index)}`));
    rig.clock.set(new Date('2026-11-25T09:00:00.000Z'));
    await rig.engine.pay(rig.payment(await rig.challan(), 't-later'));
    const query = {
      shard: 0,
      path: 'participant:BOP:settlement',
      from: '2026-11-23',
      to: '2026-11-30',
      limit: 3,
    };
    let page = await accountStatement(rig.test.database, query);
    expect(page.opening).toBe(0n);
    let [balance, lines, after] = [page.opening, 0, undefined as StatementCursor | undefined];
    for (;;) {
      expect(page.opening).toBe(balance);
      for (const line of page.lines) {
        balance += line.amount;
        lines += 1;
        expect(line.balance).toBe(balance);
      }
      after = page.next;
      if (after === undefined) break;
      page = await accountStatement(rig.test.database, { ...query, after });
    }
    expect(lines).toBeGreaterThan(8);
    expect(balance).toBe((await rig.balance('participant:BOP:settlement')).balance);
    const later = await accountStatement(rig.test.database, { ...query, from: '2026-11-25' });
    expect(later.opening).toBe(balance - CHALLAN_AMOUNT);
    expect(later.lines).toMatchObject([{ amount: CHALLAN_AMOUNT, balance, kind: 'payment' }]);
    rig.clock.set(new Date('2026-11-23T10:00:00.000Z'));
  });

  it('is refused for an account that is not open, or days the wrong way round', async () => {
    const query = { shard: 0, path: 'vendor:X:float', from: '2026-11-01', to: '2026-11-30' };
    await expect(accountStatement(rig.test.database, query)).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(
      accountStatement(rig.test.database, { ...query, from: '2026-12-01' }),
    ).rejects.toMatchObject({ code: 'bad-input' });
  });
});
