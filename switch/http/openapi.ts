/** `/openapi.json`: made from the very schemas that the routes run with. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';

type Transform = typeof jsonSchemaTransform;

/** The channels' routes describe themselves in plain JSON Schema, which passes as it is. */
const transform: Transform = (document) => {
  // The type provider types a route's schema as `any`; what a route may hold is unknown until looked at.
  const { body, params, querystring, headers } = document.schema as Readonly<
    Record<'body' | 'params' | 'querystring' | 'headers', unknown>
  >;
  const isPlain = [body, params, querystring, headers].some(
    (part) => part !== undefined && !(part instanceof z.ZodType),
  );
  return isPlain ? { schema: document.schema, url: document.url } : jsonSchemaTransform(document);
};

const TAGS = [
  'Stamps',
  'Challans',
  'Verification',
  'Reference',
  '1BILL',
  'JazzCash',
  'Easypaisa',
  'OTC',
  'Operations',
];

/** Registers the generator. Must come before the routes. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sanad',
        version: '1.0.0',
        description:
          'Challans, payments and e-stamps. Money is a string of paisa (1 rupee = 100 paisa). Errors are `application/problem+json` with a stable `code`.',
      },
      tags: TAGS.map((name) => ({ name })),
      components: {
        securitySchemes: { accessToken: { type: 'http', scheme: 'bearer' } },
      },
    },
    transform,
    transformObject: jsonSchemaTransformObject,
  });
}
