/** What a form needs to be filled in: districts, tehsils, localities of the DC tables, instruments. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { code } from '../fields.ts';
import { districtsAnswer, instrumentsAnswer, localitiesAnswer, tehsilsAnswer } from '../schemas.ts';
import { found, problem, type RouteDeps } from './route.ts';

const UNKNOWN = problem('No such district or tehsil.');

export function addReferenceRoutes(app: FastifyInstance, { services }: RouteDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/districts',
    schema: {
      tags: ['Reference'],
      operationId: 'listDistricts',
      summary: 'The districts of Punjab',
      response: { 200: districtsAnswer },
    },
    handler: async () => ({ districts: [...(await services.districts())] }),
  });
  routes.route({
    method: 'GET',
    url: '/v1/districts/:code/tehsils',
    schema: {
      tags: ['Reference'],
      operationId: 'listTehsils',
      summary: 'The tehsils of a district',
      params: z.object({ code }),
      response: { 200: tehsilsAnswer, 404: UNKNOWN },
    },
    handler: async (request) => ({
      tehsils: [...found(await services.tehsils(request.params.code))],
    }),
  });
  routes.route({
    method: 'GET',
    url: '/v1/localities',
    schema: {
      tags: ['Reference'],
      operationId: 'listLocalities',
      summary: 'The localities of a tehsil that have a rate in the DC table',
      querystring: z.strictObject({ district: code, tehsil: code }),
      response: { 200: localitiesAnswer, 400: problem('A part is missing.'), 404: UNKNOWN },
    },
    async handler(request) {
      const { district, tehsil } = request.query;
      const localities = found(await services.localities(district, tehsil));
      return {
        localities: localities.map((each) => ({ ...each, landClasses: [...each.landClasses] })),
      };
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/instruments',
    schema: {
      tags: ['Reference'],
      operationId: 'listInstruments',
      summary: 'The instruments of Schedule I',
      response: { 200: instrumentsAnswer },
    },
    handler: async () => ({ instruments: [...(await services.instruments())] }),
  });
}
