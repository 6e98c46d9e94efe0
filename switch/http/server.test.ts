/** The API over real HTTP, with honest services in memory at the port. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { ManualClock } from '../../kernel/clock.ts';
import { Fault, type FaultCode } from '../../kernel/fault.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import {
  listen,
  makeHttpServer,
  type ApiServices,
  type HttpServerDeps,
  type DutyRefusalAnswer,
  type StampApplicationRequest,
  type VerificationRequest,
} from './index.ts';

const PSID = '10100482911930272';
const OTHER_PSID = '10100000000000000';
const STAMP = '4829119302746153';
const TOKEN = 'q1a2n0cQv3p0Xb7l8tq5Zw';
const KEY = '8c1b6a52-2f0e-4e0b-9a55-3f1d0c7f6a10';

const APPLICATION = {
  instrument: '4',
  district: 'lahore',
  applicant: {
    name: 'Muhammad Aslam',
    cnic: '3520212345671',
    contact: '+923001234567',
    address: '12-B, Gulberg III, Lahore',
  },
  purpose: 'Affidavit for a passport',
};

const opens = (token: string): boolean =>
  token.length === TOKEN.length && timingSafeEqual(Buffer.from(token), Buffer.from(TOKEN));

/** Remembers what it was asked; one challan and one stamp exist. */
class MemoryServices implements ApiServices {
  readonly applications = new Map<string, string>();
  readonly applied: StampApplicationRequest[] = [];
  readonly verified: VerificationRequest[] = [];
  failure: Error | undefined;
  refusal: DutyRefusalAnswer | undefined;
  isReady = true;
  holdVerifications: Promise<void> | undefined;

  ready(): ReturnType<ApiServices['ready']> {
    return Promise.resolve({
      ready: this.isReady,
      checks: [{ name: 'database', ok: this.isReady }],
    });
  }

  applyForStamp(
    request: StampApplicationRequest,
    key: string,
  ): ReturnType<ApiServices['applyForStamp']> {
    if (this.refusal !== undefined) return Promise.resolve(this.refusal);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const content = JSON.stringify(request);
    const before = this.applications.get(key);
    if (before !== undefined && before !== content) {
      return Promise.reject(new Fault('conflict', 'The key was used before.'));
    }
    this.applications.set(key, content);
    this.applied.push(request);
    return Promise.resolve({
      ok: true,
      psid: PSID,
      challanNumber: '32A-261123-7K3M9QXA',
      amount: '30000',
      payableUntil: '2026-12-08',
      lines: [
        {
          headCode: 'B02701',
          headTitle: 'Stamps',
          description: 'AFFIDAVIT - 4',
          amount: '30000',
          assumed: true,
        },
      ],
      duty: { steps: [{ what: 'fixed', amount: '30000' }] },
      accessToken: TOKEN,
    });
  }

  calculateDuty(): ReturnType<ApiServices['calculateDuty']> {
    if (this.refusal !== undefined) return Promise.resolve(this.refusal);
    return this.failure === undefined
      ? Promise.resolve({ ok: true, total: '30000' })
      : Promise.reject(this.failure);
  }

  findChallan(psid: string): ReturnType<ApiServices['findChallan']> {
    return Promise.resolve(
      psid === PSID
        ? {
            psid,
            state: 'paid',
            amount: '30000',
            payableUntil: '2026-12-08',
            paidOn: '2026-11-23',
            // A service that carries too much: the schema of the answer must drop it.
            ...{ payerName: 'Muhammad Aslam' },
          }
        : undefined,
    );
  }

  challanPdf(psid: string, token: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(
      psid === PSID && opens(token) ? new TextEncoder().encode('%PDF-challan') : undefined,
    );
  }

  stampsOfChallan(psid: string, token: string): ReturnType<ApiServices['stampsOfChallan']> {
    return Promise.resolve(
      psid === PSID && opens(token)
        ? [
            {
              id: STAMP,
              kind: 'non-judicial',
              state: 'issued',
              amount: '30000',
              issuedAt: '2026-11-23T15:05:09.120Z',
            },
          ]
        : undefined,
    );
  }

  stampPdf(id: string, token: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(
      id === STAMP && opens(token) ? new TextEncoder().encode('%PDF-stamp') : undefined,
    );
  }

