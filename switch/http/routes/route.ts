/** What all route files share. */
import type { preHandlerAsyncHookHandler } from 'fastify';
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import { problemSchema } from '../problem.ts';
import type { ApiServices } from '../services.ts';

export interface RouteDeps {
  readonly services: ApiServices;
  /** Runs before every look-up by an id. */
  readonly limitLookups: preHandlerAsyncHookHandler;
  /** Runs before every verification of a file. */
  readonly limitVerifications: preHandlerAsyncHookHandler;
}

/** A problem as one of a route's answers. */
export function problem(description: string): {
  description: string;
  content: { 'application/problem+json': { schema: typeof problemSchema } };
} {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** A file as a route's answer. */
export function file(
  mediaType: string,
  description: string,
): {
  description: string;
  content: Record<string, { schema: z.ZodType }>;
} {
  const schema = z.string().meta({ contentMediaType: mediaType });
  return { description, content: { [mediaType]: { schema } } };
}

/** The value, or a Fault `not-found`; the same words for what is not there and what a token does not open. */
export function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Fault('not-found', 'There is nothing here for this request.');
  return value;
}

/** For the OpenAPI document: the route needs the access token. */
export const BEARER = [{ accessToken: [] }];

/** The header under which a request of the API may come again; `thing` is what one request makes. */
export function idempotencyHeader(thing: string): z.ZodObject<{ 'idempotency-key': z.ZodString }> {
  return z.object({
    'idempotency-key': z
      .string({ error: `is required: a new random key per ${thing}, the same for a repeat` })
      .regex(/^[\x21-\x7e]{8,100}$/, 'must be 8 to 100 printable ASCII characters without spaces')
      .meta({ examples: ['8c1b6a52-2f0e-4e0b-9a55-3f1d0c7f6a10'] }),
  });
}

/** Runs at most `max` pieces of work at once; a Fault `overloaded` with these words for one too many. */
export function atMost(
  max: number,
  words: string,
): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let running = 0;
  return async (work) => {
    if (running >= max) throw new Fault('overloaded', words);
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
    }
  };
}
