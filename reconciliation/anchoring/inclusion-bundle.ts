/** What proves to anybody that a stamp stands in the log, and the check of it, which needs no database. */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { ContractError } from '../../chaincode/src/contract-error.ts';
import { decodeEntry, type LeafEntry } from '../../chaincode/src/leaf.ts';
import {
  consistencyNodes,
  consistencyProof,
  inclusionNodes,
  inclusionProof,
  leafHash,
  verifyInclusion,
} from '../../chaincode/src/merkle.ts';
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Head } from './anchor-chain.ts';
import { anchoredSize, findTiles } from './anchoring-store.ts';
import { openCheckpoint } from './checkpoint.ts';
import { readNodesFromTiles, tilesOfNodes } from './tiles.ts';

const size = z.string().regex(/^(0|[1-9]\d{0,18})$/);
const bundleSchema = z.strictObject({
  leafIndex: size,
  treeSize: size,
  entry: z.string().regex(/^[0-9a-f]{116}$/),
  path: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(63),
  checkpoint: z.string().max(10_000),
});

/** The proof of one stamp: hashes in lower-case hex, the path from the leaf upwards, the checkpoint as a signed note. */
export type InclusionBundle = z.infer<typeof bundleSchema>;

/** The proof that a stamp's ISSUE is in the log under its newest confirmed checkpoint; undefined while it is not. */
export async function inclusionBundle(
  db: Queryable,
  stampId: string,
): Promise<InclusionBundle | undefined> {
  const [row] = await db.query<{
    leaf_index: bigint;
    entry: Buffer;
    size: bigint;
    checkpoint: string;
  }>(
    prepared(
      'anchoring_issue_leaf',
      sql`select l.leaf_index, l.entry, h.size, b.checkpoint
          from log_leaf l
          join anchor_head h on l.leaf_index < h.size
          join lateral (select checkpoint from anchor_batch where state = 'anchored' and batch_start < h.size order by batch_start desc limit 1) b on true
          where l.stamp_id = ${stampId} and l.kind = 'issue'`,
    ),
  );
  if (row === undefined) return undefined;
  const nodes = inclusionNodes(row.leaf_index, row.size);
  const read = readNodesFromTiles(await findTiles(db, tilesOfNodes(nodes)));
  return {
    leafIndex: row.leaf_index.toString(),
    treeSize: row.size.toString(),
    entry: row.entry.toString('hex'),
    path: inclusionProof(row.leaf_index, row.size, read).map(hex),
    checkpoint: row.checkpoint,
  };
}

/**
 * The proof, in hex, that the log of `oldSize` leaves begins the log of `newSize`. Refuses with `bad-input` sizes
 * that are out of order or beyond the confirmed log.
 */
export async function logConsistency(
  db: Queryable,
  sizes: { readonly oldSize: bigint; readonly newSize: bigint },
): Promise<string[]> {
  const { oldSize, newSize } = sizes;
  if (oldSize < 0n || oldSize > newSize || newSize > (await anchoredSize(db))) {
    throw new Fault('bad-input', 'The sizes are out of order or beyond the confirmed log.');
  }
  const nodes = consistencyNodes(oldSize, newSize);
  const read = readNodesFromTiles(await findTiles(db, tilesOfNodes(nodes)));
  return consistencyProof(oldSize, newSize, read).map(hex);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export type BundleVerdict =
  | {
      readonly ok: true;
      readonly entry: LeafEntry;
      readonly leafIndex: bigint;
      readonly head: Head;
    }
  | {
      readonly ok: false;
      readonly reason: 'bundle-malformed' | 'checkpoint-wrong' | 'not-an-issue' | 'path-wrong';
    };

/**
 * Checks a bundle from outside against the log's public key: the checkpoint is of this log and signed, the entry
 * is an ISSUE, and the path leads from it to the checkpoint's root. Whether the entry speaks of a given stamp is
 * for the caller to see from its commitment and amount.
 */
export function verifyInclusionBundle(
  bundle: unknown,
  log: { readonly publicKey: KeyObject; readonly origin: string },
): BundleVerdict {
  const parsed = bundleSchema.safeParse(bundle);
  if (!parsed.success) return { ok: false, reason: 'bundle-malformed' };
  const { leafIndex, treeSize, entry, path, checkpoint } = parsed.data;
  const head = openCheckpoint(checkpoint, log.origin, log.publicKey);
  if (head?.size !== BigInt(treeSize)) return { ok: false, reason: 'checkpoint-wrong' };
  const bytes = Buffer.from(entry, 'hex');
  const decoded = readEntry(bytes);
  if (decoded?.type !== 'issue') return { ok: false, reason: 'not-an-issue' };
  const isIncluded = verifyInclusion({
    index: BigInt(leafIndex),
    size: head.size,
    leaf: leafHash(bytes),
    path: path.map((hash) => Buffer.from(hash, 'hex')),
    root: head.root,
  });
  if (!isIncluded) return { ok: false, reason: 'path-wrong' };
  return { ok: true, entry: decoded, leafIndex: BigInt(leafIndex), head };
}

function readEntry(bytes: Uint8Array): LeafEntry | undefined {
  try {
    return decodeEntry(bytes);
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
}
