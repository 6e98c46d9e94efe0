/**
 * Packed decimal: two digits a byte, high nibble first. An odd number of digits is filled with one nibble on
 * the side and of the value that the field's row names; another filler is refused. `z` uses the six nibbles
 * above 9 for `:;<=>?`, so `=` is 0xD.
 */
import { DIGIT } from './encoding.ts';
import type { FieldCodec } from './field-codec.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(0x30 + (byte >> 4), 0x30 + (byte & 15)),
);

const isTwoDigits = (byte: number): boolean => byte >> 4 < 10 && (byte & 15) < 10;

/** Bytes that `digits` digits take. */
function bcdLength(digits: number): number {
  return (digits + 1) >> 1;
}

/** Reads `digits` digits with the codec's class and padding. */
export function readBcd(reader: Reader, codec: FieldCodec, digits: number): string {
  const bytes = bcdLength(digits);
  reader.need(bytes);
  const { raw, offset } = reader;
  const anyNibble = (codec.classes & DIGIT) === 0;
  let text = '';
  for (let index = 0; index < bytes; index += 1) {
    const byte = raw[offset + index] ?? 0;
    const padded = (digits & 1) === 1 && index === (codec.padLeft ? 0 : bytes - 1);
    if (padded) {
      text += readPadded(reader, codec, offset + index);
      continue;
    }
    if (!anyNibble && !isTwoDigits(byte))
      throw reader.fault('A nibble is not a decimal digit.', offset + index);
    text += PAIRS[byte] ?? '';
  }
  reader.offset = offset + bytes;
  return text;
}

function readPadded(reader: Reader, codec: FieldCodec, at: number): string {
  const byte = reader.raw[at] ?? 0;
  const pad = codec.padLeft ? byte >> 4 : byte & 15;
  const nibble = codec.padLeft ? byte & 15 : byte >> 4;
  if (pad !== codec.padNibble)
    throw reader.fault('The filler of an odd number of digits is wrong.', at);
  if (nibble > 9 && (codec.classes & DIGIT) !== 0)
    throw reader.fault('A nibble is not a decimal digit.', at);
  return String.fromCharCode(0x30 + nibble);
}

/** The nibble of a character of `n` or `z`, refused when it has none. */
function nibbleOf(writer: Writer, codec: FieldCodec, value: string, index: number): number {
  const nibble = value.charCodeAt(index) - 0x30;
  if (!(nibble >= 0 && nibble <= ((codec.classes & DIGIT) === 0 ? 15 : 9)))
    throw writer.fault('A character is not one that the field may hold.');
  return nibble;
}

/** Writes the characters of `value` from `start`, two a byte, with the codec's padding. */
export function writeBcd(writer: Writer, codec: FieldCodec, value: string, start: number): void {
  const { raw } = writer;
  let { offset } = writer;
  let index = start;
  if (((value.length - start) & 1) === 1 && codec.padLeft) {
    raw[offset++] = (codec.padNibble << 4) | nibbleOf(writer, codec, value, index);
    index += 1;
  }
  for (; index + 1 < value.length; index += 2) {
    raw[offset++] =
      (nibbleOf(writer, codec, value, index) << 4) | nibbleOf(writer, codec, value, index + 1);
  }
  if (index < value.length)
    raw[offset++] = (nibbleOf(writer, codec, value, index) << 4) | codec.padNibble;
  writer.offset = offset;
}
