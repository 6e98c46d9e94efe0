/**
 * How a spec table is written. A table row says what a data element is (kind, fixed or variable, size); the
 * dialect says how each kind is written on the wire. Reading the table teaches the wire.
 */

/**
 * n: digits. an: letters, digits, blank. ans: printable ASCII. z: track code set (0x30 to 0x3F, and `D`).
 * b: bytes. x+n: `C` or `D` and digits.
 */
export type FieldKind = 'n' | 'an' | 'ans' | 'z' | 'b' | 'x+n';

/** Where the filler nibble of an odd number of BCD digits stands, and its value. */
export interface BcdPadding {
  readonly side: 'left' | 'right';
  readonly nibble: number;
}

export interface FieldDefinition {
  readonly name: string;
  readonly kind: FieldKind;
  /** Digits of the length prefix: 0 is fixed length, 2 is LLVAR, 3 is LLLVAR. */
  readonly prefix: 0 | 2 | 3;
  /** Exact length when fixed, longest length when variable: characters, for `b` bytes, for `x+n` with its sign. */
  readonly size: number;
  /** BCD only; when absent a fixed field is filled with a 0 on the left, LLVAR `n` with 0 and `z` with F on the right. */
  readonly bcdPadding?: BcdPadding;
}

export type FieldTable = Readonly<Record<number, FieldDefinition>>;

export interface MessageSpec {
  readonly name: string;
  /** First digit of the MTI: 0 is ISO 8583:1987, 1 is ISO 8583:1993. */
  readonly version: '0' | '1';
  /** How MTI, length prefixes and the kinds n, z and x+n are written. */
  readonly digits: 'text' | 'bcd';
  /** The character set of all text. */
  readonly text: 'ascii' | 'ebcdic';
  /** Bitmaps and binary fields as bytes, or as hexadecimal characters. */
  readonly binary: 'bytes' | 'hex';
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
