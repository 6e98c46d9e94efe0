/**
 * BER-TLV (ISO/IEC 8825-1 in the form that EMV Book 3, annex B gives it) over upper-case hexadecimal text. Any tag
 * is kept, known or not. A zero byte between elements is filler, as EMV allows, and is kept as an element of
 * its own. Refused: lengths without end, tags above four bytes, lengths above 65,535, nesting deeper than eight.
 */
import { HEX_VALUE } from './encoding.ts';

/** One element. A constructed one has `members`, any other `value` in hexadecimal. */
export interface TlvElement {
  readonly tag: string;
  /** The length as it was written, when that was not its shortest form. */
  readonly length?: string;
  readonly value?: string;
  readonly members?: readonly TlvElement[];
}

/** Says what is wrong, in which part, at which character of the value. */
export type Refuse = (message: string, part: string, place: number) => never;

const DEPTH_MAX = 8;
const TAG_BYTES_MAX = 4;
const FILLER = '00';

function byteAt(hex: string, place: number): number {
  return (
    ((HEX_VALUE[hex.charCodeAt(place)] ?? 0) << 4) | (HEX_VALUE[hex.charCodeAt(place + 1)] ?? 0)
  );
}

/** The place behind the tag that begins at `place`. */
function endOfTag(hex: string, place: number, end: number, refuse: Refuse): number {
  let at = place + 2;
  if ((byteAt(hex, place) & 0x1f) !== 0x1f) return at;
  for (let bytes = 2; ; bytes += 1) {
    if (at >= end) refuse('A tag is cut off.', hex.slice(place, end), place);
    if (bytes > TAG_BYTES_MAX) refuse('A tag is too long.', hex.slice(place, at), place);
    const isLast = (byteAt(hex, at) & 0x80) === 0;
    at += 2;
    if (isLast) return at;
  }
}

interface Length {
  readonly bytes: number;
  readonly end: number;
}

function readLength(hex: string, place: number, end: number, fail: (why: string) => never): Length {
  if (place >= end) fail('A length is missing.');
  const first = byteAt(hex, place);
  if (first < 0x80) return { bytes: first, end: place + 2 };
  if (first !== 0x81 && first !== 0x82) fail('A length has a form that is not offered.');
  const after = place + 2 * (first - 0x7f);
  if (after > end) fail('A length is cut off.');
  const bytes =
    first === 0x81 ? byteAt(hex, place + 2) : byteAt(hex, place + 2) * 256 + byteAt(hex, place + 4);
  return { bytes, end: after };
}

function shortestLength(bytes: number): string {
  const digits = bytes.toString(16).toUpperCase();
  if (bytes < 0x80) return digits.padStart(2, '0');
  return bytes < 0x100 ? `81${digits}` : `82${digits.padStart(4, '0')}`;
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

function parseSpan(hex: string, span: Span, refuse: Refuse): TlvElement[] {
  const elements: TlvElement[] = [];
  let place = span.from;
  while (place < span.to) {
    if (byteAt(hex, place) === 0) {
      elements.push({ tag: FILLER });
      place += 2;
      continue;
    }
    const tagEnd = endOfTag(hex, place, span.to, refuse);
    const tag = hex.slice(place, tagEnd);
    const length = readLength(hex, tagEnd, span.to, (why) => refuse(why, tag, tagEnd));
    const to = length.end + 2 * length.bytes;
    if (to > span.to) refuse('A length goes past the end.', tag, tagEnd);
    const written = hex.slice(tagEnd, length.end);
    const odd = written === shortestLength(length.bytes) ? {} : { length: written };
    if ((byteAt(hex, place) & 0x20) === 0) {
      elements.push({ tag, ...odd, value: hex.slice(length.end, to) });
    } else {
      if (span.depth >= DEPTH_MAX) refuse('Elements are nested too deep.', tag, place);
      const inner = { from: length.end, to, depth: span.depth + 1 };
      elements.push({ tag, ...odd, members: parseSpan(hex, inner, refuse) });
    }
    place = to;
  }
  return elements;
}

/** Reads all elements of `hex`, which must hold whole bytes in upper case. */
export function parseBerTlv(hex: string, refuse: Refuse): TlvElement[] {
  return parseSpan(hex, { from: 0, to: hex.length, depth: 1 }, refuse);
}

/** Writes elements; what it gives is checked by the caller with `parseBerTlv`, which knows every rule. */
export function formatBerTlv(elements: readonly TlvElement[], depth = 1): string {
  if (depth > DEPTH_MAX + 1) return '';
  return elements
    .map(({ tag, length, value, members }) => {
      if (tag === FILLER) return FILLER;
      const content = members === undefined ? (value ?? '') : formatBerTlv(members, depth + 1);
      return tag + (length ?? shortestLength(content.length >> 1)) + content;
    })
    .join('');
}
