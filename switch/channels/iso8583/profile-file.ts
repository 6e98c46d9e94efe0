/**
 * Profiles as JSON, so that a bank's dialect needs no code: a built-in spec as the base, what differs from it, the
 * framing and the agreement of the line. docs/spec/iso8583.md, "Profiles", shows one and explains its members.
 */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import { DEFAULT_FRAMING, FRAME_MAX, type Framing } from './framing.ts';
import { DEFAULT_PROFILE, type Iso8583Profile } from './profile.ts';
import { SPECS, SPEC_NAMES, type SpecName } from './specs/index.ts';
import {
  FIELD_KINDS,
  type FieldDefinition,
  type FieldTable,
  type MessageSpec,
} from './specs/spec.ts';

/** A profile file is some kilobytes; more is a mistake. */
const FILE_MAX = 1_000_000;
const size = z.int().min(1).max(FRAME_MAX);
const digits = (count: number): z.ZodString =>
  z.string().regex(new RegExp(`^\\d{${String(count)}}$`));

const compositeSchema = z.discriminatedUnion('form', [
  z.strictObject({
    form: z.literal('positional'),
    parts: z
      .array(
        z.strictObject({
          id: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/),
          kind: z.enum(['n', 'an', 'ans', 'b']),
          size,
          takesRest: z.boolean().default(false),
        }),
      )
      .min(1)
      .max(64)
      .refine(
        (parts) => new Set(parts.map(({ id }) => id)).size === parts.length,
        'two parts have one id',
      )
      .refine(
        (parts) => parts.every(({ takesRest }, index) => !takesRest || index === parts.length - 1),
        'only the last part can take the rest',
      ),
  }),
  z.strictObject({
    form: z.literal('tlv'),
    tagSize: z.int().min(1).max(8),
    lengthSize: z.int().min(1).max(4),
  }),
  z.strictObject({ form: z.literal('ber-tlv') }),
]);

/** A row; over a row of the base every member may be left out. */
const rowSchema = z.strictObject({
  name: z.string().min(1).max(80).optional(),
  kind: z.enum(FIELD_KINDS).optional(),
  prefix: z.union([z.literal(0), z.literal(2), z.literal(3), z.literal(4)]).optional(),
  size: size.optional(),
  digits: z.enum(['text', 'bcd']).optional(),
  text: z.enum(['ascii', 'ebcdic']).optional(),
  binary: z.enum(['bytes', 'hex']).optional(),
  length: z.enum(['text', 'bcd', 'binary']).optional(),
  bcdPadding: z
    .strictObject({ side: z.enum(['left', 'right']), nibble: z.int().min(0).max(15) })
    .optional(),
  composite: compositeSchema.nullable().optional(),
  compositeCheck: z.enum(['strict', 'none']).optional(),
  sensitive: z.enum(['pan', 'account', 'hidden']).optional(),
});

const profileSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  base: z.enum(SPEC_NAMES),
  mti: z.enum(['text', 'bcd']).optional(),
  digits: z.enum(['text', 'bcd']).optional(),
  lengths: z.enum(['text', 'bcd', 'binary']).optional(),
  text: z.enum(['ascii', 'ebcdic']).optional(),
  binary: z.enum(['bytes', 'hex']).optional(),
  bitmap: z.enum(['bytes', 'hex']).optional(),
  fields: z.record(z.string(), rowSchema.nullable()).default({}),
  framing: z
    .strictObject({
      length: z.enum(['binary-2', 'ascii-4', 'bcd-2']).default('binary-2'),
      countsItself: z.boolean().default(false),
      header: z
        .string()
        .regex(/^([0-9A-Fa-f]{2}){0,64}$/)
        .default(''),
      answer: z.enum(['echo', 'tpdu', 'own']).default('echo'),
    })
    .optional(),
  line: z
    .strictObject({
      inquiryCode: digits(6).optional(),
      paymentCode: digits(6).optional(),
      companyCode: z
        .string()
        .regex(/^[\x20-\x7e]{1,8}$/)
        .transform((code) => code.padEnd(8))
        .optional(),
      currency: digits(3).optional(),
      pinData: z.enum(['refuse', 'discard']).optional(),
    })
    .default({}),
});

type ProfileJson = z.output<typeof profileSchema>;
type RowJson = z.output<typeof rowSchema>;

function refuse(path: string, problem: string): never {
  throw new Fault('config-invalid', 'An ISO 8583 profile is wrong.', { fields: { path, problem } });
}

/** Drops members that are absent, which `exactOptionalPropertyTypes` tells from undefined ones. */
function present<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Only undefined members are gone: what is left has the members' types.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** The largest size that a length of so many digits in this form can say. */
function longest(prefix: number, form: 'text' | 'bcd' | 'binary'): number {
  if (prefix === 0) return FRAME_MAX;
  if (form === 'binary') return prefix === 2 ? 255 : 65_535;
  return 10 ** prefix - 1;
}

