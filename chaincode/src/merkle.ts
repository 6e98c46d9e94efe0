/**
 * The Merkle tree of RFC 6962 section 2.1 (the same in RFC 9162): leaf and node hashes, the right-hand
 * frontier that an append-only log needs to keep, and proofs of inclusion and of consistency.
 *
 * A node is named by its level (0 is the leaves) and its index in that level; only perfect subtrees have a
 * name. What a proof needs beyond those is folded from them.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

/** A perfect subtree: `2^level` leaves from leaf `index * 2^level` on. */
export interface TreeNode {
  readonly level: number;
  readonly index: bigint;
}

/** Gives the hash of a perfect subtree; throws when it does not have it. */
export type NodeReader = (node: TreeNode) => Uint8Array;

/** The roots of the perfect subtrees that make up a tree of `size` leaves, the largest first. */
export interface Frontier {
  readonly size: bigint;
  readonly hashes: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0n, hashes: [] };

/** SHA-256. As text and back, since Node gives a hash as text four times as fast as it makes a buffer for it. */
function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}

/** The root of the empty tree: the hash of nothing. */
export function emptyRoot(): Buffer {
  return sha256(Buffer.alloc(0));
}

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(entry.length + 1);
  bytes[0] = 0;
  bytes.set(entry, 1);
  return sha256(bytes);
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return sha256(bytes);
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** Is told of each perfect subtree that an append completes, leaves (level 0) included, in order within a level. */
export type NodeObserver = (level: number, hash: Uint8Array) => void;

/** The frontier after appending leaves, given by their leaf hashes in order. */
export function appendLeaves(
  frontier: Frontier,
  leafHashes: Iterable<Uint8Array>,
  observe?: NodeObserver,
): Frontier {
  const hashes = [...frontier.hashes];
  let size = frontier.size;
  for (const leaf of leafHashes) {
    let node = leaf;
    let level = 0;
    observe?.(level, node);
    for (let rest = size; (rest & 1n) === 1n; rest >>= 1n) {
      const left = hashes.pop();
      if (left === undefined) throw new RangeError('The frontier has too few hashes for its size.');
      node = nodeHash(left, node);
      level += 1;
      observe?.(level, node);
    }
    hashes.push(node);
    size += 1n;
  }
  return { size, hashes };
}

/** Joins the hashes of neighbouring perfect subtrees, largest first, as the tree's definition does. */
function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** The root of the tree that a frontier stands for. */
export function frontierRoot(frontier: Frontier): Uint8Array {
  return foldRight(frontier.hashes);
}

/** How many hashes a frontier of this size has: one for each bit that is set. */
export function frontierLength(size: bigint): number {
  return size.toString(2).replaceAll('0', '').length;
}

interface LeafRange {
  readonly start: bigint;
  readonly end: bigint;
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** The leaf at which a tree of more than one leaf is split: the largest power of two below its size. */
function splitOf({ start, end }: LeafRange): bigint {
  return start + (1n << BigInt(bitLength(end - start - 1n) - 1));
}

/** The perfect subtrees of a range, largest first. Proof ranges start at a multiple of their first subtree. */
function nodesOfRange({ start, end }: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let from = start; from < end;) {
    const level = bitLength(end - from) - 1;
    nodes.push({ level, index: from >> BigInt(level) });
    from += 1n << BigInt(level);
  }
  return nodes;
}

/** The perfect subtrees that make up a tree of `size` leaves: where the frontier's hashes are found. */
export function frontierNodes(size: bigint): TreeNode[] {
  return nodesOfRange({ start: 0n, end: size });
}

function inclusionRanges(index: bigint, size: bigint): LeafRange[] {
  if (index < 0n || index >= size) throw new RangeError('The leaf is not in a tree of this size.');
  const siblings: LeafRange[] = [];
  let here: LeafRange = { start: 0n, end: size };
  while (here.end - here.start > 1n) {
    const split = splitOf(here);
    const left = { start: here.start, end: split };
    const right = { start: split, end: here.end };
    siblings.push(index < split ? right : left);
    here = index < split ? left : right;
  }
  return siblings.reverse();
}

