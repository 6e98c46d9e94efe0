/**
 * Unpacks and packs ISO 8583 messages by a spec's table (docs/spec/iso8583.md). Strict in both directions: a
 * message that is taken has exactly one reading, and what is packed unpacks to the same. No frame header.
 */
import { bcdLength, readBcd, writeBcd } from './bcd.ts';
import { HEX_DIGITS, readBitmap, writeBitmap } from './bitmap.ts';
import { CLASSES, HEX_VALUE } from './encoding.ts';
import {
  BCD,
  BYTES,
  HEX,
  SIGNED_BCD,
  SIGNED_TEXT,
  compileSpec,
  type CompiledSpec,
  type FieldCodec,
} from './field-codec.ts';
import { readLength, writeLength } from './length-prefix.ts';
import type { IsoMessage } from './message.ts';
import { Reader } from './reader.ts';
import type { MessageSpec } from './specs/spec.ts';
import { Writer } from './writer.ts';

const compiled = new WeakMap<MessageSpec, CompiledSpec>();

function compiledSpec(spec: MessageSpec): CompiledSpec {
  let found = compiled.get(spec);
  if (found === undefined) {
    found = compileSpec(spec);
    compiled.set(spec, found);
  }
  return found;
}

// Packing and unpacking run to their end without waiting, so one bitmap and one buffer serve all.
const bitmap = new Uint8Array(16);
const writer = new Writer();

/**
 * Reads one message. Refuses with `MalformedMessage`: a truncated or overlong field, a character outside the
 * field's kind, an odd bitmap, a field that the spec does not have, another version, bytes left over.
 */
export function unpack(spec: MessageSpec, bytes: Buffer): IsoMessage {
  const plan = compiledSpec(spec);
  const reader = new Reader(bytes, plan.ebcdic);
  reader.mti = readMti(reader, plan);
  const last = readBitmap(reader, bitmap, plan.hexBitmap);
  for (let number = 2; number <= last; number += 1) {
    if (((bitmap[(number - 1) >> 3] ?? 0) & (0x80 >> ((number - 1) & 7))) === 0) continue;
    const codec = plan.codecs[number];
    if (codec === undefined) {
      reader.label = String(number);
      throw reader.fault('The spec has no such field.');
    }
    reader.label = codec.label;
    reader.fields.set(number, readField(reader, codec, plan.bcdDigits));
  }
  if (reader.offset !== bytes.length) {
    reader.label = 'trailer';
    throw reader.fault('Bytes are left over after the last field.');
  }
  return { mti: reader.mti, fields: reader.fields };
}

function readMti(reader: Reader, plan: CompiledSpec): string {
  const mti = readField(reader, plan.mti, plan.bcdDigits);
  if (mti[0] !== plan.spec.version) throw reader.fault('The message is of another version.', 0);
  return mti;
}

function readField(reader: Reader, codec: FieldCodec, bcdLengths: boolean): string {
  const length = codec.prefix === 0 ? codec.size : readLength(reader, codec, bcdLengths);
  switch (codec.content) {
    case BCD:
      return readBcd(reader, codec, length);
    case BYTES:
      return readBytes(reader, length);
    case HEX:
      return readHex(reader, length);
    case SIGNED_BCD:
      return readSign(reader) + readBcd(reader, codec, length - 1);
    case SIGNED_TEXT:
      return readSign(reader) + readText(reader, codec.classes, length - 1);
    default:
      return readText(reader, codec.classes, length);
  }
}

function readText(reader: Reader, classes: number, length: number): string {
  reader.need(length);
  const { text, offset } = reader;
  const end = offset + length;
  for (let index = offset; index < end; index += 1) {
    if (((CLASSES[text[index] ?? 0] ?? 0) & classes) === 0)
      throw reader.fault('A character is not one that the field may hold.', index);
  }
  reader.offset = end;
  return reader.characters.slice(offset, end);
}

function readSign(reader: Reader): string {
  reader.need(1);
  const sign = reader.characters[reader.offset];
  if (sign !== 'C' && sign !== 'D') throw reader.fault('A sign is neither C nor D.');
  reader.offset += 1;
  return sign;
}

function readBytes(reader: Reader, length: number): string {
  reader.need(length);
  const { offset } = reader;
  reader.offset += length;
  return reader.raw.toString('hex', offset, offset + length).toUpperCase();
}

