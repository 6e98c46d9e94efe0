/**
 * The proof that a stamp stands in the public log, checked with WebCrypto alone: RFC 6962 inclusion, a C2SP
 * checkpoint, and the entry's commitment against the seal's own facts (docs/spec/log.md and leaf.md).
 */
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  sha256,
  toHex,
  uint64,
  utf8,
  type Bytes,
} from './bytes.ts';
import { recordRootOf } from './commitment.ts';
import type { SealFacts } from './facts.ts';
import type { TrustedLog, TrustList } from './trust-list.ts';

/** The proof file of a stamp: decimal strings, lower-case hex, and the checkpoint as a signed note. */
export interface InclusionBundle {
  readonly leafIndex: string;
  readonly treeSize: string;
  readonly entry: string;
  readonly path: readonly string[];
  readonly checkpoint: string;
}

export type InclusionVerdict =
  | {
      readonly ok: true;
      readonly leafIndex: bigint;
      readonly treeSize: bigint;
      readonly origin: string;
      /** False where the browser has no Ed25519: all was checked but who signed the head. */
      readonly checkpointSigned: boolean;
    }
  | {
      readonly ok: false;
      readonly reason: 'proof-malformed' | 'checkpoint-wrong' | 'another-stamp' | 'path-wrong';
    };

const ENTRY_BYTES = 58;
const HASH_BYTES = 32;
const PATH_MAX = 63;
const NOTE_CHARACTERS_MAX = 10_000;
const SIGNATURES_MAX = 100;
const ED25519_KEY_TYPE = 0x01;
const ISSUE = Uint8Array.of(0x01, 0x02);

/** Checks that the sealed stamp's ISSUE entry is in a log of the trust list. Never throws for what the bundle holds. */
export async function verifyInclusion(
  bundle: unknown,
  facts: SealFacts,
  trustList: TrustList,
): Promise<InclusionVerdict> {
  const proof = readBundle(bundle);
  if (proof === undefined) return { ok: false, reason: 'proof-malformed' };
  const head = readCheckpoint(proof.checkpoint);
  const log = trustList.logs.find((each) => each.origin === head?.origin);
  if (head === undefined || log === undefined || head.size !== proof.treeSize) {
    return { ok: false, reason: 'checkpoint-wrong' };
  }
  const signed = await isSignedByLog(head, log);
  if (signed === false) return { ok: false, reason: 'checkpoint-wrong' };
  const expected = concatBytes(
    ISSUE,
    uint64(facts.issuedAtMs),
    uint64(facts.amountPaisa),
    uint64(facts.logSizeAtIssue),
    recordRootOf(facts),
  );
  if (!equalBytes(expected, proof.entry)) return { ok: false, reason: 'another-stamp' };
  const root = rootOf(proof);
  if (root === undefined || !equalBytes(root, head.root))
    return { ok: false, reason: 'path-wrong' };
  return {
    ok: true,
    leafIndex: proof.leafIndex,
    treeSize: proof.treeSize,
    origin: head.origin,
    checkpointSigned: signed === true,
  };
}

interface Proof {
  readonly leafIndex: bigint;
  readonly treeSize: bigint;
  readonly entry: Bytes;
  readonly path: readonly Bytes[];
  readonly checkpoint: string;
}

function readBundle(value: unknown): Proof | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Every member is still unknown and checked one by one below.
  const bundle = value as Record<string, unknown>;
  const leafIndex = readSize(bundle['leafIndex']);
  const treeSize = readSize(bundle['treeSize']);
  const entry = fromHex(bundle['entry'], ENTRY_BYTES);
  const { path, checkpoint } = bundle;
  if (
    leafIndex === undefined ||
    treeSize === undefined ||
    entry === undefined ||
    !Array.isArray(path) ||
    path.length > PATH_MAX ||
    typeof checkpoint !== 'string'
  ) {
    return undefined;
  }
  const hashes = path.map((hash) => fromHex(hash, HASH_BYTES)).filter((hash) => hash !== undefined);
  return hashes.length === path.length
    ? { leafIndex, treeSize, entry, path: hashes, checkpoint }
    : undefined;
}

function readSize(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^(0|[1-9]\d{0,18})$/.test(value) ? BigInt(value) : undefined;
}

/** RFC 9162, 2.1.3.2; undefined when the path's length does not fit the index and the size. */
function rootOf(proof: Proof): Bytes | undefined {
  if (proof.leafIndex >= proof.treeSize) return undefined;
  let index = proof.leafIndex;
  let last = proof.treeSize - 1n;
  let hash = sha256(Uint8Array.of(0), proof.entry);
  for (const sibling of proof.path) {
    if (last === 0n) return undefined;
    if ((index & 1n) === 1n || index === last) {
      hash = sha256(Uint8Array.of(1), sibling, hash);
      while ((index & 1n) === 0n && index !== 0n) {
        index >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = sha256(Uint8Array.of(1), hash, sibling);
    }
    index >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? hash : undefined;
}

interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
  /** What is signed: everything up to and with the newline before the empty line. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly bytes: Bytes }[];
}

function readCheckpoint(note: string): Checkpoint | undefined {
  if (note.length > NOTE_CHARACTERS_MAX || !note.endsWith('\n')) return undefined;
  const split = note.lastIndexOf('\n\n');
  if (split < 0) return undefined;
  const text = note.slice(0, split + 1);
  const [origin = '', sizeText, rootText = '', ...rest] = text.split('\n');
  const size = readSize(sizeText);
  const root = fromBase64(rootText);
  if (size === undefined || root?.length !== HASH_BYTES || rest.join('\n') !== '') return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) return undefined;
  const signatures: { name: string; bytes: Bytes }[] = [];
  for (const line of lines) {
    const match = /^— ([^\s+]+) (\S+)$/u.exec(line);
    const bytes = fromBase64(match?.[2] ?? '');
    if (match === null || bytes === undefined || bytes.length < 5) return undefined;
    signatures.push({ name: match[1] ?? '', bytes });
  }
  return { origin, size, root, text, signatures };
}

/** True or false; undefined when this machine cannot check Ed25519 although a signature of the key is there. */
async function isSignedByLog(head: Checkpoint, log: TrustedLog): Promise<boolean | undefined> {
  const publicKey = fromBase64(log.publicKey);
  if (publicKey?.length !== HASH_BYTES) return false;
  const keyType = Uint8Array.of(ED25519_KEY_TYPE);
  const named = toHex(sha256(utf8(`${log.origin}\n`), keyType, publicKey).slice(0, 4));
  const own = head.signatures.filter(
    ({ name, bytes }) => name === log.origin && toHex(bytes.slice(0, 4)) === named,
  );
  if (own.length === 0) return false;
  const { subtle } = globalThis.crypto;
  const key = await subtle
    .importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify'])
    .catch(() => undefined);
  if (key === undefined) return undefined;
  for (const { bytes } of own) {
    if (!(await subtle.verify({ name: 'Ed25519' }, key, bytes.slice(4), utf8(head.text)))) {
      return false;
    }
  }
  return true;
}
