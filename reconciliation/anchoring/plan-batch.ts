/** Turns what the outbox holds into the entries of one batch. Pure: the store reads before and writes after. */
import { encodeEntry, type LeafType } from '../../chaincode/src/leaf.ts';
import { leafHash } from '../../chaincode/src/merkle.ts';
import { ISSUE_BATCHES_MAX } from '../../chaincode/src/registry.ts';
import { InvariantBroken } from '../../kernel/fault.ts';

/** What the register wants the log to be told. */
export interface OutboxItem {
  readonly shard: number;
  readonly id: bigint;
  readonly kind: 'issue' | 'lock' | 'cancel' | 'refund' | 'spoil';
  readonly stampId: string;
  readonly at: Date;
  readonly amountPaisa: bigint;
  /** Present for an issue. */
  readonly paymentCommitment: Uint8Array | null;
  readonly commitment: Uint8Array;
  /** Size of the log that was known when the stamp was issued. */
  readonly logSize: bigint;
}

/** Where the ISSUE of a stamp stands. */
export interface IssuePlace {
  readonly leafIndex: bigint;
  readonly batchStart: bigint;
}

interface PlannedLeaf {
  readonly entry: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly shard: number;
  readonly stampId: string;
  readonly kind: LeafType;
}

export interface PlanInput {
  readonly items: readonly OutboxItem[];
  /** Where the stamps of the life events among the items were issued, as far as the log knows. */
  readonly issues: ReadonlyMap<string, IssuePlace>;
  readonly start: bigint;
  readonly entriesMax: number;
}

export interface BatchPlan {
  readonly leaves: readonly PlannedLeaf[];
  readonly issueBatches: readonly bigint[];
  /** The items that the leaves speak of. */
  readonly taken: readonly OutboxItem[];
  /** Life events whose stamp the log does not know yet; they stay in the outbox. */
  readonly waiting: readonly OutboxItem[];
}

function leafOf(
  item: OutboxItem,
  kind: LeafType,
  ref: bigint,
  commitment: Uint8Array,
): PlannedLeaf {
  const entry = encodeEntry({
    type: kind,
    atMs: BigInt(item.at.getTime()),
    amountPaisa: item.amountPaisa,
    ref,
    commitment,
  });
  return { entry, leafHash: leafHash(entry), shard: item.shard, stampId: item.stampId, kind };
}

/** Plans the longest batch that the limits allow, in the order of the items. */
export function planBatch({ items, issues, start, entriesMax }: PlanInput): BatchPlan {
  const leaves: PlannedLeaf[] = [];
  const issueBatches: bigint[] = [];
  const taken: OutboxItem[] = [];
  const waiting: OutboxItem[] = [];
  const issuedHere = new Map<string, IssuePlace>();
  const olderBatches = new Set<bigint>();
  for (const item of items) {
    if (item.kind === 'issue') {
      if (item.paymentCommitment === null) {
        throw new InvariantBroken('An issue in the outbox has no payment commitment.');
      }
      if (leaves.length + 2 > entriesMax) break;
      leaves.push(leafOf(item, 'payment', 0n, item.paymentCommitment));
      issuedHere.set(item.stampId, {
        leafIndex: start + BigInt(leaves.length),
        batchStart: start,
      });
      leaves.push(leafOf(item, 'issue', item.logSize, item.commitment));
      taken.push(item);
      continue;
    }
    const issue = issuedHere.get(item.stampId) ?? issues.get(item.stampId);
    if (issue === undefined) {
      waiting.push(item);
      continue;
    }
    if (leaves.length + 1 > entriesMax) break;
    if (issue.batchStart !== start) {
      if (!olderBatches.has(issue.batchStart) && olderBatches.size === ISSUE_BATCHES_MAX) break;
      olderBatches.add(issue.batchStart);
    }
    leaves.push(leafOf(item, item.kind, issue.leafIndex, item.commitment));
    issueBatches.push(issue.batchStart);
    taken.push(item);
  }
  return { leaves, issueBatches, taken, waiting };
}
