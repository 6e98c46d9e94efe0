/**
 * A seal key that never leaves its token: an HSM, a smart card or SoftHSM, over PKCS#11. The token computes ECDSA over
 * the SHA-256 that is made here. The library is loaded only where a token is used.
 */
import { createHash } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';
import type { SealKey } from './sign-seal.ts';

export interface TokenKeyOptions {
  /** Path of the token's PKCS#11 module. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Label of the key pair on it: private and public key carry the same. */
  readonly key: string;
  readonly pin: string;
}

export interface TokenKey extends SealKey {
  /** Ends the session; the key signs no more. */
  close(): void;
}

/** P-256 point as the token gives it: a DER octet string around `04 ‖ x ‖ y`. */
const POINT_BYTES = 65;
const COORDINATE_BYTES = 32;

function refused(reason: string, cause?: unknown): Fault {
  // The reason is one of the constants below; the PIN is in no field.
  return new Fault('config-invalid', 'The token of the seal key cannot be used.', {
    fields: { reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

function publicKeyOf(point: Buffer): SealKey['publicKey'] {
  const bare = point.subarray(point.length - POINT_BYTES);
  if (point.length < POINT_BYTES || bare[0] !== 0x04) throw refused('the key is not on P-256');
  return {
    kty: 'EC',
    crv: 'P-256',
    x: bare.subarray(1, 1 + COORDINATE_BYTES).toString('base64url'),
    y: bare.subarray(1 + COORDINATE_BYTES).toString('base64url'),
  };
}

/**
 * Opens a key on a token; a Fault `config-invalid` says what is missing: the module, the token, the PIN or the key. A
 * module can be opened once in a process.
 */
export async function openTokenKey(options: TokenKeyOptions): Promise<TokenKey> {
  const { default: pkcs11 } = await import('pkcs11js');
  const library = new pkcs11.PKCS11();
  try {
    library.load(options.module);
    library.C_Initialize();
  } catch (cause) {
    throw refused('the module cannot be loaded', cause);
  }
  const end = (): void => {
    library.C_Finalize();
    library.close();
  };
  try {
    const slot = library
      .C_GetSlotList(true)
      .find((each) => library.C_GetTokenInfo(each).label.trim() === options.token);
    if (slot === undefined) throw refused('there is no token with this label');
    const session = library.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION);
    try {
      library.C_Login(session, pkcs11.CKU_USER, options.pin);
    } catch (cause) {
      throw refused('the PIN was refused', cause);
    }
    const find = (kind: number): Buffer => {
      library.C_FindObjectsInit(session, [
        { type: pkcs11.CKA_CLASS, value: kind },
        { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_EC },
        { type: pkcs11.CKA_LABEL, value: options.key },
      ]);
      const [first] = library.C_FindObjects(session, 1);
      library.C_FindObjectsFinal(session);
      if (first === undefined) throw refused('there is no key pair with this label');
      return first;
    };
    const privateKey = find(pkcs11.CKO_PRIVATE_KEY);
    const [point] = library.C_GetAttributeValue(session, find(pkcs11.CKO_PUBLIC_KEY), [
      { type: pkcs11.CKA_EC_POINT },
    ]);
    const publicKey = publicKeyOf(Buffer.isBuffer(point?.value) ? point.value : Buffer.alloc(0));
    return {
      publicKey,
      sign(bytes) {
        try {
          library.C_SignInit(session, { mechanism: pkcs11.CKM_ECDSA }, privateKey);
          const hash = createHash('sha256').update(bytes).digest();
          return library.C_Sign(session, hash, Buffer.alloc(2 * COORDINATE_BYTES));
        } catch (cause) {
          throw new Fault('seal-invalid', 'The token did not sign the seal.', { cause });
        }
      },
      close: end,
    };
  } catch (error) {
    end();
    throw error;
  }
}
