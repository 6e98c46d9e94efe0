/** Field types shared by the API's schemas. Each puts text into one canonical form or refuses it. */
import { z } from 'zod';
import { isPsid, isStampId } from '../../kernel/ids.ts';
import { STAMP_STATES } from '../../kernel/stamp.ts';
import { hasLoneSurrogate } from './json-body.ts';

/**
 * Characters that make text look like other text: controls, bidirectional controls (U+061C, U+200E-F,
 * U+202A-E, U+2066-9), zero-width characters, variation selectors and tags (TRUST, part D, web).
 */
const DECEPTIVE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/u;

/** One line of text in any script: NFC, trimmed, 1 to `max` characters, nothing invisible in it. */
export function lineOfText(max: number): z.ZodString {
  return z
    .string()
    .trim()
    .normalize('NFC')
    .min(1)
    .max(max)
    .refine((text) => !hasLoneSurrogate(text), 'is not valid Unicode')
    .refine((text) => !DECEPTIVE.test(text), 'has control or invisible characters');
}

/** An amount in paisa: digits only, below Rs 10 trillion. */
export const paisaText = z
  .string()
  .regex(/^(0|[1-9]\d{0,14})$/, 'must be a whole number of paisa, digits only');

/** `35202-1234567-1` or 13 digits; kept as 5-7-1. */
export const cnic = z
  .string()
  .regex(/^(\d{5}-\d{7}-\d|\d{13})$/, 'must be 13 digits, plain or as 5-7-1')
  .overwrite((text) => text.replace(/^(\d{5})-?(\d{7})-?(\d)$/, '$1-$2-$3'));

/** A Pakistani mobile number, `03XXXXXXXXX` or `+923XXXXXXXXX`; kept as `03XXXXXXXXX`. */
export const mobile = z
  .string()
  .regex(/^(\+923|03)\d{9}$/, 'must be a mobile number such as 03001234567 or +923001234567')
  .overwrite((text) => text.replace(/^\+92/, '0'));

/** A code of our own tables. */
export const code = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9()./ _-]{0,63}$/, 'must be a code of the reference tables');

/** A decimal number as text; whether it makes sense is for the duty room to say. */
export const decimalText = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be digits with at most six decimals, as text: "5.5"');

export const psid = z
  .string()
  .refine(isPsid, 'must be 17 digits with a right check digit; it was probably mistyped')
  .meta({ pattern: '^[0-9]{17}$', examples: ['10100482911930272'] });

/** As printed in groups of four, or 16 digits; kept as digits. */
export const stampId = z
  .string()
  .regex(/^\d{4}(-?\d{4}){3}$/, 'must be 16 digits, plain or in groups of four')
  .overwrite((text) => text.replaceAll('-', ''))
  .refine(isStampId, 'has a wrong check digit; it was probably mistyped')
  .meta({ examples: ['4829119302746153'] });

export const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
export const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/);

/** The states of an e-stamp. */
export const stampState = z.enum(STAMP_STATES);
