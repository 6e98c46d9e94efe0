/** External billers behind the real lane: a biller over real sockets, with every fault that it may have at every step. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { newPsid, secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { paisa } from '../../kernel/money.ts';
import { checkInvariants, openAccount, suspenseAccount } from '../../ledger/index.ts';
import { BillerSimulator, type BillerFault } from '../../tests/support/biller-simulator.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { makeSecretBox } from '../channels/iso8583/index.ts';
import { makeCaller } from '../outbound/index.ts';
import type {
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
  ReversalAnswer,
} from '../payment/index.ts';
import { billerSecretContext, openBillers, type Billers } from './billers.ts';
import { makeBillerEngine, type BillerEngineDeps } from './engine.ts';
import { makeBillerRecovery, type BillerRecovery } from './recovery.ts';

const SECRET = Buffer.alloc(32, 9);
const AMOUNT = paisa(186_900n);
const MINUTE = 60_000;
const secrets = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], secureRandom);

let rig: LaneRig;
let biller: BillerSimulator;
let billers: Billers;
let engine: PaymentEngine;
let recovery: BillerRecovery;
let deps: BillerEngineDeps;

async function connect(timeoutMs: number, inFlightMax = 20): Promise<void> {
  await rig.test.database.query(
    sql`insert into biller_connection (department_code, base_url, secret_sealed, timeout_ms, in_flight_max, changed_at)
        values ('WASALHR', ${biller.url}, ${secrets.seal(SECRET, billerSecretContext('WASALHR'))}, ${timeoutMs}, ${inFlightMax}, now())
        on conflict (department_code) do update set base_url = excluded.base_url, timeout_ms = excluded.timeout_ms,
          in_flight_max = excluded.in_flight_max, changed_at = clock_timestamp()`,
  );
  await start();
}

/** A process of its own: nothing in memory, all in the database. */
async function start(inner: PaymentEngine = rig.engine): Promise<void> {
  const { database } = rig.test;
  const { clock, ids } = rig;
  const log = makeLog({ level: 'silent' });
  const call = makeCaller({ allowedHosts: [], allowLoopback: true });
  billers = await openBillers({ database, clock, log, secrets, call });
  deps = { database, clock, ids, random: secureRandom, billers, engine: inner };
  engine = makeBillerEngine(deps);
  recovery = makeBillerRecovery({ ...deps, log, shards: [0] });
}

beforeAll(async () => {
  rig = await LaneRig.open();
  await openAccount(rig.test.database, suspenseAccount(0), rig.ids);
  biller = await BillerSimulator.open(SECRET);
});
afterAll(async () => {
  await biller.close();
  await rig.close();
});
beforeEach(async () => {
  biller.fault = undefined;
  biller.forget();
  await connect(10_000);
});

function bill(
  change: Partial<{ amount: string; dueDate: string; status: 'unpaid' | 'paid' | 'blocked' }> = {},
): string {
  const psid = newPsid('601', 0, secureRandom);
  biller.bills.set(psid, {
    consumerName: 'Ghulam Rasool',
    amount: AMOUNT.toString(),
    dueDate: '2026-12-31',
    status: 'unpaid',
    ...change,
  });
  return psid;
}

/** A new bill that was inquired about while the biller was well. */
async function seenBill(): Promise<string> {
  const psid = bill();
  await engine.inquire({ channel: 'onebill', participant: 'BOP', psid });
  return psid;
}

let keys = 0;
function payment(psid: string, change: Partial<PaymentRequest> = {}): PaymentRequest {
  keys += 1;
  return rig.payment(psid, `biller-${String(keys)}`, { amount: AMOUNT, ...change });
}
const pay = (request: PaymentRequest): Promise<PaymentAnswer> => engine.pay(request);
const reverse = (request: PaymentRequest, change: object = {}): Promise<ReversalAnswer> =>
  engine.reverse(
    rig.reversal(request.psid, request.requestKey, { amount: request.amount, ...change }),
  );

