import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { appendLeaves, EMPTY_FRONTIER } from '../../chaincode/src/merkle.ts';
import { ManualClock } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import {
  decodeBatch,
  encodeBatch,
  hashWrites,
  sealBlock,
  sha256,
  type SealedBlock,
} from './adapters/embedded-block.ts';
import { blocksFrom, insertBlock, lastBlock } from './adapters/embedded-store.ts';
import { openEmbeddedChain } from './adapters/embedded.ts';
import type { AnchorChain } from './anchor-chain.ts';
import { LOG_FINDING_CODES, type LogFindingCode } from './audit-finding.ts';
import { auditLog, type LogAuditOptions, type LogAuditReport } from './audit-log.ts';
import { signCheckpoint } from './checkpoint.ts';
import { emptyAnchoring, fillOutbox, ORIGIN, stampIds, tamper } from './test-support.ts';
import { makeAnchoringWorker, type AnchoringWorker } from './worker.ts';

const KEYS = generateKeyPairSync('ed25519');
const FORGER = generateKeyPairSync('ed25519');
const OPTIONS: LogAuditOptions = { logPublicKey: KEYS.publicKey, origin: ORIGIN };
const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
let test: TestDatabase;
let chain: AnchorChain;
let worker: AnchoringWorker;
let stamps: string[];
beforeAll(async () => {
  test = await openTestDatabase();
});
afterAll(() => test.drop());

async function drain(): Promise<void> {
  while ((await worker.runOnce()) > 0);
}

/** A log of three blocks of 300, 300 and 6 leaves: 300 stamps, two of them cancelled, one spoiled, refunded, locked each. */
beforeEach(async () => {
  await emptyAnchoring(test.database);
  chain = await openEmbeddedChain({
    database: test.database,
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    clock,
  });
  stamps = stampIds(300);
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = stamps;
  await fillOutbox(test.database, [
    ...stamps.map((stampId) => ({ kind: 'issue' as const, stampId })),
    { kind: 'cancel', stampId: first },
    { kind: 'cancel', stampId: second },
    { kind: 'spoil', stampId: third },
    { kind: 'spoil', stampId: fourth },
    { kind: 'refund', stampId: fourth },
    { kind: 'lock', stampId: fifth },
  ]);
  worker = makeAnchoringWorker({
    database: test.database,
    chain,
    clock,
    log: makeLog({ level: 'silent' }),
    metrics: makeMetrics(false),
    batchEntriesMax: 300,
    holder: 'test',
  });
  await drain();
}, 60_000);

async function audit(changes: Partial<LogAuditOptions> = {}): Promise<LogAuditReport> {
  return auditLog(test.database, { ...OPTIONS, ...changes });
}

/** Signs a block anew after changing it, as one who stole the key could; the later blocks are left as they were. */
async function rewriteBlock(
  number: bigint,
  change: (block: SealedBlock) => Partial<SealedBlock>,
  key: KeyObject = KEYS.privateKey,
): Promise<void> {
  const [stored] = await blocksFrom(test.database, number, 1);
  const block = sealBlock({ ...stored!.block, ...change(stored!.block) }, key);
  const hex = (bytes: Uint8Array): string => `'\\x${Buffer.from(bytes).toString('hex')}'`;
  await tamper(
    test.database,
    `update chain_block set previous_hash = ${hex(block.previousHash)}, writes_hash = ${hex(block.writesHash)},
       size = ${String(block.head.size)}, root = ${hex(block.head.root)}, at_ms = ${String(block.atMs)},
       block_hash = ${hex(block.hash)}, signature = ${hex(block.signature)} where number = ${String(number)}`,
  );
}

/** Adds a block that carries the arguments of block 1 once more. */
async function replayFirstBatch(key: KeyObject): Promise<void> {
  const [first] = await blocksFrom(test.database, 1n, 1);
  const last = (await lastBlock(test.database))!;
  const args = encodeBatch(decodeBatch(first!.arguments));
  const block = sealBlock(
    {
      ...last,
      number: last.number + 1n,
      previousHash: last.hash,
      argumentsHash: sha256(args),
      writesHash: hashWrites([]),
    },
    key,
  );
  await insertBlock(test.database, { block, arguments: args });
}

