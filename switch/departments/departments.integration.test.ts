/** A department's day over real HTTP, real Postgres and the real lane: demand, payment, receipt, webhook. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { sql } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { paisa } from '../../kernel/money.ts';
import { checkInvariants } from '../../ledger/index.ts';
import { Receiver } from '../../tests/support/http-receiver.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { makeSecretBox } from '../channels/iso8583/index.ts';
import { departmentApi, listen, makeHttpServer, type ApiServices } from '../http/index.ts';
import { makeCaller } from '../outbound/index.ts';
import { makeDeliveryWorker } from '../webhooks/delivery.ts';
import { makeWebhookServices } from '../webhooks/index.ts';
import { fillWebhookOutbox } from '../webhooks/outbox.ts';
import { makeDepartmentDesk, makeDepartmentKeys, type DepartmentKeys } from './index.ts';

const policy = { allowedHosts: [], allowLoopback: true };
const secrets = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], secureRandom);

let rig: LaneRig;
let app: FastifyInstance;
let address: string;
let keys: DepartmentKeys;
const tokens = new Map<string, string>();

beforeAll(async () => {
  rig = await LaneRig.open();
  const { ids, clock } = rig;
  const { database } = rig.test;
  keys = makeDepartmentKeys(database, clock, secureRandom);
  for (const department of ['EXCISE', 'PLRA', 'COURTS'])
    tokens.set(department, (await keys.issue(department, ['127.0.0.1'])).token);
  const challans = { database, clock, random: secureRandom, ids, shard: 0, challanDays: 15 };
  const endpointDeps = { database, clock, random: secureRandom, ids, secrets, policy };
  app = await makeHttpServer({
    // The departments' routes ask nothing of it.
    services: {} as ApiServices,
    log: makeLog({ level: 'silent' }),
    metrics: makeMetrics(false),
    clock,
    channels: [
      departmentApi({
        keys,
        desk: makeDepartmentDesk({ clock, challans }),
        webhooks: makeWebhookServices(endpointDeps, 0),
        clock,
        lookupsPerMinute: 20,
      }),
    ],
  });
  address = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await rig.close();
});

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

let requests = 0;
async function ask(
  method: 'GET' | 'POST',
  path: string,
  options: { token?: string | undefined; body?: unknown; key?: string } = {},
): Promise<Answered> {
  requests += 1;
  const response = await fetch(`${address}${path}`, {
    method,
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      'idempotency-key': options.key ?? `request-${String(requests)}`,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const demandOf = (change: object = {}): object => ({
  service: 'token-tax',
  reference: 'LEA-20-123',
  amount: '150000',
  district: 'LHR',
  payer: { name: 'Bilal Ahmed', contact: '03001234567' },
  ...change,
});

async function demand(department: string, change: object = {}): Promise<Answered['body']> {
  const { status, body } = await ask('POST', '/v1/department/challans', {
    token: tokens.get(department),
    body: demandOf(change),
  });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
}

async function pay(psid: string, amount: string, key = `pay-${psid}`): Promise<string> {
  const request = rig.payment(psid, key, { amount: paisa(BigInt(amount)) });
  return (await rig.engine.pay(request)).result;
}

describe('a department', () => {
  it('makes a challan that any channel can pay, to the right head of account', async () => {
    const challan = await demand('EXCISE');
    expect(challan).toMatchObject({
      psid: expect.stringMatching(/^201\d{14}$/),
      state: 'payable',
      amount: '150000',
      payableUntil: '2026-12-23',
      fulfilment: 'webhook',
    });
    const psid = String(challan['psid']);
    const bill = await rig.engine.inquire({ channel: 'iso8583', participant: 'BOP', psid });
    expect(bill).toMatchObject({
      ok: true,
      bill: { consumerName: 'Bilal Ahmed', amount: 150_000n },
    });
    expect(await pay(psid, '150001', 'wrong')).toBe('amount-mismatch');
    expect(await pay(psid, '150000')).toBe('approved');
    expect((await rig.balance('treasury:B02801')).balance).toBe(-150_000n);
    const { body } = await ask('GET', `/v1/department/challans/${psid}`, {
      token: tokens.get('EXCISE'),
    });
    expect(body).toMatchObject({ state: 'paid', payment: { bankReference: 'RRN000000001' } });
  });

  it('gets the same challan for the same key, and no other for other content', async () => {
    const token = tokens.get('EXCISE');
    const first = await ask('POST', '/v1/department/challans', {
      token,
      body: demandOf(),
      key: 'same-key-1',
    });
    const again = await ask('POST', '/v1/department/challans', {
      token,
      body: demandOf(),
      key: 'same-key-1',
    });
    expect(again).toEqual(first);
    const other = await ask('POST', '/v1/department/challans', {
      token,
      body: demandOf({ reference: 'LEA-20-124' }),
      key: 'same-key-1',
    });
    expect(other).toMatchObject({ status: 409, body: { code: 'key-reused' } });
    // Another department's key of the same text is another key.
    const theirs = await ask('POST', '/v1/department/challans', {
      token: tokens.get('PLRA'),
      body: demandOf({ service: 'fard', amount: undefined }),
      key: 'same-key-1',
    });
    expect(theirs).toMatchObject({ status: 201, body: { amount: '80000' } });
  });

  it.each<[string, object, number, string, string | undefined]>([
    [
      'a service of another department',
      { service: 'fard' },
      422,
      'service-refused',
      'unknown-service',
    ],
    ['no service at all', { service: 'nothing' }, 422, 'service-refused', 'unknown-service'],
    [
      'no amount where one is needed',
      { amount: undefined },
      422,
      'service-refused',
      'amount-required',
    ],
    ['too little', { amount: '9999' }, 422, 'service-refused', 'amount-out-of-bounds'],
    ['too much', { amount: '100000001' }, 422, 'service-refused', 'amount-out-of-bounds'],
    ['an unknown district', { district: 'XXX' }, 400, 'bad-input', undefined],
    ['an amount with decimals', { amount: '1500.00' }, 400, 'validation-failed', undefined],
    ['an unknown member', { amonut: '1' }, 400, 'validation-failed', undefined],
    [
      'a name that hides characters',
      { payer: { name: 'Bi\u202elal' } },
      400,
      'validation-failed',
      undefined,
    ],
  ])('is refused %s', async (_name, change, status, code, reason) => {
    const refused = await ask('POST', '/v1/department/challans', {
      token: tokens.get('EXCISE'),
      body: demandOf(change),
    });
    expect(refused).toMatchObject({ status, body: { code } });
    if (reason !== undefined) expect(refused.body['errors']).toMatchObject([{ code: reason }]);
  });

  it('gets the same answer for the same key, whatever the catalogue says by then', async () => {
    const token = tokens.get('PLRA');
    const body = demandOf({ service: 'fard-express', amount: undefined });
    const first = await ask('POST', '/v1/department/challans', {
      token,
      body,
      key: 'before-change',
    });
    expect(first.status).toBe(201);
    await rig.test.database.query(
      sql`update service_row set active = false where service_code = 'fard-express'`,
    );
    const again = await ask('POST', '/v1/department/challans', {
      token,
      body,
      key: 'before-change',
    });
    expect(again).toEqual(first);
    const fresh = await ask('POST', '/v1/department/challans', {
      token,
      body,
      key: 'after-change',
    });
    expect(fresh).toMatchObject({ status: 422, body: { errors: [{ code: 'unknown-service' }] } });
  });

  it('is refused another amount than a fixed fee', async () => {
    const refused = await ask('POST', '/v1/department/challans', {
      token: tokens.get('PLRA'),
      body: demandOf({ service: 'fard', amount: '80001' }),
    });
    expect(refused.body['errors']).toMatchObject([{ code: 'amount-not-wanted' }]);
  });

  it('takes an unpaid challan back, and no paid one', async () => {
    const token = tokens.get('EXCISE');
    const open = String((await demand('EXCISE'))['psid']);
    const taken = await ask('POST', `/v1/department/challans/${open}/cancellation`, { token });
    expect(taken).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await pay(open, '150000')).toBe('blocked');
    const paid = String((await demand('EXCISE'))['psid']);
    expect(await pay(paid, '150000')).toBe('approved');
    const refused = await ask('POST', `/v1/department/challans/${paid}/cancellation`, { token });
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it('finds its challans by its own reference', async () => {
    const psid = String((await demand('EXCISE', { reference: 'MNA-7' }))['psid']);
    const query = '/v1/department/challans?reference=MNA-7';
    const mine = await ask('GET', query, { token: tokens.get('EXCISE') });
    expect(mine.body['challans']).toMatchObject([{ psid }]);
    expect((await ask('GET', query, { token: tokens.get('PLRA') })).body['challans']).toEqual([]);
  });

  it('sees nothing of another department', async () => {
    const { psid } = await demand('EXCISE');
    const token = tokens.get('PLRA');
    for (const [method, path] of [
      ['GET', `/v1/department/challans/${String(psid)}`],
      ['POST', `/v1/department/challans/${String(psid)}/cancellation`],
    ] as const)
      expect((await ask(method, path, { token })).status).toBe(404);
  });

  it('lists its services for everybody', async () => {
    const { body } = await ask('GET', '/v1/services');
    expect(body['services']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          code: 'domicile',
          amount: '55000',
          department: 'HOME',
          assumed: false,
        }),
        expect.objectContaining({ code: 'e-challan', minimum: '20000', maximum: '1500000' }),
      ]),
    );
    expect(Object.keys((body['services'] as object[])[0]!)).not.toContain('headCode');
  });
});

describe('a key', () => {
  it('is refused when it is missing, wrong, ended or used from elsewhere', async () => {
    const path = '/v1/department/webhooks';
    const statusOf = async (token?: string): Promise<number> =>
      (await ask('GET', path, { token })).status;
    const { keyId, token } = await keys.issue('EXCISE', ['127.0.0.1']);
    const elsewhere = await keys.issue('EXCISE', ['10.0.0.0/8']);
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf()).toBe(401);
    expect(await statusOf(`${keyId}_${'A'.repeat(43)}`)).toBe(401);
    expect(await statusOf(elsewhere.token)).toBe(401);
    expect(await keys.end(keyId)).toBe(true);
    expect(await keys.end(keyId)).toBe(false);
    expect(await statusOf(token)).toBe(401);
    await expect(keys.issue('NOBODY', ['127.0.0.1'])).rejects.toMatchObject({ code: 'not-found' });
    await expect(keys.issue('EXCISE', [])).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('cannot be guessed for ever', async () => {
    rig.clock.advance(60_000);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 25; attempt += 1)
      statuses.push(
        (await ask('GET', '/v1/department/webhooks', { token: 'x'.repeat(60) })).status,
      );
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect(statuses.slice(20)).toEqual(Array.from({ length: 5 }, () => 429));
    // Who has a key is not hindered by those who guess.
    expect(
      (await ask('GET', '/v1/department/webhooks', { token: tokens.get('PLRA') })).status,
    ).toBe(200);
    rig.clock.advance(60_000);
  });
});

describe('a payer', () => {
  it('gets a receipt with his token, until the payment is reversed', async () => {
    const challan = await demand('PLRA', { service: 'fard', amount: undefined });
    const psid = String(challan['psid']);
    const path = `/v1/challans/${psid}/receipt`;
    const token = String(challan['accessToken']);
    expect((await ask('GET', path, { token })).status).toBe(404);
    expect(await pay(psid, '80000', 'fard-1')).toBe('approved');
    const receipt = await ask('GET', path, { token });
    expect(receipt).toMatchObject({
      status: 200,
      body: {
        number: expect.stringMatching(/^R-\d{18}$/),
        service: 'fard',
        department: 'PLRA',
        amount: '80000',
        paidOn: '2026-11-23',
        paidThrough: 'BOP',
        lines: [{ headCode: 'C03880', amount: '80000' }],
      },
    });
    expect((await ask('GET', path, { token: 'A'.repeat(22) })).status).toBe(404);
    expect((await ask('GET', path)).status).toBe(401);
    const reversal = rig.reversal(psid, 'fard-1', { amount: paisa(80_000n) });
    expect((await rig.engine.reverse(reversal)).result).toBe('approved');
    expect((await ask('GET', path, { token })).status).toBe(404);
  });

  it('gets an e-stamp where the service is fulfilled by one', async () => {
    const { psid } = await demand('COURTS', { service: 'court-fee', amount: '50000' });
    const answer = await rig.engine.pay(
      rig.payment(String(psid), 'court', { amount: paisa(50_000n) }),
    );
    expect(answer).toMatchObject({
      result: 'approved',
      stampIds: [expect.stringMatching(/^\d{16}$/)],
    });
  });
});

describe('a department’s webhooks over HTTP', () => {
  it('are added, listed, sent, sent again, switched and given a new secret', async () => {
    const token = tokens.get('EXCISE');
    const receiver = await Receiver.open(
      (_request, response) => void response.writeHead(500).end(),
    );
    const added = await ask('POST', '/v1/department/webhooks', {
      token,
      body: { url: receiver.url() },
    });
    expect(added).toMatchObject({
      status: 201,
      body: { secret: expect.stringMatching(/^whsec_/) },
    });
    const id = String(added.body['id']);
    const refused = await ask('POST', '/v1/department/webhooks', {
      token,
      body: { url: 'http://10.0.0.1/' },
    });
    expect(refused).toMatchObject({ status: 400, body: { code: 'bad-input' } });
    const { psid } = await demand('EXCISE', { reference: 'LEB-9' });
    rig.clock.advance(1_000);
    expect(await pay(String(psid), '150000')).toBe('approved');
    const { database } = rig.test;
    await fillWebhookOutbox({ database, clock: rig.clock, ids: rig.ids }, 0);
    const worker = makeDeliveryWorker({
      database,
      clock: rig.clock,
      random: secureRandom,
      secrets,
      call: makeCaller(policy),
      log: makeLog({ level: 'silent' }),
      shards: [0],
      settings: { attemptsMax: 1, endpointPause: { firstMs: 1, longestMs: 1 } },
    });
    await worker.round();
    rig.clock.advance(10);
    const dead = await ask('GET', `/v1/department/deliveries?state=dead&psid=${String(psid)}`, {
      token,
    });
    expect(dead.body['deliveries']).toMatchObject([
      { type: 'payment.posted', webhook: id, version: 1, attempts: 1, lastStatus: 500 },
    ]);
    const event = String((dead.body['deliveries'] as { event: string }[])[0]?.event);
    receiver.answer = (_request, response) => void response.end();
    const others = await ask('POST', `/v1/department/events/${event}/resend`, {
      token: tokens.get('PLRA'),
    });
    expect(others.status).toBe(404);
    const resent = await ask('POST', `/v1/department/events/${event}/resend`, { token });
    expect(resent.body).toEqual({ resent: 1 });
    await worker.round();
    expect(receiver.received).toHaveLength(2);
    expect(JSON.parse(receiver.received[1]!.body)).toMatchObject({
      data: { psid, service: 'token-tax', reference: 'LEB-9' },
    });
    const none = await ask('POST', `/v1/department/webhooks/${id}/resend-dead`, { token });
    expect(none.body).toEqual({ resent: 0 });
    const secret = await ask('POST', `/v1/department/webhooks/${id}/secret`, { token });
    expect(secret.body['secret']).not.toBe(added.body['secret']);
    const off = await ask('POST', `/v1/department/webhooks/${id}/state`, {
      token,
      body: { active: false },
    });
    expect(off.body).toEqual({ active: false });
    expect((await ask('GET', '/v1/department/webhooks', { token })).body['webhooks']).toMatchObject(
      [{ id, active: false }],
    );
    for (const path of [`webhooks/${id}/secret`, `webhooks/${id}/resend-dead`])
      expect(
        (await ask('POST', `/v1/department/${path}`, { token: tokens.get('PLRA') })).status,
      ).toBe(404);
    await receiver.close();
  });
});

describe('the books', () => {
  it('are whole after all this', async () => {
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
    const [kinds] = await rig.test.database.query<{ services: bigint; challans: bigint }>(
      sql`select (select count(*) from service_challan) as services, (select count(*) from challan where kind = 'service') as challans`,
    );
    expect(kinds!.services).toBe(kinds!.challans);
  });
});
