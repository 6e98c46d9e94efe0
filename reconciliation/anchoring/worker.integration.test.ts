import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { openDatabase, sql, type Database, type Queryable } from '../../kernel/database.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import { openEmbeddedChain } from './adapters/embedded.ts';
import { ChainFault, type AnchorChain } from './anchor-chain.ts';
import { auditLog } from './audit-log.ts';
import { inclusionBundle, logConsistency, verifyInclusionBundle } from './inclusion-bundle.ts';
import { emptyAnchoring, fillOutbox, ORIGIN, stampIds } from './test-support.ts';
import {
  makeAnchoringWorker,
  type AnchoringWorker,
  type AnchoringWorkerOptions,
} from './worker.ts';
import { readCheckpoint } from './checkpoint.ts';
import { verifyConsistency } from '../../chaincode/src/merkle.ts';

const KEYS = generateKeyPairSync('ed25519');
const LOG = { publicKey: KEYS.publicKey, origin: ORIGIN };
const silent = makeLog({ level: 'silent' });
let test: TestDatabase;
let clock: ManualClock;
let chain: AnchorChain;
beforeAll(async () => {
  test = await openTestDatabase();
});
beforeEach(async () => {
  await emptyAnchoring(test.database);
  clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
  chain = await openEmbeddedChain({
    database: test.database,
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    clock,
  });
});
afterAll(() => test.drop());

function makeWorker(changes: Partial<AnchoringWorkerOptions> = {}): AnchoringWorker {
  return makeAnchoringWorker({
    database: test.database,
    chain,
    clock,
    log: silent,
    metrics: makeMetrics(false),
    holder: 'first',
    idleMs: 1,
    ...changes,
  });
}

async function drain(worker: AnchoringWorker): Promise<number> {
  let total = 0;
  for (;;) {
    const leaves = await worker.runOnce();
    if (leaves === 0) return total;
    total += leaves;
  }
}

/** The whole truth after all is done: chain, tables and proofs agree, and each stamp is in the log once. */
async function expectWholeLog(stamps: readonly string[], leaves: number): Promise<void> {
  expect((await chain.head()).size).toBe(BigInt(leaves));
  const report = await auditLog(test.database, { logPublicKey: KEYS.publicKey, origin: ORIGIN });
  expect(report.findings).toEqual([]);
  expect(report.leaves).toBe(String(leaves));
  expect(await test.database.query(sql`select 1 from outbox`)).toHaveLength(0);
  const issued = await test.database.query<{ stamp_id: string }>(
    sql`select stamp_id from log_leaf where kind = 'issue' order by stamp_id`,
  );
  expect(issued.map((row) => row.stamp_id)).toEqual([...stamps].sort());
  for (const stamp of stamps) {
    expect(verifyInclusionBundle(await inclusionBundle(test.database, stamp), LOG)).toMatchObject({
      ok: true,
    });
  }
}

