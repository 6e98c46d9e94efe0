/**
 * Lengths of variable fields: two to four digits, as text, as BCD (LL one byte, LLL and LLLL two, a zero nibble in
 * front of three digits) or as a big-endian number (LL one byte, else two). The unit is characters, for digits in
 * BCD digits, for binary fields bytes (also when they are written in hexadecimal). A length above the field's
 * longest is refused before anything is read.
 */
import { DIGIT, CLASSES } from './encoding.ts';
import type { FieldCodec } from './field-codec.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

function readTextLength(reader: Reader, codec: FieldCodec): number {
  const bytes = reader.bytes(codec.ebcdic);
  let length = 0;
  for (let index = 0; index < codec.prefix; index += 1) {
    const code = bytes[reader.offset + index] ?? 0;
    if (((CLASSES[code] ?? 0) & DIGIT) === 0)
      throw reader.fault('A length is not decimal.', reader.offset + index);
    length = length * 10 + (code - 0x30);
  }
  return length;
}

function readBcdLength(reader: Reader, codec: FieldCodec): number {
  let length = 0;
  for (let index = 0; index < codec.lengthBytes; index += 1) {
    const byte = reader.raw[reader.offset + index] ?? 0;
    if (byte >> 4 > 9 || (byte & 15) > 9)
      throw reader.fault('A length is not decimal.', reader.offset + index);
    length = length * 100 + (byte >> 4) * 10 + (byte & 15);
  }
  return length;
}

function readBinaryLength(reader: Reader, codec: FieldCodec): number {
  const first = reader.raw[reader.offset] ?? 0;
  return codec.lengthBytes === 1 ? first : (first << 8) | (reader.raw[reader.offset + 1] ?? 0);
}

/** Reads a length and checks it against the field's longest. */
export function readLength(reader: Reader, codec: FieldCodec): number {
  reader.need(codec.lengthBytes);
  const length =
    codec.lengthForm === 'text'
      ? readTextLength(reader, codec)
      : codec.lengthForm === 'bcd'
        ? readBcdLength(reader, codec)
        : readBinaryLength(reader, codec);
  if (length > codec.size)
    throw reader.fault('A length is above the longest that the field may have.');
  reader.offset += codec.lengthBytes;
  return length;
}

/** Writes a length that the caller has checked. */
export function writeLength(writer: Writer, codec: FieldCodec, length: number): void {
  const { raw } = writer;
  const { prefix, letters } = codec;
  if (codec.lengthForm === 'text') {
    if (prefix === 4) raw[writer.offset++] = letters[0x30 + ((length / 1000) | 0)] ?? 0;
    if (prefix >= 3) raw[writer.offset++] = letters[0x30 + (((length / 100) | 0) % 10)] ?? 0;
    raw[writer.offset++] = letters[0x30 + (((length / 10) | 0) % 10)] ?? 0;
    raw[writer.offset++] = letters[0x30 + (length % 10)] ?? 0;
  } else if (codec.lengthForm === 'bcd') {
    const high = (length / 100) | 0;
    const low = length % 100;
    if (prefix >= 3) raw[writer.offset++] = (((high / 10) | 0) << 4) | (high % 10);
    raw[writer.offset++] = (((low / 10) | 0) << 4) | (low % 10);
  } else {
    if (prefix >= 3) raw[writer.offset++] = length >> 8;
    raw[writer.offset++] = length & 0xff;
  }
}
