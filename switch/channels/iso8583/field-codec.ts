/** Table rows made ready for the hot path: small numbers instead of words, one shape for every field. */
import { CLASS_AN, CLASS_ANS, CLASS_N, CLASS_Z, writeTable } from './encoding.ts';
import type {
  Composite,
  FieldDefinition,
  FieldKind,
  LengthForm,
  MessageSpec,
} from './specs/spec.ts';

/** How a field's content is written. */
const TEXT = 0;
export const BCD = 1;
export const BYTES = 2;
export const HEX = 3;
export const SIGNED_TEXT = 4;
export const SIGNED_BCD = 5;

export interface FieldCodec {
  readonly number: number;
  /** The number as text, for faults. */
  readonly label: string;
  readonly content: number;
  /** Class bits that a character must have. */
  readonly classes: number;
  /** ASCII code to the wire's code, 0 for a character that the field may not hold. */
  readonly writes: Uint8Array;
  /** Letters and digits to the wire's codes: lengths, signs and hexadecimal. */
  readonly letters: Uint8Array;
  readonly ebcdic: boolean;
  /** Digits of the length: 0, 2, 3 or 4. */
  readonly prefix: number;
  readonly lengthForm: LengthForm;
  /** Bytes of the length on the wire. */
  readonly lengthBytes: number;
  readonly size: number;
  /** Most bytes that the field takes on the wire with its length. */
  readonly wireMax: number;
  /** BCD: true when an odd number of digits is filled on the left. */
  readonly padLeft: boolean;
  readonly padNibble: number;
  readonly kind: FieldKind;
  /** Present when the field's inside is checked. */
  readonly composite: Composite | undefined;
}

const CLASS_OF: Readonly<Record<FieldKind, number>> = {
  n: CLASS_N,
  an: CLASS_AN,
  ans: CLASS_ANS,
  z: CLASS_Z,
  b: 0,
  'x+n': CLASS_N,
};

function contentOf(row: FieldDefinition, spec: MessageSpec): number {
  const isBcd = (row.digits ?? spec.digits) === 'bcd';
  switch (row.kind) {
    case 'an':
    case 'ans':
      return TEXT;
    case 'n':
    case 'z':
      return isBcd ? BCD : TEXT;
    case 'x+n':
      return isBcd ? SIGNED_BCD : SIGNED_TEXT;
    case 'b':
      return (row.binary ?? spec.binary) === 'hex' ? HEX : BYTES;
  }
}

function lengthBytesOf(prefix: number, form: LengthForm): number {
  if (prefix === 0) return 0;
  if (form === 'text') return prefix;
  return prefix === 2 ? 1 : 2;
}

/** The table of a class and character set; there are few, so that the hot path keeps them in its cache. */
const tables = new Map<string, Uint8Array>();
function sharedTable(classes: number, ebcdic: boolean): Uint8Array {
  const key = `${String(classes)}/${String(ebcdic)}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = writeTable(classes, ebcdic);
    tables.set(key, table);
  }
  return table;
}

function compileField(number: number, row: FieldDefinition, spec: MessageSpec): FieldCodec {
  const padding = row.bcdPadding ?? {
    side: row.prefix === 0 ? 'left' : 'right',
    nibble: row.kind === 'z' ? 0xf : 0,
  };
  const ebcdic = (row.text ?? spec.text) === 'ebcdic';
  const lengthForm = row.length ?? spec.lengths ?? spec.digits;
  const lengthBytes = lengthBytesOf(row.prefix, lengthForm);
  const content = contentOf(row, spec);
  return {
    number,
    label: String(number),
    content,
    classes: CLASS_OF[row.kind],
    writes: sharedTable(CLASS_OF[row.kind], ebcdic),
    letters: sharedTable(CLASS_AN, ebcdic),
    ebcdic,
    prefix: row.prefix,
    lengthForm,
    lengthBytes,
    size: row.size,
    wireMax: lengthBytes + row.size * (content === HEX ? 2 : 1),
    padLeft: padding.side === 'left',
    padNibble: padding.nibble,
    kind: row.kind,
    composite: row.compositeCheck === 'none' ? undefined : row.composite,
  };
}

/** A spec ready for use. */
export interface CompiledSpec {
  readonly spec: MessageSpec;
  /** The message type indicator, as if it were a field. */
  readonly mti: FieldCodec;
  readonly hexBitmap: boolean;
  /** Hexadecimal bitmaps in EBCDIC. */
  readonly ebcdicBitmap: boolean;
  /** By field number; 129 places. */
  readonly codecs: readonly (FieldCodec | undefined)[];
}

/** Compiles a spec's table. */
export function compileSpec(spec: MessageSpec): CompiledSpec {
  const codecs = Array.from({ length: 129 }, (_, number) => {
    const row = spec.fields[number];
    return row === undefined ? undefined : compileField(number, row, spec);
  });
  const mtiRow: FieldDefinition = {
    name: 'MTI',
    kind: 'n',
    prefix: 0,
    size: 4,
    digits: spec.mti ?? spec.digits,
  };
  const hexBitmap = (spec.bitmap ?? spec.binary) === 'hex';
  return {
    spec,
    mti: { ...compileField(0, mtiRow, spec), label: 'mti' },
    hexBitmap,
    ebcdicBitmap: hexBitmap && spec.text === 'ebcdic',
    codecs,
  };
}