describe('the anchoring worker', () => {
  it('brings stamps into the log, each with a proof that holds against the signed checkpoint', async () => {
    const stamps = stampIds(7);
    await fillOutbox(
      test.database,
      stamps.map((stampId) => ({ kind: 'issue', stampId })),
    );
    const worker = makeWorker();
    expect(await worker.lag()).toBe(7);
    expect(await inclusionBundle(test.database, stamps[0]!)).toBeUndefined();
    expect(await drain(worker)).toBe(14);
    expect(await worker.lag()).toBe(0);
    await expectWholeLog(stamps, 14);
    const [head] = await test.database.query(sql`select size from anchor_head`);
    expect(head).toEqual({ size: 14n });
    expect(await inclusionBundle(test.database, '0000000000000000')).toBeUndefined();
  });

  it('cuts the outbox into batches of the size it is given, and writes events with the index of their issue', async () => {
    const stamps = stampIds(5);
    await fillOutbox(test.database, [
      ...stamps.map((stampId) => ({ kind: 'issue' as const, stampId })),
      { kind: 'cancel', stampId: stamps[0]! },
      { kind: 'spoil', stampId: stamps[1]! },
      { kind: 'refund', stampId: stamps[1]! },
    ]);
    expect(await drain(makeWorker({ batchEntriesMax: 3 }))).toBe(13);
    await expectWholeLog(stamps, 13);
    const batches = await test.database.query<{ entry_count: number }>(
      sql`select entry_count from anchor_batch order by batch_start`,
    );
    expect(batches.every((batch) => batch.entry_count <= 3)).toBe(true);
    const events = await test.database.query<{ kind: string; entry: Buffer }>(
      sql`select kind, entry from log_leaf where kind not in ('payment', 'issue') order by leaf_index`,
    );
    expect(events.map(({ kind, entry }) => [kind, entry.readBigUInt64BE(18)])).toEqual([
      ['cancel', 1n],
      ['spoil', 3n],
      ['refund', 3n],
    ]);
  });

  it('gives a consistency proof between any two heads it confirmed', async () => {
    await fillOutbox(
      test.database,
      stampIds(30).map((stampId) => ({ kind: 'issue', stampId })),
    );
    await drain(makeWorker({ batchEntriesMax: 14 }));
    const heads = (
      await test.database.query<{ checkpoint: string }>(
        sql`select checkpoint from anchor_batch order by batch_start`,
      )
    ).map((row) => readCheckpoint(row.checkpoint)!);
    expect(heads.map((head) => head.size)).toEqual([14n, 28n, 42n, 56n, 60n]);
    for (const old of heads) {
      for (const newer of heads.filter((head) => head.size >= old.size)) {
        const sizes = { oldSize: old.size, newSize: newer.size };
        const path = (await logConsistency(test.database, sizes)).map((hash) =>
          Buffer.from(hash, 'hex'),
        );
        expect(verifyConsistency({ ...sizes, oldRoot: old.root, newRoot: newer.root, path })).toBe(
          true,
        );
      }
    }
    const beyond = { oldSize: 1n, newSize: 61n };
    await expect(logConsistency(test.database, beyond)).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  it('lets an event wait while its stamp is not in the log', async () => {
    const [known = '', later = ''] = stampIds(2);
    await fillOutbox(test.database, [
      { kind: 'cancel', stampId: later },
      { kind: 'issue', stampId: known },
    ]);
    const worker = makeWorker();
    expect(await drain(worker)).toBe(2);
    await fillOutbox(test.database, [{ kind: 'issue', stampId: later }]);
    expect(await drain(worker)).toBe(3);
    await expectWholeLog([known, later], 5);
  });
});

type Failure =
  'before-append' | 'after-append' | 'before-checkpoint' | 'before-confirm' | 'before-plan';

/** A chain and a database that fail once at a step, as a crash there would leave things. */
function failing(step: Failure): { chain: AnchorChain; database: Database } {
  let armed = true;
  const crash = (): void => {
    if (!armed) return;
    armed = false;
    throw new Error(`crash: ${step}`);
  };
  let transactions = 0;
  return {
    chain: {
      description: chain.description,
      head: () => chain.head(),
      readBatch: (start) => chain.readBatch(start),
      async append(batch) {
        if (step === 'before-append') crash();
        const receipt = await chain.append(batch);
        if (step === 'after-append') crash();
        return receipt;
      },
      async checkpoint() {
        if (step === 'before-checkpoint') crash();
        return chain.checkpoint();
      },
    },
    database: {
      ...test.database,
      // The worker's transactions alternate: plan, confirm, plan … A crash inside one rolls it back.
      transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
        transactions += 1;
        const isPlan = transactions % 2 === 1;
        return test.database.transaction(async (tx) => {
          const result = await work(tx);
          if (step === (isPlan ? 'before-plan' : 'before-confirm')) crash();
          return result;
        });
      },
    },
  };
}

describe('a worker that dies', () => {
  const steps: readonly Failure[] = [
    'before-plan',
    'before-append',
    'after-append',
    'before-checkpoint',
    'before-confirm',
  ];
  it.each(steps)('%s leaves neither a gap nor a double', async (step) => {
    const stamps = stampIds(6);
    await fillOutbox(test.database, [
      ...stamps.map((stampId) => ({ kind: 'issue' as const, stampId })),
      { kind: 'cancel', stampId: stamps[2]! },
    ]);
    const broken = makeWorker({ ...failing(step), batchEntriesMax: 4 });
    await expect(broken.runOnce()).rejects.toThrow(`crash: ${step}`);
    // The next one starts from what is stored; the lease of the dead one runs out.
    const next = makeWorker({ holder: 'second', batchEntriesMax: 4 });
    expect(await next.runOnce()).toBe(0);
    clock.advance(6_000);
    await drain(next);
    await expectWholeLog(stamps, 13);
  });

  it.each(steps)('%s in its own process goes on by itself', async (step) => {
    const stamps = stampIds(6);
    await fillOutbox(
      test.database,
      stamps.map((stampId) => ({ kind: 'issue', stampId })),
    );
    const worker = makeWorker({ ...failing(step), batchEntriesMax: 4 });
    await expect(worker.runOnce()).rejects.toThrow(`crash: ${step}`);
    await drain(worker);
    await expectWholeLog(stamps, 12);
  });
});

describe('two workers', () => {
  it('exclude each other, and together make one log', async () => {
    const stamps = stampIds(40);
    await fillOutbox(
      test.database,
      stamps.map((stampId) => ({ kind: 'issue', stampId })),
    );
    const first = makeWorker({ batchEntriesMax: 6 });
    const second = makeWorker({ holder: 'second', batchEntriesMax: 6 });
    expect(await first.runOnce()).toBe(6);
    expect(await second.runOnce()).toBe(0);
    await first.stop();
    expect(await second.runOnce()).toBe(6);
    expect(await first.runOnce()).toBe(0);
    first.start();
    second.start();
    while ((await first.lag()) > 0) clock.advance(500);
    await Promise.all([first.stop(), second.stop()]);
    await expectWholeLog(stamps, 80);
  });

  it('stops also when the database is away, and the lease runs out', async () => {
    const stamps = stampIds(2);
    await fillOutbox(
      test.database,
      stamps.map((stampId) => ({ kind: 'issue', stampId })),
    );
    const database = openDatabase({ url: test.url });
    const first = makeWorker({ database, batchEntriesMax: 2 });
    expect(await first.runOnce()).toBe(2);
    await database.close();
    await first.stop();
    const second = makeWorker({ holder: 'second' });
    expect(await second.runOnce()).toBe(0);
    clock.advance(6_000);
    expect(await second.runOnce()).toBe(2);
    await expectWholeLog(stamps, 4);
  });

  it('cannot both confirm: the one whose lease was taken over is fenced off', async () => {
    const stamps = stampIds(4);
    await fillOutbox(
      test.database,
      stamps.map((stampId) => ({ kind: 'issue', stampId })),
    );
    const second = makeWorker({ holder: 'second', batchEntriesMax: 4 });
    const slow: AnchorChain = {
      description: chain.description,
      head: () => chain.head(),
      readBatch: (start) => chain.readBatch(start),
      checkpoint: () => chain.checkpoint(),
      async append(batch) {
        const receipt = await chain.append(batch);
        clock.advance(6_000);
        await drain(second);
        return receipt;
      },
    };
    const first = makeWorker({ chain: slow, batchEntriesMax: 4 });
    // The second has confirmed the first one's batch and gone on, so that the chain is past it.
    await expect(first.runOnce()).rejects.toMatchObject({ code: 'lease-lost' });
    expect(first.halted()).toBeUndefined();
    await expectWholeLog(stamps, 8);
  });
});

describe('a chain that is away', () => {
  it('delays nothing but the log: the lag grows, and the worker catches up when it is back', async () => {
    let isAway = true;
    let asked = 0;
    const flaky: AnchorChain = {
      description: chain.description,
      head: () => chain.head(),
      readBatch: (start) => chain.readBatch(start),
      checkpoint: () => chain.checkpoint(),
      append(batch) {
        asked += 1;
        if (!isAway) return chain.append(batch);
        return Promise.reject(
          new ChainFault('chain-unreachable', 'The chain is away.', {
            phase: 'submit',
            retry: 'safe',
          }),
        );
      },
    };
    const stamps = stampIds(3);
    await fillOutbox(
      test.database,
      stamps.map((stampId) => ({ kind: 'issue', stampId })),
    );
    const metrics = makeMetrics(false);
    const worker = makeWorker({ chain: flaky, metrics });
    worker.start();
    worker.start();
    while (asked < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await worker.lag()).toBe(3);
    expect((await metrics.anchorLag.get()).values[0]?.value).toBe(3);
    isAway = false;
    while ((await worker.lag()) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await worker.stop();
    expect(worker.halted()).toBeUndefined();
    await expectWholeLog(stamps, 6);
  });
});

describe('a chain that tells another story', () => {
  const fake = (changes: Partial<AnchorChain>): AnchorChain => ({
    description: 'fake',
    head: () => chain.head(),
    readBatch: (start) => chain.readBatch(start),
    checkpoint: () => chain.checkpoint(),
    append: (batch) => chain.append(batch),
    ...changes,
  });
  const refuse = (): Promise<never> =>
    Promise.reject(
      new ChainFault('chain-refused', 'The contract refused the batch.', {
        phase: 'endorse',
        retry: 'never',
        refusal: 'root-mismatch',
      }),
    );

  async function expectHalt(worker: AnchoringWorker): Promise<void> {
    await expect(worker.runOnce()).rejects.toMatchObject({ code: 'chain-refused' });
    expect(worker.halted()).toMatchObject({ code: 'chain-refused' });
    await expect(worker.runOnce()).rejects.toBe(worker.halted());
  }

  beforeEach(async () => {
    await fillOutbox(
      test.database,
      stampIds(2).map((stampId) => ({ kind: 'issue', stampId })),
    );
  });

  it('stops the worker when the head is not the confirmed one', async () => {
    const head = await chain.head();
    await expectHalt(
      makeWorker({ chain: fake({ head: () => Promise.resolve({ ...head, size: 9n }) }) }),
    );
    expect(await test.database.query(sql`select 1 from outbox`)).toHaveLength(2);
  });

  it('stops the worker when the head of a known size has another root', async () => {
    await drain(makeWorker());
    const head = { size: 4n, root: Buffer.alloc(32) };
    await expectHalt(makeWorker({ chain: fake({ head: () => Promise.resolve(head) }) }));
  });

  it('stops the worker when the chain refuses a planned batch', async () => {
    const worker = makeWorker({ chain: fake({ append: refuse }) });
    await expectHalt(worker);
    expect(worker.halted()).toMatchObject({ fields: { refusal: 'root-mismatch', chainSize: '0' } });
    expect(await worker.lag()).toBe(2);
  });

  it('stops the worker when the chain holds another batch in that place', async () => {
    await expect(makeWorker(failing('after-append')).runOnce()).rejects.toThrow('crash');
    const other = fake({ readBatch: () => Promise.resolve(Buffer.alloc(4 * 58)) });
    await expectHalt(makeWorker({ chain: other }));
  });

  it('stops the worker when the checkpoint is of another head', async () => {
    const old = await chain.checkpoint();
    await expectHalt(makeWorker({ chain: fake({ checkpoint: () => Promise.resolve(old) }) }));
  });

  it('stays stopped while it runs, and goes on counting the lag', async () => {
    const metrics = makeMetrics(false);
    const worker = makeWorker({ chain: fake({ append: refuse }), metrics });
    worker.start();
    while (worker.halted() === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    await fillOutbox(
      test.database,
      stampIds(1).map((stampId) => ({ kind: 'issue', stampId })),
    );
    const lag = async (): Promise<number | undefined> =>
      (await metrics.anchorLag.get()).values[0]?.value;
    while ((await lag()) !== 3) await new Promise((resolve) => setTimeout(resolve, 1));
    await worker.stop();
    expect((await chain.head()).size).toBe(0n);
  });
});

describe('the bundle of a stamp', () => {
  it('is refused after any change, each with its reason', async () => {
    const [stamp = ''] = stampIds(1);
    await fillOutbox(test.database, [
      { kind: 'issue', stampId: stamp },
      ...stampIds(4).map((stampId) => ({ kind: 'issue' as const, stampId })),
    ]);
    await drain(makeWorker());
    const bundle = (await inclusionBundle(test.database, stamp))!;
    const payment = await test.database.query<{ entry: Buffer }>(
      sql`select entry from log_leaf where leaf_index = 0`,
    );
    expect(verifyInclusionBundle(bundle, LOG)).toMatchObject({
      ok: true,
      leafIndex: 1n,
      head: { size: 10n },
    });
    const reasonOf = (changed: unknown): string => {
      const verdict = verifyInclusionBundle(changed, LOG);
      return verdict.ok ? 'accepted' : verdict.reason;
    };
    expect(reasonOf({ ...bundle, extra: 1 })).toBe('bundle-malformed');
    expect(reasonOf(undefined)).toBe('bundle-malformed');
    expect(reasonOf({ ...bundle, treeSize: '11' })).toBe('checkpoint-wrong');
    expect(reasonOf({ ...bundle, checkpoint: bundle.checkpoint.replace('10', '11') })).toBe(
      'checkpoint-wrong',
    );
    expect(reasonOf({ ...bundle, leafIndex: '3' })).toBe('path-wrong');
    expect(reasonOf({ ...bundle, path: bundle.path.slice(1) })).toBe('path-wrong');
    const lastDigit = bundle.entry.endsWith('f') ? 'e' : 'f';
    expect(reasonOf({ ...bundle, entry: bundle.entry.slice(0, -1) + lastDigit })).toBe(
      'path-wrong',
    );
    expect(reasonOf({ ...bundle, entry: payment[0]!.entry.toString('hex') })).toBe('not-an-issue');
    expect(reasonOf({ ...bundle, entry: `02${bundle.entry.slice(2)}` })).toBe('not-an-issue');
    const other = { publicKey: generateKeyPairSync('ed25519').publicKey, origin: ORIGIN };
    expect(verifyInclusionBundle(bundle, other)).toEqual({ ok: false, reason: 'checkpoint-wrong' });
  });
});