function readHex(reader: Reader, length: number): string {
  reader.need(2 * length);
  const { offset } = reader;
  for (let index = offset; index < offset + 2 * length; index += 1) {
    if ((HEX_VALUE[reader.text[index] ?? 0] ?? 255) > 15)
      throw reader.fault('A character is not hexadecimal.', index);
  }
  reader.offset += 2 * length;
  return reader.characters.slice(offset, reader.offset).toUpperCase();
}

/**
 * Writes one message. Refuses with `MalformedMessage` every value that `unpack` would not give back: a
 * fixed field that is not at full width, one too long, a character outside the kind, an unknown field.
 */
export function pack(spec: MessageSpec, message: IsoMessage): Buffer {
  const plan = compiledSpec(spec);
  writer.offset = 0;
  writer.label = 'mti';
  writeMti(plan, message.mti);
  const last = fillBitmap(message);
  writeBitmap(writer, bitmap, last >> 3, plan.hexBitmap);
  for (let number = 2; number <= last; number += 1) {
    if (((bitmap[(number - 1) >> 3] ?? 0) & (0x80 >> ((number - 1) & 7))) === 0) continue;
    const codec = plan.codecs[number];
    writer.label = codec === undefined ? String(number) : codec.label;
    if (codec === undefined) throw writer.fault('The spec has no such field.');
    writeField(codec, message.fields.get(number) ?? '', plan);
  }
  return writer.finish();
}

function writeMti(plan: CompiledSpec, mti: string): void {
  writeField(plan.mti, mti, plan);
  if (mti[0] !== plan.spec.version) throw writer.fault('The message is of another version.');
}

/** Sets the bits of the message's fields and returns 64 or 128, the highest number the bitmap speaks of. */
function fillBitmap(message: IsoMessage): number {
  bitmap.fill(0);
  let last = 64;
  for (const number of message.fields.keys()) {
    if (!Number.isInteger(number) || number < 2 || number > 128) {
      writer.label = String(number);
      throw writer.fault('The spec has no such field.');
    }
    if (number > 64) last = 128;
    bitmap[(number - 1) >> 3] = (bitmap[(number - 1) >> 3] ?? 0) | (0x80 >> ((number - 1) & 7));
  }
  if (last === 128) bitmap[0] = (bitmap[0] ?? 0) | 0x80;
  return last;
}

function writeField(codec: FieldCodec, value: string, plan: CompiledSpec): void {
  const binary = codec.content === BYTES || codec.content === HEX;
  const length = binary ? bcdLength(value.length) : value.length;
  if (codec.prefix === 0) {
    if (length !== codec.size) throw writer.fault('A fixed field is not at its full width.');
  } else {
    if (length > codec.size) throw writer.fault('A value is longer than the field may be.');
    writeLength(writer, codec, length, plan);
  }
  switch (codec.content) {
    case BCD:
      writeBcd(writer, codec, value, 0);
      return;
    case BYTES:
      writeBytes(value);
      return;
    case HEX:
      writeHex(value);
      return;
    case SIGNED_BCD:
      writeSign(value, plan);
      writeBcd(writer, codec, value, 1);
      return;
    case SIGNED_TEXT:
      writeSign(value, plan);
      writeText(value, 1, codec.writes);
      return;
    default:
      writeText(value, 0, codec.writes);
      return;
  }
}

function writeText(value: string, start: number, writes: Uint8Array): void {
  const { raw } = writer;
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

function writeSign(value: string, plan: CompiledSpec): void {
  const sign = value.charCodeAt(0);
  if (sign !== 0x43 && sign !== 0x44) throw writer.fault('A sign is neither C nor D.');
  writer.raw[writer.offset++] = plan.letters[sign] ?? 0;
}

function hexAt(value: string, index: number): number {
  const code = value.charCodeAt(index);
  const digit = code > 255 ? 255 : (HEX_VALUE[code] ?? 255);
  if (!(digit <= 15)) throw writer.fault('A character is not hexadecimal.');
  return digit;
}

function writeBytes(value: string): void {
  if ((value.length & 1) === 1) throw writer.fault('A binary value has an odd number of digits.');
  for (let index = 0; index < value.length; index += 2)
    writer.raw[writer.offset++] = (hexAt(value, index) << 4) | hexAt(value, index + 1);
}

function writeHex(value: string): void {
  if ((value.length & 1) === 1) throw writer.fault('A binary value has an odd number of digits.');
  for (let index = 0; index < value.length; index += 1)
    writer.raw[writer.offset++] = HEX_DIGITS.charCodeAt(hexAt(value, index));
}
