/** What `sanad iso8583 decode|encode` does: one message, hexadecimal on one side and JSON text on the other. */
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import type { TlvElement } from './ber-tlv.ts';
import { pack, unpack } from './codec.ts';
import { compose, decompose, type CompositeValue } from './composite.ts';
import { DEFAULT_FRAMING, FrameReader, frameMessages, splitFrame } from './framing.ts';
import { maskField, sensitivityOf, type IsoMessage } from './message.ts';
import { loadProfile } from './profile-file.ts';
import type { Iso8583Profile } from './profile.ts';
import type { FieldDefinition, MessageSpec } from './specs/spec.ts';

/**
 * A decoded message as JSON: field numbers as keys in order; values as text, binary fields as hexadecimal.
 * `composites`, present when there are any, shows once more what is inside: an object of parts, or a list of tags.
 */
export interface IsoMessageJson {
  readonly mti: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly composites?: Readonly<Record<string, CompositeValue>>;
}

export interface DecodeOptions {
  /** True: the message stands in a frame of the profile. */
  readonly framed?: boolean;
  /** True: card, track, PIN and chip data are masked; the JSON then cannot be encoded again. */
  readonly masked?: boolean;
}

/** Twice the longest message that is worth reading. */
const LONGEST_HEX = 2 * 65_535;
const ELEMENTS_MAX = 4_096;

const elementSchema: z.ZodType<TlvElement> = z.lazy(() =>
  z.strictObject({
    tag: z.string().max(16),
    length: z.string().max(8).optional(),
    value: z.string().optional(),
    members: z.array(elementSchema).max(ELEMENTS_MAX).optional(),
  }),
) as z.ZodType<TlvElement>; // zod adds `undefined` to members that may be absent; JSON has none

const numberSchema = z.string().regex(/^[1-9]\d{0,2}$/);

const messageSchema = z.strictObject({
  mti: z.string(),
  fields: z.record(numberSchema, z.string()),
  composites: z
    .record(
      numberSchema,
      z.union([z.record(z.string(), z.string()), z.array(elementSchema).max(ELEMENTS_MAX)]),
    )
    .default({}),
});

/** The spec of this name or profile file; refuses another name, listing those there are. */
export function findSpec(nameOrFile: string): MessageSpec {
  return loadProfile(nameOrFile).spec;
}

function refuse(message: string, field: string, offset: number): Fault {
  return new Fault('message-malformed', message, { fields: { field, offset } });
}

function parseHex(given: string): Buffer {
  const hex = given.replace(/\s+/g, '');
  const bad = hex.search(/[^0-9A-Fa-f]/);
  // Two digits are one byte of the message: the offset is that of the byte.
  if (bad >= 0) throw refuse('The message is not hexadecimal.', 'hex', bad >> 1);
  if (hex.length % 2 === 1) throw refuse('Half a byte is left over.', 'hex', hex.length >> 1);
  if (hex.length > LONGEST_HEX) throw refuse('The message is too long.', 'hex', LONGEST_HEX >> 1);
  return Buffer.from(hex, 'hex');
}

function unframe(bytes: Buffer, { framing = DEFAULT_FRAMING }: Iso8583Profile): Buffer {
  const reader = new FrameReader(framing);
  const [frame, ...more] = reader.push(bytes);
  if (frame === undefined || more.length > 0 || reader.isInsideFrame)
    throw refuse('The bytes are not one whole frame.', 'frame', 0);
  return splitFrame(frame, framing).message;
}

type CompositeRow = FieldDefinition & Required<Pick<FieldDefinition, 'composite'>>;

const isComposite = (row: FieldDefinition | undefined): row is CompositeRow =>
  row?.composite !== undefined;

function takeApart(number: number, value: string, row: CompositeRow): CompositeValue {
  return decompose(value, row, (message, part, place) => {
    throw refuse(message, `${String(number)}.${part}`, place);
  });
}

/** What is inside a field, when the spec says so and it comes apart. */
function insideOf(
  number: number,
  value: string,
  row: FieldDefinition | undefined,
): CompositeValue | undefined {
  if (!isComposite(row)) return undefined;
  try {
    return takeApart(number, value, row);
  } catch (error) {
    // Only a field that is not checked comes here: the codec has refused any other.
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function toJson(message: IsoMessage, spec: MessageSpec, masked: boolean): IsoMessageJson {
  const fields: Record<string, string> = {};
  const composites: Record<string, CompositeValue> = {};
  for (const [number, value] of message.fields) {
    const isHidden = masked && sensitivityOf(number, spec) !== undefined;
    fields[number] = isHidden ? maskField(number, value, spec) : value;
    const inside = isHidden ? undefined : insideOf(number, value, spec.fields[number]);
    if (inside !== undefined) composites[number] = inside;
  }
  const { mti } = message;
  return Object.keys(composites).length === 0 ? { mti, fields } : { mti, fields, composites };
}

/**
 * Decodes one message from hexadecimal; blanks and line ends in it are skipped. `nameOrFile` is a built-in spec or a
 * profile file. Refuses with a Fault that names field and offset.
 */
export function decodeToJson(
  nameOrFile: string,
  hex: string,
  options: DecodeOptions = {},
): IsoMessageJson {
  const profile = loadProfile(nameOrFile);
  const bytes = parseHex(hex);
  const message = options.framed === true ? unframe(bytes, profile) : bytes;
  return toJson(unpack(profile.spec, message), profile.spec, options.masked === true);
}

function joined(key: string, given: CompositeValue, spec: MessageSpec): string {
  const row = spec.fields[Number(key)];
  if (!isComposite(row) || Array.isArray(given) === (row.composite.form === 'positional'))
    throw refuse('The spec takes this field in another form.', key, 0);
  const text = compose(given, row);
  // A part of a wrong width would move those behind it: what was joined must come apart as it was given.
  const again = takeApart(Number(key), text, row);
  if (JSON.stringify(sorted(again)) !== JSON.stringify(sorted(given)))
    throw refuse('A part does not have its width, or is not one of the field.', key, 0);
  return text;
}

const sorted = (value: CompositeValue): unknown =>
  Array.isArray(value)
    ? value
    : Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));

/**
 * Encodes the JSON that `decodeToJson` gives unmasked (as a parsed value) to upper-case hexadecimal. A field may stand
 * in `fields`, in `composites`, or in both when they agree.
 */
export function encodeFromJson(
  nameOrFile: string,
  json: unknown,
  options: { readonly framed?: boolean } = {},
): string {
  const profile = loadProfile(nameOrFile);
  const { spec } = profile;
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
    Object.entries(parsed.data.fields).map(([key, value]) => [Number(key), value]),
  );
  for (const [key, given] of Object.entries(parsed.data.composites)) {
    const text = joined(key, given, spec);
    const known = fields.get(Number(key));
    if (known !== undefined && known !== text)
      throw refuse('A field and its composite do not agree.', key, 0);
    fields.set(Number(key), text);
  }
  const bytes = pack(spec, { mti: parsed.data.mti, fields });
  const sent = options.framed === true ? frameMessages([bytes], profile.framing) : bytes;
  return sent.toString('hex').toUpperCase();
}
