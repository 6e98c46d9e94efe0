/**
 * How a spec table is written. A table row says what a data element is (kind, fixed or variable, size); the
 * dialect says how each kind is written on the wire, and a row may differ from its dialect. Reading the table
 * teaches the wire. The same members are the JSON of a profile (`profile-file.ts`).
 */

/**
 * n: digits. an: letters, digits, blank. ans: printable ASCII. z: track code set (0x30 to 0x3F, and `D`).
 * b: bytes. x+n: `C` or `D` and digits.
 */
export const FIELD_KINDS = ['n', 'an', 'ans', 'z', 'b', 'x+n'] as const;
export type FieldKind = (typeof FIELD_KINDS)[number];

/** Where the filler nibble of an odd number of BCD digits stands, and its value. */
export interface BcdPadding {
  readonly side: 'left' | 'right';
  readonly nibble: number;
}

/** Digits of a length prefix: 0 is fixed length, 2 is LLVAR, 3 is LLLVAR, 4 is LLLLVAR. */
export type PrefixDigits = 0 | 2 | 3 | 4;

/** How the digits of n, z and x+n are written: a character each, or packed two to a byte. */
export type DigitForm = 'text' | 'bcd';
/** How a length is written: digits as characters, packed digits, or a big-endian number (LL one byte, else two). */
export type LengthForm = 'text' | 'bcd' | 'binary';

/** A part of a positional composite: so many characters (in a field of kind `b`: bytes) of one kind. */
export interface PositionalPart {
  readonly id: string;
  readonly kind: 'n' | 'an' | 'ans' | 'b';
  readonly size: number;
  /** True for a last part that takes what is left, at most `size`. */
  readonly takesRest?: boolean;
}

/**
 * What stands inside a field. `positional`: the parts one behind the other. `tlv`: tag of `tagSize`, length of
 * `lengthSize`, value, again and again; characters and decimal digits, in a field of kind `b` bytes and a
 * big-endian number. `ber-tlv`: ISO/IEC 8825-1 tags and lengths as EMV uses them (DE 55). Tags are not listed:
 * whatever comes is kept.
 */
export type Composite =
  | { readonly form: 'positional'; readonly parts: readonly PositionalPart[] }
  | { readonly form: 'tlv'; readonly tagSize: number; readonly lengthSize: number }
  | { readonly form: 'ber-tlv' };

export const BER_TLV: Composite = { form: 'ber-tlv' };

/** How much of a value may be shown: a PAN's first six and last four, an account's last four, or nothing. */
export type Sensitivity = 'pan' | 'account' | 'hidden';

export interface FieldDefinition {
  readonly name: string;
  readonly kind: FieldKind;
  readonly prefix: PrefixDigits;
  /** Exact length when fixed, longest length when variable: characters, for `b` bytes, for `x+n` with its sign. */
  readonly size: number;
  /** Where the row differs from the dialect's `digits`, `text`, `binary`, `lengths`. */
  readonly digits?: DigitForm;
  readonly text?: 'ascii' | 'ebcdic';
  readonly binary?: 'bytes' | 'hex';
  readonly length?: LengthForm;
  /** BCD only; when absent a fixed field is filled with a 0 on the left, LLVAR `n` with 0 and `z` with F on the right. */
  readonly bcdPadding?: BcdPadding;
  readonly composite?: Composite;
  /** `none`: what does not come apart by `composite` is taken all the same. `strict` when absent: it is refused. */
  readonly compositeCheck?: 'strict' | 'none';
  /** In addition to the standard's card fields, which are always masked. */
  readonly sensitive?: Sensitivity;
}

export type FieldTable = Readonly<Record<number, FieldDefinition>>;

export interface MessageSpec {
  readonly name: string;
  /** First digit of the MTI: 0 is ISO 8583:1987, 1 is ISO 8583:1993. */
  readonly version: '0' | '1';
  /** How the kinds n, z and x+n are written, and the MTI and lengths unless told otherwise. */
  readonly digits: DigitForm;
  /** As `digits` when absent. */
  readonly mti?: DigitForm;
  /** As `digits` when absent. */
  readonly lengths?: LengthForm;
  /** The character set of all text. */
  readonly text: 'ascii' | 'ebcdic';
  /** Binary fields as bytes, or as hexadecimal characters; bitmaps too unless told otherwise. */
  readonly binary: 'bytes' | 'hex';
  /** As `binary` when absent. */
  readonly bitmap?: 'bytes' | 'hex';
  readonly fields: FieldTable;
}

/** A row of fixed length. */
export function fixed(kind: FieldKind, size: number, name: string): FieldDefinition {
  return { name, kind, prefix: 0, size };
}

/** A row with a two-digit length. */
export function llvar(kind: FieldKind, size: number, name: string): FieldDefinition {
  return { name, kind, prefix: 2, size };
}

/** A row with a three-digit length. */
export function lllvar(kind: FieldKind, size: number, name: string): FieldDefinition {
  return { name, kind, prefix: 3, size };
}

/** The same row for every number from `first` to `last`. */
export function range(
  first: number,
  last: number,
  row: FieldDefinition,
): Record<number, FieldDefinition> {
  const rows: Record<number, FieldDefinition> = {};
  for (let number = first; number <= last; number += 1) rows[number] = row;
  return rows;
}