  stampStatus(id: string): ReturnType<ApiServices['stampStatus']> {
    return Promise.resolve(
      id === STAMP
        ? {
            id,
            kind: 'non-judicial',
            state: 'issued',
            issuedAt: '2026-11-23T15:05:09.120Z',
            asOf: '2026-11-23T15:10:00.000Z',
            recordRoot: 'ab',
            inclusion: { leafIndex: '17' },
          }
        : undefined,
    );
  }

  stampProof(id: string): ReturnType<ApiServices['stampProof']> {
    return Promise.resolve(id === STAMP ? { leafIndex: '17' } : undefined);
  }

  trustList(): ReturnType<ApiServices['trustList']> {
    return Promise.resolve({ keys: [] });
  }

  checkpoint(): ReturnType<ApiServices['checkpoint']> {
    return Promise.resolve('sanad.example/estamp\n1\nAAAA\n');
  }

  async verify(request: VerificationRequest): ReturnType<ApiServices['verify']> {
    this.verified.push(request);
    await this.holdVerifications;
    return { verdict: 'genuine' };
  }

  districts(): ReturnType<ApiServices['districts']> {
    return Promise.resolve([{ code: 'lahore', name: 'Lahore', division: 'Lahore' }]);
  }

  tehsils(district: string): ReturnType<ApiServices['tehsils']> {
    return Promise.resolve(
      district === 'lahore' ? [{ code: 'city', name: 'Lahore City' }] : undefined,
    );
  }

  localities(district: string, tehsil: string): ReturnType<ApiServices['localities']> {
    return Promise.resolve(
      district === 'lahore' && tehsil === 'city'
        ? [{ code: 'gulberg', name: 'Gulberg', setting: 'urban', landClasses: ['residential'] }]
        : undefined,
    );
  }

  instruments(): ReturnType<ApiServices['instruments']> {
    return Promise.resolve([
      {
        code: '4',
        article: '4',
        title: 'AFFIDAVIT',
        needsProperty: false,
        needsDeclaredValue: false,
        assumed: false,
      },
    ]);
  }
}

let logged: string[];
let services: MemoryServices;
let clock: ManualClock;
let app: FastifyInstance;
let baseUrl: string;

async function build(more: Partial<HttpServerDeps> = {}): Promise<void> {
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString());
      done();
    },
  });
  app = await makeHttpServer({
    services,
    log: makeLog({ level: 'info', destination }),
    metrics: makeMetrics(false),
    clock,
    ...more,
  });
  baseUrl = await listen(app, { host: '127.0.0.1', port: 0 });
}

beforeEach(async () => {
  logged = [];
  services = new MemoryServices();
  clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
  await build();
});
afterEach(() => app.close());

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  json(): Record<string, unknown>;
}

async function call(
  method: string,
  path: string,
  headers: Record<string, string>,
  payload?: string | Uint8Array<ArrayBuffer>,
): Promise<Answer> {
  const body = payload === undefined ? {} : { body: payload };
  const response = await fetch(baseUrl + path, { method, headers, ...body });
  const text = await response.text();
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  };
}

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  call('GET', path, headers);

const apply = (
  body: unknown,
  headers: Record<string, string> = { 'idempotency-key': KEY },
): Promise<Answer> =>
  call(
    'POST',
    '/v1/stamp-applications',
    { 'content-type': 'application/json', ...headers },
    typeof body === 'string' ? body : JSON.stringify(body),
  );

function expectProblem(response: Answer, status: number, code: string): void {
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.statusCode).toBe(status);
  expect(response.json()).toMatchObject({
    type: `urn:sanad:problem:${code}`,
    status,
    code,
    requestId: response.headers['x-request-id'],
  });
}