/** Takes the last block back with all that it wrote, so that the chain by itself is in order. */
async function rollBackToBlock2(): Promise<void> {
  const leaves = await test.database.query<{ leaf_hash: Buffer }>(
    sql`select leaf_hash from log_leaf order by leaf_index limit 600`,
  );
  const frontier = appendLeaves(
    EMPTY_FRONTIER,
    leaves.map((leaf) => leaf.leaf_hash),
  );
  const head = Buffer.concat([Buffer.from('0000000000000258', 'hex'), ...frontier.hashes]);
  await tamper(
    test.database,
    `delete from chain_block where number = 3; delete from chain_state where key like 'batch:%600' or key like 'life:%';
     update chain_state set value = '\\x${head.toString('hex')}' where key = 'head'`,
  );
}

const sqlCase = (statement: string) => (): Promise<void> => tamper(test.database, statement);
const MIDDLE_LEAF = 'leaf_index = 301';
const cut = (expression: string, at: number): string =>
  `set_byte(${expression}, ${String(at)}, get_byte(${expression}, ${String(at)}) # 1)`;

type Tampering = readonly [string, LogFindingCode, () => Promise<void>];
const TAMPERINGS: readonly Tampering[] = [
  [
    'a leaf changed',
    'leaf-changed',
    sqlCase(`update log_leaf set entry = ${cut('entry', 40)} where ${MIDDLE_LEAF}`),
  ],
  [
    'the kind of a leaf changed',
    'leaf-changed',
    sqlCase(`update log_leaf set kind = 'payment' where ${MIDDLE_LEAF}`),
  ],
  [
    'the hash of a leaf changed',
    'leaf-hash-wrong',
    sqlCase(`update log_leaf set leaf_hash = ${cut('leaf_hash', 0)} where ${MIDDLE_LEAF}`),
  ],
  ['a leaf deleted', 'leaf-missing', sqlCase(`delete from log_leaf where ${MIDDLE_LEAF}`)],
  ['the last leaf deleted', 'leaf-missing', sqlCase('delete from log_leaf where leaf_index = 605')],
  [
    'a leaf added at the end',
    'leaf-unknown',
    sqlCase(
      `insert into log_leaf select 606, entry, leaf_hash, shard_id, '1', kind, batch_start from log_leaf where leaf_index = 605`,
    ),
  ],
  [
    'a tile changed',
    'tile-changed',
    sqlCase(
      `update log_tile set hashes = ${cut('hashes', 100)} where level = 0 and tile_index = 1`,
    ),
  ],
  [
    'an unfinished tile cut short',
    'tile-changed',
    sqlCase(
      'update log_tile set hashes = substring(hashes for 32) where level = 0 and tile_index = 2',
    ),
  ],
  [
    'a tile of an upper level changed',
    'tile-changed',
    sqlCase(`update log_tile set hashes = ${cut('hashes', 0)} where level = 1`),
  ],
  [
    'a tile deleted',
    'tile-missing',
    sqlCase('delete from log_tile where level = 0 and tile_index = 0'),
  ],
  [
    'a tile added',
    'tile-unknown',
    sqlCase('insert into log_tile select 2, 0, hashes from log_tile where level = 1'),
  ],
  [
    'a leaf changed in a block',
    'block-hash-wrong',
    sqlCase(`update chain_block set arguments = ${cut('arguments', 200)} where number = 2`),
  ],
  [
    'a block cut short',
    'block-malformed',
    sqlCase(`update chain_block set arguments = substring(arguments for 20) where number = 2`),
  ],
  ['a block removed', 'block-missing', sqlCase('delete from chain_block where number = 2')],
  ['the first block removed', 'block-missing', sqlCase('delete from chain_block where number = 0')],
  ['all blocks removed', 'block-missing', sqlCase('delete from chain_block')],
  [
    'a block signed by another key',
    'block-signature-wrong',
    () => rewriteBlock(3n, () => ({}), FORGER.privateKey),
  ],
  [
    'a block rewritten with the stolen key',
    'block-link-broken',
    () => rewriteBlock(2n, (block) => ({ atMs: block.atMs + 1n })),
  ],
  [
    'a back-dated block',
    'block-time-backwards',
    () => rewriteBlock(3n, (block) => ({ atMs: block.atMs - 1n })),
  ],
  [
    'a block that states another head',
    'block-head-wrong',
    () => rewriteBlock(3n, (block) => ({ head: { ...block.head, size: 700n } })),
  ],
  [
    'a block that states other writes',
    'block-writes-differ',
    () => rewriteBlock(3n, () => ({ writesHash: sha256(Buffer.of(1)) })),
  ],
  [
    'a batch replayed without the key',
    'block-signature-wrong',
    () => replayFirstBatch(FORGER.privateKey),
  ],
  ['a batch replayed with the key', 'batch-refused', () => replayFirstBatch(KEYS.privateKey)],
  [
    'the head rolled back',
    'state-head-differs',
    sqlCase(`update chain_state set value = (select int8send(0)) where key = 'head'`),
  ],
  ['the head removed', 'state-head-differs', sqlCase(`delete from chain_state where key = 'head'`)],
  [
    'a batch of the state changed',
    'state-batch-differs',
    sqlCase(`update chain_state set value = ${cut('value', 30)} where key like 'batch:%300'`),
  ],
  [
    'a batch of the state removed',
    'state-batch-differs',
    sqlCase(`delete from chain_state where key like 'batch:%600'`),
  ],
  [
    'a once-only key removed',
    'state-life-differs',
    sqlCase(`delete from chain_state where key = 'life:00000000000000000001'`),
  ],
  [
    'a once-only key changed',
    'state-life-differs',
    sqlCase(`update chain_state set value = '\\x0100' where key = 'life:00000000000000000001'`),
  ],
  [
    'a once-only key added',
    'state-life-differs',
    sqlCase(`insert into chain_state values ('life:00000000000000000011', '\\x0003')`),
  ],
  [
    'a key added to the state',
    'state-key-unknown',
    sqlCase(`insert into chain_state values ('other', '\\x00')`),
  ],
  ['the chain rolled back to an older head, whole', 'chain-rolled-back', rollBackToBlock2],
  ['the confirmed head set back', 'head-behind', sqlCase('update anchor_head set size = 600')],
  [
    'the record of a batch removed',
    'batch-row-missing',
    sqlCase('delete from anchor_batch where batch_start = 300'),
  ],
  [
    'the root of a batch changed',
    'batch-row-differs',
    sqlCase(`update anchor_batch set root = ${cut('root', 3)} where batch_start = 300`),
  ],
  [
    'a batch recorded that never was',
    'batch-row-unknown',
    sqlCase(
      `insert into anchor_batch select 606, entry_count, root, issue_batches, state, planned_at, anchored_at, reference, checkpoint from anchor_batch where batch_start = 300`,
    ),
  ],
  [
    'a checkpoint changed',
    'checkpoint-forged',
    sqlCase(
      `update anchor_batch set checkpoint = replace(checkpoint, '600', '601') where batch_start = 300`,
    ),
  ],
  [
    'a checkpoint of another batch put in place',
    'checkpoint-differs',
    sqlCase(
      `update anchor_batch b set checkpoint = o.checkpoint from anchor_batch o where b.batch_start = 300 and o.batch_start = 0`,
    ),
  ],
];

