/** What `sanad iso8583 decode|encode` does: one message, hexadecimal on one side and JSON text on the other. */
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import { pack, unpack } from './codec.ts';
import { SPECS, SPEC_NAMES, type SpecName } from './specs/index.ts';
import type { MessageSpec } from './specs/spec.ts';

/** A decoded message as JSON: field numbers as keys in order, values as text, binary fields as hexadecimal. */
export interface IsoMessageJson {
  readonly mti: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Twice the longest message that is worth reading. */
const LONGEST_HEX = 2 * 65_535;

const messageSchema = z.strictObject({
  mti: z.string(),
  fields: z.record(z.string().regex(/^[1-9]\d{0,2}$/), z.string()),
});

/** The built-in spec of this name; refuses another name, listing those there are. */
export function findSpec(name: string): MessageSpec {
  const known = SPEC_NAMES.find((each): each is SpecName => each === name);
  if (known === undefined) {
    throw new Fault('bad-input', 'There is no ISO 8583 spec of this name.', {
      fields: { spec: name, known: SPEC_NAMES.join(', '), field: 'spec', offset: 0 },
    });
  }
  return SPECS[known];
}

function refuse(message: string, field: string, offset: number): Fault {
  return new Fault('message-malformed', message, { fields: { field, offset } });
}

function parseHex(hex: string): Buffer {
  const bad = hex.search(/[^0-9A-Fa-f]/);
  // Two digits are one byte of the message: the offset is that of the byte.
  if (bad >= 0) throw refuse('The message is not hexadecimal.', 'hex', bad >> 1);
  if (hex.length % 2 === 1) throw refuse('Half a byte is left over.', 'hex', hex.length >> 1);
  if (hex.length > LONGEST_HEX) throw refuse('The message is too long.', 'hex', LONGEST_HEX >> 1);
  return Buffer.from(hex, 'hex');
}

/**
 * Decodes one message without frame header from hexadecimal. Nothing is masked: it is for the one who holds
 * the message. Refuses with a Fault that names field and offset.
 */
export function decodeToJson(specName: string, hex: string): IsoMessageJson {
  const { mti, fields } = unpack(findSpec(specName), parseHex(hex));
  return {
    mti,
    fields: Object.fromEntries([...fields].map(([number, value]) => [String(number), value])),
  };
}

/** Encodes the JSON that `decodeToJson` gives (as a parsed value) to upper-case hexadecimal. */
export function encodeFromJson(specName: string, json: unknown): string {
  const spec = findSpec(specName);
  const parsed = messageSchema.safeParse(json);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path ?? [];
    throw refuse(
      'The message is not {"mti": text, "fields": {number: text}}.',
      String(path.at(-1) ?? 'message'),
      0,
    );
  }
  const fields = new Map(
    Object.entries(parsed.data.fields).map(([number, value]) => [Number(number), value]),
  );
  return pack(spec, { mti: parsed.data.mti, fields }).toString('hex').toUpperCase();
}
