/** Examples in the schemas: each is checked against its schema when the server is built. */
import type { z } from 'zod';
import { invariant } from '../../kernel/fault.ts';

/** Attaches an example to a schema for `/openapi.json`; a wrong one stops the program at start. */
export function withExample<Schema extends z.ZodType>(
  schema: Schema,
  example: z.input<Schema>,
): Schema {
  invariant(schema.safeParse(example).success, 'An example of the API does not fit its schema.');
  // zod types `examples` by the output; ours are what is sent, so they are given untyped.
  const examples: unknown[] = [example];
  return schema.meta({ examples });
}
