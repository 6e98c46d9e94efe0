/**
 * What stands inside a field (`specs/spec.ts`, Composite). A message keeps each field as one text, exactly as it
 * came; these functions check that text and take it apart or put it together, so nothing is lost on the way.
 */
import { formatBerTlv, parseBerTlv, type Refuse, type TlvElement } from './ber-tlv.ts';
import { CLASSES, CLASS_AN, CLASS_ANS, CLASS_N, HEX_VALUE } from './encoding.ts';
import type { Composite, FieldDefinition, PositionalPart } from './specs/spec.ts';

/** The parts of a positional composite by id, or the elements of a TLV in their order. */
export type CompositeValue = Readonly<Record<string, string>> | readonly TlvElement[];

type Positional = Extract<Composite, { form: 'positional' }>;
type Tlv = Extract<Composite, { form: 'tlv' }>;

const PART_CLASS: Readonly<Record<PositionalPart['kind'], number>> = {
  n: CLASS_N,
  an: CLASS_AN,
  ans: CLASS_ANS,
  b: 0,
};

/** Checks that every character, or for a field of bytes every byte's character, is of the part's kind. */
function checkPart(
  text: string,
  part: PositionalPart,
  isBytes: boolean,
  fail: (at: number) => never,
): void {
  if (isBytes && part.kind === 'b') return;
  if (isBytes && part.kind !== 'n') {
    for (let index = 0; index < text.length; index += 2) {
      const code =
        ((HEX_VALUE[text.charCodeAt(index)] ?? 0) << 4) |
        (HEX_VALUE[text.charCodeAt(index + 1)] ?? 0);
      if (((CLASSES[code] ?? 0) & PART_CLASS[part.kind]) === 0) fail(index);
    }
    return;
  }
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isRight =
      part.kind === 'b'
        ? (HEX_VALUE[code] ?? 255) < 16
        : ((CLASSES[code] ?? 0) & PART_CLASS[part.kind]) !== 0;
    if (!isRight) fail(index);
  }
}

function eachPart(
  value: string,
  composite: Positional,
  isBytes: boolean,
  refuse: Refuse,
): Record<string, string> {
  const parts: Record<string, string> = {};
  let place = 0;
  for (const part of composite.parts) {
    const width = isBytes ? 2 * part.size : part.size;
    const end = part.takesRest === true ? Math.min(value.length, place + width) : place + width;
    if (end > value.length) refuse('The field ends inside a part.', part.id, place);
    const text = value.slice(place, end);
    const from = place;
    checkPart(text, part, isBytes, (at) =>
      refuse('A character is not one that the part may hold.', part.id, from + at),
    );
    parts[part.id] = isBytes && part.kind !== 'b' && part.kind !== 'n' ? asText(text) : text;
    place = end;
  }
  if (place !== value.length)
    refuse('Characters are left over after the last part.', 'trailer', place);
  return parts;
}

function asText(hex: string): string {
  return Buffer.from(hex, 'hex').toString('latin1');
}

function parseTlv(value: string, composite: Tlv, isBytes: boolean, refuse: Refuse): TlvElement[] {
  const unit = isBytes ? 2 : 1;
  const elements: TlvElement[] = [];
  let place = 0;
  while (place < value.length) {
    const lengthAt = place + unit * composite.tagSize;
    const valueAt = lengthAt + unit * composite.lengthSize;
    const tag = value.slice(place, lengthAt);
    if (valueAt > value.length) refuse('The field ends inside a tag or length.', tag, place);
    const written = value.slice(lengthAt, valueAt);
    if (!isBytes && !/^\d+$/.test(written)) refuse('A length is not decimal.', tag, lengthAt);
    const end = valueAt + unit * Number.parseInt(written, isBytes ? 16 : 10);
    if (end > value.length) refuse('A length goes past the end.', tag, lengthAt);
    elements.push({ tag, value: value.slice(valueAt, end) });
    place = end;
  }
  return elements;
}

function formatTlv(elements: readonly TlvElement[], composite: Tlv, isBytes: boolean): string {
  return elements
    .map(({ tag, value = '' }) => {
      const length = isBytes
        ? (value.length >> 1).toString(16).toUpperCase()
        : String(value.length);
      return tag + length.padStart(composite.lengthSize * (isBytes ? 2 : 1), '0') + value;
    })
    .join('');
}

/**
 * Takes a field's value apart by its row's composite. Calls `refuse` with what is wrong, the part or tag, and the
 * character of the value: a part cut off, a character of another kind, a length past the end, something left over.
 */
export function decompose(
  value: string,
  row: Pick<FieldDefinition, 'kind'> & { readonly composite: Composite },
  refuse: Refuse,
): CompositeValue {
  const isBytes = row.kind === 'b';
  switch (row.composite.form) {
    case 'positional':
      return eachPart(value, row.composite, isBytes, refuse);
    case 'tlv':
      return parseTlv(value, row.composite, isBytes, refuse);
    case 'ber-tlv':
      return parseBerTlv(value, refuse);
  }
}

/**
 * Puts a field's value together. It only joins: whether the result keeps the rules is checked when the message is
 * packed, with the same code that reads. A positional part that is missing is the empty text; one of text in a
 * field of bytes is written in ASCII.
 */
export function compose(
  content: CompositeValue,
  row: Pick<FieldDefinition, 'kind'> & { readonly composite: Composite },
): string {
  const isBytes = row.kind === 'b';
  const { composite } = row;
  if (composite.form === 'positional') {
    const parts = content as Readonly<Record<string, string>>; // the caller's schema has told the forms apart
    return composite.parts
      .map(({ id, kind }) => {
        const text = parts[id] ?? '';
        return isBytes && kind !== 'b' && kind !== 'n'
          ? Buffer.from(text, 'latin1').toString('hex').toUpperCase()
          : text;
      })
      .join('');
  }
  const elements = content as readonly TlvElement[]; // likewise
  return composite.form === 'tlv'
    ? formatTlv(elements, composite, isBytes)
    : formatBerTlv(elements);
}