interface Standing {
  readonly state: string;
  readonly challan: string | undefined;
  readonly biller: string | undefined;
}
async function standing({ psid, requestKey }: PaymentRequest): Promise<Standing> {
  const [row] = await rig.test.database.query<{ state: string | null; challan: string | null }>(
    sql`select (select state from biller_payment where psid = ${psid} and request_key = ${requestKey}) as state,
          (select state from challan where psid = ${psid}) as challan`,
  );
  return {
    state: row?.state ?? 'none',
    challan: row?.challan ?? undefined,
    biller: biller.bills.get(psid)?.status,
  };
}

const SETTLED = { state: 'settled', challan: 'paid', biller: 'paid' };
const UNDONE = { state: 'cancelled', challan: 'payable', biller: 'unpaid' };

async function recover(ms: number): Promise<void> {
  rig.clock.advance(ms);
  await recovery.round();
}

describe('a bill of an external biller', () => {
  it('is shown as the biller tells it, and as it tells it anew', async () => {
    const psid = bill();
    const ask = (): ReturnType<PaymentEngine['inquire']> =>
      engine.inquire({ channel: 'onebill', participant: 'BOP', psid });
    expect(await ask()).toMatchObject({
      ok: true,
      bill: {
        consumerName: 'Ghulam Rasool',
        amount: AMOUNT,
        status: 'unpaid',
        dueDate: '2026-12-31',
      },
    });
    biller.bills.set(psid, {
      consumerName: 'Ghulam Rasool',
      amount: '200000',
      dueDate: '2027-01-15',
      status: 'unpaid',
    });
    expect(await ask()).toMatchObject({ bill: { amount: 200_000n, dueDate: '2027-01-15' } });
    biller.bills.get(psid)!.status = 'blocked';
    expect(await ask()).toMatchObject({ bill: { status: 'blocked' } });
    biller.bills.delete(psid);
    expect(await ask()).toEqual({ ok: false, result: 'unknown-consumer' });
  });

  it('is paid at the biller and in the books, to the biller’s account', async () => {
    const psid = bill();
    const request = payment(psid);
    expect(await pay(request)).toMatchObject({ result: 'approved', repeated: false });
    expect(await standing(request)).toEqual(SETTLED);
    expect((await rig.balance('biller:WASALHR:settlement')).balance).toBe(-186_900n);
    expect(await pay(request)).toMatchObject({ result: 'approved', repeated: true });
    expect(biller.asked.filter((each) => each === 'POST /payments')).toHaveLength(1);
    expect((await pay(payment(psid))).result).toBe('already-paid');
    expect((await pay({ ...request, amount: paisa(1n) })).result).toBe('key-reused');
  });

  it.each<[string, () => [string, Partial<PaymentRequest>], string]>([
    ['unknown', () => [newPsid('601', 0, secureRandom), {}], 'unknown-consumer'],
    ['paid elsewhere', () => [bill({ status: 'paid' }), {}], 'already-paid'],
    ['blocked', () => [bill({ status: 'blocked' }), {}], 'blocked'],
    ['expired', () => [bill({ dueDate: '2026-11-22' }), {}], 'expired'],
    ['of another amount', () => [bill(), { amount: paisa(5n) }], 'amount-mismatch'],
  ])('that is %s is refused, and nothing is left over', async (_name, make, result) => {
    const [psid, change] = make();
    const request = payment(psid, change);
    expect((await pay(request)).result).toBe(result);
    expect((await standing(request)).state).toBe('none');
    expect(biller.paymentsOf(psid)).toEqual([]);
  });

  it('that the biller refuses at the payment is refused, the same each time', async () => {
    const psid = bill();
    await engine.inquire({ channel: 'onebill', participant: 'BOP', psid });
    biller.bills.get(psid)!.status = 'paid';
    const request = payment(psid);
    expect(await pay(request)).toMatchObject({ result: 'already-paid', repeated: false });
    expect(await pay(request)).toMatchObject({ result: 'already-paid', repeated: true });
    expect((await standing(request)).state).toBe('refused');
  });

  it('that our own books refuse is undone at the biller', async () => {
    await rig.registerBank('SMALL', { perTransaction: 100n });
    const psid = bill();
    const request = payment(psid, { participant: 'SMALL' });
    expect((await pay(request)).result).toBe('limit-exceeded');
    await recover(1);
    expect(await standing(request)).toEqual(UNDONE);
    expect((await pay(payment(psid))).result).toBe('approved');
  });

  it('asked for by two banks at once is paid once', async () => {
    const psid = bill();
    const requests = Array.from({ length: 6 }, () => payment(psid));
    const same = payment(psid);
    const answers = await Promise.all([...requests, same, same].map(pay));
    expect(answers.filter((each) => each.result === 'approved' && !each.repeated)).toHaveLength(1);
    for (let round = 0; round < 3; round += 1) await recover(5 * MINUTE);
    expect(biller.bills.get(psid)!.status).toBe('paid');
    expect(biller.paymentsOf(psid).filter((each) => each === 'accepted')).toHaveLength(1);
  });
});

