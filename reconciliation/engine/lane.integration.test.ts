import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { businessDate, type ManualClock } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import type { Psid } from '../../kernel/ids.ts';
import { paisa, rupees } from '../../kernel/money.ts';
import { checkInvariants, moveStamps, stampsOfChallan } from '../../ledger/index.ts';
import { CHALLAN_AMOUNT, LaneRig } from '../../tests/support/lane-rig.ts';
import type { TestDatabase } from '../../tests/support/test-database.ts';
import { decideCase, listOpenCases } from '../exceptions/case-store.ts';
import { makeEngine } from './engine.ts';
import type { PaymentEngine, PaymentRequest, ReversalRequest } from './payment.ts';

const AMOUNT = CHALLAN_AMOUNT;
let rig: LaneRig;
let test: TestDatabase;
let clock: ManualClock;
let engine: PaymentEngine;
let run = 0;

const challan = (): Promise<Psid> => rig.challan();
const payment = (psid: Psid, key: string, change: Partial<PaymentRequest> = {}): PaymentRequest =>
  rig.payment(psid, key, change);

function reversal(
  psid: Psid,
  originalKey: string,
  requestKey = `r-${originalKey}`,
  amount = AMOUNT,
): ReversalRequest {
  return rig.reversal(psid, originalKey, { requestKey, amount });
}

beforeAll(async () => {
  rig = await LaneRig.open();
  ({ test, clock, engine } = rig);
  await rig.registerBank('SMALL', { perTransaction: 1_000n });
});

const afterThis: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const close of afterThis) await close();
  await rig.close();
});

afterEach(async () => {
  expect(await checkInvariants(test.database)).toEqual([]);
});

