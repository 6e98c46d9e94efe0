/** The worker and the listener over the Fabric adapter, with gateways on loopback that fail at every step. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, systemTimers } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics, type Metrics } from '../../kernel/metrics.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import { openEmbeddedChain } from './adapters/embedded.ts';
import { openFabricChain, type FabricChain } from './adapters/fabric-gateway.ts';
import { LoopbackGateway, LoopbackLedger, type LoopbackFault } from './adapters/fabric-loopback.ts';
import { carryOverLog, type CarryOverReport } from './carry-over.ts';
import { listenToChain, type ChainListener } from './listener.ts';
import { emptyAnchoring, fillOutbox, ORIGIN, stampIds, tamper } from './test-support.ts';
import { batchKey } from '../../chaincode/src/registry.ts';
import type { LogFindingCode } from './audit-finding.ts';
import { auditLog } from './audit-log.ts';
import { makeAnchoringWorker, type AnchoringWorker } from './worker.ts';

const KEYS = generateKeyPairSync('ed25519');
const silent = makeLog({ level: 'silent' });
const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
let test: TestDatabase;
let folder: string;
let ledger: LoopbackLedger;
let peers: LoopbackGateway[];
let chain: FabricChain;
let metrics: Metrics;

beforeAll(async () => {
  test = await openTestDatabase();
  folder = mkdtempSync(path.join(os.tmpdir(), 'sanad-anchoring-'));
  execFileSync(
    'openssl',
    'req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /O=PITB/CN=anchor'.split(
      ' ',
    ),
    { cwd: folder, stdio: 'pipe' },
  );
});
afterAll(async () => {
  await test.drop();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<FabricChain> {
  const names = peers.map((_, index) => `peer${String(index)}`);
  const connection = path.join(folder, 'connection.json');
  const url = (index: number): string => `grpc://127.0.0.1:${String(peers[index]!.port)}`;
  writeFileSync(
    connection,
    JSON.stringify({
      organizations: { Pitb: { mspid: 'PITB', peers: names } },
      peers: Object.fromEntries(names.map((name, index) => [name, { url: url(index) }])),
    }),
  );
  return openFabricChain({
    settings: {
      connection,
      mspId: 'PITB',
      certificate: path.join(folder, 'cert.pem'),
      key: path.join(folder, 'key.pem'),
      channel: 'estamp',
      chaincode: 'sanad',
      gateways: [],
      endorsers: [],
    },
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    timers: { ...systemTimers, sleep: () => systemTimers.sleep(2) },
  });
}

beforeEach(async () => {
  await emptyAnchoring(test.database);
  ledger = new LoopbackLedger();
  peers = [new LoopbackGateway(ledger), new LoopbackGateway(ledger)];
  for (const peer of peers) await peer.listen();
  chain = await open();
  metrics = makeMetrics(false);
});
afterEach(() => {
  chain.close();
  for (const peer of peers) peer.kill();
});

function makeWorker(used: FabricChain = chain, holder = 'first'): AnchoringWorker {
  return makeAnchoringWorker({
    database: test.database,
    chain: used,
    clock,
    log: silent,
    metrics,
    holder,
    idleMs: 1,
    gatherMs: 1,
    batchEntriesMax: 20,
    lagAlarmMs: 60_000,
  });
}

async function issue(count: number): Promise<string[]> {
  const stamps = stampIds(count);
  await fillOutbox(
    test.database,
    stamps.map((stampId) => ({ kind: 'issue', stampId })),
  );
  return stamps;
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function expectOnChainOnce(stamps: number): Promise<void> {
  const leaves = BigInt(stamps * 2);
  expect((await chain.head()).size).toBe(leaves);
  const [row] = await test.database.query<{ count: bigint; batches: bigint; size: bigint }>(sql`
    select (select count(*) from log_leaf) as count, (select count(*) from anchor_batch where state = 'anchored') as batches, size from anchor_head`);
  expect(row).toEqual({ count: leaves, batches: BigInt(ledger.blocks.length), size: leaves });
}

async function alarm(name: string): Promise<number | undefined> {
  const { values } = await metrics.anchorAlarm.get();
  return values.find(({ labels }) => labels.alarm === name)?.value;
}

function changed(bytes: Uint8Array | undefined, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes!);
  copy[at]! ^= 1;
  return copy;
}

const FAULTS: readonly (readonly [string, LoopbackFault])[] = (
  ['evaluate', 'endorse', 'submit', 'commitStatus'] as const
).flatMap((step) =>
  (['before', 'after'] as const).map(
    (when) =>
      [`${step} fails ${when} it is done`, { step, when, code: status.UNAVAILABLE }] as const,
  ),
);

describe('anchoring on Fabric', () => {
  it.each(FAULTS)('has neither gap nor double when %s, at every gateway', async (_what, fault) => {
    await issue(35);
    const worker = makeWorker();
    let failures = 0;
    for (let round = 0; round < 100 && (await worker.lag()) > 0; round += 1) {
      // Each batch meets the fault at both gateways once.
      if (round % 3 === 0) for (const peer of peers) peer.faults.push({ ...fault });
      await worker.runOnce().catch(() => {
        failures += 1;
      });
    }
    for (const peer of peers) peer.faults.length = 0;
    await worker.stop();
    expect(worker.halted()).toBeUndefined();
    await expectOnChainOnce(35);
    // A read or an endorsement that fails at one gateway is asked of the other; both failed here.
    expect(failures).toBeGreaterThan(0);
  });

  it('goes on after a crash between any two steps', async () => {
    await issue(25);
    for (const [, fault] of FAULTS) {
      for (const peer of peers) peer.faults.push({ ...fault });
      const dying = makeWorker();
      await dying.runOnce().catch(() => undefined);
      // The next process knows nothing of this one but the database and the chain.
      chain.close();
      for (const peer of peers) peer.faults.length = 0;
      chain = await open();
    }
    const next = makeWorker();
    while ((await next.runOnce()) > 0);
    expect(next.halted()).toBeUndefined();
    await expectOnChainOnce(25);
  });

  it('goes on issuing while the network is away, raises the alarm, and catches up', async () => {
    const ports = peers.map((peer) => peer.port);
    for (const peer of peers) peer.kill();
    const worker = makeWorker();
    worker.start();
    await issue(30);
    clock.advance(3_600_000);
    await until(async () => (await alarm('lag')) === 1);
    await issue(30);
    expect(await worker.lag()).toBe(60);
    expect((await metrics.anchorLagSeconds.get()).values[0]?.value).toBeGreaterThan(3_000);
    peers = peers.map(() => new LoopbackGateway(ledger));
    for (const [index, peer] of peers.entries()) await peer.listen(ports[index]);
    await until(async () => (await worker.lag()) === 0 && (await alarm('lag')) === 0);
    await worker.stop();
    expect(worker.halted()).toBeUndefined();
    await expectOnChainOnce(60);
  });

  const listen = (): ChainListener =>
    listenToChain({ database: test.database, chain, clock, log: silent, metrics })!;
  const notices = async (): Promise<{ batch_start: bigint; root: Buffer }[]> =>
    test.database.query(sql`select batch_start, root from chain_notice order by batch_start`);

  describe('the listener', () => {
    it('confirms every batch, and after a restart only what is new', async () => {
      await issue(25);
      const worker = makeWorker();
      while ((await worker.runOnce()) > 0);
      const first = listen();
      await until(async () => (await notices()).length === 3);
      await first.stop();
      await issue(10);
      while ((await worker.runOnce()) > 0);
      const second = listen();
      await until(async () => (await notices()).length === 4);
      await second.stop();
      const records = await test.database.query(
        sql`select batch_start, root from anchor_batch order by batch_start`,
      );
      expect(await notices()).toEqual(records);
      expect(first.stranger() ?? second.stranger()).toBeUndefined();
      expect(await alarm('stranger')).toBe(0);
    });

    it('raises the alarm for a batch that was not sent from here', async () => {
      await issue(5);
      await expect(makeWorker().runOnce()).resolves.toBe(10);
      await emptyAnchoring(test.database);
      const listener = listen();
      await until(() => listener.stranger() !== undefined);
      await listener.stop();
      expect(listener.stranger()).toMatchObject({ code: 'chain-refused', fields: { entries: 10 } });
      expect(await alarm('stranger')).toBe(1);
      // The worker finds the same by itself.
      const worker = makeWorker();
      await expect(worker.runOnce()).rejects.toMatchObject({ code: 'chain-refused' });
      expect(await alarm('halted')).toBe(1);
    });
  });

  describe('the audit over the network', () => {
    const findings = async (): Promise<string[]> => {
      const report = await auditLog(test.database, {
        logPublicKey: KEYS.publicKey,
        origin: ORIGIN,
        chain,
      });
      return [...new Set(report.findings.map(({ code }) => code))];
    };

    const tamperings: readonly (readonly [LogFindingCode, () => Promise<void> | void])[] = [
      ['chain-batch-missing', () => ledger.tamper((state) => state.delete(batchKey(20n)))],
      [
        'chain-head-differs',
        () => ledger.tamper((state) => state.set('head', changed(state.get('head'), 8))),
      ],
      [
        'leaf-changed',
        () =>
          ledger.tamper((state) => state.set(batchKey(20n), changed(state.get(batchKey(20n)), 40))),
      ],
      [
        'batch-refused',
        () =>
          ledger.tamper((state) => state.set(batchKey(20n), changed(state.get(batchKey(20n)), 0))),
      ],
      [
        'notice-differs',
        () =>
          tamper(test.database, 'update chain_notice set entry_count = 3 where batch_start = 0'),
      ],
      [
        'notice-unknown',
        () =>
          tamper(test.database, 'update chain_notice set batch_start = 1 where batch_start = 0'),
      ],
      ['chain-rolled-back', () => void ledger.blocks.pop()],
      ['leaf-missing', () => tamper(test.database, 'delete from log_leaf where leaf_index = 3')],
    ];

    it.each(tamperings)('finds %s', async (code, change) => {
      const stamps = await issue(15);
      const worker = makeWorker();
      while ((await worker.runOnce()) > 0);
      await fillOutbox(test.database, [
        { kind: 'lock', stampId: stamps[3]! },
        { kind: 'cancel', stampId: stamps[12]! },
      ]);
      while ((await worker.runOnce()) > 0);
      const listener = listen();
      await until(async () => (await notices()).length === 3);
      await listener.stop();
      expect(await findings()).toEqual([]);
      await change();
      // The adapter remembers how long the log was; an auditor begins anew.
      chain.close();
      chain = await open();
      expect(await findings()).toContain(code);
    });
  });

  describe('a log that was begun on the embedded chain', () => {
    async function embeddedLog(): Promise<string[]> {
      const embedded = await openEmbeddedChain({
        database: test.database,
        signingKey: KEYS.privateKey,
        origin: ORIGIN,
        clock,
      });
      const stamps = await issue(25);
      const worker = makeAnchoringWorker({
        database: test.database,
        chain: embedded,
        clock,
        log: silent,
        metrics,
        holder: 'embedded',
        batchEntriesMax: 20,
      });
      while ((await worker.runOnce()) > 0);
      await fillOutbox(test.database, [
        { kind: 'spoil', stampId: stamps[1]! },
        { kind: 'refund', stampId: stamps[1]! },
        { kind: 'lock', stampId: stamps[24]! },
      ]);
      while ((await worker.runOnce()) > 0);
      await worker.stop();
      return stamps;
    }

    const carry = (): Promise<CarryOverReport> =>
      carryOverLog({
        database: test.database,
        to: chain,
        logPublicKey: KEYS.publicKey,
        origin: ORIGIN,
        clock,
        timers: { ...systemTimers, sleep: () => systemTimers.sleep(2) },
        say: () => undefined,
      });

    it('is carried over whole, and goes on there', async () => {
      const stamps = await embeddedLog();
      const report = await carry();
      expect(report).toMatchObject({ size: '53', batches: 4, carried: 4 });
      expect(await carry()).toEqual({ ...report, carried: 0 });
      await fillOutbox(test.database, [{ kind: 'lock', stampId: stamps[3]! }]);
      await issue(4);
      const worker = makeWorker();
      while ((await worker.runOnce()) > 0);
      expect((await chain.head()).size).toBe(62n);
      const audit = await auditLog(test.database, {
        logPublicKey: KEYS.publicKey,
        origin: ORIGIN,
        chain,
      });
      expect(audit.findings).toEqual([]);
    });

    it('is carried over in spite of failures at every step, and from wherever it was cut off', async () => {
      await embeddedLog();
      for (const [, fault] of FAULTS) {
        for (const peer of peers) peer.faults.push({ ...fault });
        await carry().catch(() => undefined);
        for (const peer of peers) peer.faults.length = 0;
      }
      expect(await carry()).toMatchObject({ size: '53', batches: 4, carried: 0 });
      expect(ledger.blocks).toHaveLength(4);
    });

    it('is not carried over another log, nor while a worker runs, nor when it was tampered with', async () => {
      await embeddedLog();
      const running = makeWorker();
      await expect(running.runOnce()).rejects.toMatchObject({ code: 'chain-refused' });
      await expect(carry()).rejects.toMatchObject({ code: 'conflict' });
      await running.stop();
      await carry();
      ledger.tamper((state) => state.set(batchKey(20n), changed(state.get(batchKey(20n)), 40)));
      await expect(carry()).rejects.toMatchObject({
        code: 'chain-refused',
        fields: { batchStart: '20' },
      });
      await tamper(test.database, 'delete from log_leaf where leaf_index = 3');
      await expect(carry()).rejects.toMatchObject({
        code: 'chain-refused',
        fields: { findings: 1 },
      });
    });
  });
});
