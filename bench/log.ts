/**
 * `sanad bench log`: what the public log costs when it is long. Proofs at millions of leaves, over tiles that are
 * written straight into the database (their hashes are real; the batches that would have brought them are left out),
 * and the speed of the embedded chain in batches of the largest size.
 */
import { generateKeyPairSync } from 'node:crypto';
import { encodeEntry } from '../chaincode/src/leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierRoot,
  leafHash,
  verifyInclusion,
} from '../chaincode/src/merkle.ts';
import { BATCH_ENTRIES_MAX } from '../chaincode/src/registry.ts';
import { systemClock } from '../kernel/clock.ts';
import { sql, type Database } from '../kernel/database.ts';
import { openEmbeddedChain } from '../reconciliation/anchoring/adapters/embedded.ts';
import { putTiles } from '../reconciliation/anchoring/anchoring-store.ts';
import { signCheckpoint } from '../reconciliation/anchoring/checkpoint.ts';
import { inclusionBundle } from '../reconciliation/anchoring/inclusion-bundle.ts';
import { TileBuilder, type Tile } from '../reconciliation/anchoring/tiles.ts';
import { figure, type BenchDocument, type Figure } from './document.ts';
import { makeFolder, openBenchBooks, removeFolder } from './harness/books.ts';
import { machineFacts } from './harness/machine.ts';

export interface LogBenchOptions {
  readonly parent: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly keep: boolean;
  readonly say: (line: string) => void;
  /** Leaves of the long log; 8,000,000 for the figure that is asked for. */
  readonly leaves: number;
  /** Measured seconds of the embedded chain. */
  readonly seconds: number;
}

const ORIGIN = 'sanad.example/bench';
const TILES_AT_ONCE = 256;
/** Leaves that proofs are made for: every so many hundredth part of the log. */
const SAMPLES = 500;
/** The log that the long one is compared with. */
const SHORT = 8_192;
const KEYS = generateKeyPairSync('ed25519');

/** An ISSUE entry that differs from all others. */
function entryOf(index: number): Buffer {
  const commitment = Buffer.alloc(32);
  commitment.writeUInt32BE(index, 0);
  return encodeEntry({ type: 'issue', atMs: 1n, amountPaisa: 100n, ref: 0n, commitment });
}

/** Writes a log of this many leaves: all of its tiles, and the rows of the leaves that are asked for. */
async function writeLog(
  database: Database,
  leaves: number,
  say: (line: string) => void,
): Promise<bigint[]> {
  const builder = new TileBuilder(0n, []);
  const sampled: bigint[] = [];
  const step = Math.max(1, Math.floor(leaves / SAMPLES));
  let tiles: Tile[] = [];
  let frontier = EMPTY_FRONTIER;
  await database.script('truncate log_tile');
  for (let from = 0; from < leaves; from += BATCH_ENTRIES_MAX) {
    const hashes: Uint8Array[] = [];
    for (let index = from; index < Math.min(leaves, from + BATCH_ENTRIES_MAX); index += 1) {
      const hash = leafHash(entryOf(index));
      hashes.push(hash);
      tiles.push(...builder.append(hash));
      if (index % step === 0) sampled.push(BigInt(index));
    }
    frontier = appendLeaves(frontier, hashes);
    if (tiles.length < TILES_AT_ONCE) continue;
    await putTiles(database, tiles);
    tiles = [];
    if (from % 1_000_000 === 0) say(`${String(from)} leaves`);
  }
  await putTiles(database, [...tiles, ...builder.unfinished()]);
  const checkpoint = signCheckpoint(
    ORIGIN,
    { size: frontier.size, root: frontierRoot(frontier) },
    KEYS.privateKey,
  );
  const entries = sampled.map((index) => entryOf(Number(index)));
  await database.transaction(async (tx) => {
    await tx.query(sql`set local session_replication_role = replica`);
    await tx.query(sql`truncate log_leaf, anchor_batch`);
    await tx.query(sql`update anchor_head set size = ${BigInt(leaves)}`);
    await tx.query(sql`
      insert into anchor_batch (batch_start, entry_count, root, issue_batches, planned_at, state, anchored_at, reference, checkpoint)
      values (${BigInt(leaves - 1)}, 1, ${frontierRoot(frontier)}, '{}', now(), 'anchored', now(), 'bench', ${checkpoint})`);
    await tx.query(sql`
      insert into log_leaf (leaf_index, entry, leaf_hash, shard_id, stamp_id, kind, batch_start)
      select i, e, h, 0, i::text, 'issue', 0 from unnest(${sampled}::bigint[], ${entries}::bytea[], ${entries.map(leafHash)}::bytea[]) as t (i, e, h)`);
  });
  await database.script('vacuum analyze log_tile, log_leaf, anchor_batch');
  return sampled;
}

interface ProofTimes {
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly pathHashes: number;
  readonly wrong: number;
}

