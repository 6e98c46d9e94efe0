/**
 * The audit of the log. It replays every batch of the chain from the first one through the
 * contract's own rules over a state of its own, and compares what comes out with everything that is stored:
 * world state, batch records, checkpoints, leaves, tiles and heads. One pass, bounded memory, one snapshot.
 *
 * A party with the log's key and the database can write a consistent other log; what shows that is a checkpoint
 * kept elsewhere, which the caller gives in `keptCheckpoints`.
 */
import type { KeyObject } from 'node:crypto';
import { ContractError } from '../../chaincode/src/contract-error.ts';
import { decodeEntry, splitEntries } from '../../chaincode/src/leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  emptyRoot,
  frontierRoot,
  leafHash,
} from '../../chaincode/src/merkle.ts';
import { appendBatch, batchKey, lifeIndex, lifeKey } from '../../chaincode/src/registry.ts';
import { sql, type Database, type Queryable } from '../../kernel/database.ts';
import type { AnchorBatch, AnchorChain, Head } from './anchor-chain.ts';
import { sha256 } from './adapters/embedded-block.ts';
import { Findings, StampOrder, type FindingPlace, type LogFinding } from './audit-finding.ts';
import { BlockSource, ChainSource, type AuditedBatch, type AuditSource } from './audit-source.ts';
import { AuditState } from './audit-state.ts';
import {
  batchRecords,
  leafRows,
  lifeRows,
  logCounts,
  stateHashes,
  strangeNotices,
  tileRows,
  type AuditedLeaf,
  type BatchRecord,
  type LogCounts,
  type OrderedRows,
} from './audit-store.ts';
import { openCheckpoint } from './checkpoint.ts';
import { TileBuilder, type Tile } from './tiles.ts';

const TILE_LEVELS = 8;

export interface LogAuditOptions {
  readonly logPublicKey: KeyObject;
  readonly origin: string;
  /** Checkpoints of this log that were kept outside of it (by a witness, in print); each must agree with the log. */
  readonly keptCheckpoints?: readonly string[];
  /** The network that keeps the log; absent: the embedded chain of the audited database. */
  readonly chain?: AnchorChain;
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
  readonly #source: AuditSource;
  readonly #state: AuditState;
  readonly #leaves: OrderedRows<AuditedLeaf>;
  readonly #tiles: OrderedRows<Tile>[];
  readonly #records: OrderedRows<BatchRecord>;
  readonly #builder = new TileBuilder(0n, []);
  readonly #order = new StampOrder();
  /** Kept checkpoints by size, until the log reaches them. */
  readonly #kept = new Map<bigint, Head[]>();
  #head: Head = { size: 0n, root: emptyRoot() };
  /** The tree of a network's batches, to know the root that the contract must come to. */
  #frontier = EMPTY_FRONTIER;
  /** After a batch that cannot be replayed, what follows can only be checked block by block. */
  #broken = false;

