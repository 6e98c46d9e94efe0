/**
 * Unpacks and packs ISO 8583 messages by a spec's table (docs/spec/iso8583.md). Strict in both directions: a
 * message that is taken has exactly one reading, and what is packed unpacks to the same. No frame header.
 */
import { readBitmap, writeBitmap } from './bitmap.ts';
import { decompose } from './composite.ts';
import { BYTES, HEX, compileSpec, type CompiledSpec, type FieldCodec } from './field-codec.ts';
import { readContent, writeContent } from './field-content.ts';
import { readLength, writeLength } from './length-prefix.ts';
import type { IsoMessage } from './message.ts';
import { Reader } from './reader.ts';
import type { MessageSpec } from './specs/spec.ts';
import { MESSAGE_MAX, Writer } from './writer.ts';

const compiled = new WeakMap<MessageSpec, CompiledSpec>();
let latest: CompiledSpec | undefined;

function compiledSpec(spec: MessageSpec): CompiledSpec {
  // Most processes speak one dialect: one comparison instead of a look-up.
  if (latest?.spec === spec) return latest;
  let found = compiled.get(spec);
  if (found === undefined) {
    found = compileSpec(spec);
    compiled.set(spec, found);
  }
  latest = found;
  return found;
}

// Packing and unpacking run to their end without waiting, so one bitmap, reader and writer serve all.
const bitmap = new Uint8Array(16);
const reader = new Reader();
const writer = new Writer();

const hasBit = (number: number): boolean =>
  ((bitmap[(number - 1) >> 3] ?? 0) & (0x80 >> ((number - 1) & 7))) !== 0;

/**
 * Reads one message. Refuses with `MalformedMessage`: a truncated or overlong field, a character outside the
 * field's kind, a composite that does not come out even, an odd bitmap, a field that the spec does not have,
 * another version, bytes left over, more than 65,535 bytes.
 */
export function unpack(spec: MessageSpec, bytes: Buffer): IsoMessage {
  const plan = compiledSpec(spec);
  reader.begin(bytes);
  if (bytes.length > MESSAGE_MAX)
    throw reader.fault('The message is longer than a message may be.', MESSAGE_MAX);
  reader.mti = readMti(plan);
  const last = readBitmap(reader, bitmap, plan);
  for (let number = 2; number <= last; number += 1) {
    if (!hasBit(number)) continue;
    const codec = plan.codecs[number];
    if (codec === undefined) {
      reader.label = String(number);
      throw reader.fault('The spec has no such field.');
    }
    reader.label = codec.label;
    reader.fields.set(number, readField(codec));
  }
  if (reader.offset !== bytes.length) {
    reader.label = 'trailer';
    throw reader.fault('Bytes are left over after the last field.');
  }
  return { mti: reader.mti, fields: reader.fields };
}

function readMti(plan: CompiledSpec): string {
  const mti = readField(plan.mti);
  if (mti[0] !== plan.spec.version) throw reader.fault('The message is of another version.', 0);
  return mti;
}

function readField(codec: FieldCodec): string {
  const length = codec.prefix === 0 ? codec.size : readLength(reader, codec);
  const start = reader.offset;
  const value = readContent(reader, codec, length);
  if (codec.composite !== undefined) {
    const { kind, composite } = codec;
    decompose(value, { kind, composite }, (message, part, place) => {
      reader.label = `${codec.label}.${part}`;
      throw reader.fault(message, start + placeOnWire(codec, value, place));
    });
  }
  return value;
}

/** The byte, counted from the content's first, in which a character of the value stands. */
function placeOnWire(codec: FieldCodec, value: string, place: number): number {
  if (codec.content === BYTES) return place >> 1;
  if (codec.kind === 'b' || codec.content !== 1) return place;
  return (place + (codec.padLeft ? value.length & 1 : 0)) >> 1;
}

/**
 * Writes one message. Refuses with `MalformedMessage` every value that `unpack` would not give back: a
 * fixed field that is not at full width, one too long, a character outside the kind, an unknown field.
 */
export function pack(spec: MessageSpec, message: IsoMessage): Buffer {
  const plan = compiledSpec(spec);
  const { fields } = message;
  writer.begin();
  writeField(plan.mti, message.mti);
  if (message.mti[0] !== spec.version) throw writer.fault('The message is of another version.');
  const inOrder = fillBitmap(fields);
  const last = hasBit(1) ? 128 : 64;
  writeBitmap(writer, bitmap, last >> 3, plan);
  if (inOrder) {
    for (const [number, value] of fields) packField(plan, number, value);
  } else {
    for (let number = 2; number <= last; number += 1)
      if (hasBit(number)) packField(plan, number, fields.get(number) ?? '');
  }
  return writer.finish();
}

/** Sets the bits of the message's fields; says whether these come in ascending order, as unpacked ones do. */
function fillBitmap(fields: ReadonlyMap<number, string>): boolean {
  bitmap.fill(0);
  let before = 1;
  let inOrder = true;
  for (const number of fields.keys()) {
    if (!Number.isInteger(number) || number < 2 || number > 128) {
      writer.label = String(number);
      throw writer.fault('The spec has no such field.');
    }
    if (number < before) inOrder = false;
    before = number;
    if (number > 64) bitmap[0] = (bitmap[0] ?? 0) | 0x80;
    bitmap[(number - 1) >> 3] = (bitmap[(number - 1) >> 3] ?? 0) | (0x80 >> ((number - 1) & 7));
  }
  return inOrder;
}

function packField(plan: CompiledSpec, number: number, value: string): void {
  const codec = plan.codecs[number];
  writer.label = codec === undefined ? String(number) : codec.label;
  if (codec === undefined) throw writer.fault('The spec has no such field.');
  writeField(codec, value);
  if (codec.composite !== undefined) {
    const { kind, composite } = codec;
    decompose(value, { kind, composite }, (why, part) => {
      writer.label = `${codec.label}.${part}`;
      throw writer.fault(why);
    });
  }
}

function writeField(codec: FieldCodec, value: string): void {
  const binary = codec.content === BYTES || codec.content === HEX;
  const length = binary ? (value.length + 1) >> 1 : value.length;
  writer.room(codec.wireMax);
  if (codec.prefix === 0) {
    if (length !== codec.size) throw writer.fault('A fixed field is not at its full width.');
  } else {
    if (length > codec.size) throw writer.fault('A value is longer than the field may be.');
    writeLength(writer, codec, length);
  }
  writeContent(writer, codec, value);
}
