/** The content of a field behind its length: text, packed digits, bytes, hexadecimal, and signed amounts. */
import { readBcd, writeBcd } from './bcd.ts';
import { HEX_DIGITS } from './bitmap.ts';
import { HEX_VALUE, firstOutside } from './encoding.ts';
import { BCD, BYTES, HEX, SIGNED_BCD, SIGNED_TEXT, type FieldCodec } from './field-codec.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Reads `length` characters (of binary: bytes) by the codec and moves on behind them. */
export function readContent(reader: Reader, codec: FieldCodec, length: number): string {
  switch (codec.content) {
    case BCD:
      return readBcd(reader, codec, length);
    case BYTES:
      return readBytes(reader, length);
    case HEX:
      return readHex(reader, codec, length);
    case SIGNED_BCD:
      return readSign(reader, codec) + readBcd(reader, codec, length - 1);
    case SIGNED_TEXT:
      return readSign(reader, codec) + readText(reader, codec, length - 1);
    default:
      return readText(reader, codec, length);
  }
}

function readText(reader: Reader, codec: FieldCodec, length: number): string {
  reader.need(length);
  const { offset } = reader;
  const end = offset + length;
  const outside = firstOutside(reader.bytes(codec.ebcdic), offset, end, codec.classes);
  if (outside >= 0) throw reader.fault('A character is not one that the field may hold.', outside);
  reader.offset = end;
  return reader.slice(offset, end, codec.ebcdic);
}

function readSign(reader: Reader, codec: FieldCodec): string {
  reader.need(1);
  const code = reader.bytes(codec.ebcdic)[reader.offset];
  if (code !== 0x43 && code !== 0x44) throw reader.fault('A sign is neither C nor D.');
  reader.offset += 1;
  return code === 0x43 ? 'C' : 'D';
}

function readBytes(reader: Reader, length: number): string {
  reader.need(length);
  const { offset } = reader;
  reader.offset += length;
  return reader.raw.toString('hex', offset, offset + length).toUpperCase();
}

function readHex(reader: Reader, codec: FieldCodec, length: number): string {
  reader.need(2 * length);
  const { offset } = reader;
  const bytes = reader.bytes(codec.ebcdic);
  for (let index = offset; index < offset + 2 * length; index += 1) {
    if ((HEX_VALUE[bytes[index] ?? 0] ?? 255) > 15)
      throw reader.fault('A character is not hexadecimal.', index);
  }
  reader.offset += 2 * length;
  return reader.slice(offset, reader.offset, codec.ebcdic).toUpperCase();
}

/** Writes a value whose length was checked; refuses a character that the field may not hold. */
export function writeContent(writer: Writer, codec: FieldCodec, value: string): void {
  switch (codec.content) {
    case BCD:
      writeBcd(writer, codec, value, 0);
      return;
    case BYTES:
      writeBytes(writer, value);
      return;
    case HEX:
      writeHex(writer, codec, value);
      return;
    case SIGNED_BCD:
      writeSign(writer, codec, value);
      writeBcd(writer, codec, value, 1);
      return;
    case SIGNED_TEXT:
      writeSign(writer, codec, value);
      writeText(writer, codec, value, 1);
      return;
    default:
      writeText(writer, codec, value, 0);
      return;
  }
}

function writeText(writer: Writer, codec: FieldCodec, value: string, start: number): void {
  const { raw } = writer;
  const { writes } = codec;
  let { offset } = writer;
  for (let index = start; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    const wire = code < 256 ? (writes[code] ?? 0) : 0;
    if (wire === 0) throw writer.fault('A character is not one that the field may hold.');
    raw[offset] = wire;
    offset += 1;
  }
  writer.offset = offset;
}

function writeSign(writer: Writer, codec: FieldCodec, value: string): void {
  const sign = value.charCodeAt(0);
  if (sign !== 0x43 && sign !== 0x44) throw writer.fault('A sign is neither C nor D.');
  writer.raw[writer.offset++] = codec.letters[sign] ?? 0;
}

function hexAt(writer: Writer, value: string, index: number): number {
  const code = value.charCodeAt(index);
  const digit = code > 255 ? 255 : (HEX_VALUE[code] ?? 255);
  if (!(digit <= 15)) throw writer.fault('A character is not hexadecimal.');
  return digit;
}

function writeBytes(writer: Writer, value: string): void {
  if ((value.length & 1) === 1) throw writer.fault('A binary value has an odd number of digits.');
  for (let index = 0; index < value.length; index += 2)
    writer.raw[writer.offset++] =
      (hexAt(writer, value, index) << 4) | hexAt(writer, value, index + 1);
}

function writeHex(writer: Writer, codec: FieldCodec, value: string): void {
  if ((value.length & 1) === 1) throw writer.fault('A binary value has an odd number of digits.');
  for (let index = 0; index < value.length; index += 1) {
    const digit = HEX_DIGITS.charCodeAt(hexAt(writer, value, index));
    writer.raw[writer.offset++] = codec.letters[digit] ?? 0;
  }
}
