/** The entry of the log, 58 bytes (docs/spec/leaf.md). It holds no name, no CNIC, no PSID and no stamp id. */
import { ContractError } from './contract-error.ts';

export const ENTRY_BYTES = 58;
const VERSION = 0x01;
const COMMITMENT_BYTES = 32;
/** Times, amounts and references are below 2^63, so that every signed 64-bit integer holds them. */
const VALUE_LIMIT = 1n << 63n;

const TYPE_BYTES = {
  payment: 1,
  issue: 2,
  lock: 3,
  cancel: 4,
  refund: 5,
  spoil: 6,
  key: 7,
  dayclose: 8,
  config: 9,
} as const;

export type LeafType = keyof typeof TYPE_BYTES;

const TYPES_BY_BYTE = new Map<number, LeafType>(
  // Object.entries is typed with string keys; these are exactly the keys of the table above.
  Object.entries(TYPE_BYTES).map(([type, byte]) => [byte, type as LeafType]),
);

export interface LeafEntry {
  readonly type: LeafType;
  /** Milliseconds since 1970 UTC, as the register recorded the event; the log itself reads no clock. */
  readonly atMs: bigint;
  readonly amountPaisa: bigint;
  /** For an ISSUE the log size it was born after; for a life event the index of its ISSUE; otherwise 0. */
  readonly ref: bigint;
  /** 32 bytes: the salted commitment of the record. */
  readonly commitment: Uint8Array;
}

/** The byte of a type, as it stands in an entry. */
export function leafTypeByte(type: LeafType): number {
  return TYPE_BYTES[type];
}

/** Packs an entry. Throws RangeError for a value that does not fit: the caller made it, nobody sent it. */
export function encodeEntry(entry: LeafEntry): Buffer {
  const { atMs, amountPaisa, ref, commitment } = entry;
  if ([atMs, amountPaisa, ref].some((value) => value < 0n || value >= VALUE_LIMIT)) {
    throw new RangeError('A value of an entry must be from 0 to 2^63 - 1.');
  }
  if (commitment.length !== COMMITMENT_BYTES) {
    throw new RangeError('A commitment has 32 bytes.');
  }
  const bytes = Buffer.allocUnsafe(ENTRY_BYTES);
  bytes[0] = VERSION;
  bytes[1] = TYPE_BYTES[entry.type];
  bytes.writeBigUInt64BE(atMs, 2);
  bytes.writeBigUInt64BE(amountPaisa, 10);
  bytes.writeBigUInt64BE(ref, 18);
  bytes.set(commitment, 26);
  return bytes;
}

/** Reads one entry of exactly 58 bytes; `position` is told in the refusal. Refuses all that `encodeEntry` cannot write. */
export function decodeEntry(entry: Uint8Array, position?: number): LeafEntry {
  if (entry.length !== ENTRY_BYTES) throw new ContractError('batch-malformed', position);
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.length);
  if (bytes[0] !== VERSION) throw new ContractError('version-unknown', position);
  const type = TYPES_BY_BYTE.get(bytes.readUInt8(1));
  if (type === undefined) throw new ContractError('type-unknown', position);
  const atMs = bytes.readBigUInt64BE(2);
  const amountPaisa = bytes.readBigUInt64BE(10);
  const ref = bytes.readBigUInt64BE(18);
  if (atMs >= VALUE_LIMIT || amountPaisa >= VALUE_LIMIT || ref >= VALUE_LIMIT) {
    throw new ContractError('reserved-bit-set', position);
  }
  return { type, atMs, amountPaisa, ref, commitment: bytes.subarray(26) };
}

/** The packed entries one by one, as views of the same bytes. */
export function splitEntries(packed: Uint8Array): Uint8Array[] {
  if (packed.length % ENTRY_BYTES !== 0) throw new ContractError('batch-malformed');
  return Array.from({ length: packed.length / ENTRY_BYTES }, (_, position) =>
    packed.subarray(position * ENTRY_BYTES, (position + 1) * ENTRY_BYTES),
  );
}