describe('the posting lane', () => {
  it('posts a payment, issues its stamp and tells the outbox in one commit', async () => {
    const psid = await challan();
    const answer = await engine.pay(payment(psid, 'a1'));
    expect(answer).toMatchObject({
      result: 'approved',
      repeated: false,
      businessDate: '2026-11-23',
    });
    expect(answer.stampIds).toHaveLength(1);
    expect(answer.authorisation).toMatch(/^\d{6}$/);
    const [row] = await test.database.query<{
      stamps: bigint;
      outbox: bigint;
      postings: bigint;
    }>(sql`
      select (select count(*) from stamp where payment_id = ${answer.paymentId}) as stamps,
        (select count(*) from outbox where stamp_id = ${answer.stampIds[0]}) as outbox,
        (select count(*) from posting where journal_id = ${answer.paymentId}) as postings`);
    expect(row).toEqual({ stamps: 1n, outbox: 1n, postings: 3n });
    expect(await engine.inquire({ channel: 'iso8583', participant: 'BOP', psid })).toMatchObject({
      ok: true,
      bill: { status: 'paid', amount: AMOUNT },
    });
  });

  it('answers a repeat as before, and refuses the same key with other content', async () => {
    const psid = await challan();
    const first = await engine.pay(payment(psid, 'b1'));
    const again = await engine.pay(payment(psid, 'b1'));
    expect(again).toEqual({ ...first, repeated: true });
    expect(await engine.pay(payment(psid, 'b1', { amount: paisa(1n) }))).toMatchObject({
      result: 'key-reused',
      repeated: true,
    });
    expect(await engine.pay(payment(await challan(), 'b1'))).toMatchObject({
      result: 'key-reused',
    });
  });

  it.each([
    ['participant-unavailable', { participant: 'NOBODY' }],
    ['amount-mismatch', { amount: rupees(1_501n) }],
    ['limit-exceeded', { participant: 'SMALL' }],
  ] as const)('refuses with %s and changes nothing', async (result, change) => {
    const psid = await challan();
    expect(await engine.pay(payment(psid, `c-${result}`, change))).toMatchObject({
      result,
      stampIds: [],
    });
    expect(await engine.inquire({ channel: 'iso8583', participant: 'BOP', psid })).toMatchObject({
      ok: true,
      bill: { status: 'unpaid' },
    });
  });

  it('refuses an unknown, a paid, a cancelled and an expired challan, each with its own code', async () => {
    expect(await engine.pay(payment('10100000000000007', 'd1'))).toMatchObject({
      result: 'unknown-consumer',
    });
    const paid = await challan();
    await engine.pay(payment(paid, 'd2'));
    expect(await engine.pay(payment(paid, 'd3'))).toMatchObject({
      result: 'already-paid',
      repeated: false,
    });
    const cancelled = await challan();
    await test.database.query(
      sql`update challan set state = 'cancelled' where psid = ${cancelled}`,
    );
    expect(await engine.pay(payment(cancelled, 'd4'))).toMatchObject({ result: 'blocked' });
    const expired = await challan();
    await test.database.query(
      sql`update challan set payable_until = '2026-11-22' where psid = ${expired}`,
    );
    expect(await engine.pay(payment(expired, 'd5'))).toMatchObject({ result: 'expired' });
    expect(
      await engine.inquire({ channel: 'iso8583', participant: 'BOP', psid: expired }),
    ).toMatchObject({ ok: true, bill: { status: 'expired' } });
  });

  it('pays a challan on its last Karachi day, until midnight there', async () => {
    const psid = await challan();
    await test.database.query(
      sql`update challan set payable_until = '2026-11-23' where psid = ${psid}`,
    );
    clock.set(new Date('2026-11-23T18:59:59.999Z'));
    expect(businessDate(clock.now())).toBe('2026-11-23');
    expect(await engine.pay(payment(psid, 'e1'))).toMatchObject({ result: 'approved' });
    clock.set(new Date('2026-11-23T09:00:00.000Z'));
  });

  it('lets one of many payers of one challan win, and answers twins in one batch alike', async () => {
    const psid = await challan();
    const answers = await Promise.all(
      ['f1', 'f2', 'f1', 'f3', 'f1'].map((key) => engine.pay(payment(psid, key))),
    );
    expect(answers.map((answer) => answer.result)).toEqual([
      'approved',
      'already-paid',
      'approved',
      'already-paid',
      'approved',
    ]);
    expect(answers.map((answer) => answer.repeated)).toEqual([false, false, true, false, true]);
    expect(
      new Set([answers[0]!.paymentId, answers[2]!.paymentId, answers[4]!.paymentId]).size,
    ).toBe(1);
    expect(answers[2]!.stampIds).toEqual(answers[0]!.stampIds);
  });

  it('reverses before use: the stamp is cancelled, the books are back, the challan can be paid again', async () => {
    const psid = await challan();
    const first = await engine.pay(payment(psid, 'g1'));
    expect(await engine.reverse(reversal(psid, 'g1'))).toEqual({
      result: 'approved',
      repeated: false,
    });
    expect(await engine.reverse(reversal(psid, 'g1'))).toEqual({
      result: 'approved',
      repeated: true,
    });
    expect(await engine.pay(payment(psid, 'g1'))).toMatchObject({
      result: 'reversed-before',
      stampIds: [],
    });
    const second = await engine.pay(payment(psid, 'g2'));
    expect(second.result).toBe('approved');
    expect(second.stampIds).not.toEqual(first.stampIds);
    const states = await test.database.query(
      sql`select state from stamp where psid = ${psid} order by issued_at, state`,
    );
    expect(states.map((row) => row['state']).sort()).toEqual(['cancelled', 'issued']);
  });

  it('remembers a reversal that came before its payment, and refuses the late payment', async () => {
    const psid = await challan();
    expect(await engine.reverse(reversal(psid, 'h1'))).toMatchObject({
      result: 'original-not-found',
    });
    expect(await engine.pay(payment(psid, 'h1'))).toMatchObject({ result: 'reversed-before' });
    expect(await engine.pay(payment(psid, 'h2'))).toMatchObject({ result: 'approved' });
  });

  it('refuses a reversal of another amount, and of a payment whose stamp was used', async () => {
    const psid = await challan();
    await engine.pay(payment(psid, 'i1'));
    expect(await engine.reverse(reversal(psid, 'i1', 'i2', rupees(1n)))).toMatchObject({
      result: 'reversal-mismatch',
    });
    const stampIds = await stampsOfChallan(test.database, psid);
    const officer = { id: '1', role: 'sub-registrar', office: 'Sub-Registrar' } as const;
    await moveStamps(
      { kind: 'lock', officer, requestKey: 'i', reason: 'deed 7', usedFor: 'deed 7', stampIds },
      { database: test.database, clock, ids: rig.ids },
    );
    for (const key of ['i3', 'i3', 'i4']) {
      expect(await engine.reverse(reversal(psid, 'i1', key))).toMatchObject({
        result: 'stamp-used',
      });
    }
    const cases = await listOpenCases(test.database, 0, clock.now(), 10);
    expect(cases).toMatchObject([
      {
        origin: 'reversal',
        reason: 'stamp-used',
        psid,
        amount: AMOUNT,
        facts: { paymentKey: 'i1', reversalKey: 'i3', stamps: [{ state: 'delisted' }] },
        overdue: false,
      },
    ]);
    const { caseId } = cases[0]!;
    await decideCase(test.database, { shard: 0, caseId }, 'the bank bears it', clock.now());
    expect(await listOpenCases(test.database, 0, clock.now(), 10)).toEqual([]);
  });

  it('sheds load when its queue is full, and does nothing for what it sheds', async () => {
    const psid = await challan();
    const full = rig.makeLane('test', { queueMax: 0 });
    expect(await full.pay(payment(psid, 'j1'))).toMatchObject({ result: 'busy' });
    expect(await engine.pay(payment(psid, 'j1'))).toMatchObject({
      result: 'approved',
      repeated: false,
    });
  });

  it('never lets the journal be changed, deleted or unbalanced, nor a stamp go back', async () => {
    const psid = await challan();
    await engine.pay(payment(psid, 'k1'));
    const refused: [string, RegExp][] = [
      ['update posting set amount_paisa = 1', /never changed/],
      ['delete from journal_entry', /never changed/],
      ['truncate posting', /never changed/],
      ["insert into posting values (0, '2026-11-23', 1, 0, 1, 'D', 5)", /does not balance/],
      [`update stamp set amount_paisa = 1 where psid = '${psid}'`, /never change/],
      [`update stamp set state = 'issued' where psid = '${psid}'`, /cannot move/],
      ['delete from stamp', /never changed/],
    ];
    for (const [statement, message] of refused)
      await expect(test.database.script(statement)).rejects.toThrow(message);
  });

  it('shuts out a lane whose lease was taken over, in the middle of its work', async () => {
    const psid = await challan();
    await test.database.query(
      sql`update lane_lease set epoch = epoch + 1, holder = 'thief' where shard_id = 0`,
    );
    expect(await rig.lane.pay(payment(psid, 'l1'))).toMatchObject({ result: 'busy' });
    expect(rig.lane.leads).toBe(false);
    await test.database.query(
      sql`update lane_lease set expires_at = now() - interval '1 second' where shard_id = 0`,
    );
    const lane = rig.makeLane('successor');
    afterThis.push(() => lane.stop());
    await lane.start();
    engine = makeEngine({ database: test.database, clock, lanes: new Map([[0, lane]]) });
    expect(await engine.pay(payment(psid, 'l1'))).toMatchObject({
      result: 'approved',
      repeated: false,
    });
  });

  it('keeps every invariant and one answer a key under random payments, repeats and reversals', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            bill: fc.nat(2),
            key: fc.nat(5),
            wrong: fc.boolean(),
            kind: fc.constantFrom('pay', 'pay', 'reverse'),
          }),
          { maxLength: 25 },
        ),
        async (steps) => {
          run += 1;
          const psids = [await challan(), await challan(), await challan()];
          const answers = await Promise.all(
            steps.map((step) => {
              const psid = psids[step.bill]!;
              const key = `p${String(run)}-${String(step.key)}`;
              return step.kind === 'pay'
                ? engine
                    .pay(payment(psid, key, step.wrong ? { amount: paisa(7n) } : {}))
                    .then((answer) => ({ key, answer }))
                : engine.reverse(reversal(psid, key)).then(() => undefined);
            }),
          );
          const approved = answers.filter((each) => each?.answer.result === 'approved');
          const byKey = new Map<string, Set<bigint | undefined>>();
          for (const each of approved)
            byKey.set(each!.key, (byKey.get(each!.key) ?? new Set()).add(each!.answer.paymentId));
          for (const payments of byKey.values()) expect(payments.size).toBe(1);
          expect(await checkInvariants(test.database)).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });
});
