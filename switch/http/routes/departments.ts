/** For departments' programs: challans for their services, and the payer's receipt. A plugin for `channels` of the server. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { DepartmentDesk, DepartmentKeys } from '../../departments/index.ts';
import type { WebhookServices } from '../../webhooks/index.ts';
import { accessTokenOf } from '../access-token.ts';
import {
  demandAnswer,
  demandRequest,
  departmentChallanAnswer,
  departmentChallansAnswer,
  receiptAnswer,
  servicesAnswer,
} from '../department-schemas.ts';
import { lineOfText, psid } from '../fields.ts';
import { HttpProblem } from '../problem.ts';
import { limitRate, RateLimit } from '../rate-limit.ts';
import { BEARER, found, idempotencyHeader, problem } from './route.ts';
import { addWebhookRoutes } from './webhooks.ts';

export interface DepartmentApiDeps {
  readonly keys: DepartmentKeys;
  readonly desk: DepartmentDesk;
  readonly webhooks: WebhookServices;
  readonly clock: Clock;
  /** Look-ups of receipts, and wrong tokens, an address may make in a minute. */
  readonly lookupsPerMinute: number;
}

/** Finds out which department asks; a Fault `unauthorised` for everybody else, who may try so often only. */
type Authenticate = (request: FastifyRequest) => Promise<string>;

const UNAUTHORISED = problem('The key is missing, unknown, ended or used from elsewhere.');

function makeAuthenticate({ keys, clock, lookupsPerMinute }: DepartmentApiDeps): Authenticate {
  const failures = new RateLimit(clock, lookupsPerMinute);
  return async (request) => {
    const department = await keys.authenticate(accessTokenOf(request), request.ip);
    if (department !== undefined) return department;
    failures.admit(request.ip);
    throw new Fault('unauthorised', 'This key opens nothing here.');
  };
}

function addDemandRoute(
  app: FastifyInstance,
  { desk }: DepartmentApiDeps,
  authenticate: Authenticate,
): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/v1/department/challans',
    schema: {
      tags: ['Departments'],
      operationId: 'makeServiceChallan',
      summary: 'Makes a challan with a PSID for one of the department’s services',
      security: BEARER,
      headers: idempotencyHeader('demand'),
      body: demandRequest,
      response: {
        201: demandAnswer,
        400: problem('The request or its Idempotency-Key is missing something or is wrong.'),
        401: UNAUTHORISED,
        409: problem('`key-reused`: the key came before with another body.'),
        422: problem('`service-refused`: `errors` has the reason.'),
      },
    },
    async handler(request, reply) {
      const department = await authenticate(request);
      const key = request.headers['idempotency-key'];
      try {
        const answer = await desk.demand(department, request.body, key);
        if (!answer.ok) {
          const { code, path, message } = answer;
          throw new HttpProblem('service-refused', {
            detail: message,
            errors: [{ path, message, code }],
          });
        }
        const self = `/v1/challans/${answer.psid}`;
        const links = { challanPdf: `${self}/pdf`, receipt: `${self}/receipt` };
        return await reply.code(201).send({ ...answer, links });
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'conflict') throw error;
        throw new HttpProblem('key-reused', { detail: error.message });
      }
    },
  });
}

function addChallanRoutes(
  app: FastifyInstance,
  { desk }: DepartmentApiDeps,
  authenticate: Authenticate,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const params = z.object({ psid });
  const notThere = problem('The department has no such challan.');
  routes.route({
    method: 'GET',
    url: '/v1/department/challans/:psid',
    schema: {
      tags: ['Departments'],
      operationId: 'getServiceChallan',
      summary: 'One of the department’s challans',
      security: BEARER,
      params,
      response: { 200: departmentChallanAnswer, 401: UNAUTHORISED, 404: notThere },
    },
    handler: async (request) =>
      found(await desk.find(await authenticate(request), request.params.psid)),
  });
  routes.route({
    method: 'GET',
    url: '/v1/department/challans',
    schema: {
      tags: ['Departments'],
      operationId: 'findServiceChallans',
      summary:
        'The department’s challans for one of its own references, the newest first, at most 100',
      security: BEARER,
      querystring: z.strictObject({ reference: lineOfText(60) }),
      response: { 200: departmentChallansAnswer, 401: UNAUTHORISED },
    },
    async handler(request) {
      const department = await authenticate(request);
      return { challans: [...(await desk.findByReference(department, request.query.reference))] };
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/department/challans/:psid/cancellation',
    schema: {
      tags: ['Departments'],
      operationId: 'cancelServiceChallan',
      summary: 'Takes an unpaid challan back; taking it back twice is the same',
      security: BEARER,
      params,
      response: {
        200: departmentChallanAnswer,
        401: UNAUTHORISED,
        404: notThere,
        409: problem('`conflict`: it is paid.'),
      },
    },
    handler: async (request) =>
      found(await desk.cancel(await authenticate(request), request.params.psid)),
  });
}

function addPublicRoutes(
  app: FastifyInstance,
  { desk, clock, lookupsPerMinute }: DepartmentApiDeps,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/services',
    schema: {
      tags: ['Reference'],
      operationId: 'listServices',
      summary: 'The departments’ services that can be paid for today',
      response: { 200: servicesAnswer },
    },
    handler: async () => ({
      services: (await desk.services()).map(({ fee, departmentCode, ...service }) => ({
        ...service,
        department: departmentCode,
        ...(fee.basis === 'fixed'
          ? { amount: fee.amount.toString() }
          : { minimum: fee.minimum.toString(), maximum: fee.maximum.toString() }),
      })),
    }),
  });
  routes.route({
    method: 'GET',
    url: '/v1/challans/:psid/receipt',
    onRequest: limitRate(new RateLimit(clock, lookupsPerMinute)),
    schema: {
      tags: ['Challans'],
      operationId: 'getReceipt',
      summary: 'The receipt of a paid challan for a service',
      security: BEARER,
      params: z.object({ psid }),
      response: {
        200: receiptAnswer,
        401: problem('The access token is missing or malformed.'),
        404: problem('No such challan, it is not paid, or the token does not open it.'),
        429: problem('Too many look-ups from this address.'),
      },
    },
    async handler(request) {
      const token = accessTokenOf(request);
      const receipt = found(await desk.receipt(request.params.psid, token));
      return {
        ...receipt,
        amount: receipt.amount.toString(),
        paidAt: receipt.paidAt.toISOString(),
        lines: receipt.lines.map((line) => ({ ...line, amount: line.amount.toString() })),
      };
    },
  });
}

/** Adds the departments' routes to a server: give it to `makeHttpServer` among `channels`. */
export function departmentApi(deps: DepartmentApiDeps): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    const authenticate = makeAuthenticate(deps);
    addDemandRoute(app, deps, authenticate);
    addChallanRoutes(app, deps, authenticate);
    addPublicRoutes(app, deps);
    addWebhookRoutes(app, deps.webhooks, authenticate);
    await Promise.resolve();
  };
}