describe('an application', () => {
  it('is created with its links, and reaches the service in canonical form', async () => {
    const response = await apply(APPLICATION);
    expect(response.statusCode).toBe(201);
    expect(response.json()).toMatchObject({
      psid: PSID,
      amount: '30000',
      accessToken: TOKEN,
      duty: { steps: [{ what: 'fixed' }] },
      links: {
        challan: `/v1/challans/${PSID}`,
        challanPdf: `/v1/challans/${PSID}/pdf`,
        stamps: `/v1/challans/${PSID}/stamps`,
      },
    });
    expect(services.applied).toEqual([
      {
        ...APPLICATION,
        applicant: { ...APPLICATION.applicant, cnic: '35202-1234567-1', contact: '03001234567' },
        firstParties: [],
        secondParties: [],
      },
    ]);
  });

  it('takes its district from the property when it names none', async () => {
    const rest: Partial<typeof APPLICATION> = { ...APPLICATION };
    delete rest.district;
    const property = {
      district: 'kasur',
      tehsil: 'kasur',
      locality: 'x',
      landClass: 'residential',
      area: { value: '5.5', unit: 'marla' },
    };
    expect((await apply({ ...rest, property })).statusCode).toBe(201);
    expect(services.applied[0]).toMatchObject({ district: 'kasur' });
    expectProblem(await apply(rest), 400, 'validation-failed');
  });

  it('sent again with its key gets the same answer, and another body with that key 409', async () => {
    const first = await apply(APPLICATION);
    expect((await apply(APPLICATION)).body).toBe(first.body);
    expectProblem(await apply({ ...APPLICATION, purpose: 'Another' }), 409, 'key-reused');
  });

  it('needs an Idempotency-Key', async () => {
    expectProblem(await apply(APPLICATION, {}), 400, 'idempotency-key-required');
    for (const key of ['short', 'has a space', 'x'.repeat(101)]) {
      const response = await apply(APPLICATION, { 'idempotency-key': key });
      expectProblem(response, 400, 'idempotency-key-required');
    }
    expect(services.applied).toEqual([]);
  });

  it('whose duty the tables cannot reckon gets the reason and the place', async () => {
    const refusal = { code: 'unknown-locality', path: 'property.locality', message: 'No such.' };
    services.refusal = { ok: false, ...refusal };
    const response = await apply(APPLICATION);
    expectProblem(response, 422, 'duty-refused');
    expect(response.json()).toMatchObject({ detail: 'No such.', errors: [refusal] });
    const duty = await call(
      'POST',
      '/v1/duty-calculations',
      { 'content-type': 'application/json' },
      JSON.stringify({ instrument: '4' }),
    );
    expectProblem(duty, 422, 'duty-refused');
  });

  it('may state its covered area as text, as one area or by storey', async () => {
    const property = {
      district: 'LHR',
      tehsil: 'LHR-CITY',
      locality: 'gulberg-iii',
      landClass: 'residential',
      area: { value: '10', unit: 'marla' },
    };
    const forms = [
      '1800',
      { value: '1800', unit: 'sq-ft' },
      [{ storey: 'ground', value: '900', unit: 'sq-ft' }],
    ];
    for (const [index, coveredArea] of forms.entries()) {
      const key = { 'idempotency-key': `${KEY}-${String(index)}` };
      const response = await apply({ ...APPLICATION, property: { ...property, coveredArea } }, key);
      expect(response.statusCode).toBe(201);
      expect(services.applied.at(-1)?.property?.coveredArea).toEqual(coveredArea);
    }
    const bad = { ...property, area: { value: '10', unit: 'bigha' } };
    expectProblem(await apply({ ...APPLICATION, property: bad }), 400, 'validation-failed');
  });

  it('is told every wrong field by its path', async () => {
    const response = await apply({
      ...APPLICATION,
      declaredValue: 1000,
      surprise: true,
      applicant: { ...APPLICATION.applicant, cnic: '1', name: 'Aslam\u202e' },
      firstParties: [{ name: 'Zainab' }, { name: '' }],
    });
    expectProblem(response, 400, 'validation-failed');
    const { errors } = response.json();
    expect(errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'declaredValue' }),
        { path: 'applicant.cnic', message: 'must be 13 digits, plain or as 5-7-1' },
        { path: 'applicant.name', message: 'has control or invisible characters' },
        expect.objectContaining({ path: 'firstParties.1.name' }),
        { path: '', message: 'Unrecognized key: "surprise"' },
      ]),
    );
    expect(response.body).not.toContain('Aslam');
  });

  it.each([
    ['{"a":1,"a":2}', 400, 'validation-failed'],
    ['{', 400, 'validation-failed'],
    ['[]', 400, 'validation-failed'],
    ['"x"', 400, 'validation-failed'],
    [JSON.stringify({ purpose: 'x'.repeat(70_000) }), 413, 'too-large'],
  ])('with the body %.20s gets %i', async (body, status, code) => {
    expectProblem(await apply(body), status, code);
  });

  it('in another media type, or in none, gets 415', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/xml']) {
      const headers = { 'idempotency-key': KEY, 'content-type': type };
      expectProblem(await apply('a=b', headers), 415, 'unsupported-media-type');
    }
  });

  it('of any JSON gets 201 or 400, never a 500', async () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant(undefined));
    const keys = Object.keys({ ...APPLICATION, property: 0, firstParties: 0, declaredValue: 0 });
    const changes = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(changes, fc.jsonValue()), async (change) => {
        const isObject = typeof change === 'object' && change !== null && !Array.isArray(change);
        const response = await apply(isObject ? { ...APPLICATION, ...change } : change, {
          'idempotency-key': `${KEY}-${String(services.applications.size)}`,
        });
        expect([201, 400]).toContain(response.statusCode);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a problem', () => {
  it.each<[FaultCode, number, string]>([
    ['bad-input', 400, 'bad-input'],
    ['not-found', 404, 'not-found'],
    ['conflict', 409, 'conflict'],
    ['unauthorised', 401, 'unauthorised'],
    ['forbidden', 403, 'forbidden'],
    ['overloaded', 503, 'overloaded'],
    ['database-unreachable', 503, 'database-unreachable'],
    ['chain-unreachable', 503, 'chain-unreachable'],
    ['file-unreadable', 422, 'file-unreadable'],
    ['disk-full', 500, 'internal'],
    ['internal', 500, 'internal'],
  ])('made of the Fault %s has status %i and code %s', async (fault, status, code) => {
    services.failure = new Fault(fault, 'A constant sentence.', {
      fields: { path: 'property.area' },
    });
    const response = await call(
      'POST',
      '/v1/duty-calculations',
      { 'content-type': 'application/json' },
      JSON.stringify({ instrument: '4' }),
    );
    expectProblem(response, status, code);
    const problem = response.json();
    expect(problem['detail']).toBe(status === 500 ? undefined : 'A constant sentence.');
  });

  it('of an unforeseen error says nothing of it, and the log does under the same id', async () => {
    services.failure = new Error('select * from secret_table');
    const response = await apply(APPLICATION, { 'idempotency-key': KEY, 'x-request-id': 'mine-1' });
    expectProblem(response, 500, 'internal');
    expect(response.body).not.toMatch(/secret_table|at |\.ts/);
    const line = logged.find((each) => each.includes('secret_table'));
    expect(line).toContain('"requestId":"mine-1"');
  });

  it('is the answer to an unknown address, an unknown method and a malformed address', async () => {
    expectProblem(await get('/v1/nothing'), 404, 'not-found');
    expectProblem(await call('DELETE', '/v1/districts', {}), 404, 'not-found');
    expectProblem(await get('/v1/challans/%zz'), 400, 'validation-failed');
    expectProblem(await get(`/v1/challans/${'1'.repeat(300)}`), 400, 'validation-failed');
  });
});

