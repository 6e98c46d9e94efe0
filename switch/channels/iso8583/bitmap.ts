/**
 * Bitmaps: 8 bytes for fields 1 to 64, 8 more for 65 to 128 when bit 1 is set. Refused as odd: bit 65 (a third
 * bitmap), and a second bitmap in which nothing is set, since a message has one way to be written.
 */
import { HEX_VALUE } from './encoding.ts';
import type { CompiledSpec } from './field-codec.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

export const HEX_DIGITS = '0123456789ABCDEF';

/** Reads 8 bytes of bitmap into `into` from place `at`. */
function readEight(reader: Reader, into: Uint8Array, at: number, plan: CompiledSpec): void {
  reader.need(plan.hexBitmap ? 16 : 8);
  const { offset } = reader;
  const bytes = reader.bytes(plan.ebcdicBitmap);
  for (let index = 0; index < 8; index += 1) {
    if (!plan.hexBitmap) {
      into[at + index] = bytes[offset + index] ?? 0;
      continue;
    }
    const high = HEX_VALUE[bytes[offset + 2 * index] ?? 0] ?? 255;
    const low = HEX_VALUE[bytes[offset + 2 * index + 1] ?? 0] ?? 255;
    if (high > 15 || low > 15)
      throw reader.fault('A bitmap is not hexadecimal.', offset + 2 * index);
    into[at + index] = (high << 4) | low;
  }
  reader.offset = offset + (plan.hexBitmap ? 16 : 8);
}

/** Reads one or two bitmaps into `into` (16 bytes) and returns the highest field number they speak of. */
export function readBitmap(reader: Reader, into: Uint8Array, plan: CompiledSpec): number {
  reader.label = 'bitmap';
  readEight(reader, into, 0, plan);
  if (((into[0] ?? 0) & 0x80) === 0) return 64;
  const second = reader.offset;
  readEight(reader, into, 8, plan);
  if (((into[8] ?? 0) & 0x80) !== 0) throw reader.fault('A third bitmap is not offered.', second);
  let any = 0;
  for (let index = 8; index < 16; index += 1) any |= into[index] ?? 0;
  if (any === 0) throw reader.fault('The second bitmap is empty.', second);
  return 128;
}

/** Writes `length` bytes (8 or 16) of `bitmap`. */
export function writeBitmap(
  writer: Writer,
  bitmap: Uint8Array,
  length: number,
  plan: CompiledSpec,
): void {
  const { letters } = plan.mti;
  for (let index = 0; index < length; index += 1) {
    const byte = bitmap[index] ?? 0;
    if (plan.hexBitmap) {
      writer.raw[writer.offset++] = letters[HEX_DIGITS.charCodeAt(byte >> 4)] ?? 0;
      writer.raw[writer.offset++] = letters[HEX_DIGITS.charCodeAt(byte & 15)] ?? 0;
    } else writer.raw[writer.offset++] = byte;
  }
}
