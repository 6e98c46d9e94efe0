/** For those who run the product: liveness, readiness, metrics, and the API's own description. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Metrics } from '../../../kernel/metrics.ts';
import { withExample } from '../examples.ts';
import { anyJson, readinessAnswer } from '../schemas.ts';
import { file, type RouteDeps } from './route.ts';

export function addOperationRoutes(
  app: FastifyInstance,
  { services }: RouteDeps,
  metrics: Metrics,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/health/live',
    schema: {
      tags: ['Operations'],
      operationId: 'isLive',
      summary: 'The process answers',
      response: { 200: withExample(z.object({ live: z.literal(true) }), { live: true }) },
    },
    handler: () => Promise.resolve({ live: true } as const),
  });
  routes.route({
    method: 'GET',
    url: '/health/ready',
    schema: {
      tags: ['Operations'],
      operationId: 'isReady',
      summary: 'The switch can take payments',
      response: { 200: readinessAnswer, 503: readinessAnswer },
    },
    async handler(_request, reply) {
      const { ready, checks } = await services.ready();
      return reply.code(ready ? 200 : 503).send({ ready, checks: [...checks] });
    },
  });
  routes.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      tags: ['Operations'],
      operationId: 'getMetrics',
      summary: 'Counters and histograms in the text format of Prometheus',
      response: { 200: file('text/plain', 'Prometheus text format.') },
    },
    async handler(_request, reply) {
      const text = await metrics.registry.metrics();
      return reply.type(metrics.registry.contentType).send(text);
    },
  });
  routes.route({
    method: 'GET',
    url: '/openapi.json',
    schema: {
      tags: ['Operations'],
      operationId: 'getOpenApi',
      summary: 'This description',
      response: {
        200: anyJson.meta({ description: 'OpenAPI 3.1.', examples: [{ openapi: '3.1.0' }] }),
      },
    },
    async handler(_request, reply) {
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger()));
    },
  });
}
