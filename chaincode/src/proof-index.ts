/**
 * What a peer keeps so that it can prove inclusion and consistency by reading a bounded number of keys, however
 * long the log is. Only the contract on Fabric keeps it; the embedded chain has the tiles of its database.
 *
 * - `tile:<level>:<index>`, level 1 and up: up to 256 roots of perfect subtrees of 256^level leaves, as in C2SP
 *   tlog-tiles. Tiles of level 0 are not kept, since they would repeat every leaf: they are hashed again from batches.
 * - `from:<index>`: beside each tile of level 1, for each of its groups of 256 leaves the start of the batch that
 *   holds the group's first leaf (8 bytes).
 * - `edge`: the same start for the group that is not full yet, then its leaf hashes.
 */
import { ContractError } from './contract-error.ts';
import { splitEntries } from './leaf.ts';
import {
  consistencyNodes,
  consistencyProof,
  HASH_BYTES,
  inclusionNodes,
  inclusionProof,
  leafHash,
  nodeHash,
  type NodeObserver,
  type NodeReader,
  type TreeNode,
} from './merkle.ts';
import { batchKey, padded, readHead, type WorldState } from './registry.ts';

const TILE_HEIGHT = 8;
const TILE_WIDTH = 256;
const WIDTH = BigInt(TILE_WIDTH);
const START_BYTES = 8;
const EDGE_KEY = 'edge';

function tileKey(level: number, index: bigint): string {
  return `tile:${level.toString()}:${padded(index)}`;
}

function fromKey(index: bigint): string {
  return `from:${padded(index)}`;
}

function startBytes(start: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(START_BYTES);
  bytes.writeBigUInt64BE(start);
  return bytes;
}

/** Pieces of equal length; a value that is no whole number of them was not written by the contract. */
function pieces(value: Uint8Array, length: number): Buffer[] {
  if (value.length % length !== 0) throw new ContractError('state-corrupt');
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: value.length / length }, (_, at) =>
    bytes.subarray(at * length, (at + 1) * length),
  );
}

interface Edge {
  /** Start of the batch that holds the first leaf of the group that is not full. */
  readonly start: bigint;
  readonly leaves: readonly Uint8Array[];
}

async function readEdge(state: WorldState, size: bigint): Promise<Edge> {
  const value = await state.get(EDGE_KEY);
  if (value === undefined && size === 0n) return { start: 0n, leaves: [] };
  if (value === undefined || value.length < START_BYTES) throw new ContractError('state-corrupt');
  const start = Buffer.from(value).readBigUInt64BE(0);
  const leaves = pieces(value.subarray(START_BYTES), HASH_BYTES);
  if (BigInt(leaves.length) !== size % WIDTH) throw new ContractError('state-corrupt');
  return { start, leaves };
}

/** Appends pieces to the values that are kept 256 pieces to a key, from piece number `first` on. */
async function appendPieces(
  state: WorldState,
  keyOf: (index: bigint) => string,
  { first, added }: { readonly first: bigint; readonly added: readonly Uint8Array[] },
): Promise<void> {
  let taken = 0;
  while (taken < added.length) {
    const position = first + BigInt(taken);
    const before = Number(position % WIDTH);
    const key = keyOf(position / WIDTH);
    const kept = before === 0 ? new Uint8Array() : await state.get(key);
    const [sample = new Uint8Array()] = added;
    if (kept?.length !== before * sample.length) throw new ContractError('state-corrupt');
    const fitting = added.slice(taken, taken + TILE_WIDTH - before);
    await state.put(key, Buffer.concat([kept, ...fitting]));
    taken += fitting.length;
  }
}

/** Collects, during an append, the nodes that the index keeps. */
export class IndexGrowth {
  readonly #leaves: Uint8Array[] = [];
  readonly #tileHashes = new Map<number, Uint8Array[]>();

  /** For `appendBatch`. */
  readonly observe: NodeObserver = (level, hash) => {
    if (level === 0) {
      this.#leaves.push(hash);
    } else if (level % TILE_HEIGHT === 0) {
      const known = this.#tileHashes.get(level / TILE_HEIGHT);
      if (known === undefined) this.#tileHashes.set(level / TILE_HEIGHT, [hash]);
      else known.push(hash);
    }
  };

