/** The officers' desk, the SMS hook and the lists over real HTTP, on real books. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { secureRandom } from '../kernel/ids.ts';
import { makeLog } from '../kernel/log.ts';
import { makeMetrics } from '../kernel/metrics.ts';
import { findStamp } from '../ledger/index.ts';
import { makeCertificateOffice, type CertificateOffice } from '../reconciliation/index.ts';
import { makeSealSigner, type TrustList } from '../stamp-renderer/index.ts';
import {
  listApi,
  listen,
  makeHttpServer,
  makeOperatorDirectory,
  officeApi,
  operatorTokenHash,
  parseOperators,
  type ApiServices,
} from '../switch/index.ts';
import { LaneRig } from '../tests/support/lane-rig.ts';
import { makeListServices, makeOfficeServices } from './office-services.ts';

const ROLES = ['sub-registrar', 'collector', 'inspector', 'verifier', 'sms-gateway'] as const;
type Role = (typeof ROLES)[number];

const tokens = Object.fromEntries(
  ROLES.map((role) => [role, secureRandom.bytes(32).toString('base64url')]),
) as Record<Role | 'elsewhere', string>;
tokens.elsewhere = secureRandom.bytes(32).toString('base64url');

let rig: LaneRig;
let office: CertificateOffice;
let app: FastifyInstance;
let address: string;

beforeAll(async () => {
  rig = await LaneRig.open();
  const { clock, ids } = rig;
  const { database } = rig.test;
  const signer = makeSealSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const trustList: TrustList = {
    issuer: 'test',
    keys: [
      {
        kid: signer.kid,
        alg: 'ES256',
        publicKey: signer.publicKey,
        authority: 'test',
        notBefore: '2026-01-01T00:00:00Z',
        notAfter: '2028-01-01T00:00:00Z',
      },
    ],
    logs: [],
  };
  office = makeCertificateOffice({
    database,
    clock,
    signer,
    publicUrl: () => 'https://estamp.example',
  });
  const operators = makeOperatorDirectory(
    parseOperators([
      ...ROLES.map((role) => ({
        id: `${role}.1`,
        role,
        office: 'Model Town',
        tokenHash: operatorTokenHash(tokens[role]),
        addresses: ['127.0.0.0/8'],
      })),
      {
        id: 'away.1',
        role: 'sub-registrar',
        office: 'Elsewhere',
        tokenHash: operatorTokenHash(tokens.elsewhere),
        addresses: ['10.0.0.0/8'],
      },
    ]),
  );
  const deps = { operators, clock, lookupsPerMinute: 100 };
  const challans = {
    database,
    clock,
    ids,
    random: secureRandom,
    shard: 0,
    challanDays: 15,
  };
  app = await makeHttpServer({
    // The desk's routes ask nothing of it.
    services: {} as ApiServices,
    log: makeLog({ level: 'silent' }),
    metrics: makeMetrics(false),
    clock,
    channels: [
      officeApi({ ...deps, office: makeOfficeServices({ database, clock, challans }) }),
      listApi({ ...deps, lists: makeListServices({ database, clock, office, trustList }) }),
    ],
  });
  address = await listen(app, { host: '127.0.0.1', port: 0 });
}, 120_000);
afterAll(async () => {
  await app.close();
  await rig.close();
});

let requests = 0;
async function send(
  path: string,
  token: string | undefined,
  body?: object | string,
  key?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  requests += 1;
  const response = await fetch(`${address}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'idempotency-key': key ?? `office-${String(requests)}`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function issued(): Promise<string> {
  const psid = await rig.challan();
  const { stampIds } = await rig.engine.pay(rig.payment(psid, `pay-${psid}`));
  return stampIds[0]!;
}

describe('the officers’ desk', () => {
  it('delists stamps once and tells the next one when and for which deed, in both languages', async () => {
    const [one, two] = [await issued(), await issued()];
    const body = { deed: '4711/2026, Book 1', stamps: [one, two] };
    const first = await send('/v1/office/delistings', tokens['sub-registrar'], body, 'first-key-1');
    expect(first).toMatchObject({
      status: 200,
      body: {
        results: [
          { id: one, result: 'moved' },
          { result: 'moved', state: 'delisted' },
        ],
      },
    });
    expect(
      await send('/v1/office/delistings', tokens['sub-registrar'], body, 'first-key-1'),
    ).toMatchObject({ body: { results: [{ result: 'repeated' }, { result: 'repeated' }] } });
    const again = await send('/v1/office/delistings', tokens['sub-registrar'], {
      deed: '9/2026',
      stamps: [one],
    });
    const [refused] = again.body['results'] as {
      usedFor: string;
      message: { en: string; ur: string };
    }[];
    expect(refused?.usedFor).toBe('4711/2026, Book 1');
    expect(refused?.message.en).toMatch(/^Already used on .+ for deed 4711\/2026, Book 1\.$/);
    expect(refused?.message.ur).toContain('4711/2026');
    const events = await send(`/v1/office/stamps/${one}/events`, tokens.inspector);
    expect(events.body).toMatchObject({
      events: [{ kind: 'lock', actor: 'sub-registrar:sub-registrar.1', office: 'Model Town' }],
    });
  });

  it.each<[string, string, Role | 'elsewhere' | undefined, number]>([
    ['nobody', '/v1/office/searches', undefined, 401],
    ['somebody from elsewhere', '/v1/office/searches', 'elsewhere', 401],
    ['a verifier', '/v1/office/searches', 'verifier', 403],
    ['an SMS gateway', '/v1/office/searches', 'sms-gateway', 403],
    ['an inspector', '/v1/office/searches', 'inspector', 200],
  ])('is or is not open to %s', async (_name, path, role, status) => {
    const token = role === undefined ? undefined : tokens[role];
    const body = { criterion: { by: 'cnic', cnic: '3520212345671' } };
    expect((await send(path, token, body)).status).toBe(status);
  });

  it.each<[Role, object, number]>([
    ['collector', { deed: '1', stamps: ['0'] }, 403],
    ['inspector', { deed: '1', stamps: ['0'] }, 403],
    ['verifier', { deed: '1', stamps: ['0'] }, 403],
  ])('lets no %s delist', async (role, body, status) => {
    const id = await issued();
    const answer = await send('/v1/office/delistings', tokens[role], { ...body, stamps: [id] });
    expect(answer.status).toBe(status);
    expect(await findStamp(rig.test.database, id)).toMatchObject({ state: 'issued' });
  });

  it('takes requests for refunds, and answers for each stamp', async () => {
    const id = await issued();
    const move = (kind: string, role: Role): Promise<{ body: Record<string, unknown> }> =>
      send('/v1/office/moves', tokens[role], { kind, reason: 'not required', stamps: [id] });
    expect((await move('refund-request', 'collector')).body).toMatchObject({
      results: [{ result: 'moved', state: 'refund-requested' }],
    });
    expect((await move('refund', 'collector')).body).toMatchObject({
      results: [{ result: 'same-officer' }],
    });
  });

  it('finds stamps by what stands in the body, never in an address', async () => {
    const id = await issued();
    const found = await send('/v1/office/searches', tokens.collector, {
      criterion: { by: 'id', id },
    });
    expect(found.body).toMatchObject({
      stamps: [{ id, applicant: 'Ayesha Khan', amount: '100000' }],
    });
    const bad = await send('/v1/office/searches', tokens.collector, {
      criterion: { by: 'id', id },
      next: 'x',
    });
    expect(bad.status).toBe(400);
  });

  it('stops answering an address that tries tokens', async () => {
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 120; attempt += 1)
      statuses.add(
        (
          await send('/v1/office/moves', `wrong-token-${String(attempt).padStart(8, '0')}`, {
            kind: 'spoil',
            reason: 'x',
            stamps: ['4829119302746153'],
          })
        ).status,
      );
    expect(statuses).toContain(429);
    rig.clock.advance(60_000);
  });
});

describe('the SMS service', () => {
  const ask = (text: string, from = '+923001234567'): ReturnType<typeof send> =>
    send('/v1/sms', tokens['sms-gateway'], { from, text });

  it('answers in one line, without names and amounts', async () => {
    const id = await issued();
    const { body } = await ask(`eStamp ${id}`);
    expect(body['reply']).toMatch(/^eStamp [\d-]{19}: issued on .+, not used\./);
    expect(body['reply']).not.toMatch(/Ayesha|1,000/);
    await send('/v1/office/delistings', tokens['sub-registrar'], { deed: '7/26', stamps: [id] });
    expect((await ask(`ESTAMP ${id}`)).body['reply']).toMatch(/ALREADY USED on .+ for deed 7\/26/);
    expect((await ask(`estamp ${id} urdu`)).body['reply']).toContain('پہلے ہی استعمال شدہ');
  });

  it('limits each telephone and is open to the gateway only', async () => {
    const statuses = [];
    for (let question = 0; question < 7; question += 1)
      statuses.push((await ask('eStamp 1', '+923009999999')).status);
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses.at(-1)).toBe(429);
    const other = await send('/v1/sms', tokens.verifier, { from: '+923001', text: 'x' });
    expect(other.status).toBe(403);
  });
});

describe('a list', () => {
  it('is answered line by line: codes by their seal, numbers by the register', async () => {
    const [good, used] = [await issued(), await issued()];
    await send('/v1/office/delistings', tokens['sub-registrar'], { deed: '8/26', stamps: [used] });
    const stamp = await findStamp(rig.test.database, good);
    const qrText = await office.qrText(stamp!);
    const forged = `${qrText.slice(0, -1)}${qrText.endsWith('A') ? 'B' : 'A'}`;
    const { status, body } = await send(
      '/v1/verifications/list',
      tokens.verifier,
      [
        '# stamps of one case',
        qrText,
        `"${used}",Ahmed`,
        '',
        '4829119302746153',
        '1234',
        forged,
      ].join('\n'),
    );
    expect(status).toBe(200);
    expect(body['lines']).toMatchObject([
      { line: 2, verdict: 'genuine', stampId: good, state: 'issued' },
      { line: 3, verdict: 'registered', state: 'delisted', usedFor: '8/26' },
      { line: 5, verdict: 'not-registered' },
      { line: 6, verdict: 'unreadable' },
      { line: 7, verdict: 'refused' },
    ]);
    expect((await send('/v1/verifications/list', undefined, good)).status).toBe(401);
    expect((await send('/v1/verifications/list', tokens['sms-gateway'], good)).status).toBe(403);
  });
});
