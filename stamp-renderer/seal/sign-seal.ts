/** Signs seals with a P-256 key of Node's crypto. The only part of the seal that needs a private key, and Node. */
import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';
import type { StampDocument } from '../documents.ts';
import { bytesToSign, encodeEnvelope, KID_BYTES, SEAL_BYTES_MAX } from './envelope.ts';
import { sealFactsOf } from './facts-of-document.ts';
import type { SealFacts } from './facts.ts';
import { decodePayload, encodePayload } from './payload.ts';
import { qrTextOf } from './qr-text.ts';
import type { SealPublicKey } from './trust-list.ts';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** What signs seals under one key id. */
export interface SealSigner {
  /** Eight hex digits, as in the trust list. */
  readonly kid: string;
  readonly publicKey: SealPublicKey;
  sign(facts: SealFacts): Uint8Array;
}

/** A P-256 key pair, wherever its private half is. */
export interface SealKey {
  readonly publicKey: SealPublicKey;
  /** ECDSA with SHA-256 over the bytes: r ‖ s, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Makes a signer of a P-256 private key; refuses another kind of key with `config-invalid`. */
export function makeSealSigner(privateKey: KeyObject): SealSigner {
  return makeSealSignerOf({
    publicKey: sealPublicKey(privateKey),
    sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  });
}

/** Makes a signer of a key that may be on a token. */
export function makeSealSignerOf(key: SealKey): SealSigner {
  const { publicKey } = key;
  const kid = sealKeyId(publicKey);
  return {
    kid,
    publicKey,
    sign(facts) {
      const kidBytes = Buffer.from(kid, 'hex');
      const payload = encodePayload(facts);
      if (decodePayload(payload) === undefined) {
        throw new Fault('seal-invalid', 'The stamp has a fact that cannot be sealed.');
      }
      const signature = withLowS(Buffer.from(key.sign(bytesToSign(kidBytes, payload))));
      const seal = encodeEnvelope({ kid: kidBytes, payload, signature });
      if (seal.length > SEAL_BYTES_MAX) {
        throw new Fault('seal-invalid', 'The facts of the stamp are too long for a seal.');
      }
      return seal;
    },
  };
}

/** Seals a stamp and returns the text of its QR code. `publicUrl` has no slash at its end. */
export function sealStamp(
  document: StampDocument,
  by: { readonly signer: SealSigner; readonly publicUrl: string; readonly sealedAt: Date },
): { readonly qrText: string } {
  const seal = by.signer.sign(sealFactsOf(document, by.sealedAt));
  return { qrText: qrTextOf(seal, by.publicUrl) };
}

/** The key id: the first four bytes of the key's RFC 7638 thumbprint, in hex. */
export function sealKeyId(key: SealPublicKey): string {
  const { crv, kty, x, y } = key;
  return createHash('sha256')
    .update(JSON.stringify({ crv, kty, x, y }))
    .digest('hex')
    .slice(0, KID_BYTES * 2);
}

function sealPublicKey(privateKey: KeyObject): SealPublicKey {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ec') {
    throw new Fault('config-invalid', 'The key of the seal must be a P-256 private key.');
  }
  const { crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (crv !== 'P-256' || x === undefined || y === undefined) {
    throw new Fault('config-invalid', 'The key of the seal must be a P-256 private key.');
  }
  return { kty: 'EC', crv: 'P-256', x, y };
}

/** Of the two signatures (r, s) and (r, n - s) the one with the smaller s, so that a seal has one spelling. */
function withLowS(signature: Buffer): Buffer {
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  if (s * 2n <= ORDER) return signature;
  const low = (ORDER - s).toString(16).padStart(64, '0');
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(low, 'hex')]);
}
