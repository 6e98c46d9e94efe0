/**
 * The audit of the log kept by the embedded chain. It replays every block from the first one through the
 * contract's own rules over a state of its own, and compares what comes out with everything that is stored:
 * world state, batch records, checkpoints, leaves, tiles and heads. One pass, bounded memory, one snapshot.
 *
 * A party with the log's key and the database can write a consistent other log; what shows that is a checkpoint
 * kept elsewhere, which the caller gives in `keptCheckpoints`.
 */
import type { KeyObject } from 'node:crypto';
import { ContractError } from '../../chaincode/src/contract-error.ts';
import { decodeEntry, splitEntries } from '../../chaincode/src/leaf.ts';
import { emptyRoot, leafHash } from '../../chaincode/src/merkle.ts';
import { appendBatch, batchKey, lifeKey } from '../../chaincode/src/registry.ts';
import { sql, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { AnchorBatch, Head } from './anchor-chain.ts';
import {
  decodeBatch,
  encodeGenesis,
  hasGoodHash,
  hasGoodSignature,
  hashWrites,
  NO_BLOCK,
  sha256,
  type SealedBlock,
} from './adapters/embedded-block.ts';
import { blocksFrom, type StoredBlock } from './adapters/embedded-store.ts';
import { Findings, type LogFinding } from './audit-finding.ts';
import { AuditState } from './audit-state.ts';
import {
  batchRecords,
  leafRows,
  lifeRows,
  logCounts,
  stateHashes,
  tileRows,
  type AuditedLeaf,
  type BatchRecord,
  type LogCounts,
  type OrderedRows,
} from './audit-store.ts';
import { openCheckpoint, rawPublicKey } from './checkpoint.ts';
import { TileBuilder, type Tile } from './tiles.ts';

/** Blocks read at once: at most 75 MB. */
const BLOCK_PAGE = 64;
const TILE_LEVELS = 8;

export interface LogAuditOptions {
  readonly logPublicKey: KeyObject;
  readonly origin: string;
  /** Checkpoints of this log that were kept outside of it (by a witness, in print); each must agree with the log. */
  readonly keptCheckpoints?: readonly string[];
}

export interface LogAuditReport {
  /** The head that the blocks lead to; undefined when the replay broke off. */
  readonly head: Head | undefined;
  readonly blocks: number;
  /** Leaves that were replayed. */
  readonly leaves: string;
  /** Findings in the order found; at most 1,000 are kept. */
  readonly findings: readonly LogFinding[];
  readonly findingsTotal: number;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

class LogAudit {
  readonly #db: Queryable;
  readonly #options: LogAuditOptions;
  readonly #counts: LogCounts;
  readonly #findings = new Findings();
  readonly #state: AuditState;
  readonly #leaves: OrderedRows<AuditedLeaf>;
  readonly #tiles: OrderedRows<Tile>[];
  readonly #builder = new TileBuilder(0n, []);
  /** Kept checkpoints by size, until the log reaches them. */
  readonly #kept = new Map<bigint, Head[]>();
  #previous: SealedBlock | undefined;
  #head: Head = { size: 0n, root: emptyRoot() };
  #blocks = 0;
  /** After a batch that cannot be replayed, what follows can only be checked block by block. */
  #broken = false;

  constructor(db: Queryable, options: LogAuditOptions, counts: LogCounts) {
    this.#db = db;
    this.#options = options;
    this.#counts = counts;
    this.#state = new AuditState(db);
    this.#leaves = leafRows(db);
    this.#tiles = Array.from({ length: TILE_LEVELS }, (_, level) => tileRows(db, level));
  }

  async run(): Promise<LogAuditReport> {
    this.#openKept();
    this.#meetKept();
    for (let from = 0n; ;) {
      const page = await blocksFrom(this.#db, from, BLOCK_PAGE);
      await this.#checkPage(page);
      const last = page.at(-1);
      if (last === undefined) break;
      from = last.block.number + 1n;
    }
    if (this.#blocks === 0 && this.#counts.confirmedSize > 0n) {
      this.#findings.add('block-missing', { block: '0' });
      this.#broken = true;
    }
    if (!this.#broken) {
      await this.#checkState();
      await this.#checkEnds();
    }
    return {
      head: this.#broken ? undefined : this.#head,
      blocks: this.#blocks,
      leaves: this.#head.size.toString(),
      findings: this.#findings.kept,
      findingsTotal: this.#findings.total,
    };
  }

  #openKept(): void {
    const { origin, logPublicKey, keptCheckpoints = [] } = this.#options;
    for (const note of keptCheckpoints) {
      const head = openCheckpoint(note, origin, logPublicKey);
      if (head === undefined) this.#findings.add('checkpoint-forged');
      else this.#kept.set(head.size, [...(this.#kept.get(head.size) ?? []), head]);
    }
  }

  #meetKept(): void {
    const { size, root } = this.#head;
    for (const kept of this.#kept.get(size) ?? []) {
      if (!same(kept.root, root)) {
        this.#findings.add('checkpoint-differs', { leafIndex: size.toString() });
      }
    }
    this.#kept.delete(size);
  }

  async #checkPage(page: readonly StoredBlock[]): Promise<void> {
    const starts = page.flatMap(({ block, arguments: args }) =>
      block.function === 'appendBatch' && args.length >= 8
        ? [Buffer.from(args.buffer, args.byteOffset, args.length).readBigInt64BE(0)]
        : [],
    );
    const records = await batchRecords(this.#db, starts);
    const states = await stateHashes(this.#db, starts.filter((start) => start >= 0n).map(batchKey));
    for (const stored of page) {
      this.#blocks += 1;
      this.#checkBlock(stored);
      const isFirst = stored.block.number === 0n;
      this.#previous = stored.block;
      if (isFirst || this.#broken) continue;
      const batch = await this.#replay(stored);
      if (batch === undefined) continue;
      const stateHash = states.get(batchKey(batch.start));
      if (stateHash === undefined || !same(stateHash, sha256(batch.entries))) {
        this.#findings.add('state-batch-differs', { key: batchKey(batch.start) });
      }
      this.#checkRecord(batch, records.get(batch.start), stored.block.number.toString());
      await this.#checkLeaves(batch);
    }
  }

  /** What a block says of itself and of the block before it. */
  #checkBlock({ block, arguments: args }: StoredBlock): void {
    const { logPublicKey, origin } = this.#options;
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

  /** Runs a block's batch again; undefined, and the replay broken off, when it cannot be run. */
  async #replay({ block, arguments: args }: StoredBlock): Promise<AnchorBatch | undefined> {
    const place = { block: block.number.toString() };
    try {
      const batch = decodeBatch(args);
      const head = await appendBatch(this.#state, batch);
      this.#head = head;
      if (block.head.size !== head.size || !same(block.head.root, head.root)) {
        this.#findings.add('block-head-wrong', place);
      }
      if (!same(hashWrites(this.#state.takeWrites()), block.writesHash)) {
        this.#findings.add('block-writes-differ', place);
      }
      this.#meetKept();
      return batch;
    } catch (error) {
      this.#broken = true;
      if (error instanceof ContractError) {
        this.#findings.add('batch-refused', { ...place, refusal: error.code });
      } else if (error instanceof Fault && error.code === 'message-malformed') {
        this.#findings.add('block-malformed', place);
      } else {
        throw error;
      }
      return undefined;
    }
  }

  #checkRecord(batch: AnchorBatch, record: BatchRecord | undefined, block: string): void {
    const { logPublicKey, origin } = this.#options;
    if (record === undefined) {
      this.#findings.add('batch-row-missing', { block });
      return;
    }
    const isSame =
      batch.start + BigInt(record.entryCount) === this.#head.size &&
      same(record.root, this.#head.root) &&
      record.issueBatches.join() === batch.issueBatches.join();
    if (!isSame) this.#findings.add('batch-row-differs', { block });
    // A batch that is appended and not yet confirmed has no checkpoint here.
    if (record.checkpoint === null) return;
    const head = openCheckpoint(record.checkpoint, origin, logPublicKey);
    if (head === undefined) this.#findings.add('checkpoint-forged', { block });
    else if (head.size !== this.#head.size || !same(head.root, this.#head.root)) {
      this.#findings.add('checkpoint-differs', { block });
    }
  }

  async #checkLeaves(batch: AnchorBatch): Promise<void> {
    for (const [position, entry] of splitEntries(batch.entries).entries()) {
      const index = batch.start + BigInt(position);
      const hash = leafHash(entry);
      this.#checkLeaf(await this.#leaves.at(index), { index, entry, hash, start: batch.start });
      if (index >= this.#counts.confirmedSize) continue;
      for (const tile of this.#builder.append(hash)) await this.#checkTile(tile);
    }
  }

  #checkLeaf(
    row: AuditedLeaf | undefined,
    leaf: { index: bigint; entry: Uint8Array; hash: Uint8Array; start: bigint },
  ): void {
    const leafIndex = leaf.index.toString();
    if (row === undefined) {
      this.#findings.add('leaf-missing', { leafIndex });
      return;
    }
    const place = { leafIndex, stampId: row.stampId };
    const isSame =
      same(row.entry, leaf.entry) &&
      row.kind === decodeEntry(leaf.entry).type &&
      row.batchStart === leaf.start;
    if (!isSame) this.#findings.add('leaf-changed', place);
    else if (!same(row.leafHash, leaf.hash)) this.#findings.add('leaf-hash-wrong', place);
  }

  async #checkTile(tile: Tile): Promise<void> {
    const place = { tile: `${String(tile.level)}/${tile.index.toString()}` };
    const stored = await this.#tiles[tile.level]?.at(tile.index);
    if (stored === undefined) this.#findings.add('tile-missing', place);
    else if (!same(stored.hashes, tile.hashes)) this.#findings.add('tile-changed', place);
  }

  async #checkState(): Promise<void> {
    const head = (await stateHashes(this.#db, ['head'])).get('head');
    const expected = this.#state.headValue;
    const isSame =
      head === undefined || expected === undefined
        ? head === expected
        : same(head, sha256(expected));
    if (!isSame) this.#findings.add('state-head-differs', { key: 'head' });

    let seen = 0n;
    for (let after = ''; ;) {
      const rows = await lifeRows(this.#db, after);
      for (const { key, value } of rows) {
        const index = /^life:(\d{20})$/.exec(key)?.[1];
        const life = index === undefined ? undefined : this.#state.life(BigInt(index));
        if (life === undefined || !same(life, value))
          this.#findings.add('state-life-differs', { key });
        else seen += 1n;
      }
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.key;
    }
    if (seen !== this.#state.livesCount)
      this.#findings.add('state-life-differs', { key: lifeKey(0n) });
    if (this.#counts.stateKeys !== this.#state.keyCount) this.#findings.add('state-key-unknown');
  }

  /** Heads, and whatever is stored beyond the end of the log. */
  async #checkEnds(): Promise<void> {
    const { confirmedSize, planned, batchRecords: records } = this.#counts;
    const { size } = this.#head;
    const isOnItsWay = planned?.start === confirmedSize && planned.end === size;
    if (size < confirmedSize)
      this.#findings.add('chain-rolled-back', { leafIndex: size.toString() });
    if (size > confirmedSize && !isOnItsWay) {
      this.#findings.add('head-behind', { leafIndex: confirmedSize.toString() });
    }
    for (const kept of this.#kept.keys()) {
      const code = kept > size ? 'checkpoint-beyond-log' : 'checkpoint-differs';
      this.#findings.add(code, { leafIndex: kept.toString() });
    }
    // A batch that is planned and not appended has its record and leaves, and the chain knows nothing of it.
    const waits = planned?.start === size && size === confirmedSize;
    if (records > BigInt(this.#state.batchCount) + (waits ? 1n : 0n)) {
      this.#findings.add('batch-row-unknown');
    }
    const leavesEnd = waits ? planned.end : size;
    for (;;) {
      const row = await this.#leaves.peek();
      if (row === undefined) break;
      if (row.index >= leavesEnd) {
        this.#findings.add('leaf-unknown', {
          leafIndex: row.index.toString(),
          stampId: row.stampId,
        });
      }
      await this.#leaves.at(row.index);
    }
    for (const tile of this.#builder.unfinished()) await this.#checkTile(tile);
    for (const [level, tiles] of this.#tiles.entries()) {
      const beyond = await tiles.peek();
      if (beyond !== undefined) {
        this.#findings.add('tile-unknown', { tile: `${String(level)}/${beyond.index.toString()}` });
      }
    }
  }
}

/** Audits the log of the embedded chain in one read-only snapshot; the log may grow meanwhile. */
export async function auditLog(
  database: Database,
  options: LogAuditOptions,
): Promise<LogAuditReport> {
  return database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
    return new LogAudit(tx, options, await logCounts(tx)).run();
  });
}
