/** Disputes over real HTTP on real books: opened, judged, looked at again, handed over, decided. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { secureRandom, shardOfPsid } from '../../../kernel/ids.ts';
import { makeLog } from '../../../kernel/log.ts';
import { makeMetrics } from '../../../kernel/metrics.ts';
import { paisa } from '../../../kernel/money.ts';
import {
  checkInvariants,
  moveStamps,
  openAccount,
  settlementAccount,
  stampsOfChallan,
  suspenseAccount,
} from '../../../ledger/index.ts';
import { decideCase, listOpenCases } from '../../../reconciliation/exceptions/case-store.ts';
import {
  makeDisputeDesk,
  startDisputeReview,
  type DisputeDesk,
} from '../../../reconciliation/index.ts';
import { handTimers } from '../../../tests/support/hand-timers.ts';
import { LaneRig } from '../../../tests/support/lane-rig.ts';
import { useStamps } from '../../channels/books-harness.ts';
import { makeParticipantDirectory, registerParticipant } from '../../participants/index.ts';
import { disputeApi, listen, makeHttpServer, type ApiServices } from '../index.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const PASSWORD = 'correct-horse-battery';

let rig: LaneRig;
let desk: DisputeDesk;
let app: FastifyInstance;
let address: string;

beforeAll(async () => {
  rig = await LaneRig.open();
  const { clock, ids } = rig;
  const { database } = rig.test;
  await openAccount(database, suspenseAccount(0), ids);
  for (const [code, line] of [
    ['UBL', { channel: 'onebill' }],
    ['MCB', { channel: 'onebill' }],
    ['ATM', { channel: 'iso8583', institutionId: '627100' }],
  ] as const)
    await registerParticipant(
      {
        code,
        name: code,
        ...line,
        allowedAddresses: ['127.0.0.1'],
        credentials: { username: code.toLowerCase(), password: PASSWORD },
      },
      {
        database,
        clock,
        random: secureRandom,
        openAccounts: async (tx, name) => {
          await openAccount(tx, settlementAccount(0, name), ids);
        },
      },
    );
  desk = makeDisputeDesk({ database, clock, ids, random: secureRandom });
  app = await makeHttpServer({
    // The disputes' routes ask nothing of it.
    services: {} as ApiServices,
    log: makeLog({ level: 'silent' }),
    metrics: makeMetrics(false),
    clock,
    channels: [
      disputeApi({
        desk,
        participants: makeParticipantDirectory(database, { clock }),
        clock,
        shard: 0,
        lookupsPerMinute: 1_000,
      }),
    ],
  });
  address = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await rig.close();
});

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly answer?: string;
  readonly decision?: string;
  readonly dueAt: string;
  readonly explanation: { readonly psidPaid: boolean; readonly debits: readonly object[] };
}

let requests = 0;
async function send(
  path: string,
  options: { body?: object; authorization?: string; key?: string } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  requests += 1;
  const response = await fetch(`${address}${path}`, {
    method: options.body === undefined ? 'GET' : 'POST',
    headers: {
      'idempotency-key': options.key ?? `dispute-${String(requests)}`,
      ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const basic = (username: string, password = PASSWORD): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

async function open(body: object): Promise<{ dispute: Shown; token: string }> {
  const answer = await send('/v1/disputes', { body });
  expect(answer).toMatchObject({ status: 201 });
  const { dispute, accessToken } = answer.body as { dispute: Shown; accessToken: string };
  return { dispute, token: accessToken };
}

async function look({ dispute, token }: { dispute: Shown; token: string }): Promise<Shown> {
  const { body } = await send(`/v1/disputes/${dispute.id}`, { authorization: `Bearer ${token}` });
  return body as unknown as Shown;
}

async function paid(key: string, reference = 'RRN1', participant = 'BOP'): Promise<string> {
  const psid = await rig.challan();
  const answer = await rig.engine.pay(rig.payment(psid, key, { reference, participant }));
  expect(answer.result).toBe('approved');
  return psid;
}

describe('a payer’s dispute', () => {
  it('closes at once when the stamp is there', async () => {
    const psid = await paid('there');
    const { dispute } = await open({
      kind: 'paid-not-issued',
      psid,
      bank: 'BOP',
      reference: 'RRN1',
    });
    expect(dispute).toMatchObject({
      state: 'closed',
      answer: 'issued',
      explanation: {
        psidPaid: true,
        debits: [{ reference: 'RRN1', state: 'posted', amount: '150000' }],
      },
    });
  });

  it('closes at once when the payment was reversed', async () => {
    const psid = await paid('gone');
    await rig.engine.reverse(rig.reversal(psid, 'gone'));
    const { dispute } = await open({
      kind: 'paid-not-issued',
      psid,
      bank: 'BOP',
      reference: 'RRN1',
    });
    expect(dispute).toMatchObject({
      state: 'closed',
      answer: 'reversed',
      explanation: { psidPaid: false },
    });
  });

  it('waits a day for an advice, and closes when it comes', async () => {
    const psid = await rig.challan();
    const opened = await open({ kind: 'paid-not-issued', psid, bank: 'BOP', reference: 'RRN7' });
    expect(opened.dispute.state).toBe('open');
    expect(await desk.review(0)).toBe(0);
    await rig.engine.pay(rig.payment(psid, 'advice-7', { reference: 'RRN7', advice: true }));
    rig.clock.advance(15 * MINUTE);
    expect(await desk.review(0)).toBe(1);
    expect(await look(opened)).toMatchObject({ state: 'closed', answer: 'issued' });
  });

  it('closes after a day with the answer that the bank has the money', async () => {
    const psid = await rig.challan();
    const opened = await open({ kind: 'paid-not-issued', psid, bank: 'BOP', reference: 'RRN8' });
    rig.clock.advance(DAY - MINUTE);
    expect(await desk.review(0)).toBe(0);
    rig.clock.advance(15 * MINUTE);
    // Two processes that look at the same moment decide once.
    const decided = await Promise.all([desk.review(0), desk.review(0)]);
    expect(decided[0] + decided[1]).toBe(1);
    expect(await look(opened)).toMatchObject({ state: 'closed', answer: 'not-received' });
  });

  it('is handed over when the money lies in suspense, and closed by the decision', async () => {
    const psid = await paid('first', 'RRN1');
    await rig.engine.pay(rig.payment(psid, 'second', { reference: 'RRN2', advice: true }));
    const opened = await open({
      kind: 'debited-twice',
      psid,
      bank: 'BOP',
      reference: 'RRN1',
      secondReference: 'RRN2',
    });
    expect(opened.dispute).toMatchObject({ state: 'handed-over', answer: 'money-in-suspense' });
    const now = rig.clock.now();
    const cases = await listOpenCases(rig.test.database, 0, now, 10);
    const mine = cases.find((each) => each.psid === psid)!;
    expect(mine).toMatchObject({ origin: 'dispute', reason: 'money-in-suspense', overdue: false });
    const key = { shard: 0, caseId: mine.caseId };
    await decideCase(rig.test.database, key, 'returned to the bank', now);
    await expect(decideCase(rig.test.database, key, 'again', now)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await look(opened)).toMatchObject({ state: 'closed', decision: 'returned to the bank' });
  });

  it('about the wrong PSID says whether what was paid for was used', async () => {
    const meant = await rig.challan();
    const unused = await paid('wrong-1', 'RRN3');
    const used = await paid('wrong-2', 'RRN4');
    await useStamps(used, { database: rig.test.database, clock: rig.clock, ids: rig.ids });
    const claim = { kind: 'wrong-psid-paid', psid: meant, bank: 'BOP' };
    expect((await open({ ...claim, paidPsid: unused, reference: 'RRN3' })).dispute.answer).toBe(
      'wrong-psid-unused',
    );
    expect((await open({ ...claim, paidPsid: used, reference: 'RRN4' })).dispute.answer).toBe(
      'wrong-psid-used',
    );
  });

  it('about the wrong PSID counts a stamp that was handed in for a refund as used', async () => {
    const meant = await rig.challan();
    const handedIn = await paid('wrong-3', 'RRN5');
    const moved = await moveStamps(
      {
        kind: 'refund-request',
        officer: { id: 'dc-1', role: 'collector', office: 'Collector, Lahore' },
        requestKey: 'handed-in',
        reason: 'not required',
        stampIds: await stampsOfChallan(rig.test.database, handedIn),
      },
      { database: rig.test.database, clock: rig.clock, ids: rig.ids },
    );
    expect(moved).toMatchObject([{ result: 'moved', state: 'refund-requested' }]);
    const claim = { kind: 'wrong-psid-paid', psid: meant, paidPsid: handedIn, bank: 'BOP' };
    expect((await open({ ...claim, reference: 'RRN5' })).dispute.answer).toBe('wrong-psid-used');
  });

  it('is answered the same for the same key, and refused for another claim', async () => {
    const psid = await paid('repeat');
    const body = { kind: 'paid-not-issued', psid, reference: 'RRN1' };
    const first = await send('/v1/disputes', { body, key: 'the-same-key' });
    expect(await send('/v1/disputes', { body, key: 'the-same-key' })).toEqual(first);
    const other = await send('/v1/disputes', {
      body: { ...body, reference: 'X' },
      key: 'the-same-key',
    });
    expect(other).toMatchObject({ status: 409, body: { code: 'key-reused' } });
  });

  it('is shown to nobody without its token', async () => {
    const psid = await paid('private');
    const { dispute } = await open({ kind: 'paid-not-issued', psid, reference: 'RRN1' });
    const other = await open({ kind: 'paid-not-issued', psid, reference: 'RRN1', contact: 'me' });
    const path = `/v1/disputes/${dispute.id}`;
    expect((await send(path)).status).toBe(401);
    expect((await send(path, { authorization: `Bearer ${other.token}` })).status).toBe(404);
    expect(
      (await send('/v1/disputes/dsp_00_1', { authorization: `Bearer ${other.token}` })).status,
    ).toBe(404);
  });

  const psid = '10100482911930272';
  it.each([
    ['without the reference of the debit', { kind: 'debited-twice', psid }, 'reference'],
    [
      'without the PSID that was paid',
      { kind: 'wrong-psid-paid', psid, reference: 'A' },
      'paidPsid',
    ],
    [
      'with the same PSID twice',
      { kind: 'wrong-psid-paid', psid, paidPsid: psid, reference: 'A' },
      'paidPsid',
    ],
    [
      'with the same reference twice',
      { kind: 'debited-twice', psid, reference: 'A', secondReference: 'A' },
      'secondReference',
    ],
    [
      'with a second reference where none belongs',
      { kind: 'paid-not-issued', psid, secondReference: 'A' },
      'secondReference',
    ],
    ['with a mistyped PSID', { kind: 'paid-not-issued', psid: '10100482911930273' }, 'psid'],
  ])('is refused %s', async (_name, body, path) => {
    const refused = await send('/v1/disputes', { body });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });
});

describe('a participant’s dispute', () => {
  it('is opened by one of the ISO 8583 line with the user name that it has for this', async () => {
    const psid = await paid('atm', 'RRN77', 'ATM');
    const body = { opener: 'participant', kind: 'paid-not-issued', psid, reference: 'RRN77' };
    const authorization = basic('atm');
    const path = '/v1/participant/disputes';
    const opened = await send(path, { body, authorization });
    expect(opened).toMatchObject({ status: 201, body: { dispute: { answer: 'issued' } } });
    const mine = await send(path, { authorization });
    expect(mine.body['disputes']).toMatchObject([{ psid, answer: 'issued' }]);
  });

  it('is opened with its credentials and listed for it alone', async () => {
    const psid = await paid('ubl', 'TRX9', 'UBL');
    const body = { opener: 'teller', kind: 'paid-not-issued', psid, reference: 'TRX9' };
    const path = '/v1/participant/disputes';
    const opened = await send(path, { body, authorization: basic('ubl') });
    expect(opened).toMatchObject({ status: 201, body: { dispute: { answer: 'issued' } } });
    const mine = await send(path, { authorization: basic('ubl') });
    expect(mine.body['disputes']).toMatchObject([{ psid, answer: 'issued' }]);
    expect((await send(path, { authorization: basic('mcb') })).body['disputes']).toEqual([]);
    expect(
      (await send(`${path}?state=open`, { authorization: basic('ubl') })).body['disputes'],
    ).toEqual([]);
    for (const authorization of [
      basic('ubl', 'wrong-password-1'),
      basic(''),
      'Basic !',
      'Bearer x',
    ])
      expect((await send(path, { body, authorization })).status).toBe(401);
    // A payer who names the bank appears on its list too.
    await open({ kind: 'paid-not-issued', psid, bank: 'UBL', reference: 'TRX9' });
    expect((await send(path, { authorization: basic('ubl') })).body['disputes']).toHaveLength(2);
  });
});

describe('the clock', () => {
  it('counts what has passed its time, and raises the alarm for it', async () => {
    const psid = await rig.challan();
    await rig.engine.pay(
      rig.payment(psid, 'late-1', { amount: paisa(1n), reference: 'L1', advice: true }),
    );
    expect(shardOfPsid(psid)).toBe(0);
    const before = await desk.countOverdue(0);
    const opened = await open({ kind: 'paid-not-issued', psid, bank: 'BOP', reference: 'L1' });
    expect(opened.dispute.state).toBe('handed-over');
    expect(await desk.countOverdue(0)).toBe(before);
    rig.clock.set(new Date(Date.parse(opened.dispute.dueAt) + 1));
    const overdue = await desk.countOverdue(0);
    expect(overdue).toBeGreaterThan(before);

    const metrics = makeMetrics(false);
    const { timers, tick } = handTimers();
    const log = makeLog({ level: 'silent' });
    const stop = startDisputeReview({ desk, timers, log, metrics, shards: [0] });
    tick();
    await stop();
    expect((await metrics.overdueDisputes.get()).values).toMatchObject([
      { labels: { shard: '0' }, value: overdue },
    ]);
  });

  it('leaves the books whole', async () => {
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
  });
});
