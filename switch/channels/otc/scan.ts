/**
 * What a teller's scanner or keyboard gives for a challan 32-A: the PSID as the QR code has it (17 digits), or as it is
 * printed (`10100-4829-1193-0272`), with the identifier that some scanners put in front of a code (ISO/IEC 15424: `]`,
 * a letter, a digit) and the line end that most put behind it.
 */
import { isPsid, type Psid } from '../../../kernel/ids.ts';

const SCANNED_MAX = 40;
const SYMBOLOGY = /^\][A-Za-z]\d/;
const PRINTED = /^\d{5}([ -]?)\d{4}\1\d{4}\1\d{4}$/;

/** The PSID of a scanned or typed code, or undefined when it is none or was misread. */
export function psidOfScan(text: string): Psid | undefined {
  if (text.length > SCANNED_MAX) return undefined;
  const code = text.trim().replace(SYMBOLOGY, '');
  if (!PRINTED.test(code)) return undefined;
  const digits = code.replace(/[ -]/g, '');
  return isPsid(digits) ? digits : undefined;
}
