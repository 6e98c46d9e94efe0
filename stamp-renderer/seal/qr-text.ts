/**
 * The text in the QR code: `<address>/v#1<base32 of the seal>`. A phone's camera opens the address; what stands
 * behind `#` never reaches a server. A verifier reads only that part and ignores the address, so that a
 * look-alike address gains nothing.
 */
import { fromBase32, toBase32 } from './base32.ts';
import { SEAL_BYTES_MAX } from './envelope.ts';

const PATTERN = /^([^#\s]{0,300})#(1[A-Z2-7]+)$/;
const BASE32_CHARACTERS_MAX = Math.ceil((SEAL_BYTES_MAX * 8) / 5);

/** The QR text of a seal. `publicUrl` is the address of the verification page's host, without a slash behind. */
export function qrTextOf(seal: Uint8Array, publicUrl: string): string {
  return `${publicUrl}/v#1${toBase32(seal)}`;
}

/** The text cut where its QR segments meet: byte mode up to and with `#`, alphanumeric mode behind. */
export function splitQrText(text: string): { address: string; code: string } | undefined {
  const match = PATTERN.exec(text);
  return match === null ? undefined : { address: `${match[1] ?? ''}#`, code: match[2] ?? '' };
}

/** The seal in a QR text or in a page's fragment (`#1…`); undefined when there is none. */
export function sealOfQrText(text: string): Uint8Array | undefined {
  const code = splitQrText(text)?.code.slice(1);
  return code === undefined || code.length > BASE32_CHARACTERS_MAX ? undefined : fromBase32(code);
}
