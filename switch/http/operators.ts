/**
 * The operators of a small installation: a file with the hash of each one's token, made by `sanad operator add`. There
 * is none to begin with, and no token but those that were made. Accounts of staff take its place (issue 9).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../kernel/fault.ts';
import { compileAddressList } from '../participants/index.ts';
import { OPERATOR_ROLES, type OperatorDirectory } from './office-services.ts';

const OPERATORS_MAX = 1_000;

const schema = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,39}$/),
      role: z.enum(OPERATOR_ROLES),
      office: z.string().min(1).max(120),
      /** SHA-256 of the token, hex: 256 random bits need no slow hash. */
      tokenHash: z.string().regex(/^[0-9a-f]{64}$/),
      /** Addresses or CIDR ranges that he may come from. */
      addresses: z.array(z.string()).min(1).max(100),
    }),
  )
  .max(OPERATORS_MAX)
  .refine(
    (list) => new Set(list.map(({ id }) => id)).size === list.length,
    'has an id that comes twice',
  );

export type OperatorRecord = z.infer<typeof schema>[number];

/** The hash of a token as it is kept. */
export function operatorTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Reads the content of an operators' file; a Fault `config-invalid` names what is wrong with it. */
export function parseOperators(value: unknown): OperatorRecord[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    for (const { addresses } of parsed.data) compileAddressList(addresses);
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  throw new Fault('config-invalid', 'The file of the operators is wrong.', {
    fields: { path: issue?.path.join('.') ?? '', reason: issue?.message ?? '' },
  });
}

/** Makes the directory of these operators. */
export function makeOperatorDirectory(records: readonly OperatorRecord[]): OperatorDirectory {
  const known = records.map(({ id, role, office, tokenHash, addresses }) => ({
    operator: { id, role, office },
    hash: Buffer.from(tokenHash, 'hex'),
    addresses: compileAddressList(addresses),
  }));
  return {
    authenticate(token, remoteAddress) {
      const hash = Buffer.from(operatorTokenHash(token), 'hex');
      const found = known.find((each) => timingSafeEqual(each.hash, hash));
      return found?.addresses.has(remoteAddress) === true ? found.operator : undefined;
    },
  };
}
