/** A sender of batches over a chain that may be killed under it; it keeps the log that the chain must have. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { encodeEntry } from '../../chaincode/src/leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierRoot,
  leafHash,
} from '../../chaincode/src/merkle.ts';
import { ChainFault, type AnchorBatch } from '../../reconciliation/anchoring/anchor-chain.ts';
import type { FabricChain } from '../../reconciliation/anchoring/adapters/fabric-gateway.ts';

const PATIENCE_MS = 120_000;
/** The amount of every stamp, in paisa. */
const AMOUNT = 120_000n;

/** The times of batches in ms, added up in seconds, and their median in ms. */
function summary(times: readonly number[]): { seconds: number; p50Ms: number } {
  return {
    seconds: times.reduce((sum, ms) => sum + ms, 0) / 1_000,
    p50Ms: times.toSorted((left, right) => left - right)[times.length >> 1] ?? 0,
  };
}

export interface SendReport {
  readonly leaves: number;
  /** The time of the batches, added up. */
  readonly seconds: number;
  readonly retries: number;
  /** Longest time between two commits, in ms. */
  readonly longestGapMs: number;
  readonly p50Ms: number;
}

/** Entries of half as many stamps, as the register would have them ready. */
function stampEntries(leaves: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let index = 0; index < leaves / 2; index += 1) {
    const fact = { atMs: BigInt(Date.now()), amountPaisa: AMOUNT, ref: 0n };
    entries.push(
      encodeEntry({ ...fact, type: 'payment', commitment: randomBytes(32) }),
      encodeEntry({ ...fact, type: 'issue', commitment: randomBytes(32) }),
    );
  }
  return entries;
}

export class Sender {
  #frontier = EMPTY_FRONTIER;
  readonly #chain: FabricChain;

  constructor(chain: FabricChain) {
    this.#chain = chain;
  }

  /** Hashes a batch and brings it into the log; answers how long that took and how often it was tried again. */
  async #timed(
    entries: readonly Uint8Array[],
    issueBatches: readonly bigint[] = [],
  ): Promise<{ ms: number; retries: number }> {
    const from = performance.now();
    const grown = appendLeaves(this.#frontier, entries.map(leafHash));
    const retries = await this.#bring({
      start: this.#frontier.size,
      entries: Buffer.concat(entries),
      expectedRoot: frontierRoot(grown),
      issueBatches,
    });
    this.#frontier = grown;
    return { ms: performance.now() - from, retries };
  }

  /** Brings a batch into the log whatever happens to the network; answers how often it had to be tried again. */
  async #bring(batch: AnchorBatch): Promise<number> {
    const deadline = performance.now() + PATIENCE_MS;
    for (let retries = 0; ; retries += 1) {
      try {
        const head = await this.#chain.head(batch.start);
        if (head.size === batch.start) await this.#chain.append(batch);
        else {
          const held = await this.#chain.readBatch(batch.start);
          if (held === undefined || Buffer.compare(held, batch.entries) !== 0)
            throw new Error(`another batch stands at ${batch.start.toString()}`);
        }
        return retries;
      } catch (error) {
        if (!(error instanceof ChainFault) || error.retry === 'never') throw error;
        if (performance.now() > deadline) throw error;
        await sleep(200);
      }
    }
  }

  /**
   * Sends batches of this many leaves, one after the other, for so long. What is timed is hashing a batch and
   * bringing it into the log; making up its entries is not, since a register has them.
   */
  async send(leaves: number, seconds: number): Promise<SendReport> {
    const began = performance.now();
    const times: number[] = [];
    let [sent, retries, longestGapMs, last] = [0, 0, 0, began];
    while (performance.now() - began < seconds * 1_000) {
      const batch = await this.#timed(stampEntries(leaves));
      retries += batch.retries;
      times.push(batch.ms);
      sent += leaves;
      const now = performance.now();
      longestGapMs = Math.max(longestGapMs, now - last);
      last = now;
    }
    return { leaves: sent, retries, longestGapMs, ...summary(times) };
  }

  /**
   * Sends the only ends of these stamps (leaf indexes of their issues), `perBatch` of them a batch; the stamps were
   * sent before, in batches of `perIssueBatch` leaves from the start of the log.
   */
  async end(
    stamps: readonly bigint[],
    perBatch: number,
    perIssueBatch: bigint,
  ): Promise<SendReport> {
    const times: number[] = [];
    let retries = 0;
    for (let done = 0; done < stamps.length; done += perBatch) {
      const refs = stamps.slice(done, done + perBatch);
      const entries = refs.map((ref) =>
        encodeEntry({
          type: 'lock',
          atMs: BigInt(Date.now()),
          amountPaisa: AMOUNT,
          ref,
          commitment: randomBytes(32),
        }),
      );
      const batch = await this.#timed(
        entries,
        refs.map((ref) => ref - (ref % perIssueBatch)),
      );
      retries += batch.retries;
      times.push(batch.ms);
    }
    return {
      leaves: stamps.length,
      retries,
      longestGapMs: Math.max(...times),
      ...summary(times),
    };
  }

  /** Throws unless the chain's head, and every batch that it told of as it committed, are what was sent. */
  async check(): Promise<void> {
    const expected = { size: this.#frontier.size, root: frontierRoot(this.#frontier) };
    const head = await this.#chain.head(expected.size);
    if (head.size !== expected.size || Buffer.compare(head.root, expected.root) !== 0)
      throw new Error('the head of the chain is not that of what was sent');
    let told = 0n;
    const stopper = new AbortController();
    const timer = setTimeout(() => stopper.abort(), 60_000);
    try {
      for await (const notice of this.#chain.follow(undefined, stopper.signal)) {
        if (notice.start !== told)
          throw new Error(`a batch at ${notice.start.toString()} follows ${told.toString()}`);
        told = notice.head.size;
        if (told >= expected.size) break;
      }
    } finally {
      clearTimeout(timer);
    }
    if (told !== expected.size)
      throw new Error(`events told of ${told.toString()} leaves of ${expected.size.toString()}`);
  }
}
