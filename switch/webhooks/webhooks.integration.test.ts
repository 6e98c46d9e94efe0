/** Webhooks from real payments over the journal to real HTTP servers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { checkInvariants } from '../../ledger/index.ts';
import { Receiver } from '../../tests/support/http-receiver.ts';
import { CHALLAN_AMOUNT, LaneRig } from '../../tests/support/lane-rig.ts';
import { makeSecretBox } from '../channels/iso8583/index.ts';
import { makeCaller } from '../outbound/index.ts';
import { makeDeliveryWorker, type DeliverySettings, type DeliveryWorker } from './delivery.ts';
import { makeEndpointDesk, type EndpointDesk } from './endpoints.ts';
import { parseEventId } from './event.ts';
import { listDeliveries, resendDead, resendEvent } from './delivery-store.ts';
import { fillWebhookOutbox } from './outbox.ts';
import { isSigned } from './signature.ts';

const MINUTE = 60_000;
const policy = { allowedHosts: [], allowLoopback: true };
const secrets = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], secureRandom);

let rig: LaneRig;
let desk: EndpointDesk;
let receiver: Receiver;

beforeAll(async () => {
  rig = await LaneRig.open();
  const { ids, clock } = rig;
  desk = makeEndpointDesk({
    database: rig.test.database,
    clock,
    random: secureRandom,
    ids,
    secrets,
    policy,
  });
});
afterAll(() => rig.close());
beforeEach(async () => {
  receiver = await Receiver.open();
});
afterEach(async () => {
  await receiver.close();
  // Each test has its own endpoints; those of the last one are off and its events stay.
  await rig.test.database.query(sql`update webhook_endpoint set active = false`);
  rig.clock.advance(MINUTE);
});

function worker(settings: Partial<DeliverySettings> = {}): DeliveryWorker {
  return makeDeliveryWorker({
    database: rig.test.database,
    clock: rig.clock,
    random: secureRandom,
    secrets,
    call: makeCaller(policy),
    log: makeLog({ level: 'silent' }),
    shards: [0],
    settings: { timeoutMs: 2_000, ...settings },
  });
}

async function fill(): Promise<void> {
  await fillWebhookOutbox({ database: rig.test.database, clock: rig.clock, ids: rig.ids }, 0);
}

async function pay(key: string): Promise<string> {
  const psid = await rig.challan();
  const answer = await rig.engine.pay(rig.payment(psid, key));
  expect(answer.result).toBe('approved');
  return psid;
}

const bodyOf = (at: number): { data: Record<string, unknown>; type: string; id: string } =>
  JSON.parse(receiver.received[at]!.body) as never;

describe('a webhook', () => {
  it('tells a department of a payment, signed so that only the secret’s holder could have', async () => {
    const { secret } = await desk.add('BOR', receiver.url());
    const psid = await pay('signed');
    await fill();
    expect(await worker().round()).toBe(1);
    const [request] = receiver.received;
    expect(bodyOf(0)).toMatchObject({
      type: 'payment.posted',
      data: {
        psid,
        version: 1,
        state: 'paid',
        department: 'BOR',
        amount: CHALLAN_AMOUNT.toString(),
        payment: { participant: 'BOP', bankReference: 'RRN000000001', state: 'posted' },
      },
    });
    expect(request!.headers['webhook-id']).toBe(bodyOf(0).id);
    expect(isSigned(request!.headers, request!.body, secret, rig.clock.now())).toBe(true);
    expect(isSigned(request!.headers, `${request!.body} `, secret, rig.clock.now())).toBe(false);
    expect(request!.body).not.toMatch(/Ayesha|35202|03001234567/);
  });

  it('counts the versions of a PSID through reversal and a second payment', async () => {
    await desk.add('BOR', receiver.url());
    const psid = await pay('versions');
    expect((await rig.engine.reverse(rig.reversal(psid, 'versions'))).result).toBe('approved');
    expect((await rig.engine.pay(rig.payment(psid, 'versions-2'))).result).toBe('approved');
    await fill();
    await worker({ atOnce: 1 }).round();
    expect(
      receiver.received.map((_each, at) => [bodyOf(at).type, bodyOf(at).data['version']]),
    ).toEqual([
      ['payment.posted', 1],
      ['payment.reversed', 2],
      ['payment.posted', 3],
    ]);
  });

  it('is written once, however often the journal is read', async () => {
    await desk.add('BOR', receiver.url());
    const psid = await pay('once');
    await Promise.all([fill(), fill()]);
    await fill();
    rig.clock.advance(11 * MINUTE);
    await fill();
    await worker().round();
    expect(receiver.received.filter((_each, at) => bodyOf(at).data['psid'] === psid)).toHaveLength(
      1,
    );
  });

  it('is found by the second look when its entry was passed over by the first', async () => {
    await desk.add('BOR', receiver.url());
    const psid = await pay('late');
    // As if the entry had committed behind the cursor.
    await rig.test.database.query(
      sql`update feed_cursor set journal_id = (select max(journal_id) from journal_entry), business_date = '2026-11-23' where follower = 'webhooks'`,
    );
    await fill();
    await worker().round();
    expect(receiver.received).toHaveLength(0);
    rig.clock.advance(11 * MINUTE);
    await fill();
    await worker().round();
    expect(receiver.received).toHaveLength(1);
    expect(bodyOf(0).data['psid']).toBe(psid);
  });

  it('tells an endpoint nothing of what was paid before it was there', async () => {
    await pay('before');
    rig.clock.advance(1);
    await desk.add('BOR', receiver.url());
    await fill();
    expect(await worker().round()).toBe(0);
  });

  it('is tried again with growing pauses, then dead, and sent again by hand', async () => {
    await desk.add('BOR', receiver.url());
    receiver.answer = (_request, response) => void response.writeHead(500).end();
    await pay('dead');
    await fill();
    const sender = worker({
      attemptsMax: 3,
      backOff: { firstMs: 10_000, longestMs: MINUTE },
      endpointPause: { firstMs: 1, longestMs: 1 },
    });
    expect(await sender.round()).toBe(1);
    expect(await sender.round()).toBe(0);
    rig.clock.advance(10_000);
    expect(await sender.round()).toBe(1);
    rig.clock.advance(10_000 - 1);
    expect(await sender.round()).toBe(0);
    rig.clock.advance(10_001);
    expect(await sender.round()).toBe(1);
    rig.clock.advance(60 * MINUTE);
    expect(await sender.round()).toBe(0);
    const [dead] = await listDeliveries(rig.test.database, {
      shard: 0,
      department: 'BOR',
      state: 'dead',
      limit: 1,
    });
    expect(dead).toMatchObject({ state: 'dead', attempts: 3, lastStatus: 500 });

    receiver.answer = (_request, response) => void response.end();
    const key = parseEventId(bodyOf(0).id)!;
    expect(
      await resendEvent(rig.test.database, { ...key, department: 'PLRA' }, rig.clock.now()),
    ).toBe(0);
    expect(
      await resendEvent(rig.test.database, { ...key, department: 'BOR' }, rig.clock.now()),
    ).toBe(1);
    await sender.round();
    const bytes = receiver.received.map((each) => each.body);
    expect(bytes).toHaveLength(4);
    expect(new Set(bytes).size).toBe(1);
    const [sent] = await listDeliveries(rig.test.database, {
      shard: 0,
      department: 'BOR',
      limit: 1,
    });
    expect(sent).toMatchObject({ state: 'delivered', resends: 1, attempts: 1 });
  });

  it('sends a whole endpoint’s dead letters again', async () => {
    const { id } = await desk.add('BOR', receiver.url());
    receiver.answer = (_request, response) => void response.writeHead(503).end();
    for (const key of ['l1', 'l2', 'l3']) await pay(key);
    await fill();
    await worker({ attemptsMax: 1 }).round();
    receiver.answer = (_request, response) => void response.end();
    const put = await resendDead(
      rig.test.database,
      { shard: 0, endpointId: id, limit: 100 },
      rig.clock.now(),
    );
    expect(put).toBe(3);
    expect(await worker().round()).toBe(3);
  });

  it('is sent again by the next process when the first was killed after sending', async () => {
    await desk.add('BOR', receiver.url());
    await pay('killed');
    await fill();
    const killed = new Error('killed');
    const dying = makeDeliveryWorker({
      database: rig.test.database,
      clock: rig.clock,
      random: secureRandom,
      secrets,
      call: async (call) => {
        await makeCaller(policy)(call);
        throw killed;
      },
      log: makeLog({ level: 'silent' }),
      shards: [0],
      settings: { timeoutMs: 2_000 },
    });
    await expect(dying.round()).rejects.toBe(killed);
    expect(await worker().round()).toBe(0);
    rig.clock.advance(6_001);
    expect(await worker().round()).toBe(1);
    expect(bodyOf(1).id).toBe(bodyOf(0).id);
  });

  it('to an endpoint that hangs delays no other endpoint', async () => {
    const other = await Receiver.open();
    await desk.add('BOR', receiver.url());
    await desk.add('BOR', other.url());
    const held: (() => void)[] = [];
    receiver.answer = (_request, response) => void held.push(() => response.end());
    for (const key of ['h1', 'h2', 'h3', 'h4', 'h5', 'h6']) await pay(key);
    await fill();
    const sender = worker({ timeoutMs: 30_000 });
    const first = sender.round();
    while (other.received.length < 6 || held.length < 4)
      await new Promise((go) => setTimeout(go, 5));
    expect(receiver.received).toHaveLength(4);
    receiver.answer = (_request, response) => void response.end();
    for (const let_go of held) let_go();
    expect(await first).toBe(12);
    await other.close();
  });

  it('follows no redirect', async () => {
    await desk.add('BOR', receiver.url());
    const inside = await Receiver.open();
    receiver.answer = (_request, response) =>
      void response.writeHead(302, { location: inside.url('/admin') }).end();
    await pay('redirect');
    await fill();
    await worker({ attemptsMax: 1 }).round();
    expect(inside.received).toHaveLength(0);
    const [dead] = await listDeliveries(rig.test.database, {
      shard: 0,
      department: 'BOR',
      limit: 1,
    });
    expect(dead).toMatchObject({ state: 'dead', lastError: 'redirects are not followed' });
    await inside.close();
  });

  it('to an endpoint that is gone switches it off', async () => {
    const { id } = await desk.add('BOR', receiver.url());
    receiver.answer = (_request, response) => void response.writeHead(410).end();
    await pay('gone');
    await fill();
    await worker().round();
    expect((await desk.list('BOR')).find((each) => each.id === id)?.active).toBe(false);
  });

  it('is signed by both secrets while a secret is changed, then by the new one alone', async () => {
    const { id, secret } = await desk.add('BOR', receiver.url());
    const changed = await desk.changeSecret('BOR', id);
    await pay('rotation-1');
    await fill();
    await worker().round();
    const isBy = (at: number, by: string): boolean =>
      isSigned(receiver.received[at]!.headers, receiver.received[at]!.body, by, rig.clock.now());
    expect([isBy(0, secret), isBy(0, changed!.secret)]).toEqual([true, true]);
    rig.clock.set(changed!.previousUntil);
    await pay('rotation-2');
    await fill();
    await worker().round();
    expect([isBy(1, secret), isBy(1, changed!.secret)]).toEqual([false, true]);
  });

  it('is no business of another department', async () => {
    const { id } = await desk.add('BOR', receiver.url());
    expect(await desk.changeSecret('PLRA', id)).toBeUndefined();
    expect(await desk.switch('PLRA', id, false)).toBe(false);
    await desk.add('PLRA', receiver.url('/plra'));
    await pay('other');
    await fill();
    await worker().round();
    expect(receiver.received.map((each) => each.path)).toEqual(['/hook']);
  });

  it('leaves the books whole', async () => {
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
  });
});
