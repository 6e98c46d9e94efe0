import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { factsRoot } from '../../ledger/index.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';

interface Vectors {
  factsSecret: string;
  facts: Record<string, string>;
  factsRoot: string;
  event: {
    salt: string;
    stampId: string;
    kind: string;
    atMs: string;
    reason: string;
    commitment: string;
  };
}
const vectors = JSON.parse(
  readFileSync(new URL('../../tests/vectors/log/commitments.json', import.meta.url), 'utf8'),
) as Vectors;
let test: TestDatabase;
beforeAll(async () => {
  test = await openTestDatabase();
});
afterAll(() => test.drop());

it('computes the commitments of the specification', async () => {
  const secret = Buffer.from(vectors.factsSecret, 'hex');
  expect(factsRoot(secret, new Map(Object.entries(vectors.facts))).toString('hex')).toBe(
    vectors.factsRoot,
  );
  const { salt, stampId, kind, atMs, reason, commitment } = vectors.event;
  const rows = await test.database.query<{ commitment: Buffer }>(sql`
    select event_commitment(${Buffer.from(salt, 'hex')}, ${stampId}, ${kind}, ${new Date(Number(atMs))}, ${reason}) as commitment`);
  expect(rows[0]!.commitment.toString('hex')).toBe(commitment);
});