describe('a challan', () => {
  it('shows its state to anybody, without any personal data', async () => {
    const response = await get(`/v1/challans/${PSID}`);
    expect(response.json()).toStrictEqual({
      psid: PSID,
      state: 'paid',
      amount: '30000',
      payableUntil: '2026-12-08',
      paidOn: '2026-11-23',
    });
    expectProblem(await get(`/v1/challans/${OTHER_PSID}`), 404, 'not-found');
  });

  it('tells of a mistyped PSID', async () => {
    const response = await get('/v1/challans/10100482911930271');
    expectProblem(response, 400, 'validation-failed');
    expect(response.json()).toMatchObject({ errors: [{ path: 'params.psid' }] });
  });

  it.each([`/v1/challans/${PSID}/pdf`, `/v1/challans/${PSID}/stamps`, `/v1/stamps/${STAMP}/pdf`])(
    'opens %s to its token only',
    async (url) => {
      const right = await get(url, { authorization: `Bearer ${TOKEN}` });
      expect(right.statusCode).toBe(200);
      expect(right.headers['cache-control']).toBe('no-store');
      for (const authorization of ['', 'Bearer', 'Basic abc', `Bearer ${TOKEN} x`, 'Bearer x y']) {
        const response = await get(url, { authorization });
        expectProblem(response, 401, 'unauthorised');
        expect(response.headers['www-authenticate']).toBe('Bearer');
      }
      const wrong = await get(url, { authorization: `Bearer ${TOKEN.replace('q', 'p')}` });
      expectProblem(wrong, 404, 'not-found');
    },
  );

  it('that does not exist answers as one whose token is wrong', async () => {
    const headers = { authorization: 'Bearer AAAAAAAAAAAAAAAAAAAAAA', 'x-request-id': 'same' };
    const wrong = await get(`/v1/challans/${PSID}/pdf`, headers);
    const absent = await get(`/v1/challans/${OTHER_PSID}/pdf`, headers);
    expect(absent.body).toBe(wrong.body);
  });

  it('gives its PDF as bytes', async () => {
    const pdf = await get(`/v1/challans/${PSID}/pdf`, { authorization: `bearer ${TOKEN}` });
    expect(pdf.headers['content-type']).toBe('application/pdf');
    expect(pdf.body).toBe('%PDF-challan');
  });
});

