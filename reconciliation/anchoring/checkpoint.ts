/**
 * Checkpoints: the head of the log as a signed note (C2SP signed-note and tlog-checkpoint, key type 0x01,
 * Ed25519), so that witnesses and tools that know nothing of this product can follow the log.
 */
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';
import type { Head } from './anchor-chain.ts';

const ED25519 = 0x01;
const HASH_BYTES = 32;
/** A note of ours has one signature; with cosignatures of witnesses it stays far below this. */
const NOTE_CHARACTERS_MAX = 10_000;
const SIGNATURES_MAX = 100;

/** The 32 raw bytes of an Ed25519 public key (of a private key: of its public half). */
export function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: 'jwk' });
  if (key.asymmetricKeyType !== 'ed25519' || x === undefined) {
    throw new Fault('config-invalid', 'The key of the log must be an Ed25519 key.');
  }
  return Buffer.from(x, 'base64url');
}

/** The public half of an Ed25519 private key. */
export function publicHalf(privateKey: KeyObject): KeyObject {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw new Fault('config-invalid', 'The key of the log must be an Ed25519 key.');
  }
  return createPublicKey(privateKey);
}

/** The four bytes by which a note names a key: SHA-256(name ‖ "\n" ‖ key type ‖ public key), cut. */
function keyHash(name: string, publicKey: Buffer, type: number = ED25519): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.of(type))
    .update(publicKey)
    .digest()
    .subarray(0, 4);
}

/** The verifier key of the log in the text form that other tools take: `name+hash+base64`. */
export function verifierKey(origin: string, key: KeyObject): string {
  const publicKey = rawPublicKey(key);
  const encoded = Buffer.concat([Buffer.of(ED25519), publicKey]).toString('base64');
  return `${origin}+${keyHash(origin, publicKey).toString('hex')}+${encoded}`;
}

/**
 * The name and the public key in a verifier key of the text form `name+hash+base64`; undefined when it is none of an
 * Ed25519 key. Witnesses' keys (type 0x04, cosignature/v1) are read with that type.
 */
export function publicKeyOf(
  text: string,
  type: number = ED25519,
): { readonly name: string; readonly key: KeyObject; readonly hash: Buffer } | undefined {
  const match = /^([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text);
  if (match === null) return undefined;
  const [, name = '', stated = '', encoded = ''] = match;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') !== encoded || bytes.length !== 33 || bytes[0] !== type)
    return undefined;
  const raw = bytes.subarray(1);
  const hash = keyHash(name, raw, type);
  if (hash.toString('hex') !== stated) return undefined;
  const x = raw.toString('base64url');
  return {
    name,
    hash,
    key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  };
}

/** The text of a checkpoint, without its signature. */
function checkpointText(origin: string, head: Head): string {
  return `${origin}\n${head.size.toString()}\n${Buffer.from(head.root).toString('base64')}\n`;
}

/** Signs a head. The origin names the log for ever; it holds no space and no plus sign. */
export function signCheckpoint(origin: string, head: Head, privateKey: KeyObject): string {
  if (!/^[^\s+]{1,200}$/u.test(origin)) {
    throw new Fault('config-invalid', 'The origin of the log holds no space and no plus sign.');
  }
  const text = checkpointText(origin, head);
  const signature = sign(null, Buffer.from(text, 'utf8'), privateKey);
  const named = Buffer.concat([keyHash(origin, rawPublicKey(privateKey)), signature]);
  return `${text}\n— ${origin} ${named.toString('base64')}\n`;
}

/**
 * The text of a signed note when it carries a good signature of this key under this name; undefined for
 * anything else. Lines of other keys are passed over, as the format asks; a bad line of this key is not.
 */
export function openNote(note: string, name: string, publicKey: KeyObject): string | undefined {
  if (note.length > NOTE_CHARACTERS_MAX || !note.endsWith('\n')) return undefined;
  const split = note.lastIndexOf('\n\n');
  if (split < 0) return undefined;
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) return undefined;
  const wanted = keyHash(name, rawPublicKey(publicKey));
  let good = false;
  for (const line of lines) {
    const match = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    if (match === null) return undefined;
    const [, signer, encoded = ''] = match;
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.toString('base64') !== encoded || bytes.length < 5) return undefined;
    if (signer !== name || !bytes.subarray(0, 4).equals(wanted)) continue;
    if (!verify(null, Buffer.from(text, 'utf8'), publicKey, bytes.subarray(4))) return undefined;
    good = true;
  }
  return good ? text : undefined;
}

/** The head that a checkpoint's text states, whoever signed it; undefined when it is not well formed. */
export function readCheckpoint(note: string): (Head & { readonly origin: string }) | undefined {
  if (note.length > NOTE_CHARACTERS_MAX) return undefined;
  const split = note.lastIndexOf('\n\n');
  const text = split < 0 ? note : note.slice(0, split + 1);
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n');
  // Extension lines are allowed by the format and not used by this log.
  if (!/^(0|[1-9]\d{0,18})$/.test(size) || rest.length !== 1 || rest[0] !== '') return undefined;
  const root = Buffer.from(encoded, 'base64');
  if (root.length !== HASH_BYTES || root.toString('base64') !== encoded) return undefined;
  return { origin, size: BigInt(size), root };
}

/** The head in a checkpoint that is well formed, of this origin and signed by this key; otherwise undefined. */
export function openCheckpoint(
  note: string,
  origin: string,
  publicKey: KeyObject,
): Head | undefined {
  const text = openNote(note, origin, publicKey);
  if (text === undefined) return undefined;
  const head = readCheckpoint(text);
  return head?.origin === origin ? head : undefined;
}
