import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { generateKeyPairSync } from 'node:crypto';
import { systemClock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { IdMaker, secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { easypaisaChannel } from '../channels/easypaisa/index.ts';
import { jazzCashChannel } from '../channels/jazzcash/index.ts';
import { oneBillChannel } from '../channels/onebill/index.ts';
import { otcChannel } from '../channels/otc/index.ts';
import { listen, makeHttpServer, type ApiServices } from './index.ts';
import { stampApplicationRequest } from './schemas.ts';

type Json = Record<string, unknown>;
interface Media {
  readonly schema: Json;
  readonly example?: unknown;
}
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly parameters?: { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, { readonly content?: Record<string, Media> }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json> };
}

const ROUTES = [
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /easypaisa/ipn/{username}',
  'GET /openapi.json',
  'GET /otc/scroll',
  'GET /v1/challans/{psid}',
  'GET /v1/challans/{psid}/pdf',
  'GET /v1/challans/{psid}/stamps',
  'GET /v1/districts',
  'GET /v1/districts/{code}/tehsils',
  'GET /v1/instruments',
  'GET /v1/localities',
  'GET /v1/log/checkpoint',
  'GET /v1/stamps/{id}/pdf',
  'GET /v1/stamps/{id}/proof',
  'GET /v1/stamps/{id}/status',
  'GET /v1/trust-list',
  'POST /easypaisa/bill-inquiry',
  'POST /easypaisa/bill-payment',
  'POST /easypaisa/bill-reversal',
  'POST /jazzcash/BillInquiry',
  'POST /jazzcash/BillPayment',
  'POST /jazzcash/BillReversal',
  'POST /jazzcash/IPN/{merchantId}',
  'POST /onebill/BillInquiry',
  'POST /onebill/BillPayment',
  'POST /otc/close',
  'POST /otc/inquiry',
  'POST /otc/payment',
  'POST /otc/sign-in',
  'POST /otc/sign-out',
  'POST /otc/void',
  'POST /v1/duty-calculations',
  'POST /v1/stamp-applications',
  'POST /v1/verifications',
];

let app: FastifyInstance;
let document: Document;

beforeAll(async () => {
  // The description is made without asking any service.
  const services = {} as ApiServices;
  const log = makeLog({ level: 'fatal' });
  const metrics = makeMetrics(false);
  const nobody = (): Promise<undefined> => Promise.resolve(undefined);
  const { privateKey: signingKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const parts = {
    engine: {
      inquire: () => Promise.resolve({ ok: false, result: 'unknown-consumer' } as const),
      pay: () =>
        Promise.resolve({ result: 'unknown-consumer', repeated: false, stampIds: [] } as const),
      reverse: () => Promise.resolve({ result: 'original-not-found', repeated: false } as const),
    },
    participants: { findByInstitution: nobody, findByCredentials: nobody, findSigner: nobody },
    secrets: { open: () => Buffer.alloc(0) },
    log,
    metrics,
  };
  app = await makeHttpServer({
    services,
    log,
    metrics,
    channels: [
      oneBillChannel(parts),
      jazzCashChannel(parts),
      easypaisaChannel({ ...parts, signingKey }),
      otcChannel({
        ...parts,
        clock: systemClock,
        database: {} as Database,
        random: secureRandom,
        ids: new IdMaker(systemClock, 0),
      }),
    ],
  });
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  document = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
});
afterAll(() => app.close());

function operations(): [string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

/** The JSON bodies of a route's request and answers. */
function jsonBodies([name, operation]: [string, Operation]): [string, Media][] {
  const contents = [
    operation.requestBody?.content,
    ...Object.values(operation.responses).map((response) => response.content),
  ];
  return contents.flatMap((content) =>
    Object.entries(content ?? {})
      .filter(([type]) => type.includes('json') && name !== 'POST /v1/verifications')
      .map(([type, media]): [string, Media] => [`${name} ${type}`, media]),
  );
}

function resolve(schema: Json): Json {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').pop() : undefined;
  return name === undefined ? schema : document.components.schemas[name]!;
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and has every route, each with a name, a summary and a tag', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...ROUTES].sort());
    for (const [name, operation] of operations()) {
      expect([name, typeof operation.operationId]).toEqual([name, 'string']);
      expect(operation.summary).toBeTruthy();
      expect(operation.tags).toHaveLength(1);
    }
    const ids = operations().map(([, operation]) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has an example for every JSON body', () => {
    for (const [name, { schema, example }] of operations().flatMap(jsonBodies)) {
      const examples = example === undefined ? resolve(schema)['examples'] : [example];
      expect([name, examples]).toEqual([name, [expect.anything()]]);
    }
  });

  it('points only to what it holds', () => {
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/#\/components\/schemas\/([A-Za-z]+)/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    expect(text).not.toContain('"$schema"');
  });

  it('documents the headers that routes ask for', () => {
    const headers = (name: string): string[] =>
      (operations().find(([each]) => each === name)?.[1].parameters ?? [])
        .filter((parameter) => parameter.in === 'header')
        .map((parameter) => parameter.name);
    expect(headers('POST /v1/stamp-applications')).toEqual(['idempotency-key']);
    expect(headers('POST /onebill/BillPayment')).toEqual(['username', 'password']);
  });

  it('gives an example that the running schema takes', () => {
    const { requestBody } = document.paths['/v1/stamp-applications']!['post']!;
    const { example } = requestBody!.content['application/json']!;
    expect(stampApplicationRequest.safeParse(example).success).toBe(true);
  });
});
