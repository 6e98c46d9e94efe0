/** One e-stamp: its certificate for the token's holder, its status and proof for anybody with its id. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { accessTokenOf } from '../access-token.ts';
import { stampId } from '../fields.ts';
import { anyJson, stampStatusAnswer } from '../schemas.ts';
import { BEARER, file, found, problem, type RouteDeps } from './route.ts';

const params = z.object({ id: stampId });

const refusals = {
  400: problem('The id was mistyped.'),
  404: problem('No such stamp, or the token does not open it.'),
  429: problem('Too many look-ups from this address.'),
};

export function addStampRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { services, limitLookups } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/stamps/:id/pdf',
    onRequest: limitLookups,
    schema: {
      tags: ['Stamps'],
      operationId: 'getStampPdf',
      summary: 'The e-stamp certificate',
      security: BEARER,
      params,
      response: {
        200: file('application/pdf', 'The certificate with its seal.'),
        401: problem('The access token is missing or malformed.'),
        ...refusals,
      },
    },
    async handler(request, reply) {
      const bytes = found(await services.stampPdf(request.params.id, accessTokenOf(request)));
      return reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="e-stamp-${request.params.id}.pdf"`)
        .send(Buffer.from(bytes));
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/stamps/:id/status',
    onRequest: limitLookups,
    schema: {
      tags: ['Verification'],
      operationId: 'getStampStatus',
      summary: 'The state of a stamp, without names',
      params,
      response: { 200: stampStatusAnswer, ...refusals },
    },
    handler: async (request) => found(await services.stampStatus(request.params.id)),
  });
  routes.route({
    method: 'GET',
    url: '/v1/stamps/:id/proof',
    onRequest: limitLookups,
    schema: {
      tags: ['Verification'],
      operationId: 'getStampProof',
      summary: 'The proof that a stamp is in the public log',
      params,
      response: {
        200: anyJson.meta({ description: 'The proof file.', examples: [{ leafIndex: '17' }] }),
        ...refusals,
      },
    },
    handler: async (request) => found(await services.stampProof(request.params.id)),
  });
}
