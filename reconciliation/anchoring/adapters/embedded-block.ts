/** Blocks of the embedded chain: their bytes, hashes and signatures (docs/spec/log.md, "Blocks"). */
import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import { Fault } from '../../../kernel/fault.ts';
import type { AnchorBatch, Head } from '../anchor-chain.ts';

const HEADER_TAG = Buffer.from('sanad-block-1\n', 'ascii');
const SIGNATURE_TAG = Buffer.from('sanad-block-signature-1\n', 'ascii');
const HASH_BYTES = 32;
/** start (8) ‖ expected root (32) ‖ count of issue batches (4) */
const BATCH_HEADER_BYTES = 44;

export type BlockFunction = 'genesis' | 'appendBatch';

export interface Block {
  readonly number: bigint;
  readonly previousHash: Uint8Array;
  readonly function: BlockFunction;
  /** SHA-256 of the arguments; they lie beside the block. */
  readonly argumentsHash: Uint8Array;
  readonly writesHash: Uint8Array;
  /** The head of the log after this block. */
  readonly head: Head;
  readonly atMs: bigint;
}

export interface SealedBlock extends Block {
  readonly hash: Uint8Array;
  readonly signature: Uint8Array;
}

/** What the block before the first one would hash to. */
export const NO_BLOCK = Buffer.alloc(HASH_BYTES);

function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SHA-256, as used for the arguments of a block. */
export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The hash of a block over all that it says. */
function blockHash(block: Block): Buffer {
  const name = Buffer.from(block.function, 'ascii');
  return createHash('sha256')
    .update(HEADER_TAG)
    .update(uint64(block.number))
    .update(block.previousHash)
    .update(uint64(block.atMs))
    .update(Buffer.of(name.length))
    .update(name)
    .update(block.argumentsHash)
    .update(block.writesHash)
    .update(uint64(block.head.size))
    .update(block.head.root)
    .digest();
}

/** Hashes and signs a block. */
export function sealBlock(block: Block, privateKey: KeyObject): SealedBlock {
  const hash = blockHash(block);
  return {
    ...block,
    hash,
    signature: sign(null, Buffer.concat([SIGNATURE_TAG, hash]), privateKey),
  };
}

/** True when the stated hash is that of the block. */
export function hasGoodHash(block: SealedBlock): boolean {
  return blockHash(block).equals(block.hash);
}

/** True when the signature over the block's stated hash is good. */
export function hasGoodSignature(block: SealedBlock, publicKey: KeyObject): boolean {
  const signed = Buffer.concat([SIGNATURE_TAG, block.hash]);
  return verify(null, signed, publicKey, block.signature);
}

/** The hash of what a block wrote to the world state, in the order written. */
export function hashWrites(writes: Iterable<readonly [string, Uint8Array]>): Buffer {
  const hash = createHash('sha256');
  for (const [key, value] of writes) {
    const name = Buffer.from(key, 'utf8');
    hash.update(uint32(name.length)).update(name).update(uint32(value.length)).update(value);
  }
  return hash.digest();
}

/** The arguments of the first block: the log's raw public key and its origin. */
export function encodeGenesis(publicKey: Uint8Array, origin: string): Buffer {
  return Buffer.concat([publicKey, Buffer.from(origin, 'utf8')]);
}

/** The arguments of an append. */
export function encodeBatch(batch: AnchorBatch): Buffer {
  return Buffer.concat([
    uint64(batch.start),
    batch.expectedRoot,
    uint32(batch.issueBatches.length),
    ...batch.issueBatches.map(uint64),
    batch.entries,
  ]);
}

/** Reads the arguments of an append; a Fault when they are cut short. */
export function decodeBatch(args: Uint8Array): AnchorBatch {
  const bytes = Buffer.from(args.buffer, args.byteOffset, args.length);
  const count = bytes.length < BATCH_HEADER_BYTES ? Infinity : bytes.readUInt32BE(40);
  const entriesAt = BATCH_HEADER_BYTES + 8 * count;
  if (entriesAt > bytes.length) {
    throw new Fault('message-malformed', 'The arguments of a block are cut short.');
  }
  return {
    start: bytes.readBigUInt64BE(0),
    expectedRoot: bytes.subarray(8, 40),
    issueBatches: Array.from({ length: count }, (_, at) =>
      bytes.readBigUInt64BE(BATCH_HEADER_BYTES + 8 * at),
    ),
    entries: bytes.subarray(entriesAt),
  };
}