function mergeRow(
  base: FieldDefinition | undefined,
  { composite, ...given }: RowJson,
  path: string,
): FieldDefinition {
  const merged: Partial<FieldDefinition> = { ...base, ...present(given) };
  const { kind, prefix, size: width, name = 'Private' } = merged;
  if (kind === undefined) refuse(`${path}.kind`, 'missing, and the base has no such field');
  if (prefix === undefined) refuse(`${path}.prefix`, 'missing, and the base has no such field');
  if (width === undefined) refuse(`${path}.size`, 'missing, and the base has no such field');
  const { composite: inherited, ...rest } = { ...merged, name, kind, prefix, size: width };
  const kept = composite === undefined ? inherited : composite;
  return kept === undefined || kept === null ? rest : { ...rest, composite: kept };
}

/** What a schema of members one by one cannot see. */
function checkRow(row: FieldDefinition, spec: MessageSpec, path: string): void {
  const form = row.length ?? spec.lengths ?? spec.digits;
  if (row.size > longest(row.prefix, form))
    refuse(`${path}.size`, 'larger than its length prefix can say');
  if (row.kind === 'x+n' && (row.prefix !== 0 || row.size < 2))
    refuse(`${path}.kind`, 'x+n is a field of fixed length with a sign and digits');
  const { composite } = row;
  if (composite === undefined) return;
  if (row.kind === 'z' || row.kind === 'x+n')
    refuse(`${path}.composite`, 'not offered in this kind');
  if (composite.form === 'ber-tlv' && row.kind !== 'b')
    refuse(`${path}.composite`, 'BER-TLV stands in a field of kind b');
  if (composite.form !== 'positional') return;
  const total = composite.parts.reduce((sum, part) => sum + part.size, 0);
  if (total > row.size) refuse(`${path}.composite`, 'the parts are longer than the field');
  if (row.prefix === 0 && total < row.size)
    refuse(`${path}.composite`, 'the parts are shorter than the field, which has a fixed length');
  if (row.prefix === 0 && composite.parts.at(-1)?.takesRest === true)
    refuse(`${path}.composite`, 'a field of fixed length leaves no rest');
}

function fieldsOf(json: ProfileJson, base: FieldTable): FieldTable {
  const fields = new Map(Object.entries(base));
  for (const [key, row] of Object.entries(json.fields)) {
    const number = /^[1-9]\d{0,2}$/.test(key) ? Number(key) : 0;
    if (number < 2 || number > 128 || number === 65)
      refuse(`fields.${key}`, 'a field number is 2 to 128 and not 65');
    if (row === null) fields.delete(key);
    else fields.set(key, mergeRow(base[number], row, `fields.${key}`));
  }
  return Object.fromEntries(fields);
}

function specOf(json: ProfileJson): MessageSpec {
  const base = SPECS[json.base];
  const { mti, digits: digitForm, lengths, text, binary, bitmap } = json;
  const spec: MessageSpec = {
    ...base,
    ...present({ mti, digits: digitForm, lengths, text, binary, bitmap }),
    name: json.name,
    fields: fieldsOf(json, base.fields),
  };
  for (const [number, row] of Object.entries(spec.fields)) checkRow(row, spec, `fields.${number}`);
  for (const number of [64, 128]) {
    const row = spec.fields[number];
    if (row !== undefined && (row.kind !== 'b' || row.prefix !== 0 || row.size !== 8))
      refuse(`fields.${String(number)}`, 'a message authentication code is eight bytes');
  }
  return spec;
}

function framingOf(json: ProfileJson): Framing {
  if (json.framing === undefined) return DEFAULT_FRAMING;
  const { header, ...rest } = json.framing;
  if (rest.answer === 'tpdu' && header.length !== 10)
    refuse('framing.header', 'a TPDU has five bytes');
  return { ...rest, header: Buffer.from(header, 'hex') };
}

/** Reads a profile from parsed JSON. Refuses with `config-invalid`; `fields.path` names the member, `fields.problem` why. */
export function parseProfile(json: unknown): Iso8583Profile {
  const parsed = profileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    refuse(issue?.path.join('.') ?? '', issue?.message ?? 'wrong');
  }
  return {
    ...DEFAULT_PROFILE,
    ...present(parsed.data.line),
    spec: specOf(parsed.data),
    framing: framingOf(parsed.data),
  };
}

function parseFile(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Fault('config-invalid', 'An ISO 8583 profile is not JSON.', { cause });
  }
}

/** The profile of this name: a built-in spec, or the path of a JSON file. Refuses another name, listing the specs. */
export function loadProfile(nameOrFile: string): Iso8583Profile {
  const known = SPEC_NAMES.find((each): each is SpecName => each === nameOrFile);
  if (known !== undefined) return { ...DEFAULT_PROFILE, spec: SPECS[known] };
  const found = statSync(nameOrFile, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    throw new Fault('bad-input', 'There is no ISO 8583 spec of this name, and no such file.', {
      fields: { spec: nameOrFile, known: SPEC_NAMES.join(', '), field: 'spec', offset: 0 },
    });
  }
  if (found.size > FILE_MAX) refuse('', 'the file is too large');
  return parseProfile(parseFile(readFileSync(nameOrFile, 'utf8')));
}
