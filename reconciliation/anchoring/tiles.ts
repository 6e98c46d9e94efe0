/**
 * The tree as tiles (C2SP tlog-tiles, height 8): tile `index` of `level` holds up to 256 hashes, each the root of
 * a perfect subtree of 256^level leaves. With them a proof reads a few tiles, however long the log is.
 */
import {
  frontierNodes,
  HASH_BYTES,
  nodeHash,
  type Frontier,
  type NodeReader,
  type TreeNode,
} from '../../chaincode/src/merkle.ts';
import { InvariantBroken } from '../../kernel/fault.ts';

const TILE_HEIGHT = 8;
const TILE_HASHES = 256;

export interface TileName {
  readonly level: number;
  readonly index: bigint;
}

/** A tile's hashes, packed. Full at 8,192 bytes. */
export interface Tile extends TileName {
  readonly hashes: Uint8Array;
}

function tileKey({ level, index }: TileName): string {
  return `${String(level)}/${index.toString()}`;
}

/** Where a node lies: its tile, and the hashes of it that the node is the root of. */
function placeOf(node: TreeNode): { tile: TileName; first: number; count: number } {
  const height = node.level % TILE_HEIGHT;
  const first = node.index << BigInt(height);
  return {
    tile: { level: (node.level - height) / TILE_HEIGHT, index: first / BigInt(TILE_HASHES) },
    first: Number(first % BigInt(TILE_HASHES)),
    count: 2 ** height,
  };
}

/** The tiles in which these nodes lie, each once. */
export function tilesOfNodes(nodes: readonly TreeNode[]): TileName[] {
  const tiles = new Map<string, TileName>();
  for (const node of nodes) {
    const { tile } = placeOf(node);
    tiles.set(tileKey(tile), tile);
  }
  return [...tiles.values()];
}

/** The root of the perfect subtree over `count` (a power of two) packed hashes. */
function rootOfHashes(hashes: Uint8Array): Uint8Array {
  if (hashes.length <= HASH_BYTES) return hashes;
  const middle = hashes.length / 2;
  return nodeHash(rootOfHashes(hashes.subarray(0, middle)), rootOfHashes(hashes.subarray(middle)));
}

/** Reads nodes from tiles; a tile or a hash that is missing is a broken invariant. */
export function readNodesFromTiles(tiles: readonly Tile[]): NodeReader {
  const byKey = new Map(tiles.map((tile) => [tileKey(tile), tile.hashes]));
  return (node) => {
    const { tile, first, count } = placeOf(node);
    const hashes = byKey.get(tileKey(tile));
    const end = (first + count) * HASH_BYTES;
    if (hashes === undefined || hashes.length < end) {
      throw new InvariantBroken('A tile of the log is missing or too short.');
    }
    return rootOfHashes(hashes.subarray(first * HASH_BYTES, end));
  };
}

/** The frontier of a log of `size` leaves, read from its tiles. */
export function frontierFromTiles(size: bigint, tiles: readonly Tile[]): Frontier {
  return { size, hashes: frontierNodes(size).map(readNodesFromTiles(tiles)) };
}

/** The unfinished tiles of a log of `size` leaves: those that the next leaf may touch. */
export function openTiles(size: bigint): TileName[] {
  const tiles: TileName[] = [];
  for (let level = 0, hashes = size; hashes > 0n; level += 1) {
    if (hashes % BigInt(TILE_HASHES) !== 0n)
      tiles.push({ level, index: hashes / BigInt(TILE_HASHES) });
    hashes /= BigInt(TILE_HASHES);
  }
  return tiles;
}

/**
 * Appends leaves tile by tile. It holds only the unfinished tiles, and gives each tile away as it is filled, so
 * that a log of any length passes through in bounded memory.
 */
export class TileBuilder {
  #size: bigint;
  readonly #open = new Map<number, Uint8Array[]>();

  /** Goes on from a log of `size` leaves with its unfinished tiles. */
  constructor(size: bigint, open: readonly Tile[]) {
    this.#size = size;
    const byKey = new Map(open.map((tile) => [tileKey(tile), tile.hashes]));
    for (const name of openTiles(size)) {
      const hashes = byKey.get(tileKey(name));
      const wanted = this.#hashesAt(name.level) - name.index * BigInt(TILE_HASHES);
      if (hashes === undefined || BigInt(hashes.length) < wanted * BigInt(HASH_BYTES)) {
        throw new InvariantBroken('A tile of the log is missing or too short.');
      }
      this.#open.set(
        name.level,
        Array.from({ length: Number(wanted) }, (_, at) =>
          hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
        ),
      );
    }
  }

  get size(): bigint {
    return this.#size;
  }

  #hashesAt(level: number): bigint {
    return this.#size >> BigInt(TILE_HEIGHT * level);
  }

  /** Adds one leaf hash and returns the tiles that it filled, lowest level first. */
  append(leaf: Uint8Array): Tile[] {
    const filled: Tile[] = [];
    this.#size += 1n;
    let hash = leaf;
    for (let level = 0; ; level += 1) {
      const hashes = this.#open.get(level) ?? [];
      hashes.push(hash);
      this.#open.set(level, hashes);
      if (hashes.length < TILE_HASHES) return filled;
      const packed = Buffer.concat(hashes);
      filled.push({
        level,
        index: this.#hashesAt(level) / BigInt(TILE_HASHES) - 1n,
        hashes: packed,
      });
      this.#open.delete(level);
      hash = rootOfHashes(packed);
    }
  }

  /** The tiles that are not full. */
  unfinished(): Tile[] {
    return [...this.#open].map(([level, hashes]) => ({
      level,
      index: this.#hashesAt(level) / BigInt(TILE_HASHES),
      hashes: Buffer.concat(hashes),
    }));
  }
}
