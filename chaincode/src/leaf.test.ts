import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ContractError } from './contract-error.ts';
import { decodeEntry, encodeEntry, ENTRY_BYTES, splitEntries, type LeafType } from './leaf.ts';
import { leafHash } from './merkle.ts';

interface Vector {
  type: LeafType;
  atMs: string;
  amountPaisa: string;
  ref: string;
  commitment: string;
  entry: string;
  leafHash: string;
}
const vectors = JSON.parse(
  readFileSync(new URL('../../tests/vectors/log/entries.json', import.meta.url), 'utf8'),
) as Vector[];

const TYPES: readonly LeafType[] = [
  'payment',
  'issue',
  'lock',
  'cancel',
  'refund',
  'spoil',
  'key',
  'dayclose',
  'config',
];
const value = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });
const entry = fc.record({
  type: fc.constantFrom(...TYPES),
  atMs: value,
  amountPaisa: value,
  ref: value,
  commitment: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ContractError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the entry of the log', () => {
  it.each(vectors)('has the bytes of the specification for $type', (vector) => {
    const bytes = encodeEntry({
      type: vector.type,
      atMs: BigInt(vector.atMs),
      amountPaisa: BigInt(vector.amountPaisa),
      ref: BigInt(vector.ref),
      commitment: Buffer.from(vector.commitment, 'hex'),
    });
    expect(bytes.toString('hex')).toBe(vector.entry);
    expect(leafHash(bytes).toString('hex')).toBe(vector.leafHash);
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(entry, (written) => {
        const bytes = encodeEntry(written);
        expect(bytes).toHaveLength(ENTRY_BYTES);
        const { commitment, ...rest } = decodeEntry(bytes);
        const { commitment: wanted, ...others } = written;
        expect(rest).toEqual(others);
        expect(Buffer.from(commitment)).toEqual(Buffer.from(wanted));
      }),
    );
  });

  it('accepts no bytes but those it would write', () => {
    fc.assert(
      fc.property(entry, fc.nat(57), fc.nat(255), (written, at, byte) => {
        const bytes = encodeEntry(written);
        bytes[at] = byte;
        const code = codeOf(() => decodeEntry(bytes));
        if (code === 'accepted') expect(encodeEntry(decodeEntry(bytes))).toEqual(bytes);
        else expect(['version-unknown', 'type-unknown', 'reserved-bit-set']).toContain(code);
      }),
    );
  });

  it('refuses every length but 58 bytes and a packing that is not whole', () => {
    for (let length = 0; length <= 120; length += 1) {
      if (length !== ENTRY_BYTES) {
        expect(codeOf(() => decodeEntry(Buffer.alloc(length, 1)))).toBe('batch-malformed');
      }
      if (length % ENTRY_BYTES !== 0) {
        expect(codeOf(() => splitEntries(Buffer.alloc(length)))).toBe('batch-malformed');
      }
    }
  });

  it('does not write a value beyond 63 bits, a negative one or a commitment of another length', () => {
    const good = {
      type: 'key',
      atMs: 0n,
      amountPaisa: 0n,
      ref: 0n,
      commitment: Buffer.alloc(32),
    } as const;
    expect(() => encodeEntry({ ...good, atMs: 1n << 63n })).toThrow(RangeError);
    expect(() => encodeEntry({ ...good, ref: -1n })).toThrow(RangeError);
    expect(() => encodeEntry({ ...good, commitment: Buffer.alloc(31) })).toThrow(RangeError);
  });
});
