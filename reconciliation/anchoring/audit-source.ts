/**
 * Where the audit takes the batches from that it runs again: from the blocks of the embedded chain, each checked for
 * hash, signature and link, or from a peer of a Fabric network, whose own blocks the network has checked.
 */
import type { KeyObject } from 'node:crypto';
import { ContractError } from '../../chaincode/src/contract-error.ts';
import { decodeEntry, ENTRY_BYTES, splitEntries } from '../../chaincode/src/leaf.ts';
import { emptyRoot } from '../../chaincode/src/merkle.ts';
import type { Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { AnchorBatch, AnchorChain, Head } from './anchor-chain.ts';
import {
  decodeBatch,
  encodeGenesis,
  hasGoodHash,
  hasGoodSignature,
  hashWrites,
  NO_BLOCK,
  type SealedBlock,
} from './adapters/embedded-block.ts';
import { blocksFrom, type StoredBlock } from './adapters/embedded-store.ts';
import type { FindingPlace, Findings } from './audit-finding.ts';
import { rawPublicKey } from './checkpoint.ts';

/** Blocks read at once: at most 20 MB. */
const BLOCK_PAGE = 16;

/** One batch to run again. */
export interface AuditedBatch {
  readonly place: FindingPlace;
  /** Undefined when it cannot be read, which the source has told. */
  readonly batch: AnchorBatch | undefined;
  /** Compares what the chain states with what running the batch led to. */
  check(head: Head, writes: readonly (readonly [string, Uint8Array])[]): void;
}

export interface AuditSource {
  /** True where world state and blocks lie in the audited database. */
  readonly isEmbedded: boolean;
  /** Blocks or batches gone through so far. */
  readonly count: number;
  /** The batches in order. */
  batches(): AsyncIterable<AuditedBatch>;
  /** The entries of an earlier batch, as the chain holds them. */
  entriesOf(position: number, start: bigint): Promise<Uint8Array | undefined>;
  /** What is left to compare when all batches were run. */
  end(head: Head): Promise<void>;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** The blocks of the embedded chain. */
export class BlockSource implements AuditSource {
  readonly isEmbedded = true;
  count = 0;
  readonly #db: Queryable;
  readonly #findings: Findings;
  readonly #log: { readonly logPublicKey: KeyObject; readonly origin: string };
  #previous: SealedBlock | undefined;

  constructor(
    db: Queryable,
    findings: Findings,
    log: { readonly logPublicKey: KeyObject; readonly origin: string },
  ) {
    this.#db = db;
    this.#findings = findings;
    this.#log = log;
  }

  async *batches(): AsyncIterable<AuditedBatch> {
    for (let from = 0n; ;) {
      const page = await blocksFrom(this.#db, from, BLOCK_PAGE);
      for (const stored of page) {
        this.count += 1;
        this.#checkBlock(stored);
        this.#previous = stored.block;
        if (stored.block.number > 0n) yield this.#audited(stored);
      }
      const last = page.at(-1);
      if (last === undefined) return;
      from = last.block.number + 1n;
    }
  }

  async entriesOf(position: number): Promise<Uint8Array | undefined> {
    const [stored] = await blocksFrom(this.#db, BigInt(position + 1), 1);
    return stored === undefined ? undefined : decodeBatch(stored.arguments).entries;
  }

  async end(): Promise<void> {
    // What the blocks state was compared block by block.
  }

  #audited({ block, arguments: args }: StoredBlock): AuditedBatch {
    const place = { block: block.number.toString() };
    return {
      place,
      batch: this.#batchIn(args, place),
      check: (head, writes) => {
        if (block.head.size !== head.size || !same(block.head.root, head.root)) {
          this.#findings.add('block-head-wrong', place);
        }
        if (!same(hashWrites(writes), block.writesHash)) {
          this.#findings.add('block-writes-differ', place);
        }
      },
    };
  }

  #batchIn(args: Uint8Array, place: FindingPlace): AnchorBatch | undefined {
    try {
      return decodeBatch(args);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'message-malformed') throw error;
      this.#findings.add('block-malformed', place);
      return undefined;
    }
  }

  /** What a block says of itself and of the block before it. */
  #checkBlock({ block, arguments: args }: StoredBlock): void {
    const { logPublicKey, origin } = this.#log;
    const place = { block: block.number.toString() };
    const expected = this.#previous === undefined ? 0n : this.#previous.number + 1n;
    if (block.number !== expected)
      this.#findings.add('block-missing', { block: expected.toString() });
    if (!hasGoodHash(block)) this.#findings.add('block-hash-wrong', place);
    if (!hasGoodSignature(block, logPublicKey)) this.#findings.add('block-signature-wrong', place);
    if (!same(block.previousHash, this.#previous?.hash ?? NO_BLOCK)) {
      this.#findings.add('block-link-broken', place);
    }
    if (this.#previous !== undefined && block.atMs < this.#previous.atMs) {
      this.#findings.add('block-time-backwards', place);
    }
    if (this.#previous === undefined && block.number === 0n) {
      const genesis = encodeGenesis(rawPublicKey(logPublicKey), origin);
      if (block.function !== 'genesis' || !same(args, genesis)) {
        this.#findings.add('genesis-wrong', place);
      }
    }
  }
}

/** The batches as a network gives them out. */
export class ChainSource implements AuditSource {
  readonly isEmbedded = false;
  count = 0;
  readonly #chain: AnchorChain;
  readonly #findings: Findings;
  /** The root that the contract must come to, computed from the entries alone. */
  readonly #rootAfter: (entries: Uint8Array) => Uint8Array;
  readonly #starts: bigint[] = [];
  #head: Head = { size: 0n, root: emptyRoot() };

  constructor(
    chain: AnchorChain,
    findings: Findings,
    rootAfter: (entries: Uint8Array) => Uint8Array,
  ) {
    this.#chain = chain;
    this.#findings = findings;
    this.#rootAfter = rootAfter;
  }

  async *batches(): AsyncIterable<AuditedBatch> {
    // The log may grow meanwhile; what came later is for the next audit.
    this.#head = await this.#chain.head();
    for (let start = 0n; start < this.#head.size;) {
      const place = { leafIndex: start.toString() };
      const entries = await this.#chain.readBatch(start);
      if (entries === undefined) {
        this.#findings.add('chain-batch-missing', place);
        yield { place, batch: undefined, check: () => undefined };
        return;
      }
      this.count += 1;
      this.#starts.push(start);
      yield { place, batch: this.#batchOf(start, entries), check: () => undefined };
      start += BigInt(Math.ceil(entries.length / ENTRY_BYTES));
    }
  }

  #batchOf(start: bigint, entries: Uint8Array): AnchorBatch {
    try {
      return {
        start,
        entries,
        expectedRoot: this.#rootAfter(entries),
        issueBatches: this.#issueBatches(entries),
      };
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      // Entries that cannot be read: running the batch tells which and why.
      return { start, entries, expectedRoot: emptyRoot(), issueBatches: [] };
    }
  }

  async entriesOf(_position: number, start: bigint): Promise<Uint8Array | undefined> {
    return this.#chain.readBatch(start);
  }

  end(head: Head): Promise<void> {
    if (head.size !== this.#head.size || !same(head.root, this.#head.root)) {
      this.#findings.add('chain-head-differs', { leafIndex: head.size.toString() });
    }
    return Promise.resolve();
  }

  /** For each life event the batch that holds the leaf it names: the audit looks it up by itself. */
  #issueBatches(entries: Uint8Array): bigint[] {
    return splitEntries(entries).flatMap((entry) => {
      const { type, ref } = decodeEntry(entry);
      const isEvent = type === 'lock' || type === 'cancel' || type === 'refund' || type === 'spoil';
      return isEvent ? [this.#startOfBatchWith(ref)] : [];
    });
  }

  #startOfBatchWith(index: bigint): bigint {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0n) <= index) low = middle + 1;
      else high = middle;
    }
    return this.#starts[low - 1] ?? 0n;
  }
}
