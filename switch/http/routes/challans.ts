/** A challan's state for anybody who holds its PSID; its documents for whoever holds the access token. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { accessTokenOf } from '../access-token.ts';
import { psid } from '../fields.ts';
import { challanAnswer, stampsOfChallanAnswer } from '../schemas.ts';
import type { StampSummaryAnswer } from '../services.ts';
import { BEARER, file, found, problem, type RouteDeps } from './route.ts';

const params = z.object({ psid });

const refusals = {
  400: problem('The PSID was mistyped.'),
  404: problem('No such challan, or the token does not open it.'),
  429: problem('Too many look-ups from this address.'),
};
const UNAUTHORISED = problem('The access token is missing or malformed.');

function withLinks(stamps: readonly StampSummaryAnswer[]): z.output<typeof stampsOfChallanAnswer> {
  return {
    stamps: stamps.map((stamp) => {
      const self = `/v1/stamps/${stamp.id}`;
      const links = { pdf: `${self}/pdf`, status: `${self}/status`, proof: `${self}/proof` };
      return { ...stamp, links };
    }),
  };
}

export function addChallanRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { services, limitLookups } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/challans/:psid',
    onRequest: limitLookups,
    schema: {
      tags: ['Challans'],
      operationId: 'getChallan',
      summary: 'State and amount of a challan, without personal data',
      params,
      response: { 200: challanAnswer, ...refusals },
    },
    handler: async (request) => found(await services.findChallan(request.params.psid)),
  });
  routes.route({
    method: 'GET',
    url: '/v1/challans/:psid/pdf',
    onRequest: limitLookups,
    schema: {
      tags: ['Challans'],
      operationId: 'getChallanPdf',
      summary: 'The challan in three copies',
      security: BEARER,
      params,
      response: {
        200: file('application/pdf', 'Challan 32-A.'),
        401: UNAUTHORISED,
        ...refusals,
      },
    },
    async handler(request, reply) {
      const bytes = found(await services.challanPdf(request.params.psid, accessTokenOf(request)));
      return reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="challan-${request.params.psid}.pdf"`)
        .send(Buffer.from(bytes));
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/challans/:psid/stamps',
    onRequest: limitLookups,
    schema: {
      tags: ['Challans'],
      operationId: 'getStampsOfChallan',
      summary: 'The e-stamps that the payment of a challan issued',
      security: BEARER,
      params,
      response: { 200: stampsOfChallanAnswer, 401: UNAUTHORISED, ...refusals },
    },
    handler: async (request) =>
      withLinks(found(await services.stampsOfChallan(request.params.psid, accessTokenOf(request)))),
  });
}
