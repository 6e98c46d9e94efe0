import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../kernel/clock.ts';
import { openDatabase } from '../../../kernel/database.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/support/test-database.ts';
import { encodeEntry } from '../../../chaincode/src/leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierRoot,
  leafHash,
} from '../../../chaincode/src/merkle.ts';
import type { AnchorBatch } from '../anchor-chain.ts';
import { anchorChainConformance } from '../conformance.ts';
import { openEmbeddedChain, type EmbeddedChainOptions } from './embedded.ts';

const ORIGIN = 'sanad.example/estamp';
const KEYS = generateKeyPairSync('ed25519');
let test: TestDatabase;
beforeAll(async () => {
  test = await openTestDatabase();
});
afterEach(async () => {
  await test.database.script(`
    set session_replication_role = replica;
    truncate chain_state, chain_block;
    set session_replication_role = origin;
  `);
});
afterAll(() => test.drop());

function options(): EmbeddedChainOptions {
  return {
    database: test.database,
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    clock: new ManualClock(new Date('2026-11-23T10:00:00Z')),
  };
}

function onePayment(start: bigint): AnchorBatch {
  const entry = encodeEntry({
    type: 'payment',
    atMs: 1n,
    amountPaisa: 5n,
    ref: 0n,
    commitment: Buffer.alloc(32),
  });
  const before = appendLeaves(
    EMPTY_FRONTIER,
    Array.from({ length: Number(start) }, () => leafHash(entry)),
  );
  return {
    start,
    entries: entry,
    expectedRoot: frontierRoot(appendLeaves(before, [leafHash(entry)])),
    issueBatches: [],
  };
}

/** What somebody with the rights of a superuser can do, triggers or not. */
async function tamper(statement: string): Promise<void> {
  await test.database.script(
    `set session_replication_role = replica; ${statement}; set session_replication_role = origin;`,
  );
}

describe('the embedded chain', () => {
  it.each(anchorChainConformance)('$name', async ({ run }) => {
    await run({
      chain: await openEmbeddedChain(options()),
      logPublicKey: KEYS.publicKey,
      origin: ORIGIN,
      reopen: () => openEmbeddedChain(options()),
    });
    expect(
      await test.database.query({ text: 'select 1 from chain_block', values: [] }),
    ).not.toHaveLength(0);
  });

  it('refuses a log that was begun with another key or under another origin', async () => {
    await openEmbeddedChain(options());
    const other = generateKeyPairSync('ed25519').privateKey;
    await expect(openEmbeddedChain({ ...options(), signingKey: other })).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(
      openEmbeddedChain({ ...options(), origin: 'sanad.example/x' }),
    ).rejects.toMatchObject({
      code: 'config-invalid',
    });
    const wrongKind = generateKeyPairSync('x25519').privateKey;
    await expect(openEmbeddedChain({ ...options(), signingKey: wrongKind })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('refuses to go on from a state that was rolled back to an older head', async () => {
    const chain = await openEmbeddedChain(options());
    await chain.append(onePayment(0n));
    await tamper(`create table kept as select * from chain_state where key = 'head'`);
    await chain.append(onePayment(1n));
    await tamper(
      `update chain_state s set value = k.value from kept k where k.key = s.key; drop table kept`,
    );
    await expect(chain.append(onePayment(1n))).rejects.toMatchObject({
      code: 'chain-refused',
      retry: 'never',
    });
    await expect(chain.append(onePayment(2n))).rejects.toMatchObject({
      code: 'chain-refused',
      retry: 'never',
    });
  });

  it('refuses to sign for a last block that was changed', async () => {
    const chain = await openEmbeddedChain(options());
    await chain.append(onePayment(0n));
    await tamper(`update chain_block set size = 7 where number = 1`);
    await expect(chain.checkpoint()).rejects.toMatchObject({ code: 'chain-refused' });
    await expect(chain.head()).rejects.toMatchObject({ code: 'chain-refused' });
  });

  it('never lets the time of its blocks step back', async () => {
    const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
    const chain = await openEmbeddedChain({ ...options(), clock });
    clock.set(new Date('2026-11-23T09:00:00Z'));
    await chain.append(onePayment(0n));
    const rows = await test.database.query<{ at_ms: bigint }>({
      text: 'select distinct at_ms from chain_block',
      values: [],
    });
    expect(rows).toEqual([{ at_ms: BigInt(Date.parse('2026-11-23T10:00:00Z')) }]);
  });

  it('says how to go on when the database is away', async () => {
    const database = openDatabase({ url: test.url });
    const chain = await openEmbeddedChain({ ...options(), database });
    await database.close();
    await expect(chain.head()).rejects.toMatchObject({
      code: 'chain-unreachable',
      phase: 'read',
      retry: 'safe',
    });
    await expect(chain.append(onePayment(0n))).rejects.toMatchObject({
      code: 'chain-unreachable',
      phase: 'commit',
      retry: 'ask-head-first',
    });
  });

  it('keeps its blocks against update, delete and truncate', async () => {
    await openEmbeddedChain(options());
    for (const statement of [
      'update chain_block set size = 1',
      'delete from chain_block',
      'truncate chain_block',
    ]) {
      await expect(test.database.script(statement)).rejects.toThrow('never changed or deleted');
    }
  });
});