async function timeProofs(database: Database, sampled: readonly bigint[]): Promise<ProofTimes> {
  const times: number[] = [];
  let wrong = 0;
  let pathHashes = 0;
  // The first proofs meet a cold connection and cold caches of the process.
  for (const index of [...sampled.slice(0, 20), ...sampled]) {
    const began = performance.now();
    const bundle = await inclusionBundle(database, index.toString());
    times.push(performance.now() - began);
    const isGood =
      bundle !== undefined &&
      verifyInclusion({
        index,
        size: BigInt(bundle.treeSize),
        leaf: leafHash(Buffer.from(bundle.entry, 'hex')),
        path: bundle.path.map((hash) => Buffer.from(hash, 'hex')),
        root: Buffer.from(bundle.checkpoint.split('\n')[2] ?? '', 'base64'),
      });
    if (!isGood) wrong += 1;
    pathHashes = Math.max(pathHashes, bundle?.path.length ?? 0);
  }
  const measured = times.slice(20).sort((left, right) => left - right);
  return {
    medianMs: measured[Math.floor(measured.length / 2)] ?? 0,
    slowestMs: measured[Math.floor(measured.length * 0.99)] ?? 0,
    pathHashes,
    wrong,
  };
}

/** Leaves a second that the embedded chain takes in batches of the largest size. */
async function chainSpeed(
  database: Database,
  seconds: number,
): Promise<{ readonly chain: number; readonly hashing: number }> {
  const chain = await openEmbeddedChain({
    database,
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    clock: systemClock,
  });
  const payments = Array.from({ length: BATCH_ENTRIES_MAX }, (_, at) =>
    encodeEntry({
      type: 'payment',
      atMs: BigInt(at),
      amountPaisa: 100n,
      ref: 0n,
      commitment: Buffer.alloc(32, at % 256),
    }),
  );
  const entries = Buffer.concat(payments);
  let frontier = EMPTY_FRONTIER;
  let spentMs = 0;
  let hashedMs = 0;
  let leaves = 0;
  while (spentMs < seconds * 1_000) {
    const began = performance.now();
    frontier = appendLeaves(frontier, payments.map(leafHash));
    const hashed = performance.now();
    await chain.append({
      start: BigInt(leaves),
      entries,
      expectedRoot: frontierRoot(frontier),
      issueBatches: [],
    });
    hashedMs += hashed - began;
    spentMs += performance.now() - hashed;
    leaves += BATCH_ENTRIES_MAX;
  }
  return { chain: (leaves * 1_000) / spentMs, hashing: (leaves * 1_000) / hashedMs };
}

function proofFigures(long: ProofTimes, short: ProofTimes, leaves: number): Figure[] {
  const name = `inclusion proof at ${String(leaves)} leaves`;
  const at = `at ${String(SHORT)} leaves`;
  return [
    figure(
      { name: `${name}: median`, value: long.medianMs, unit: 'ms' },
      { baseline: { name: at, value: short.medianMs, unit: 'ms' }, goal: { below: 5 } },
    ),
    figure(
      { name: `${name}: slowest of a hundred`, value: long.slowestMs, unit: 'ms' },
      { baseline: { name: at, value: short.slowestMs, unit: 'ms' } },
    ),
    figure({ name: `${name}: hashes in its path`, value: long.pathHashes, unit: 'hashes' }),
  ];
}

/** Runs the benchmark. */
export async function benchLog(options: LogBenchOptions): Promise<BenchDocument> {
  const { leaves, say, seconds } = options;
  const folder = await makeFolder(options.parent);
  try {
    const books = await openBenchBooks(folder, { settings: options.settings });
    try {
      const { database } = books;
      const machine = await machineFacts(database, folder);
      say('embedded chain …');
      const speed = await chainSpeed(database, seconds);
      say(`short log of ${String(SHORT)} leaves …`);
      const short = await timeProofs(database, await writeLog(database, SHORT, say));
      say(`long log of ${String(leaves)} leaves …`);
      const long = await timeProofs(database, await writeLog(database, leaves, say));
      const wrong = long.wrong + short.wrong;
      return {
        bench: 'log',
        machine,
        notes: [
          'proofs are read from tiles in PostgreSQL over one connection, and each is verified against the checkpoint outside the measured time',
          'the tiles of the long log were written straight into the database; its batches were not anchored one by one',
        ],
        figures: [
          figure(
            {
              name: `embedded chain, batches of ${String(BATCH_ENTRIES_MAX)}`,
              value: speed.chain,
              unit: 'leaves/s',
            },
            {
              baseline: {
                name: 'hashing the same leaves alone',
                value: speed.hashing,
                unit: 'leaves/s',
              },
              goal: { atLeast: 20_000 },
            },
          ),
          ...proofFigures(long, short, leaves),
        ],
        invariants: wrong === 0 ? 'ok' : [`${String(wrong)} proofs were wrong`],
      };
    } finally {
      await books.close();
    }
  } finally {
    if (!options.keep) await removeFolder(folder);
  }
}
