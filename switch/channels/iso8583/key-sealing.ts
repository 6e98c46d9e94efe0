/**
 * Participants' secrets at rest: AES-256-GCM under a key that is not in the database. The sealed form is
 * `v1.<key id>.<nonce>.<ciphertext and tag>`, the last two in base64url; the context (participant and purpose) is
 * authenticated with it, so that a sealed key copied to another participant does not open. Sealing takes the first
 * key, opening any, so the sealing key itself can be changed in steps.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Fault } from '../../../kernel/fault.ts';
import type { Random } from '../../../kernel/ids.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A key of 32 bytes under which secrets are sealed. */
export interface SealingKey {
  /** Letters, digits and `-`, at most 40. */
  readonly id: string;
  readonly key: Buffer;
}

export interface SecretBox {
  /** Seals a secret for one context, such as `BOP/iso8583-mac`. */
  seal(secret: Buffer, context: string): string;
  /** Opens it. Refuses (`unauthorised`) another context, an unknown key and anything changed, without saying which. */
  open(sealed: string, context: string): Buffer;
}

function refuse(): never {
  throw new Fault('unauthorised', 'A sealed secret cannot be opened.');
}

/** Makes a box over its keys, the newest first. Refuses (`config-invalid`) no key and keys of another length or name. */
export function makeSecretBox(keys: readonly SealingKey[], random: Random): SecretBox {
  const [newest] = keys;
  const areRight = keys.every(
    ({ id, key }) => key.length === KEY_BYTES && /^[A-Za-z0-9-]{1,40}$/.test(id),
  );
  if (newest === undefined || !areRight)
    throw new Fault('config-invalid', 'A sealing key is missing or malformed.');
  return {
    seal(secret, context) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', newest.key, nonce);
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
      return `v1.${newest.id}.${Buffer.from(nonce).toString('base64url')}.${body.toString('base64url')}`;
    },
    open(sealed, context) {
      const [version, id, nonceText = '', bodyText = '', ...more] = sealed.split('.');
      const found = keys.find((each) => each.id === id);
      const nonce = Buffer.from(nonceText, 'base64url');
      const body = Buffer.from(bodyText, 'base64url');
      const isShaped = version === 'v1' && more.length === 0 && nonce.length === NONCE_BYTES;
      if (found === undefined || !isShaped || body.length < TAG_BYTES) refuse();
      const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
      try {
        const opened = decipher.update(body.subarray(0, body.length - TAG_BYTES));
        return Buffer.concat([opened, decipher.final()]);
      } catch (cause) {
        throw new Fault('unauthorised', 'A sealed secret cannot be opened.', { cause });
      }
    },
  };
}