describe('a stamp', () => {
  it('shows its status and proof by its id, plain or as printed', async () => {
    for (const id of [STAMP, '4829-1193-0274-6153']) {
      expect((await get(`/v1/stamps/${id}/status`)).json()).toMatchObject({
        id: STAMP,
        state: 'issued',
        inclusion: { leafIndex: '17' },
      });
      expect((await get(`/v1/stamps/${id}/proof`)).json()).toEqual({ leafIndex: '17' });
    }
    expectProblem(await get('/v1/stamps/1234567890123456/status'), 400, 'validation-failed');
  });

  it('cannot be looked for by trying ids: the look-ups of an address are limited', async () => {
    await app.close();
    await build({ lookupsPerMinute: 3 });
    const urls = ['status', 'proof', 'status'].map((what) => `/v1/stamps/${STAMP}/${what}`);
    for (const url of urls) expect((await get(url)).statusCode).toBe(200);
    const refused = await get('/v1/stamps/1/status');
    expectProblem(refused, 429, 'rate-limited');
    expect(refused.headers['retry-after']).toBe('60');
    expect((await get('/v1/districts')).statusCode).toBe(200);
    clock.advance(60_000);
    expect((await get(`/v1/stamps/${STAMP}/status`)).statusCode).toBe(200);
  });
});

describe('a verification', () => {
  const verify = (payload: Buffer, type: string): Promise<Answer> =>
    call('POST', '/v1/verifications', { 'content-type': type }, Uint8Array.from(payload));

  it('hands the bytes over untouched, whatever they are', async () => {
    const bytes = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 255]);
    for (const type of ['application/pdf', 'image/png', 'application/json; charset=utf-8']) {
      expect((await verify(bytes, type)).json()).toEqual({ verdict: 'genuine' });
    }
    expect(services.verified.map(({ mediaType }) => mediaType)).toEqual([
      'application/pdf',
      'image/png',
      'application/json',
    ]);
    expect(Buffer.from(services.verified[0]!.bytes)).toEqual(bytes);
  });

  it('takes up to 5 MB, no empty body and no other media type', async () => {
    expect((await verify(Buffer.alloc(5 * 1024 * 1024, 1), 'image/png')).statusCode).toBe(200);
    const large = await verify(Buffer.alloc(5 * 1024 * 1024 + 1, 1), 'image/png');
    expectProblem(large, 413, 'too-large');
    expectProblem(await verify(Buffer.alloc(0), 'image/png'), 400, 'validation-failed');
    expectProblem(await verify(Buffer.from('x'), 'image/gif'), 415, 'unsupported-media-type');
  });

  it('is refused while too many run', async () => {
    let release = (): void => undefined;
    services.holdVerifications = new Promise((resolve) => (release = resolve));
    const running = [1, 2, 3, 4].map(() => verify(Buffer.from('x'), 'image/png'));
    for (let turn = 0; services.verified.length < 4 && turn < 100_000; turn += 1) {
      await new Promise(setImmediate);
    }
    expect(services.verified).toHaveLength(4);
    expectProblem(await verify(Buffer.from('x'), 'image/png'), 503, 'overloaded');
    release();
    for (const response of await Promise.all(running)) expect(response.statusCode).toBe(200);
    expect((await verify(Buffer.from('x'), 'image/png')).statusCode).toBe(200);
  });
});

