/**
 * SHA256withRSA over the compact JSON of the signed object (docs/domain/channels.md, Easypaisa). What is signed is
 * the text as it was sent, without the spaces between its tokens: nothing is parsed and written again, so two JSON
 * libraries cannot disagree on it.
 */
import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { Fault } from '../../../kernel/fault.ts';

const RSA_BITS_MIN = 2_048;
const STRING_OR_SPACE = /("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g;

/** The JSON text without the spaces between its tokens. */
export function compactJson(text: string): string {
  return text.replace(STRING_OR_SPACE, '$1');
}

function isRsa(key: KeyObject): boolean {
  return (
    key.asymmetricKeyType === 'rsa' &&
    (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN
  );
}

/** Refuses (`config-invalid`) a key that is not RSA of at least 2,048 bits. */
export function checkSigningKey(key: KeyObject): void {
  if (key.type !== 'private' || !isRsa(key)) {
    throw new Fault('config-invalid', 'The signing key is not RSA of at least 2,048 bits.');
  }
}

/** Reads a public key: base64 of its SubjectPublicKeyInfo (DER). Refuses (`config-invalid`) anything else. */
export function readPublicKey(base64: string): KeyObject {
  try {
    const key = createPublicKey({
      key: Buffer.from(base64, 'base64'),
      format: 'der',
      type: 'spki',
    });
    if (isRsa(key)) return key;
  } catch (cause) {
    throw new Fault('config-invalid', 'A public key cannot be read.', { cause });
  }
  throw new Fault('config-invalid', 'A public key is not RSA of at least 2,048 bits.');
}

/** Signs a compact JSON text; base64. */
export function signJson(compact: string, key: KeyObject): string {
  return sign('sha256', Buffer.from(compact), key).toString('base64');
}

/** True when `signature` (base64) is that of this compact JSON text under the key. */
export function isSignedJson(compact: string, signature: string, key: KeyObject): boolean {
  return verify('sha256', Buffer.from(compact), key, Buffer.from(signature, 'base64'));
}

/** The envelope `{"<name>": …, "signature": …}` around the fields, as it is sent. */
export function signedEnvelope(
  name: 'request' | 'response',
  fields: Readonly<Record<string, string>>,
  key: KeyObject,
): string {
  const compact = JSON.stringify(fields);
  return `{"${name}":${compact},"signature":"${signJson(compact, key)}"}`;
}
