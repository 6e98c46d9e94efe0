import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  appendLeaves,
  consistencyNodes,
  consistencyProof,
  EMPTY_FRONTIER,
  emptyRoot,
  frontierLength,
  frontierNodes,
  frontierRoot,
  inclusionNodes,
  inclusionProof,
  leafHash,
  readNodesFromLeaves,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';

interface Vectors {
  leaves: string[];
  emptyRoot: string;
  roots: string[];
  inclusion: { index: number; size: number; path: string[] }[];
  consistency: { old: number; new: number; path: string[] }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../tests/vectors/log/merkle.json', import.meta.url), 'utf8'),
) as Vectors;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Buffer => Buffer.from(text, 'hex');

// An independent implementation, written from the definitions of RFC 6962 section 2.1 and nothing else.
const sha = (...parts: Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return sha(Buffer.of(0), leaves[0]!);
  const k = split(leaves.length);
  return sha(Buffer.of(1), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}
function auditPath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...auditPath(m, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...auditPath(m - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}
function subProof(m: number, leaves: readonly Buffer[], whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [treeHash(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...subProof(m, leaves.slice(0, k), whole), treeHash(leaves.slice(k))]
    : [...subProof(m - k, leaves.slice(k), false), treeHash(leaves.slice(0, k))];
}
/** The root that a path leads to, from the recursion of the definition rather than by the RFC's loop. */
function rootOfPath(index: number, size: number, leaf: Buffer, path: readonly Buffer[]): Buffer {
  if (size === 1) return leaf;
  const k = split(size);
  const rest = path.slice(0, -1);
  const last = path.at(-1)!;
  return index < k
    ? sha(Buffer.of(1), rootOfPath(index, k, leaf, rest), last)
    : sha(Buffer.of(1), last, rootOfPath(index - k, size - k, leaf, rest));
}

const entries = Array.from({ length: 300 }, (_, at) => Buffer.from(`entry ${String(at)}`));
const hashes = entries.map(leafHash);
const roots = entries.map((_, at) => treeHash(entries.slice(0, at + 1)));
const read = readNodesFromLeaves(hashes);

describe('the Merkle tree', () => {
  it('has the published roots of the certificate-transparency test leaves', () => {
    expect(hex(emptyRoot())).toBe(vectors.emptyRoot);
    expect(hex(frontierRoot(EMPTY_FRONTIER))).toBe(vectors.emptyRoot);
    const computed = vectors.leaves.map((_, at) =>
      hex(
        frontierRoot(
          appendLeaves(
            EMPTY_FRONTIER,
            vectors.leaves.slice(0, at + 1).map((leaf) => leafHash(unhex(leaf))),
          ),
        ),
      ),
    );
    expect(computed).toEqual(vectors.roots);
  });

  it('makes and accepts the published proofs', () => {
    const published = readNodesFromLeaves(vectors.leaves.map((leaf) => leafHash(unhex(leaf))));
    for (const { index, size, path } of vectors.inclusion) {
      expect(inclusionProof(BigInt(index), BigInt(size), published).map(hex)).toEqual(path);
    }
    for (const { old, new: size, path } of vectors.consistency) {
      expect(consistencyProof(BigInt(old), BigInt(size), published).map(hex)).toEqual(path);
      expect(
        verifyConsistency({
          oldSize: BigInt(old),
          oldRoot: unhex(vectors.roots[old - 1]!),
          newSize: BigInt(size),
          newRoot: unhex(vectors.roots[size - 1]!),
          path: path.map(unhex),
        }),
      ).toBe(true);
    }
  });

  it('has the same root by frontier, by definition and by any way of cutting the leaves into batches', () => {
    let frontier = EMPTY_FRONTIER;
    for (const [at, leaf] of hashes.entries()) {
      frontier = appendLeaves(frontier, [leaf]);
      expect(hex(frontierRoot(frontier))).toBe(hex(roots[at]!));
      expect(frontier.hashes).toHaveLength(frontierLength(frontier.size));
      expect(frontierNodes(frontier.size).map(read).map(hex)).toEqual(frontier.hashes.map(hex));
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 5 }), (cuts) => {
        let at = 0;
        let cut = EMPTY_FRONTIER;
        for (const length of cuts) {
          cut = appendLeaves(cut, hashes.slice(at, at + length));
          at += length;
        }
        expect(hex(frontierRoot(cut))).toBe(hex(at === 0 ? emptyRoot() : roots[at - 1]!));
      }),
    );
  });

  it('proves every leaf of every tree up to 64 leaves and of trees of 255 to 258, as the definition does', () => {
    const sizes = [...Array.from({ length: 64 }, (_, at) => at + 1), 255, 256, 257, 258];
    for (const size of sizes) {
      for (let index = 0; index < size; index += 1) {
        const path = inclusionProof(BigInt(index), BigInt(size), read);
        const root = roots[size - 1]!;
        const claim = {
          index: BigInt(index),
          size: BigInt(size),
          leaf: hashes[index]!,
          path,
          root,
        };
        expect(verifyInclusion(claim)).toBe(true);
        expect(
          hex(
            rootOfPath(
              index,
              size,
              hashes[index]!,
              path.map((hash) => Buffer.from(hash)),
            ),
          ),
        ).toBe(hex(root));
        if (size <= 64) {
          expect(path.map(hex)).toEqual(auditPath(index, entries.slice(0, size)).map(hex));
        }
      }
    }
  });

  it('proves the consistency of every pair of sizes up to 70, as the definition does', () => {
    for (let newSize = 1; newSize <= 70; newSize += 1) {
      for (let oldSize = 1; oldSize <= newSize; oldSize += 1) {
        const path = consistencyProof(BigInt(oldSize), BigInt(newSize), read);
        expect(path.map(hex)).toEqual(subProof(oldSize, entries.slice(0, newSize), true).map(hex));
        const claim = {
          oldSize: BigInt(oldSize),
          oldRoot: roots[oldSize - 1]!,
          newSize: BigInt(newSize),
          newRoot: roots[newSize - 1]!,
          path,
        };
        expect(verifyConsistency(claim)).toBe(true);
      }
    }
    const fromNothing = {
      oldSize: 0n,
      oldRoot: emptyRoot(),
      newSize: 5n,
      newRoot: roots[4]!,
      path: [],
    };
    expect(consistencyProof(0n, 5n, read)).toEqual([]);
    expect(verifyConsistency(fromNothing)).toBe(true);
    expect(verifyConsistency({ ...fromNothing, oldRoot: roots[0]! })).toBe(false);
  });

  it('refuses an inclusion proof of which anything was changed', () => {
    const sizes = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), fc.nat(), (size, at, where, bit) => {
        const index = at % size;
        const path = inclusionProof(BigInt(index), BigInt(size), read);
        const root = roots[size - 1]!;
        const claim = {
          index: BigInt(index),
          size: BigInt(size),
          leaf: hashes[index]!,
          path,
          root,
        };
        const flip = (bytes: Uint8Array): Buffer => {
          const changed = Buffer.from(bytes);
          changed[where % 32]! ^= 1 << (bit % 8);
          return changed;
        };
        expect(verifyInclusion({ ...claim, root: flip(root) })).toBe(false);
        expect(verifyInclusion({ ...claim, leaf: flip(claim.leaf) })).toBe(false);
        expect(verifyInclusion({ ...claim, path: [...path, root] })).toBe(false);
        expect(verifyInclusion({ ...claim, index: claim.size })).toBe(false);
        expect(verifyInclusion({ ...claim, index: -1n })).toBe(false);
        if (size > 1) {
          const other = BigInt((index + 1) % size);
          expect(verifyInclusion({ ...claim, index: other })).toBe(false);
          expect(verifyInclusion({ ...claim, path: path.slice(1) })).toBe(false);
          expect(verifyInclusion({ ...claim, path: path.slice(0, -1) })).toBe(false);
          const changed = path.with(where % path.length, flip(path[where % path.length]!));
          expect(verifyInclusion({ ...claim, path: changed })).toBe(false);
          const short = path.with(0, path[0]!.subarray(1));
          expect(verifyInclusion({ ...claim, path: short })).toBe(false);
        }
      }),
    );
  });

  it('refuses a consistency proof of which anything was changed', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 299 }), fc.integer({ min: 1, max: 299 }));
    fc.assert(
      fc.property(sizes, fc.nat(), ([one, other], where) => {
        const oldSize = Math.min(one, other);
        const newSize = Math.max(one, other) + 1;
        const path = consistencyProof(BigInt(oldSize), BigInt(newSize), read);
        const oldRoot = roots[oldSize - 1]!;
        const newRoot = roots[newSize - 1]!;
        const claim = {
          oldSize: BigInt(oldSize),
          oldRoot,
          newSize: BigInt(newSize),
          newRoot,
          path,
        };
        const flip = (bytes: Uint8Array): Buffer => {
          const changed = Buffer.from(bytes);
          changed[where % 32]! ^= 1;
          return changed;
        };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, oldRoot: flip(oldRoot) })).toBe(false);
        expect(verifyConsistency({ ...claim, newRoot: flip(newRoot) })).toBe(false);
        expect(verifyConsistency({ ...claim, path: [] })).toBe(false);
        expect(verifyConsistency({ ...claim, path: [...path, newRoot] })).toBe(false);
        expect(verifyConsistency({ ...claim, path: path.slice(0, -1) })).toBe(false);
        const at = where % path.length;
        expect(verifyConsistency({ ...claim, path: path.with(at, flip(path[at]!)) })).toBe(false);
        expect(verifyConsistency({ ...claim, oldSize: claim.newSize })).toBe(false);
        expect(verifyConsistency({ ...claim, oldSize: claim.newSize + 1n })).toBe(false);
      }),
    );
  });

  it('names few nodes for a proof in a very long log', () => {
    const size = 8_000_001n;
    expect(inclusionNodes(4_123_456n, size).length).toBeLessThan(64);
    expect(consistencyNodes(4_123_457n, size).length).toBeLessThan(128);
  });

  it('throws for a leaf outside the tree, for sizes out of order and for a frontier that lacks hashes', () => {
    expect(() => inclusionProof(5n, 5n, read)).toThrow(RangeError);
    expect(() => inclusionProof(-1n, 5n, read)).toThrow(RangeError);
    expect(() => consistencyProof(6n, 5n, read)).toThrow(RangeError);
    expect(() => read({ level: 0, index: 300n })).toThrow(RangeError);
    expect(() => appendLeaves({ size: 1n, hashes: [] }, [hashes[0]!])).toThrow(RangeError);
  });
});