describe('reference, log and operations', () => {
  it.each([
    ['/v1/districts', { districts: [{ code: 'lahore', name: 'Lahore', division: 'Lahore' }] }],
    ['/v1/districts/lahore/tehsils', { tehsils: [{ code: 'city', name: 'Lahore City' }] }],
    [
      '/v1/localities?district=lahore&tehsil=city',
      {
        localities: [
          { code: 'gulberg', name: 'Gulberg', setting: 'urban', landClasses: ['residential'] },
        ],
      },
    ],
    [
      '/v1/instruments',
      {
        instruments: [
          {
            code: '4',
            article: '4',
            title: 'AFFIDAVIT',
            needsProperty: false,
            needsDeclaredValue: false,
            assumed: false,
          },
        ],
      },
    ],
    ['/v1/trust-list', { keys: [] }],
    ['/health/live', { live: true }],
    ['/health/ready', { ready: true, checks: [{ name: 'database', ok: true }] }],
  ])('%s answers', async (url, body) => {
    expect((await get(url)).json()).toEqual(body);
  });

  it('refuse an unknown district and a missing part', async () => {
    expectProblem(await get('/v1/districts/delhi/tehsils'), 404, 'not-found');
    expectProblem(await get('/v1/localities?district=lahore'), 400, 'validation-failed');
  });

  it('give the checkpoint and the metrics as text', async () => {
    expect((await get('/v1/log/checkpoint')).body).toBe('sanad.example/estamp\n1\nAAAA\n');
    expect((await get('/metrics')).body).toContain('sanad_answers_total');
  });

  it('say 503 while the product is not ready', async () => {
    services.isReady = false;
    expect((await get('/health/ready')).statusCode).toBe(503);
    expect((await get('/health/live')).statusCode).toBe(200);
  });
});

describe('every answer', () => {
  it('carries the request id that was sent, or one of its own when that is not fit', async () => {
    expect((await get('/health/live', { 'x-request-id': 'abc.1' })).headers).toMatchObject({
      'x-request-id': 'abc.1',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    const other = await get('/health/live', { 'x-request-id': 'a b' });
    expect(other.headers['x-request-id']).toMatch(/^[A-Za-z0-9_-]{8}-[0-9a-z]+$/);
  });

  it('is one line of the log, without the id that was looked up', async () => {
    await get(`/v1/challans/${PSID}`);
    expect(logged).toHaveLength(1);
    expect(JSON.parse(logged[0]!)).toMatchObject({ route: '/v1/challans/:psid', status: 200 });
    expect(logged[0]).not.toContain(PSID);
  });
});

describe('the port', () => {
  it('serves the pages and the API beside each other', async () => {
    await app.close();
    await build({
      pages: (request, response) => {
        response.end(`page ${request.url ?? ''}`);
      },
    });
    for (const path of ['/', '/?a=1', '/v', '/v?x', '/v/1', '/assets/app.js']) {
      expect((await get(path)).body).toBe(`page ${path}`);
    }
    for (const [path, status] of [
      ['/v1/districts', 200],
      ['/health/live', 200],
      ['/vx', 404],
      ['/assets', 404],
    ] as const) {
      expect([path, (await get(path)).statusCode]).toEqual([path, status]);
    }
  });

  it('that is taken is a Fault that names it', async () => {
    const other: Server = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await app.close();
    const second = await makeHttpServer({
      services,
      log: makeLog({ level: 'fatal' }),
      metrics: makeMetrics(false),
    });
    await expect(listen(second, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'port-busy',
      fields: { port },
    });
    await second.close();
    other.close();
  });

  it('survives a request that is cut off and one that is not HTTP', async () => {
    const { port } = new URL(baseUrl);
    const cut = httpRequest(baseUrl, { method: 'POST', headers: { 'content-length': '5' } });
    cut.on('error', () => undefined);
    cut.write('x');
    cut.destroy();
    const raw = connect(Number(port), '127.0.0.1');
    raw.write('\x16\x03\x01\0\0');
    const [answer] = (await once(raw, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    raw.destroy();
    expect((await get('/health/live')).statusCode).toBe(200);
  });
});