function consistencyRanges(oldSize: bigint, newSize: bigint): LeafRange[] {
  if (oldSize < 0n || oldSize > newSize) {
    throw new RangeError('The older tree is not a part of the newer one.');
  }
  if (oldSize === 0n) return [];
  const proof: LeafRange[] = [];
  let here: LeafRange = { start: 0n, end: newSize };
  // While the verifier knows the subtree's root (it is the whole old tree), the proof need not repeat it.
  let known = true;
  while (here.end !== oldSize) {
    const split = splitOf(here);
    const left = { start: here.start, end: split };
    const right = { start: split, end: here.end };
    if (oldSize <= split) {
      proof.push(right);
      here = left;
    } else {
      proof.push(left);
      here = right;
      known = false;
    }
  }
  if (!known) proof.push(here);
  return proof.reverse();
}

function hashRange(range: LeafRange, read: NodeReader): Uint8Array {
  return foldRight(nodesOfRange(range).map(read));
}

/** The nodes that `inclusionProof` will read, so that a store can fetch them in one go. */
export function inclusionNodes(index: bigint, size: bigint): TreeNode[] {
  return inclusionRanges(index, size).flatMap(nodesOfRange);
}

/** The audit path of a leaf (RFC 6962 section 2.1.1), from the leaf upwards. Throws RangeError outside the tree. */
export function inclusionProof(index: bigint, size: bigint, read: NodeReader): Uint8Array[] {
  return inclusionRanges(index, size).map((range) => hashRange(range, read));
}

/** The nodes that `consistencyProof` will read. */
export function consistencyNodes(oldSize: bigint, newSize: bigint): TreeNode[] {
  return consistencyRanges(oldSize, newSize).flatMap(nodesOfRange);
}

/** The proof that the tree of `oldSize` leaves begins that of `newSize` (RFC 6962 section 2.1.2); empty from size 0. */
export function consistencyProof(oldSize: bigint, newSize: bigint, read: NodeReader): Uint8Array[] {
  return consistencyRanges(oldSize, newSize).map((range) => hashRange(range, read));
}

/** A reader that computes every node from the leaf hashes; for logs that fit into memory. */
export function readNodesFromLeaves(leafHashes: readonly Uint8Array[]): NodeReader {
  const read: NodeReader = ({ level, index }) => {
    if (level > 0) {
      const left = read({ level: level - 1, index: index * 2n });
      return nodeHash(left, read({ level: level - 1, index: index * 2n + 1n }));
    }
    const leaf = leafHashes[Number(index)];
    if (leaf === undefined) throw new RangeError('The leaf is not in the log.');
    return leaf;
  };
  return read;
}

export interface InclusionClaim {
  readonly index: bigint;
  readonly size: bigint;
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** True when the path proves that the leaf hash stands at `index` of the tree with this size and root (RFC 9162 2.1.3.2). */
export function verifyInclusion({ index, size, leaf, path, root }: InclusionClaim): boolean {
  if (index < 0n || index >= size || !path.every(isHash) || !isHash(leaf)) return false;
  let position = index;
  let last = size - 1n;
  let computed = leaf;
  for (const sibling of path) {
    if (last === 0n) return false;
    if ((position & 1n) === 1n || position === last) {
      computed = nodeHash(sibling, computed);
      while ((position & 1n) === 0n && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    position >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(computed, root);
}

export interface ConsistencyClaim {
  readonly oldSize: bigint;
  readonly oldRoot: Uint8Array;
  readonly newSize: bigint;
  readonly newRoot: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/** True when the path proves that the older tree begins the newer one (RFC 9162 2.1.4.2). */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, oldRoot, newSize, newRoot, path } = claim;
  if (oldSize < 0n || oldSize > newSize || !path.every(isHash)) return false;
  if (oldSize === newSize) return path.length === 0 && equal(oldRoot, newRoot);
  if (oldSize === 0n) return path.length === 0 && equal(oldRoot, emptyRoot());
  const isPowerOfTwo = (oldSize & (oldSize - 1n)) === 0n;
  const [first, ...rest] = isPowerOfTwo ? [oldRoot, ...path] : path;
  if (first === undefined || rest.length === 0) return false;
  let position = oldSize - 1n;
  let last = newSize - 1n;
  while ((position & 1n) === 1n) {
    position >>= 1n;
    last >>= 1n;
  }
  let older = first;
  let newer = first;
  for (const hashed of rest) {
    if (last === 0n) return false;
    if ((position & 1n) === 1n || position === last) {
      older = nodeHash(hashed, older);
      newer = nodeHash(hashed, newer);
      while ((position & 1n) === 0n && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      newer = nodeHash(newer, hashed);
    }
    position >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(older, oldRoot) && equal(newer, newRoot);
}

function isHash(value: Uint8Array): boolean {
  return value.length === HASH_BYTES;
}
