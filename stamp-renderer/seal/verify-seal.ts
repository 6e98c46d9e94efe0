/** Checks a seal against the trust list: the same code in Node, on the command line and in a browser. */
import { toHex, type Bytes } from './bytes.ts';
import { bytesToSign, decodeEnvelope, type Envelope } from './envelope.ts';
import type { SealFacts } from './facts.ts';
import { decodePayload } from './payload.ts';
import { sealOfQrText } from './qr-text.ts';
import type { TrustedKey, TrustList } from './trust-list.ts';

export type SealRefusal =
  'seal-malformed' | 'key-unknown' | 'seal-signature-wrong' | 'key-not-valid-then';

export type SealVerdict =
  | {
      readonly ok: true;
      readonly facts: SealFacts;
      readonly key: TrustedKey;
      /**
       * The key was revoked. The seal proves nothing by itself then; the public log still can, since whoever
       * stole the key cannot put his stamp in it.
       */
      readonly revoked: boolean;
    }
  | { readonly ok: false; readonly reason: SealRefusal };

/** Half of the order of P-256: a larger s has a smaller twin, and only the smaller one is a seal. */
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;

/** Verifies the seal in a QR text (or in the fragment of a page's address). Never throws for what the text holds. */
export async function verifySeal(qrText: string, trustList: TrustList): Promise<SealVerdict> {
  const seal = sealOfQrText(qrText.trim());
  const envelope = seal === undefined ? undefined : decodeEnvelope(seal);
  const facts = envelope === undefined ? undefined : decodePayload(envelope.payload);
  if (envelope === undefined || facts === undefined) return { ok: false, reason: 'seal-malformed' };
  const kid = toHex(envelope.kid);
  const keys = trustList.keys.filter((each) => each.kid === kid);
  if (keys.length === 0) return { ok: false, reason: 'key-unknown' };
  for (const key of keys) {
    if (!(await isSignedBy(envelope, key))) continue;
    const sealedAt = Number(facts.sealedAtMs);
    if (
      facts.sealedAtMs < facts.issuedAtMs ||
      sealedAt < Date.parse(key.notBefore) ||
      sealedAt > Date.parse(key.notAfter)
    ) {
      return { ok: false, reason: 'key-not-valid-then' };
    }
    return { ok: true, facts, key, revoked: key.revokedAt !== undefined };
  }
  return { ok: false, reason: 'seal-signature-wrong' };
}

/** True when the bytes were signed with the key. */
type CheckSignature = (signature: Bytes, signed: Bytes) => boolean | Promise<boolean>;
/** Throws or rejects for a key that is not a point of the curve. */
type OpenKey = (key: TrustedKey) => CheckSignature | Promise<CheckSignature>;

const openWithWebCrypto: OpenKey = async (key) => {
  const { subtle } = globalThis.crypto;
  const publicKey = await subtle.importKey(
    'jwk',
    { ...key.publicKey },
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['verify'],
  );
  return (signature, signed) =>
    subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey, signature, signed);
};

/**
 * Node's own module, where there is one: WebCrypto hands each signature to another thread and back, which takes Node as
 * long as the check itself (`sanad bench render`).
 */
const node = (
  globalThis as { readonly process?: Partial<Pick<NodeJS.Process, 'getBuiltinModule'>> }
).process?.getBuiltinModule?.('node:crypto');
const openKey: OpenKey =
  node === undefined
    ? openWithWebCrypto
    : (key) => {
        const publicKey = node.createPublicKey({ key: { ...key.publicKey }, format: 'jwk' });
        return (signature, signed) =>
          node.verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
      };

/** Keys as the browser or Node holds them, for as long as their entry of the trust list is. */
const opened = new WeakMap<TrustedKey, ReturnType<OpenKey>>();

function openedKey(key: TrustedKey): ReturnType<OpenKey> {
  const held = opened.get(key) ?? openKey(key);
  opened.set(key, held);
  return held;
}

async function isSignedBy(envelope: Envelope, key: TrustedKey): Promise<boolean> {
  if (BigInt(`0x${toHex(envelope.signature.slice(32))}`) > HALF_ORDER) return false;
  try {
    const check = await openedKey(key);
    return await check(plain(envelope.signature), bytesToSign(envelope.kid, envelope.payload));
  } catch {
    // A key that is not a point of the curve cannot have signed anything: fail closed.
    return false;
  }
}

function plain(bytes: Uint8Array): Bytes {
  return Uint8Array.from(bytes);
}
