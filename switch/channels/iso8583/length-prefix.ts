/**
 * Lengths of variable fields: two or three digits, as text or as BCD (one byte for LL, two for LLL with a
 * zero nibble in front). The unit is characters, for digits in BCD digits, for binary fields bytes (also when they
 * are written in hexadecimal). A length above the field's longest is refused before anything is read.
 */
import { DIGIT, CLASSES } from './encoding.ts';
import type { CompiledSpec, FieldCodec } from './field-codec.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

function readTextLength(reader: Reader, codec: FieldCodec): number {
  reader.need(codec.prefix);
  let length = 0;
  for (let index = 0; index < codec.prefix; index += 1) {
    const code = reader.text[reader.offset + index] ?? 0;
    if (((CLASSES[code] ?? 0) & DIGIT) === 0)
      throw reader.fault('A length is not decimal.', reader.offset + index);
    length = length * 10 + (code - 0x30);
  }
  return length;
}

function readBcdLength(reader: Reader, codec: FieldCodec): number {
  const bytes = codec.prefix === 2 ? 1 : 2;
  reader.need(bytes);
  let length = 0;
  for (let index = 0; index < bytes; index += 1) {
    const byte = reader.raw[reader.offset + index] ?? 0;
    if (byte >> 4 > 9 || (byte & 15) > 9)
      throw reader.fault('A length is not decimal.', reader.offset + index);
    length = length * 100 + (byte >> 4) * 10 + (byte & 15);
  }
  return length;
}

/** Reads a length and checks it against the field's longest. */
export function readLength(reader: Reader, codec: FieldCodec, bcd: boolean): number {
  const length = bcd ? readBcdLength(reader, codec) : readTextLength(reader, codec);
  if (length > codec.size)
    throw reader.fault('A length is above the longest that the field may have.');
  reader.offset += bcd ? codec.prefix - 1 : codec.prefix;
  return length;
}

/** Writes a length that the caller has checked. */
export function writeLength(
  writer: Writer,
  codec: FieldCodec,
  length: number,
  plan: CompiledSpec,
): void {
  const hundreds = (length / 100) | 0;
  const tens = ((length / 10) | 0) % 10;
  const ones = length % 10;
  const { raw } = writer;
  const { letters } = plan;
  if (plan.bcdDigits) {
    if (codec.prefix === 3) raw[writer.offset++] = hundreds;
    raw[writer.offset++] = (tens << 4) | ones;
    return;
  }
  if (codec.prefix === 3) raw[writer.offset++] = letters[0x30 + hundreds] ?? 0;
  raw[writer.offset++] = letters[0x30 + tens] ?? 0;
  raw[writer.offset++] = letters[0x30 + ones] ?? 0;
}
