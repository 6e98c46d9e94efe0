/**
 * What every adapter of `AnchorChain` must do, as one list of cases. It uses no test framework, so that the same
 * list can be run against a chain that is deployed.
 */
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { encodeEntry, type LeafType } from '../../chaincode/src/leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  emptyRoot,
  frontierRoot,
  leafHash,
} from '../../chaincode/src/merkle.ts';
import { BATCH_ENTRIES_MAX } from '../../chaincode/src/registry.ts';
import { ChainFault, type AnchorBatch, type AnchorChain } from './anchor-chain.ts';
import { openCheckpoint } from './checkpoint.ts';

/** A chain with an empty log, and the way to open the same chain once more, as after a restart. */
interface ConformanceSubject {
  readonly chain: AnchorChain;
  readonly logPublicKey: KeyObject;
  readonly origin: string;
  readonly reopen: () => Promise<AnchorChain>;
}

export interface ConformanceCase {
  readonly name: string;
  readonly run: (subject: ConformanceSubject) => Promise<void>;
}

/** The log as the sender of batches knows it. */
class SenderLog {
  #frontier = EMPTY_FRONTIER;

  /** A good batch of pairs of payment and issue, or of the given entries. */
  batch(entries: readonly Uint8Array[], issueBatches: readonly bigint[] = []): AnchorBatch {
    const grown = appendLeaves(this.#frontier, entries.map(leafHash));
    return {
      start: this.#frontier.size,
      entries: Buffer.concat(entries),
      expectedRoot: frontierRoot(grown),
      issueBatches,
    };
  }

  /** Notes that a batch of these entries was appended. */
  appended(entries: readonly Uint8Array[]): void {
    this.#frontier = appendLeaves(this.#frontier, entries.map(leafHash));
  }
}

function entry(type: LeafType, amountPaisa: bigint, ref = 0n): Uint8Array {
  const commitment = Buffer.alloc(32, Number(amountPaisa % 251n));
  return encodeEntry({ type, atMs: 1_795_466_109_123n, amountPaisa, ref, commitment });
}

function pairs(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => {
    const amount = BigInt(at + 1);
    return [entry('payment', amount), entry('issue', amount)];
  }).flat();
}

function sameBytes(left: Uint8Array | undefined, right: Uint8Array): void {
  assert.ok(left !== undefined && Buffer.compare(left, right) === 0, 'the bytes differ');
}

async function refusedWith(chain: AnchorChain, batch: AnchorBatch, refusal: string): Promise<void> {
  const before = await chain.head();
  await assert.rejects(chain.append(batch), (error: unknown) => {
    assert.ok(error instanceof ChainFault, 'a refusal is a ChainFault');
    const { code, phase, retry } = error;
    assert.deepEqual(
      { code, phase, retry, refusal: error.refusal },
      { code: 'chain-refused', phase: 'endorse', retry: 'never', refusal },
    );
    return true;
  });
  assert.deepEqual(await chain.head(), before, 'a refused batch changed the head');
}

const startsEmpty: ConformanceCase = {
  name: 'starts with the empty log',
  async run({ chain }) {
    const head = await chain.head();
    assert.equal(head.size, 0n);
    sameBytes(head.root, emptyRoot());
    assert.equal(await chain.readBatch(0n), undefined);
    assert.notEqual(chain.description, '');
  },
};

const keepsBatches: ConformanceCase = {
  name: 'appends batches, answers with the new head and keeps them over a restart',
  async run({ chain, reopen }) {
    const sender = new SenderLog();
    const batches: AnchorBatch[] = [];
    for (const count of [1, 2, 130]) {
      const entries = pairs(count);
      const batch = sender.batch(entries);
      const receipt = await chain.append(batch);
      sender.appended(entries);
      batches.push(batch);
      assert.equal(receipt.head.size, batch.start + BigInt(entries.length));
      sameBytes(receipt.head.root, batch.expectedRoot);
      assert.match(receipt.reference, /^.{1,100}$/);
      assert.deepEqual(await chain.head(), receipt.head);
    }
    const again = await reopen();
    assert.equal((await again.head()).size, 266n);
    for (const batch of batches) sameBytes(await again.readBatch(batch.start), batch.entries);
    assert.equal(await again.readBatch(1n), undefined);
  },
};