describe('a bill that changes while it is paid', () => {
  it('waits for the batch that judges it by its old amount', async () => {
    const psid = await seenBill();
    biller.bills.set(psid, { ...biller.bills.get(psid)!, amount: '200000' });
    let isDone = false;
    let asked: Promise<unknown> = Promise.resolve();
    await rig.test.database.transaction(async (tx) => {
      // What every batch holds until its commit.
      await tx.query(sql`select 1 from lane_lease where shard_id = 0 for no key update`);
      asked = engine.inquire({ channel: 'onebill', participant: 'BOP', psid }).finally(() => {
        isDone = true;
      });
      const waits = async (): Promise<boolean> => {
        const rows = await rig.test.database.query(
          sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'select 1 from lane_lease%'`,
        );
        return rows.length > 0;
      };
      while (!isDone && !(await waits())) await new Promise((go) => setTimeout(go, 5));
      expect(isDone).toBe(false);
    });
    expect(await asked).toMatchObject({ ok: true, bill: { amount: 200_000n } });
  });

  it('is paid at one amount or the other, never at both', async () => {
    const psids = await Promise.all(Array.from({ length: 20 }, seenBill));
    const answers = await Promise.all(
      psids.map(async (psid, at) => {
        biller.bills.set(psid, { ...biller.bills.get(psid)!, amount: '200000' });
        const [, answer] = await Promise.all([
          engine.inquire({ channel: 'onebill', participant: 'BOP', psid }),
          rig.engine.pay(rig.payment(psid, `changing-${String(at)}`, { amount: AMOUNT })),
        ]);
        return answer.result;
      }),
    );
    for (const answer of answers) expect(['approved', 'amount-mismatch']).toContain(answer);
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
  });
});

describe('an answer that is lost', () => {
  const LOST: [string, BillerFault, string][] = [
    ['whose answer never comes', 'deaf', 'system-malfunction'],
    ['that does nothing', 'hung', 'system-malfunction'],
    ['that fails', 'broken', 'system-malfunction'],
    ['that talks garbage', 'garbage', 'system-malfunction'],
  ];

  it.each(LOST)('by a biller %s: a repeat goes on where it stood', async (_name, kind, result) => {
    const request = payment(await seenBill());
    await connect(150);
    biller.fault = { kind, when: /POST .*payments$/ };
    expect((await pay(request)).result).toBe(result);
    expect((await standing(request)).challan).toBe('payable');
    biller.fault = undefined;
    await connect(10_000);
    expect((await pay(request)).result).toBe('approved');
    expect(await standing(request)).toEqual(SETTLED);
    expect(biller.paymentsOf(request.psid)).toEqual(['accepted']);
  });

  it.each(LOST)('by a biller %s: nobody comes back, and it is undone', async (_name, kind) => {
    const request = payment(await seenBill());
    await connect(150);
    biller.fault = { kind, when: /POST .*payments$/ };
    await pay(request);
    biller.fault = undefined;
    await connect(10_000);
    await recover(MINUTE + 1);
    expect(await standing(request)).toEqual(UNDONE);
    // The bank's request that comes now is too late, and says so for good.
    expect((await pay(request)).result).toBe('reversed-before');
    expect((await rig.engine.pay(request)).result).toBe('reversed-before');
    expect((await pay(payment(request.psid))).result).toBe('approved');
  });

  it('is undone however often the biller does not hear that either', async () => {
    const request = payment(await seenBill());
    await connect(150);
    biller.fault = { kind: 'deaf', when: /POST/ };
    await pay(request);
    for (let round = 0; round < 3; round += 1) await recover(20 * MINUTE);
    expect((await standing(request)).state).toBe('cancelling');
    biller.fault = undefined;
    await connect(10_000);
    await recover(20 * MINUTE);
    expect(await standing(request)).toEqual(UNDONE);
  });

  it('and the bank reverses: its reversal holds, and the biller follows', async () => {
    const request = payment(await seenBill());
    await connect(150);
    biller.fault = { kind: 'deaf', when: /POST .*payments$/ };
    await pay(request);
    biller.fault = undefined;
    await connect(10_000);
    expect((await reverse(request)).result).toBe('original-not-found');
    expect((await pay(request)).result).toBe('reversed-before');
    await recover(1);
    expect(await standing(request)).toEqual(UNDONE);
  });
});

describe('a crash', () => {
  const killed = new Error('killed');
  const dead: PaymentEngine = {
    inquire: (inquiry) => rig.engine.inquire(inquiry),
    pay: () => Promise.reject(killed),
    reverse: () => Promise.reject(killed),
  };

  it('before the posting: the biller has it, our books never get it', async () => {
    await start(dead);
    const request = payment(bill());
    await expect(pay(request)).rejects.toBe(killed);
    expect(await standing(request)).toEqual({
      state: 'posting',
      challan: 'payable',
      biller: 'paid',
    });
    await start();
    await recover(2 * MINUTE + 1);
    expect(await standing(request)).toEqual(UNDONE);
  });

  it('after the posting: both have it', async () => {
    await start({
      ...dead,
      async pay(request) {
        await rig.engine.pay(request);
        throw killed;
      },
    });
    const request = payment(bill());
    await expect(pay(request)).rejects.toBe(killed);
    expect((await standing(request)).state).toBe('posting');
    await start();
    await recover(2 * MINUTE + 1);
    expect(await standing(request)).toEqual(SETTLED);
  });

  it('before the posting, and the bank repeats: it goes on', async () => {
    await start(dead);
    const request = payment(bill());
    await expect(pay(request)).rejects.toBe(killed);
    await start();
    expect((await pay(request)).result).toBe('approved');
    expect(await standing(request)).toEqual(SETTLED);
  });

  it('within the undoing: it is undone by the next process', async () => {
    const request = payment(bill());
    await pay(request);
    await start(dead);
    await expect(reverse(request)).rejects.toBe(killed);
    expect((await standing(request)).state).toBe('cancelling');
    await start();
    await recover(MINUTE);
    expect(await standing(request)).toEqual(UNDONE);
    // The bank repeats its reversal and gets the answer to it.
    expect((await reverse(request)).result).toBe('approved');
  });
});

describe('a reversal', () => {
  it('undoes the payment at the biller first, then in the books', async () => {
    const request = payment(bill());
    await pay(request);
    expect((await reverse(request)).result).toBe('approved');
    expect(await standing(request)).toEqual(UNDONE);
    expect((await reverse(request)).result).toBe('approved');
  });

  it('is refused when the biller has done its part, the same each time', async () => {
    const request = payment(bill());
    await pay(request);
    for (const each of biller.payments.values())
      if (each.psid === request.psid) each.status = 'fulfilled';
    expect((await reverse(request)).result).toBe('stamp-used');
    expect((await reverse(request)).result).toBe('stamp-used');
    expect(await standing(request)).toEqual(SETTLED);
  });

  it('waits for the biller, and is answered in the end', async () => {
    const request = payment(bill());
    await pay(request);
    await connect(150);
    biller.fault = { kind: 'hung', when: /cancellation/ };
    expect((await reverse(request)).result).toBe('system-malfunction');
    expect((await standing(request)).challan).toBe('paid');
    biller.fault = undefined;
    await connect(10_000);
    await recover(2 * MINUTE);
    expect(await standing(request)).toEqual(UNDONE);
    expect((await reverse(request)).result).toBe('approved');
  });

  it('before its payment keeps the payment from ever being made', async () => {
    const request = payment(bill());
    expect((await reverse(request)).result).toBe('original-not-found');
    expect((await pay(request)).result).toBe('reversed-before');
    await recover(1);
    expect(await standing(request)).toEqual(UNDONE);
  });
});

describe('an advice', () => {
  it('is posted at once, and the biller is told until it has understood', async () => {
    const request = payment(bill(), { advice: true });
    biller.fault = { kind: 'broken', when: /POST/ };
    expect((await pay(request)).result).toBe('approved');
    await recover(1);
    expect((await standing(request)).state).toBe('advising');
    biller.fault = undefined;
    await recover(20 * MINUTE);
    expect(await standing(request)).toEqual(SETTLED);
  });

  it('that the biller refuses becomes a case for people', async () => {
    const psid = bill();
    await engine.inquire({ channel: 'iso8583', participant: 'BOP', psid });
    biller.bills.get(psid)!.status = 'paid';
    const request = payment(psid, { advice: true });
    expect((await pay(request)).result).toBe('approved');
    await recover(1);
    expect((await standing(request)).state).toBe('stuck');
    const cases = await rig.test.database.query(
      sql`select reason, amount_paisa from exception_case where psid = ${psid}`,
    );
    expect(cases).toEqual([{ reason: 'biller-refuses-advice', amount_paisa: AMOUNT }]);
  });

  it('for a bill that nobody knows is kept in suspense', async () => {
    const request = payment(newPsid('601', 0, secureRandom), { advice: true });
    expect((await pay(request)).result).toBe('in-suspense');
    expect((await pay(request)).result).toBe('in-suspense');
  });

  it('whose posting was cut off is told on once the books have it', async () => {
    const request = payment(bill(), { advice: true });
    const killed = new Error('killed');
    await start({
      inquire: (inquiry) => rig.engine.inquire(inquiry),
      reverse: (reversal) => rig.engine.reverse(reversal),
      async pay(each) {
        await rig.engine.pay(each);
        throw killed;
      },
    });
    await expect(pay(request)).rejects.toBe(killed);
    await start();
    await recover(2 * MINUTE + 1);
    await recover(1);
    expect(await standing(request)).toEqual(SETTLED);
  });
});

describe('a biller that hangs', () => {
  it('holds up nobody else, and is not asked for ever', async () => {
    await connect(60_000, 3);
    biller.fault = { kind: 'hung', when: /bills/ };
    const hung = Array.from({ length: 3 }, () =>
      engine.inquire({ channel: 'onebill', participant: 'BOP', psid: bill() }),
    );
    while (biller.asked.length < 3) await new Promise((go) => setTimeout(go, 5));
    // A fourth is answered at once, and a PSID of ours is paid as ever.
    expect(await engine.inquire({ channel: 'onebill', participant: 'BOP', psid: bill() })).toEqual({
      ok: false,
      result: 'busy',
    });
    const own = await rig.challan();
    expect((await engine.pay(rig.payment(own, 'beside-the-hung'))).result).toBe('approved');
    expect(biller.asked).toHaveLength(3);
    await biller.close();
    expect(await Promise.all(hung)).toEqual(
      Array.from({ length: 3 }, () => ({ ok: false, result: 'system-malfunction' })),
    );
    // It is gone now: after some failures it is not even tried.
    for (let attempt = 0; attempt < 5; attempt += 1)
      await engine.inquire({ channel: 'onebill', participant: 'BOP', psid: bill() });
    expect((await billers.find(bill()))!.circuit.isOpen).toBe(true);
    expect((await pay(payment(bill()))).result).toBe('busy');
    biller = await BillerSimulator.open(SECRET);
  });
});

describe('the books', () => {
  it('are whole after all this', async () => {
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
  });
});
