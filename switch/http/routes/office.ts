/**
 * The officers' desk: delisting against a deed, the other moves of a stamp's life, and the search. What a search is
 * for stands in the body, never in an address: addresses end up in logs. A plugin of the server's own scope.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import { STAMP_KINDS } from '../../../kernel/stamp.ts';
import { STAMP_MOVE_RESULTS } from '../../../ledger/index.ts';
import { accessTokenOf } from '../access-token.ts';
import {
  cnic,
  code,
  day,
  instant,
  lineOfText,
  paisaText,
  psid,
  stampId,
  stampState,
} from '../fields.ts';
import type {
  OfficeServices,
  Operator,
  OperatorDirectory,
  OperatorRole,
} from '../office-services.ts';
import { limitRate, RateLimit } from '../rate-limit.ts';
import { BEARER, found, idempotencyHeader, problem } from './route.ts';

export interface OfficeApiDeps {
  readonly operators: OperatorDirectory;
  readonly office: OfficeServices;
  readonly clock: Clock;
  /** Searches, and wrong tokens, that an address may make in a minute. */
  readonly lookupsPerMinute: number;
}

const STAMPS_MAX = 1_000;

const stamps = z
  .array(stampId)
  .min(1)
  .max(STAMPS_MAX)
  .meta({ examples: [['4829119302746153']] });

const delistingRequest = z.strictObject({
  /** As the register of deeds has it: number, book, volume; shown to whoever verifies a copy. */
  deed: lineOfText(80).meta({ examples: ['4711/2026, Book 1, Vol 312'] }),
  note: lineOfText(120).optional(),
  stamps,
});

const moveRequest = z.strictObject({
  kind: z.enum(['spoil', 'refund-request', 'refund-refuse', 'refund']),
  reason: lineOfText(160),
  stamps,
});

const movesAnswer = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      result: z.enum(STAMP_MOVE_RESULTS),
      state: stampState.optional(),
      stateChangedAt: instant.optional(),
      usedFor: z.string().optional(),
      message: z.object({ en: z.string(), ur: z.string() }).optional(),
    }),
  ),
});

const searchRequest = z.strictObject({
  criterion: z.discriminatedUnion('by', [
    z.strictObject({ by: z.literal('id'), id: stampId }),
    z.strictObject({ by: z.literal('psid'), psid }),
    z.strictObject({ by: z.literal('challan'), challanNumber: code }),
    z.strictObject({ by: z.literal('cnic'), cnic }),
    z.strictObject({ by: z.literal('deed'), deed: lineOfText(80) }),
    z.strictObject({ by: z.literal('issued'), from: day, to: day, districtCode: code.optional() }),
  ]),
  next: z.string().max(40).optional(),
});

const searchAnswer = z.object({
  stamps: z.array(
    z.object({
      id: z.string(),
      psid: z.string(),
      challanNumber: z.string(),
      kind: z.enum(STAMP_KINDS),
      article: z.string(),
      amount: paisaText,
      issuedAt: instant,
      district: z.string(),
      applicant: z.string(),
      state: stampState,
      stateChangedAt: instant.optional(),
      usedFor: z.string().optional(),
    }),
  ),
  next: z.string().optional(),
});

const eventsAnswer = z.object({
  events: z.array(
    z.object({
      kind: z.enum(['lock', 'cancel', 'spoil', 'refund-request', 'refund-refuse', 'refund']),
      at: instant,
      actor: z.string(),
      office: z.string().optional(),
      reason: z.string(),
    }),
  ),
});

const REFUSALS = {
  400: problem('The request is missing something or is wrong.'),
  401: problem('The token is missing, unknown or used from elsewhere.'),
  403: problem('This is not the business of the operator’s role.'),
  429: problem('Too many requests from this address.'),
};

/** Who may read the register. */
const READERS: readonly OperatorRole[] = ['sub-registrar', 'collector', 'inspector'];

type Authenticate = (request: FastifyRequest) => Operator;

function makeAuthenticate({ operators, clock, lookupsPerMinute }: OfficeApiDeps): Authenticate {
  const failures = new RateLimit(clock, lookupsPerMinute);
  return (request) => {
    const operator = operators.authenticate(accessTokenOf(request), request.ip);
    if (operator !== undefined) {
      if (READERS.includes(operator.role)) return operator;
      throw new Fault('forbidden', 'The register is not open to this role.');
    }
    failures.admit(request.ip);
    throw new Fault('unauthorised', 'This token opens nothing here.');
  };
}

function addMoveRoutes(
  app: FastifyInstance,
  { office }: OfficeApiDeps,
  authenticate: Authenticate,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'POST',
    url: '/v1/office/delistings',
    schema: {
      tags: ['Office'],
      operationId: 'delistStamps',
      summary: 'Uses stamps for a deed, once; each of a batch is answered on its own',
      security: BEARER,
      headers: idempotencyHeader('request'),
      body: delistingRequest,
      response: { 200: movesAnswer, ...REFUSALS },
    },
    async handler(request) {
      const operator = authenticate(request);
      const { deed, note, stamps: ids } = request.body;
      const results = await office.move(operator, {
        kind: 'lock',
        deed,
        reason: note === undefined ? `deed ${deed}` : `deed ${deed}; ${note}`,
        stamps: ids,
        requestKey: request.headers['idempotency-key'],
      });
      return { results: [...results] };
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/office/moves',
    schema: {
      tags: ['Office'],
      operationId: 'moveStamps',
      summary: 'Declares stamps spoiled, or takes, refuses or grants requests for their refund',
      security: BEARER,
      headers: idempotencyHeader('request'),
      body: moveRequest,
      response: { 200: movesAnswer, ...REFUSALS },
    },
    async handler(request) {
      const operator = authenticate(request);
      const requestKey = request.headers['idempotency-key'];
      return { results: [...(await office.move(operator, { ...request.body, requestKey }))] };
    },
  });
}

function addSearchRoutes(
  app: FastifyInstance,
  { office, clock, lookupsPerMinute }: OfficeApiDeps,
  authenticate: Authenticate,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  // An officer's account is worth a look too: nobody reads the register out through it.
  const limit = limitRate(new RateLimit(clock, lookupsPerMinute));
  routes.route({
    method: 'POST',
    url: '/v1/office/searches',
    onRequest: limit,
    schema: {
      tags: ['Office'],
      operationId: 'searchStamps',
      summary: 'Finds stamps by id, PSID, challan, CNIC, deed or days of issue; 100 on a page',
      security: BEARER,
      body: searchRequest,
      response: { 200: searchAnswer, ...REFUSALS },
    },
    async handler(request) {
      authenticate(request);
      const { criterion, next } = request.body;
      const page = await office.search(criterion, next);
      return { ...page, stamps: [...page.stamps] };
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/office/stamps/:id/events',
    onRequest: limit,
    schema: {
      tags: ['Office'],
      operationId: 'getStampEvents',
      summary: 'What happened to a stamp: who, why and when',
      security: BEARER,
      params: z.object({ id: stampId }),
      response: { 200: eventsAnswer, 404: problem('No such stamp.'), ...REFUSALS },
    },
    async handler(request) {
      authenticate(request);
      return { events: [...found(await office.events(request.params.id))] };
    },
  });
}

/** Adds the officers' routes to a server: give it to `makeHttpServer` among `channels`. */
export function officeApi(deps: OfficeApiDeps): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    const authenticate = makeAuthenticate(deps);
    addMoveRoutes(app, deps, authenticate);
    addSearchRoutes(app, deps, authenticate);
    await Promise.resolve();
  };
}
