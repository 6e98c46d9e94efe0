/**
 * Character classes of the field kinds, and the EBCDIC code page (IBM 037, printable ASCII only). Tables of
 * 256 entries, made once: the hot path looks a byte up and compares a bit.
 */

// One bit for each kind that may hold the character, so that a whole field is checked by one AND over its characters.
export const CLASS_N = 1;
export const CLASS_AN = 2;
export const CLASS_ANS = 4;
export const CLASS_Z = 8;
export const DIGIT = CLASS_N;

function classOf(code: number): number {
  const character = String.fromCharCode(code);
  let bits = 0;
  if (/[0-9]/.test(character)) bits |= CLASS_N;
  if (/[0-9A-Za-z ]/.test(character)) bits |= CLASS_AN;
  if (code >= 0x20 && code < 0x7f) bits |= CLASS_ANS;
  if ((code >= 0x30 && code <= 0x3f) || character === 'D') bits |= CLASS_Z;
  return bits;
}

/** The class bits of an ASCII code; 0 for what no field may hold. */
export const CLASSES: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => classOf(code));

/** The value of a hexadecimal digit in ASCII, or 255. */
export const HEX_VALUE: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[0-9A-Fa-f]/.test(character) ? Number.parseInt(character, 16) : 255;
});

/**
 * The first index from `from` up to `to` whose character is not of the class, or -1. Four at a time: the loop is
 * the dearest part of reading a message.
 */
export function firstOutside(bytes: Uint8Array, from: number, to: number, cls: number): number {
  let all = cls;
  let index = from;
  for (; index + 3 < to; index += 4) {
    all &=
      (CLASSES[bytes[index] ?? 0] ?? 0) &
      (CLASSES[bytes[index + 1] ?? 0] ?? 0) &
      (CLASSES[bytes[index + 2] ?? 0] ?? 0) &
      (CLASSES[bytes[index + 3] ?? 0] ?? 0);
  }
  for (; index < to; index += 1) all &= CLASSES[bytes[index] ?? 0] ?? 0;
  if (all !== 0) return -1;
  for (index = from; index < to; index += 1)
    if (((CLASSES[bytes[index] ?? 0] ?? 0) & cls) === 0) return index;
  return -1;
}

/** Code page 037 of the ASCII codes 0x20 to 0x7E, in order. */
const CP037 = Buffer.from(
  '405a7f7b5b6c507d4d5d5c4e6b604b61f0f1f2f3f4f5f6f7f8f97a5e4c7e6e6f7cc1c2c3c4c5c6c7c8c9d1d2d3d4d5d6' +
    'd7d8d9e2e3e4e5e6e7e8e9bae0bbb06d79818283848586878889919293949596979899a2a3a4a5a6a7a8a9c04fd0a1',
  'hex',
);

/** ASCII to the wire's code; printable ASCII only, which is all that a class lets through. */
const TO_EBCDIC: Uint8Array = new Uint8Array(256);
/** The wire's code to ASCII; 0, which is in no class, for what is not printable ASCII. */
const FROM_EBCDIC: Uint8Array = new Uint8Array(256);
CP037.forEach((code, index) => {
  TO_EBCDIC[index + 0x20] = code;
  FROM_EBCDIC[code] = index + 0x20;
});

/**
 * For writing: ASCII code to the wire's code, or 0 for a character that is in none of `classes`. No
 * printable character is 0 on the wire, so one look-up both checks and translates.
 */
export function writeTable(classes: number, ebcdic: boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => {
    if (((CLASSES[code] ?? 0) & classes) === 0) return 0;
    return ebcdic ? (TO_EBCDIC[code] ?? 0) : code;
  });
}

/** A copy of a whole EBCDIC message in ASCII; bytes of bitmaps and binary fields in it are meaningless. */
export function asciiCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  for (let index = 0; index < bytes.length; index += 1)
    copy[index] = FROM_EBCDIC[bytes[index] ?? 0] ?? 0;
  return copy;
}