const refusesWhatContractRefuses: ConformanceCase = {
  name: 'refuses gaps, overlaps, wrong roots and bad entries, and stays as it was',
  async run({ chain }) {
    const sender = new SenderLog();
    const first = pairs(2);
    const good = sender.batch(first);
    await chain.append(good);
    sender.appended(first);
    const next = sender.batch(pairs(1));
    await refusedWith(chain, { ...next, start: 5n }, 'batch-gap');
    await refusedWith(chain, good, 'batch-overlap');
    await refusedWith(chain, { ...next, expectedRoot: emptyRoot() }, 'root-mismatch');
    await refusedWith(chain, { ...next, entries: next.entries.subarray(1) }, 'batch-malformed');
    await refusedWith(chain, { ...next, entries: new Uint8Array() }, 'batch-empty');
    await refusedWith(chain, sender.batch([entry('issue', 1n)]), 'issue-without-payment');
  },
};

const endsLivesOnce: ConformanceCase = {
  name: 'lets a stamp end once, over batches and over a restart',
  async run({ chain, reopen }) {
    const sender = new SenderLog();
    const first = pairs(2);
    await chain.append(sender.batch(first));
    sender.appended(first);
    const lock = [entry('lock', 1n, 1n), entry('spoil', 2n, 3n)];
    await chain.append(sender.batch(lock, [0n, 0n]));
    sender.appended(lock);
    const again = await reopen();
    await refusedWith(again, sender.batch([entry('cancel', 1n, 1n)], [0n]), 'stamp-ended');
    await refusedWith(again, sender.batch([entry('lock', 2n, 3n)], [0n]), 'stamp-spoiled');
    await again.append(sender.batch([entry('refund', 2n, 3n)], [0n]));
    assert.equal((await again.head()).size, 7n);
  },
};

const oneOfManyWins: ConformanceCase = {
  name: 'lets exactly one of several senders append at the same place',
  async run({ chain, reopen }) {
    const other = await reopen();
    const candidates = [1, 2, 3, 4].map((count) => new SenderLog().batch(pairs(count)));
    const outcomes = await Promise.allSettled(
      candidates.map((batch, at) => (at % 2 === 0 ? chain : other).append(batch)),
    );
    const won = outcomes.flatMap((outcome, at) => (outcome.status === 'fulfilled' ? [at] : []));
    assert.equal(won.length, 1, 'exactly one sender wins');
    const winner = candidates[won[0] ?? -1];
    assert.ok(winner !== undefined);
    sameBytes((await chain.head()).root, winner.expectedRoot);
    sameBytes(await other.readBatch(0n), winner.entries);
  },
};

const signsHeads: ConformanceCase = {
  name: 'signs its head as a checkpoint',
  async run({ chain, logPublicKey, origin }) {
    assert.equal(openCheckpoint(await chain.checkpoint(), origin, logPublicKey)?.size, 0n);
    const batch = new SenderLog().batch(pairs(3));
    await chain.append(batch);
    const head = openCheckpoint(await chain.checkpoint(), origin, logPublicKey);
    assert.equal(head?.size, 6n);
    sameBytes(head.root, batch.expectedRoot);
  },
};

const takesTheLargest: ConformanceCase = {
  name: 'takes a batch of the largest size and no larger one',
  async run({ chain }) {
    const sender = new SenderLog();
    const entries = pairs(BATCH_ENTRIES_MAX / 2);
    await refusedWith(chain, sender.batch([...entries, ...pairs(1)]), 'batch-too-large');
    const batch = sender.batch(entries);
    await chain.append(batch);
    sameBytes(await chain.readBatch(0n), batch.entries);
  },
};

/** The suite: each case is run on a chain of its own, whose log is empty. */
export const anchorChainConformance: readonly ConformanceCase[] = [
  startsEmpty,
  keepsBatches,
  refusesWhatContractRefuses,
  endsLivesOnce,
  oneOfManyWins,
  signsHeads,
  takesTheLargest,
];
