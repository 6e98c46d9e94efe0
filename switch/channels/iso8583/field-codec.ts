/** Table rows made ready for the hot path: small numbers instead of words, one shape for every field. */
import { CLASS_AN, CLASS_ANS, CLASS_N, CLASS_Z, writeTable } from './encoding.ts';
import type { FieldDefinition, FieldKind, MessageSpec } from './specs/spec.ts';

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
  /** 0, 2 or 3. */
  readonly prefix: number;
  readonly size: number;
  /** BCD: true when an odd number of digits is filled on the left. */
  readonly padLeft: boolean;
  readonly padNibble: number;
}

const CLASS_OF: Readonly<Record<FieldKind, number>> = {
  n: CLASS_N,
  an: CLASS_AN,
  ans: CLASS_ANS,
  z: CLASS_Z,
  b: 0,
  'x+n': CLASS_N,
};

function contentOf(kind: FieldKind, spec: MessageSpec): number {
  switch (kind) {
    case 'an':
    case 'ans':
      return TEXT;
    case 'n':
    case 'z':
      return spec.digits === 'bcd' ? BCD : TEXT;
    case 'x+n':
      return spec.digits === 'bcd' ? SIGNED_BCD : SIGNED_TEXT;
    case 'b':
      return spec.binary === 'hex' ? HEX : BYTES;
  }
}

function compileField(number: number, row: FieldDefinition, spec: MessageSpec): FieldCodec {
  const padding = row.bcdPadding ?? {
    side: row.prefix === 0 ? 'left' : 'right',
    nibble: row.kind === 'z' ? 0xf : 0,
  };
  return {
    number,
    label: String(number),
    content: contentOf(row.kind, spec),
    classes: CLASS_OF[row.kind],
    writes: writeTable(CLASS_OF[row.kind], spec.text === 'ebcdic'),
    prefix: row.prefix,
    size: row.size,
    padLeft: padding.side === 'left',
    padNibble: padding.nibble,
  };
}

/** A spec ready for use. */
export interface CompiledSpec {
  readonly spec: MessageSpec;
  readonly bcdDigits: boolean;
  /** The message type indicator, as if it were a field. */
  readonly mti: FieldCodec;
  /** Letters and digits to the wire's codes: lengths and signs. */
  readonly letters: Uint8Array;
  readonly ebcdic: boolean;
  readonly hexBitmap: boolean;
  /** By field number; 129 places. */
  readonly codecs: readonly (FieldCodec | undefined)[];
}

/** Compiles a spec's table. */
export function compileSpec(spec: MessageSpec): CompiledSpec {
  const codecs = Array.from({ length: 129 }, (_, number) => {
    const row = spec.fields[number];
    return row === undefined ? undefined : compileField(number, row, spec);
  });
  return {
    spec,
    bcdDigits: spec.digits === 'bcd',
    mti: { ...compileField(0, { name: 'MTI', kind: 'n', prefix: 0, size: 4 }, spec), label: 'mti' },
    letters: writeTable(CLASS_AN, spec.text === 'ebcdic'),
    ebcdic: spec.text === 'ebcdic',
    hexBitmap: spec.binary === 'hex',
    codecs,
  };
}
