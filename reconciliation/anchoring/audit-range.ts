/**
 * The audit of a stretch of the log (`sanad audit log --from A --to B`): it grows from the head at A to the head at B,
 * every checkpoint between them is true, times do not step back, and what it says is in the register and the books.
 */
import type { KeyObject } from 'node:crypto';
import { decodeEntry } from '../../chaincode/src/leaf.ts';
import {
  appendLeaves,
  frontierNodes,
  frontierRoot,
  leafHash,
  verifyConsistency,
  type Frontier,
} from '../../chaincode/src/merkle.ts';
import { sql, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { anchoredSize, findTiles } from './anchoring-store.ts';
import { Findings, StampOrder, type LogFinding } from './audit-finding.ts';
import { registerFindings, type LeafRange } from './audit-register.ts';
import { leafRows } from './audit-store.ts';
import { openCheckpoint } from './checkpoint.ts';
import { logConsistency } from './inclusion-bundle.ts';
import { frontierFromTiles, tilesOfNodes } from './tiles.ts';

const PAGE = 5_000;

export interface RangeReport {
  readonly ok: boolean;
  readonly from: { readonly size: string; readonly root: string };
  readonly to: { readonly size: string; readonly root: string };
  /** The proof that the first head grew into the second, in hex. */
  readonly consistency: readonly string[];
  readonly leaves: string;
  /** Leaves by kind, with the sum of their amounts in paisa. */
  readonly kinds: Readonly<Record<string, { readonly count: string; readonly paisa: string }>>;
  /** Checkpoints of batches that end in the stretch. */
  readonly checkpoints: number;
  readonly findings: readonly LogFinding[];
}

interface BatchEnd {
  readonly [column: string]: unknown;
  readonly batch_end: bigint;
  readonly checkpoint: string;
  readonly anchored_at: Date;
}

async function batchEnds(db: Queryable, { from, to }: LeafRange): Promise<BatchEnd[]> {
  return db.query<BatchEnd>(sql`
    select batch_start + entry_count as batch_end, checkpoint, anchored_at from anchor_batch
    where state = 'anchored' and batch_start + entry_count > ${from} and batch_start + entry_count <= ${to} order by 1`);
}

async function frontierAt(db: Queryable, size: bigint): Promise<Frontier> {
  return frontierFromTiles(size, await findTiles(db, tilesOfNodes(frontierNodes(size))));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

class RangeAudit {
  readonly findings = new Findings();
  readonly kinds = new Map<string, { count: bigint; paisa: bigint }>();
  readonly #db: Queryable;
  readonly #log: { readonly logPublicKey: KeyObject; readonly origin: string };
  readonly #order = new StampOrder();

  constructor(db: Queryable, log: { readonly logPublicKey: KeyObject; readonly origin: string }) {
    this.#db = db;
    this.#log = log;
  }

  /** Grows the tree leaf by leaf from one end to the other, and looks at each checkpoint on the way. */
  async grow(range: LeafRange, start: Frontier, ends: readonly BatchEnd[]): Promise<Frontier> {
    const rows = leafRows(this.#db, range.from);
    let frontier = start;
    let waiting = [...ends];
    let before: Date | undefined;
    for (let index = range.from; index < range.to;) {
      const [end] = waiting;
      const limit = index + BigInt(PAGE);
      const stop = [range.to, end?.batch_end ?? range.to, limit].reduce((a, b) => (a < b ? a : b));
      const hashes: Uint8Array[] = [];
      for (; index < stop; index += 1n) {
        const row = rows.ready(index) ?? (await rows.at(index));
        if (row === undefined) {
          this.findings.add('leaf-missing', { leafIndex: index.toString() });
          throw new MissingLeaf();
        }
        const place = { leafIndex: index.toString(), stampId: row.stampId };
        const entry = decodeEntry(row.entry);
        const hash = leafHash(row.entry);
        if (!hash.equals(row.leafHash)) this.findings.add('leaf-hash-wrong', place);
        if (entry.type !== row.kind) this.findings.add('leaf-changed', place);
        if (entry.type === 'issue') {
          const disorder = this.#order.check(row.shard, entry);
          if (disorder !== undefined) this.findings.add(disorder, place);
        }
        this.#count(entry.type, entry.amountPaisa);
        hashes.push(hash);
      }
      frontier = appendLeaves(frontier, hashes);
      if (end?.batch_end !== index) continue;
      this.#checkEnd(end, frontier, before);
      before = end.anchored_at;
      waiting = waiting.slice(1);
    }
    return frontier;
  }

  #count(kind: string, paisa: bigint): void {
    const known = this.kinds.get(kind);
    if (known === undefined) this.kinds.set(kind, { count: 1n, paisa });
    else {
      known.count += 1n;
      known.paisa += paisa;
    }
  }

  #checkEnd(end: BatchEnd, frontier: Frontier, before: Date | undefined): void {
    const { origin, logPublicKey } = this.#log;
    const place = { leafIndex: end.batch_end.toString() };
    const head = openCheckpoint(end.checkpoint, origin, logPublicKey);
    if (head === undefined) this.findings.add('checkpoint-forged', place);
    else if (
      head.size !== frontier.size ||
      Buffer.compare(head.root, frontierRoot(frontier)) !== 0
    ) {
      this.findings.add('checkpoint-differs', place);
    }
    if (before !== undefined && end.anchored_at < before)
      this.findings.add('batch-time-backwards', place);
  }
}

/** Stops the growing: what follows a missing leaf cannot be compared. */
class MissingLeaf extends Error {}

async function auditIn(
  db: Queryable,
  range: LeafRange,
  log: { readonly logPublicKey: KeyObject; readonly origin: string },
): Promise<RangeReport> {
  const { from, to } = range;
  if (from < 0n || from > to || to > (await anchoredSize(db))) {
    throw new Fault('bad-input', 'The sizes are out of order or beyond the confirmed log.', {
      fields: { from: from.toString(), to: to.toString() },
    });
  }
  const audit = new RangeAudit(db, log);
  const { findings, kinds } = audit;
  const start = await frontierAt(db, from);
  const stored = await frontierAt(db, to);
  const ends = await batchEnds(db, range);
  try {
    const grown = await audit.grow(range, start, ends);
    if (Buffer.compare(frontierRoot(grown), frontierRoot(stored)) !== 0)
      findings.add('root-differs', { leafIndex: to.toString() });
  } catch (error) {
    if (!(error instanceof MissingLeaf)) throw error;
  }
  const consistency = await logConsistency(db, { oldSize: from, newSize: to });
  const isConsistent = verifyConsistency({
    oldSize: from,
    oldRoot: frontierRoot(start),
    newSize: to,
    newRoot: frontierRoot(stored),
    path: consistency.map((each) => Buffer.from(each, 'hex')),
  });
  if (!isConsistent) findings.add('root-differs', { leafIndex: to.toString() });
  const all = [...findings.kept, ...(await registerFindings(db, range))];
  return {
    ok: all.length === 0,
    from: { size: from.toString(), root: hex(frontierRoot(start)) },
    to: { size: to.toString(), root: hex(frontierRoot(stored)) },
    consistency,
    leaves: (to - from).toString(),
    kinds: Object.fromEntries(
      [...kinds].map(([kind, { count, paisa }]) => [
        kind,
        { count: count.toString(), paisa: paisa.toString() },
      ]),
    ),
    checkpoints: ends.length,
    findings: all,
  };
}

/**
 * Audits the leaves from `from` up to, and without, `to`, in one read-only snapshot. A Fault `bad-input` names sizes
 * that the confirmed log has not reached. A tile that is missing or too short breaks an invariant.
 */
export async function auditRange(
  database: Database,
  range: LeafRange,
  log: { readonly logPublicKey: KeyObject; readonly origin: string },
): Promise<RangeReport> {
  return database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
    return auditIn(tx, range, log);
  });
}