  /** Writes what was seen; `start` is where the batch began, the size of the log before it. */
  async write(state: WorldState, start: bigint): Promise<void> {
    const edge = await readEdge(state, start);
    const size = start + BigInt(this.#leaves.length);
    for (const [level, added] of this.#tileHashes) {
      const first = start >> BigInt(TILE_HEIGHT * level);
      await appendPieces(state, (index) => tileKey(level, index), { first, added });
    }
    const openGroup = edge.leaves.length === 0 ? start : edge.start;
    const filled = this.#tileHashes.get(1)?.length ?? 0;
    const starts = Array.from({ length: filled }, (_, at) =>
      startBytes(at === 0 ? openGroup : start),
    );
    await appendPieces(state, fromKey, { first: start / WIDTH, added: starts });
    const unfinished =
      filled === 0
        ? [...edge.leaves, ...this.#leaves]
        : this.#leaves.slice(this.#leaves.length - Number(size % WIDTH));
    const newStart = filled === 0 ? openGroup : start;
    await state.put(EDGE_KEY, Buffer.concat([startBytes(newStart), ...unfinished]));
  }
}

/** The leaf hashes of one group of 256, from the edge or hashed again from the batches that hold it. */
async function groupLeaves(state: WorldState, group: bigint, size: bigint): Promise<Uint8Array[]> {
  if (group === size / WIDTH) return [...(await readEdge(state, size)).leaves];
  const starts = pieces((await state.get(fromKey(group / WIDTH))) ?? new Uint8Array(), START_BYTES);
  const first = starts[Number(group % WIDTH)];
  if (first === undefined) throw new ContractError('state-corrupt');
  const leaves: Uint8Array[] = [];
  const begin = group * WIDTH;
  for (let start = first.readBigUInt64BE(0); start < begin + WIDTH;) {
    const packed = await state.get(batchKey(start));
    if (packed === undefined || packed.length === 0) throw new ContractError('state-corrupt');
    const entries = splitEntries(packed);
    const from = start < begin ? Number(begin - start) : 0;
    const wanted = entries.slice(from, from + TILE_WIDTH - leaves.length);
    leaves.push(...wanted.map(leafHash));
    start += BigInt(entries.length);
  }
  if (leaves.length !== TILE_WIDTH) throw new ContractError('state-corrupt');
  return leaves;
}

function subtreeRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, at) =>
      nodeHash(below[2 * at] ?? new Uint8Array(), below[2 * at + 1] ?? new Uint8Array()),
    );
  }
  const [root] = row;
  if (root === undefined) throw new ContractError('state-corrupt');
  return root;
}

/** Where a node's hashes are kept: piece number, count and the tile's level and index. */
function placeOf({ level, index }: TreeNode): {
  tileLevel: number;
  tile: bigint;
  from: number;
  count: number;
} {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const within = level % TILE_HEIGHT;
  const first = index << BigInt(within);
  return { tileLevel, tile: first / WIDTH, from: Number(first % WIDTH), count: 2 ** within };
}

async function openNodes(
  state: WorldState,
  nodes: readonly TreeNode[],
  size: bigint,
): Promise<NodeReader> {
  const tiles = new Map<string, readonly Uint8Array[]>();
  for (const node of nodes) {
    const { tileLevel, tile } = placeOf(node);
    const key = tileKey(tileLevel, tile);
    if (tiles.has(key)) continue;
    tiles.set(
      key,
      tileLevel === 0
        ? await groupLeaves(state, tile, size)
        : pieces((await state.get(key)) ?? new Uint8Array(), HASH_BYTES),
    );
  }
  return (node) => {
    const { tileLevel, tile, from, count } = placeOf(node);
    const hashes = tiles.get(tileKey(tileLevel, tile))?.slice(from, from + count) ?? [];
    if (hashes.length !== count) throw new ContractError('state-corrupt');
    return subtreeRoot(hashes);
  };
}

/**
 * The audit path of a leaf in the tree of `size` leaves, which may be an older one (RFC 6962 section 2.1.1).
 * Refuses with `tree-range` a leaf or a size that the log has not reached.
 */
export async function proveInclusion(
  state: WorldState,
  index: bigint,
  size: bigint,
): Promise<Uint8Array[]> {
  const head = await readHead(state);
  if (index < 0n || index >= size || size > head.size) throw new ContractError('tree-range');
  const read = await openNodes(state, inclusionNodes(index, size), head.size);
  return inclusionProof(index, size, read);
}

/** The proof that the tree of `oldSize` leaves begins that of `newSize` (RFC 6962 section 2.1.2). Refuses with `tree-range`. */
export async function proveConsistency(
  state: WorldState,
  oldSize: bigint,
  newSize: bigint,
): Promise<Uint8Array[]> {
  const head = await readHead(state);
  if (oldSize < 0n || oldSize > newSize || newSize > head.size) {
    throw new ContractError('tree-range');
  }
  const read = await openNodes(state, consistencyNodes(oldSize, newSize), head.size);
  return consistencyProof(oldSize, newSize, read);
}