describe('the audit of the log', () => {
  it('finds nothing in an untouched log, and states its head', async () => {
    const report = await audit({ keptCheckpoints: [await chain.checkpoint()] });
    expect(report).toMatchObject({ blocks: 4, leaves: '606', findings: [], findingsTotal: 0 });
    expect(report.head).toEqual(await chain.head());
  });

  it('finds nothing in a log that nobody has begun', async () => {
    await emptyAnchoring(test.database);
    expect((await audit()).findings).toEqual([]);
  });

  it('finds nothing while a batch is on its way', async () => {
    await fillOutbox(
      test.database,
      stampIds(3).map((stampId) => ({ kind: 'issue', stampId })),
    );
    const dying = (step: 'append' | 'checkpoint'): AnchoringWorker =>
      makeAnchoringWorker({
        database: test.database,
        clock,
        log: makeLog({ level: 'silent' }),
        metrics: makeMetrics(false),
        holder: 'test',
        chain: {
          description: 'dying',
          head: () => chain.head(),
          readBatch: (start) => chain.readBatch(start),
          append: (batch) =>
            step === 'append' ? Promise.reject(new Error('crash')) : chain.append(batch),
          checkpoint: () => Promise.reject(new Error('crash')),
        },
      });
    await expect(dying('append').runOnce()).rejects.toThrow('crash');
    expect((await audit()).findings).toEqual([]);
    await expect(dying('checkpoint').runOnce()).rejects.toThrow('crash');
    expect((await audit()).findings).toEqual([]);
    await drain();
    expect((await audit()).findings).toEqual([]);
  });

  it.each(TAMPERINGS)('finds %s: %s', async (_what, code, change) => {
    await change();
    const { findings } = await audit();
    expect(findings.map((finding) => finding.code)).toContain(code);
  });

  it('names the stamp whose leaf was changed, and nothing else', async () => {
    await tamper(
      test.database,
      `update log_leaf set entry = ${cut('entry', 40)} where ${MIDDLE_LEAF}`,
    );
    expect((await audit()).findings).toEqual([
      expect.objectContaining({ code: 'leaf-changed', leafIndex: '301', stampId: stamps[150] }),
    ]);
  });

  it('finds a chain that was rolled back by what was confirmed of it, and the next worker stops', async () => {
    await rollBackToBlock2();
    const { findings, head } = await audit();
    expect(head).toEqual(await chain.head());
    expect(findings.map((finding) => finding.code)).toEqual([
      'chain-rolled-back',
      'batch-row-unknown',
      ...Array.from({ length: 6 }, () => 'leaf-unknown'),
      'tile-changed',
    ]);
    await worker.stop();
    const next = makeAnchoringWorker({
      database: test.database,
      chain,
      clock,
      log: makeLog({ level: 'silent' }),
      metrics: makeMetrics(false),
    });
    await expect(next.runOnce()).rejects.toMatchObject({
      code: 'chain-refused',
      fields: { chainSize: '600', confirmedSize: '606' },
    });
  });

  it('finds a log that was begun under another name or key', async () => {
    const other = await audit({ origin: 'sanad.example/other' });
    expect(other.findings.map((finding) => finding.code)).toContain('genesis-wrong');
    const key = await audit({ logPublicKey: FORGER.publicKey });
    expect(key.findings.map((finding) => finding.code)).toEqual(
      expect.arrayContaining(['genesis-wrong', 'block-signature-wrong', 'checkpoint-forged']),
    );
  });

  it('finds what only a checkpoint kept elsewhere can show', async () => {
    const codes = async (head: { size: bigint; root: Uint8Array }): Promise<string[]> => {
      const kept = signCheckpoint(ORIGIN, head, KEYS.privateKey);
      return (await audit({ keptCheckpoints: [kept] })).findings.map((finding) => finding.code);
    };
    const [second] = await blocksFrom(test.database, 2n, 1);
    expect(await codes(second!.block.head)).toEqual([]);
    expect(await codes({ size: 600n, root: Buffer.alloc(32) })).toEqual(['checkpoint-differs']);
    expect(await codes({ size: 601n, root: Buffer.alloc(32) })).toEqual(['checkpoint-differs']);
    expect(await codes({ size: 9_000n, root: Buffer.alloc(32) })).toEqual([
      'checkpoint-beyond-log',
    ]);
    const forged = await audit({ keptCheckpoints: ['no note'] });
    expect(forged.findings.map((finding) => finding.code)).toEqual(['checkpoint-forged']);
  });

  it('has a tampering for every code', () => {
    const shown = new Set<string>(TAMPERINGS.map(([, code]) => code));
    // These two have tests of their own above.
    shown.add('genesis-wrong').add('checkpoint-beyond-log');
    // What only a network can show is in fabric-anchoring.integration.test.ts; what is seen beside the register and
    // the books, and in a stretch of the log, is in tests/integration/tampering.test.ts and audit-tools.test.ts.
    const elsewhere = [
      'chain-batch-missing',
      'chain-head-differs',
      'notice-differs',
      'notice-unknown',
      'leaf-time-backwards',
      'leaf-born-backwards',
      'leaf-stamp-differs',
      'leaf-payment-differs',
      'leaf-event-differs',
      'stamp-not-logged',
      'root-differs',
      'batch-time-backwards',
    ];
    for (const code of elsewhere) shown.add(code);
    expect(shown).toEqual(new Set(LOG_FINDING_CODES));
  });

  it('keeps no more than a thousand findings, and counts them all', async () => {
    await tamper(
      test.database,
      `delete from log_leaf; truncate log_tile; update anchor_batch set root = ${cut('root', 0)}`,
    );
    const { findings, findingsTotal } = await audit();
    expect(findingsTotal).toBeGreaterThan(606);
    expect(findings.length).toBeLessThanOrEqual(1_000);
  });
});