  constructor(db: Queryable, options: LogAuditOptions, counts: LogCounts) {
    this.#db = db;
    this.#options = options;
    this.#counts = counts;
    this.#source =
      options.chain === undefined
        ? new BlockSource(db, this.#findings, options)
        : new ChainSource(options.chain, this.#findings, (entries) => this.#rootAfter(entries));
    this.#state = new AuditState((position, start) => this.#source.entriesOf(position, start));
    this.#leaves = leafRows(db);
    this.#records = batchRecords(db);
    this.#tiles = Array.from({ length: TILE_LEVELS }, (_, level) => tileRows(db, level));
  }

  async run(): Promise<LogAuditReport> {
    this.#openKept();
    this.#meetKept();
    for await (const audited of this.#source.batches()) {
      if (!this.#broken) await this.#checkBatch(audited);
    }
    if (this.#source.isEmbedded && this.#source.count === 0 && this.#counts.confirmedSize > 0n) {
      this.#findings.add('block-missing', { block: '0' });
      this.#broken = true;
    }
    if (!this.#broken) {
      await this.#source.end(this.#head);
      if (this.#source.isEmbedded) await this.#checkState();
      else await this.#checkNotices();
      await this.#checkEnds();
    }
    return {
      head: this.#broken ? undefined : this.#head,
      blocks: this.#source.count,
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

  async #checkBatch(audited: AuditedBatch): Promise<void> {
    const { batch, place } = audited;
    const leaves = batch === undefined ? undefined : await this.#replay(audited, batch);
    if (batch === undefined || leaves === undefined) {
      this.#broken = true;
      return;
    }
    if (this.#source.isEmbedded) {
      const key = batchKey(batch.start);
      const stateHash = (await stateHashes(this.#db, [key])).get(key);
      if (stateHash === undefined || !same(stateHash, sha256(batch.entries))) {
        this.#findings.add('state-batch-differs', { key });
      }
    }
    this.#checkRecord(batch, await this.#records.at(batch.start), place);
    await this.#checkLeaves(batch, leaves);
  }

  /** Runs a batch again and returns the hashes of its leaves; undefined when it cannot be run. */
  async #replay(audited: AuditedBatch, batch: AnchorBatch): Promise<Uint8Array[] | undefined> {
    const leaves: Uint8Array[] = [];
    try {
      this.#head = await appendBatch(this.#state, batch, (level, hash) => {
        if (level === 0) leaves.push(hash);
      });
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      this.#findings.add('batch-refused', { ...audited.place, refusal: error.code });
      return undefined;
    }
    audited.check(this.#head, this.#state.takeWrites());
    this.#meetKept();
    return leaves;
  }

  #rootAfter(entries: Uint8Array): Uint8Array {
    this.#frontier = appendLeaves(this.#frontier, splitEntries(entries).map(leafHash));
    return frontierRoot(this.#frontier);
  }

  #checkRecord(batch: AnchorBatch, record: BatchRecord | undefined, place: FindingPlace): void {
    const { logPublicKey, origin } = this.#options;
    if (record === undefined) {
      this.#findings.add('batch-row-missing', place);
      return;
    }
    const isSame =
      batch.start + BigInt(record.entryCount) === this.#head.size &&
      same(record.root, this.#head.root) &&
      record.issueBatches.join() === batch.issueBatches.join();
    if (!isSame) this.#findings.add('batch-row-differs', place);
    // A batch that is appended and not yet confirmed has no checkpoint here.
    if (record.checkpoint === null) return;
    const head = openCheckpoint(record.checkpoint, origin, logPublicKey);
    if (head === undefined) this.#findings.add('checkpoint-forged', place);
    else if (head.size !== this.#head.size || !same(head.root, this.#head.root)) {
      this.#findings.add('checkpoint-differs', place);
    }
  }

  async #checkLeaves(batch: AnchorBatch, leaves: readonly Uint8Array[]): Promise<void> {
    const entries = splitEntries(batch.entries);
    for (const [position, hash] of leaves.entries()) {
      const index = batch.start + BigInt(position);
      const row = this.#leaves.ready(index) ?? (await this.#leaves.at(index));
      const entry = entries[position] ?? new Uint8Array();
      this.#checkLeaf(row, { index, entry, hash, start: batch.start });
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
    const entry = decodeEntry(leaf.entry);
    const isSame =
      same(row.entry, leaf.entry) && row.kind === entry.type && row.batchStart === leaf.start;
    if (!isSame) this.#findings.add('leaf-changed', place);
    else if (!same(row.leafHash, leaf.hash)) this.#findings.add('leaf-hash-wrong', place);
    if (entry.type !== 'issue') return;
    const disorder = this.#order.check(row.shard, entry);
    if (disorder !== undefined) this.#findings.add(disorder, place);
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
        const index = lifeIndex(key);
        const life = index === undefined ? undefined : this.#state.life(index);
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

  /** What the network told of its commits, where it was heard. */
  async #checkNotices(): Promise<void> {
    for (const { start, differs } of await strangeNotices(this.#db)) {
      this.#findings.add(differs ? 'notice-differs' : 'notice-unknown', {
        leafIndex: start.toString(),
      });
    }
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

/** Audits the log in a transaction of the caller's, which must be a read-only snapshot. */
export async function auditLogIn(tx: Queryable, options: LogAuditOptions): Promise<LogAuditReport> {
  return new LogAudit(tx, options, await logCounts(tx)).run();
}

/** Audits the log in one read-only snapshot; the log may grow meanwhile. */
export async function auditLog(
  database: Database,
  options: LogAuditOptions,
): Promise<LogAuditReport> {
  return database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
    return auditLogIn(tx, options);
  });
}
