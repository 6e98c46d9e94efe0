/** A department's webhooks: where it is told, what was delivered, and sending again. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  eventIdText,
  parseEventId,
  type ListedDelivery,
  type WebhookServices,
} from '../../webhooks/index.ts';
import {
  deliveriesAnswer,
  deliveriesQuery,
  endpointAnswer,
  endpointRequest,
  endpointsAnswer,
  endpointStateRequest,
  eventId,
  resentAnswer,
  rowId,
  secretAnswer,
} from '../department-schemas.ts';
import { BEARER, found, problem } from './route.ts';

type Authenticate = (request: FastifyRequest) => Promise<string>;

const PAGE = 100;
const UNAUTHORISED = problem('The key is missing, unknown, ended or used from elsewhere.');
const NOT_THERE = problem('The department has no such webhook or event.');
const params = z.object({ id: rowId });

function shown(
  shard: number,
  delivery: ListedDelivery,
): z.output<typeof deliveriesAnswer>['deliveries'][number] {
  const { eventId: event, endpointId, kind, nextAt, ...rest } = delivery;
  return {
    ...rest,
    event: eventIdText(shard, event),
    webhook: endpointId.toString(),
    type: kind,
    ...(nextAt === undefined ? {} : { nextAt: nextAt.toISOString() }),
  };
}

function addEndpointRoutes(
  app: FastifyInstance,
  { endpoints }: WebhookServices,
  authenticate: Authenticate,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'POST',
    url: '/v1/department/webhooks',
    schema: {
      tags: ['Departments'],
      operationId: 'addWebhook',
      summary: 'Adds an address to be told at; the answer has the secret, once',
      security: BEARER,
      body: endpointRequest,
      response: {
        201: endpointAnswer,
        400: problem('The address may not be used; it must be https to a public host.'),
        401: UNAUTHORISED,
        409: problem('`conflict`: the department has ten already.'),
      },
    },
    async handler(request, reply) {
      const added = await endpoints.add(await authenticate(request), request.body.url);
      return reply
        .code(201)
        .send({ ...added, id: added.id.toString(), createdAt: added.createdAt.toISOString() });
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/department/webhooks',
    schema: {
      tags: ['Departments'],
      operationId: 'listWebhooks',
      summary: 'The department’s webhooks',
      security: BEARER,
      response: { 200: endpointsAnswer, 401: UNAUTHORISED },
    },
    async handler(request) {
      const listed = await endpoints.list(await authenticate(request));
      return {
        webhooks: listed.map((each) => ({
          ...each,
          id: each.id.toString(),
          createdAt: each.createdAt.toISOString(),
        })),
      };
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/department/webhooks/:id/secret',
    schema: {
      tags: ['Departments'],
      operationId: 'changeWebhookSecret',
      summary: 'A new secret; the old one signs beside it for a day',
      security: BEARER,
      params,
      response: { 200: secretAnswer, 401: UNAUTHORISED, 404: NOT_THERE },
    },
    async handler(request) {
      const department = await authenticate(request);
      const changed = found(await endpoints.changeSecret(department, BigInt(request.params.id)));
      return { secret: changed.secret, previousUntil: changed.previousUntil.toISOString() };
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/department/webhooks/:id/state',
    schema: {
      tags: ['Departments'],
      operationId: 'switchWebhook',
      summary: 'Switches a webhook on or off; what is pending waits',
      security: BEARER,
      params,
      body: endpointStateRequest,
      response: { 200: endpointStateRequest, 401: UNAUTHORISED, 404: NOT_THERE },
    },
    async handler(request) {
      const department = await authenticate(request);
      const { active } = request.body;
      const done = await endpoints.switch(department, BigInt(request.params.id), active);
      found(done ? true : undefined);
      return { active };
    },
  });
}

function addDeliveryRoutes(
  app: FastifyInstance,
  services: WebhookServices,
  authenticate: Authenticate,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/department/deliveries',
    schema: {
      tags: ['Departments'],
      operationId: 'listDeliveries',
      summary: 'What the department was told, is being told and could not be told',
      security: BEARER,
      querystring: deliveriesQuery,
      response: { 200: deliveriesAnswer, 401: UNAUTHORISED },
    },
    async handler(request) {
      const department = await authenticate(request);
      const { state, psid, before } = request.query;
      const { shard, deliveries } = await services.deliveries(department, {
        state,
        psid,
        before: before === undefined ? undefined : parseEventId(before),
        limit: PAGE,
      });
      const last = deliveries.at(-1);
      return {
        deliveries: deliveries.map((each) => shown(shard, each)),
        ...(last === undefined || deliveries.length < PAGE
          ? {}
          : { next: eventIdText(shard, last.eventId) }),
      };
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/department/events/:event/resend',
    schema: {
      tags: ['Departments'],
      operationId: 'resendEvent',
      summary: 'Sends an event again to every webhook that it was for',
      security: BEARER,
      params: z.object({ event: eventId }),
      response: { 200: resentAnswer, 401: UNAUTHORISED, 404: NOT_THERE },
    },
    async handler(request) {
      const department = await authenticate(request);
      const key = found(parseEventId(request.params.event));
      return { resent: found(await services.resend(department, key)) };
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/department/webhooks/:id/resend-dead',
    schema: {
      tags: ['Departments'],
      operationId: 'resendDeadLetters',
      summary: 'Sends again what a webhook could not be told, at most 1,000 events at a time',
      security: BEARER,
      params,
      response: { 200: resentAnswer, 401: UNAUTHORISED, 404: NOT_THERE },
    },
    async handler(request) {
      const department = await authenticate(request);
      return { resent: found(await services.resendDead(department, BigInt(request.params.id))) };
    },
  });
}

/** Adds the routes to a server; `authenticate` says which department asks. */
export function addWebhookRoutes(
  app: FastifyInstance,
  services: WebhookServices,
  authenticate: Authenticate,
): void {
  addEndpointRoutes(app, services, authenticate);
  addDeliveryRoutes(app, services, authenticate);
}
