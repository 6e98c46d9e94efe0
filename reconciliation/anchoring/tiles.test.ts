import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  consistencyNodes,
  consistencyProof,
  frontierNodes,
  frontierRoot,
  inclusionNodes,
  inclusionProof,
  leafHash,
  readNodesFromLeaves,
} from '../../chaincode/src/merkle.ts';
import {
  frontierFromTiles,
  openTiles,
  readNodesFromTiles,
  TileBuilder,
  tilesOfNodes,
  type Tile,
} from './tiles.ts';

const LEAVES = Array.from({ length: 66_000 }, (_, at) => leafHash(Buffer.from(String(at))));

/** The tiles as a table of the database would hold them. */
class Table {
  readonly tiles = new Map<string, Tile>();

  put(tiles: readonly Tile[]): void {
    for (const tile of tiles) this.tiles.set(`${String(tile.level)}/${String(tile.index)}`, tile);
  }

  find(names: readonly { level: number; index: bigint }[]): Tile[] {
    return names.flatMap(
      ({ level, index }) => this.tiles.get(`${String(level)}/${String(index)}`) ?? [],
    );
  }
}

function tableOf(cuts: readonly number[]): { table: Table; size: number } {
  const table = new Table();
  let size = 0;
  for (const length of cuts) {
    const builder = new TileBuilder(BigInt(size), table.find(openTiles(BigInt(size))));
    const filled = LEAVES.slice(size, size + length).flatMap((leaf) => builder.append(leaf));
    table.put([...filled, ...builder.unfinished()]);
    size += length;
    expect(builder.size).toBe(BigInt(size));
  }
  return { table, size };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the tiles of the log', () => {
  it('give the proofs and the frontier that the leaves give, however the log grew', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        (cuts, one, other) => {
          const { table, size } = tableOf(cuts);
          const leaves = readNodesFromLeaves(LEAVES.slice(0, size));
          const treeSize = BigInt((one % size) + 1);
          const index = BigInt(other) % treeSize;
          const nodes = inclusionNodes(index, treeSize);
          const read = readNodesFromTiles(table.find(tilesOfNodes(nodes)));
          expect(inclusionProof(index, treeSize, read).map(hex)).toEqual(
            inclusionProof(index, treeSize, leaves).map(hex),
          );
          const needed = tilesOfNodes(consistencyNodes(index, treeSize));
          const readConsistency = readNodesFromTiles(table.find(needed));
          expect(consistencyProof(index, treeSize, readConsistency).map(hex)).toEqual(
            consistencyProof(index, treeSize, leaves).map(hex),
          );
          const frontierTiles = table.find(tilesOfNodes(frontierNodes(treeSize)));
          expect(frontierFromTiles(treeSize, frontierTiles).hashes.map(hex)).toEqual(
            frontierNodes(treeSize).map(leaves).map(hex),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reach the third level after 65,536 leaves, and hold every level as the specification shapes it', () => {
    const { table } = tableOf([65_535, 465]);
    const lengths = new Map([...table.tiles].map(([key, tile]) => [key, tile.hashes.length / 32]));
    expect(lengths.get('0/0')).toBe(256);
    expect(lengths.get('0/257')).toBe(66_000 - 257 * 256);
    expect(lengths.get('1/0')).toBe(256);
    expect(lengths.get('1/1')).toBe(1);
    expect(lengths.get('2/0')).toBe(1);
    const root = readNodesFromLeaves(LEAVES)({ level: 16, index: 0n });
    expect(hex(table.tiles.get('2/0')!.hashes)).toBe(hex(root));
    const frontier = frontierFromTiles(65_536n, table.find([{ level: 2, index: 0n }]));
    expect(hex(frontierRoot(frontier))).toBe(hex(root));
  });

  it('refuse to go on when a tile is missing or too short', () => {
    const { table } = tableOf([300]);
    expect(() => new TileBuilder(300n, [])).toThrow('A tile of the log is missing');
    const short = table
      .find(openTiles(300n))
      .map((tile) => ({ ...tile, hashes: tile.hashes.subarray(32) }));
    expect(() => new TileBuilder(300n, short)).toThrow('A tile of the log is missing');
    expect(() => readNodesFromTiles([])({ level: 3, index: 5n })).toThrow(
      'A tile of the log is missing',
    );
  });

  it('need few tiles for a proof in a log of eight million leaves', () => {
    expect(tilesOfNodes(inclusionNodes(4_123_456n, 8_000_001n)).length).toBeLessThanOrEqual(6);
  });
});

describe('the cost of a proof', () => {
  it('is a few tiles and hashes, however long the log is', () => {
    for (const size of [8_000_000n, 7_910_001n, (1n << 33n) - 1n]) {
      const levels = Math.ceil(size.toString(2).length / 8);
      for (const index of [0n, 1n, size / 3n, size / 2n, size - 2n, size - 1n]) {
        const nodes = inclusionNodes(index, size);
        // One tile a level on the way up, and one beside it at the right edge of the tree.
        expect(tilesOfNodes(nodes).length).toBeLessThanOrEqual(2 * levels);
        expect(nodes.length).toBeLessThanOrEqual(2 * size.toString(2).length);
      }
      const grown = consistencyNodes(size / 2n + 1n, size);
      expect(tilesOfNodes(grown).length).toBeLessThanOrEqual(2 * levels);
    }
  });
});
