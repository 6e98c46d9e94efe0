/** Vendors' sales over real books and the real lane. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { rupees } from '../../kernel/money.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { bankAccount, checkInvariants, findStamp, openAccount, postEntry } from '../index.ts';
import { sellStamp, settleSales, type SaleDeps, type SaleRequest } from './sell-stamp.ts';
import { dailyRegister, registerVendor } from './vendor-store.ts';

const LICENCE = 'LHR-0471';
const BOOK = { shard: 0, licence: LICENCE };

let rig: LaneRig;
let deps: SaleDeps;
let headCode: string;
/** Set while the answers of payments are lost on their way back. */
let isDeaf = false;

beforeAll(async () => {
  rig = await LaneRig.open();
  const { database } = rig.test;
  const { clock, ids } = rig;
  await rig.registerBank('VENDOR');
  await openAccount(database, bankAccount(0, 'collection'), ids);
  const [head] = await database.query<{ code: string }>(
    sql`select code from head_of_account order by code limit 1`,
  );
  headCode = head!.code;
  await registerVendor(
    database,
    {
      ...BOOK,
      name: 'Akram Stamp Vendor',
      districtCode: 'LHR',
      place: 'District Courts',
      validFrom: '2026-07-01',
      validUntil: '2027-06-30',
      limitPerDay: rupees(2_000n),
    },
    { ids, at: clock.now() },
  );
  deps = {
    database,
    clock,
    ids,
    random: secureRandom,
    shard: 0,
    challanDays: 1,
    async pay({ requestKey, psid, amount, reference, hold }) {
      const answer = await rig.engine.pay({
        channel: 'otc',
        participant: 'VENDOR',
        requestKey,
        psid,
        amount,
        reference,
        hold,
      });
      if (isDeaf || answer.result === 'busy') return { result: 'unknown' };
      const [stampId] = answer.stampIds;
      return stampId === undefined ? { result: 'refused' } : { result: 'approved', stampId };
    },
  };
}, 120_000);
afterAll(() => rig.close());

let keys = 0;
const request = (change: Partial<SaleRequest> = {}): SaleRequest => ({
  licence: LICENCE,
  requestKey: `sale-${String((keys += 1))}`,
  denomination: rupees(100n),
  purchaser: { name: 'Ayesha Khan', cnic: '35202-1234567-1' },
  purpose: 'Affidavit',
  article: '4',
  instrument: 'AFFIDAVIT - 4',
  headCode,
  ...change,
});

const payIn = (amount: bigint, key: string): Promise<unknown> =>
  postEntry(rig.test.database, {
    shard: 0,
    journalId: rig.ids.next(),
    at: rig.clock.now(),
    owner: 'VENDOR',
    requestKey: key,
    kind: 'funding',
    description: 'float paid in',
    lines: [
      { path: 'bank:collection', side: 'D', amount: rupees(amount) },
      { path: `vendor:${LICENCE}:float`, side: 'C', amount: rupees(amount) },
    ],
  });

describe('the sale of a stamp below Rs 500', () => {
  it('is refused without a float, to a stranger, and in a denomination that is none', async () => {
    expect(await sellStamp(request(), deps)).toEqual({ ok: false, refusal: 'insufficient-funds' });
    expect(await sellStamp(request({ licence: 'LHR-9999' }), deps)).toMatchObject({
      refusal: 'vendor-unknown',
    });
    for (const amount of [500n, 99n, 1_000n])
      expect(await sellStamp(request({ denomination: rupees(amount) }), deps)).toMatchObject({
        refusal: 'denomination-unknown',
      });
  });

  it('issues the stamp at once, takes it from the float and has the next serial', async () => {
    await payIn(1_500n, 'in-1');
    const first = await sellStamp(request(), deps);
    const second = await sellStamp(request({ denomination: rupees(50n) }), deps);
    if (!first.ok || !second.ok) throw new Error('not sold');
    expect(second.serial).toBe(first.serial + 1n);
    expect(await findStamp(rig.test.database, first.stampId)).toMatchObject({
      kind: 'low-denomination',
      amount: rupees(100n),
      state: 'issued',
    });
    const { balance, held } = await rig.balance(`vendor:${LICENCE}:float`);
    expect({ balance: -balance, held }).toEqual({ balance: rupees(1_350n), held: 0n });
  });

  it('is the same sale when it is asked for again, also by many at once', async () => {
    const same = request();
    const answers = await Promise.all(Array.from({ length: 10 }, () => sellStamp(same, deps)));
    const sold = answers.filter((answer) => answer.ok);
    expect(new Set(sold.map((answer) => answer.stampId)).size).toBe(1);
    expect(await sellStamp(same, deps)).toEqual(sold[0]);
    await expect(sellStamp({ ...same, purpose: 'Bond' }, deps)).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('that was cut off is ended later, once', async () => {
    isDeaf = true;
    const cut = request();
    expect(await sellStamp(cut, deps)).toMatchObject({ refusal: 'pending' });
    expect(await settleSales(LICENCE, deps)).toBe(1);
    isDeaf = false;
    expect(await settleSales(LICENCE, deps)).toBe(0);
    const again = await sellStamp(cut, deps);
    expect(again.ok).toBe(true);
  });

  it('stops at the limit of a day and at the end of the float, however many come at once', async () => {
    await payIn(5_000n, 'in-2');
    const answers = await Promise.all(Array.from({ length: 25 }, () => sellStamp(request(), deps)));
    const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.refusal]));
    expect(new Set(refusals)).toEqual(new Set(['limit-exceeded']));
    const register = await dailyRegister(rig.test.database, BOOK, '2026-11-23');
    expect(register.total).toBeLessThanOrEqual(rupees(2_000n));
    expect(register.total + rupees(100n)).toBeGreaterThan(rupees(2_000n));
  });

  it('leaves a register without gaps and books that balance', async () => {
    const { sales, count } = await dailyRegister(rig.test.database, BOOK, '2026-11-23');
    expect(sales.map(({ serial }) => serial)).toEqual(sales.map((_, index) => BigInt(index + 1)));
    expect(count).toBe(sales.length);
    expect((await rig.balance(`vendor:${LICENCE}:float`)).held).toBe(0n);
    await expect(
      rig.test.database.query(sql`delete from vendor_sale where serial = 1`),
    ).rejects.toThrow();
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
  });
});
