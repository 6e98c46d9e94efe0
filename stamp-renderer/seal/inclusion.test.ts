import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { NOW, qrOf, SEALED_AT, stampDocument, trustList } from '../test-support/samples.ts';
import { verifyQr } from '../verification/verify-qr.ts';
import { recordRootOf } from './commitment.ts';
import { sealFactsOf } from './facts-of-document.ts';
import { verifyInclusion, type InclusionBundle } from './inclusion.ts';

const ORIGIN = 'sanad.example/estamp';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const rawKey = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const trusted = {
  ...trustList,
  logs: [{ origin: ORIGIN, publicKey: rawKey.toString('base64') }],
};

const document = stampDocument();
const facts = sealFactsOf(document, SEALED_AT);
const hash = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** The ISSUE entry of the sealed stamp, written from docs/spec/leaf.md. */
function issueEntry(): Buffer<ArrayBuffer> {
  const entry = Buffer.alloc(58);
  entry.set([1, 2]);
  entry.writeBigUInt64BE(facts.issuedAtMs, 2);
  entry.writeBigUInt64BE(facts.amountPaisa, 10);
  entry.writeBigUInt64BE(facts.logSizeAtIssue, 18);
  entry.set(recordRootOf(facts), 26);
  return entry;
}

/** Root and path by the recursive definitions of RFC 6962, 2.1. */
function root(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return hash(Buffer.of(0), leaves[0]!);
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return hash(Buffer.of(1), root(leaves.slice(0, split)), root(leaves.slice(split)));
}

function pathOf(leaves: readonly Buffer[], index: number): Buffer[] {
  if (leaves.length === 1) return [];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return index < split
    ? [...pathOf(leaves.slice(0, split), index), root(leaves.slice(split))]
    : [...pathOf(leaves.slice(split), index - split), root(leaves.slice(0, split))];
}

function note(text: string): string {
  const named = hash(Buffer.from(`${ORIGIN}\n`), Buffer.of(1), rawKey).subarray(0, 4);
  const signature = sign(null, Buffer.from(text), privateKey);
  return `${text}\n— ${ORIGIN} ${Buffer.concat([named, signature]).toString('base64')}\n`;
}

function bundle(size: number, index: number): InclusionBundle {
  const leaves = Array.from({ length: size }, (_, number) => Buffer.alloc(58, number));
  const entry = issueEntry();
  leaves[index] = entry;
  return {
    leafIndex: String(index),
    treeSize: String(size),
    entry: entry.toString('hex'),
    path: pathOf(leaves, index).map((each) => each.toString('hex')),
    checkpoint: note(`${ORIGIN}\n${String(size)}\n${root(leaves).toString('base64')}\n`),
  };
}

describe('the proof that a stamp is in the log', () => {
  it('is accepted at every place of logs of 1 to 20 leaves', async () => {
    for (let size = 1; size <= 20; size += 1) {
      for (let index = 0; index < size; index += 1) {
        expect(await verifyInclusion(bundle(size, index), facts, trusted)).toEqual({
          ok: true,
          leafIndex: BigInt(index),
          treeSize: BigInt(size),
          origin: ORIGIN,
          checkpointSigned: true,
        });
      }
    }
  });

  it('is refused with any part of it changed', async () => {
    const good = bundle(11, 6);
    const [first = '', ...rest] = good.path;
    const forged = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    const wrong: readonly (readonly [string, unknown])[] = [
      ['proof-malformed', null],
      ['proof-malformed', { ...good, leafIndex: '06' }],
      ['proof-malformed', { ...good, leafIndex: 6 }],
      ['proof-malformed', { ...good, entry: good.entry.toUpperCase() }],
      ['proof-malformed', { ...good, path: [...good.path, 'zz'] }],
      ['proof-malformed', { ...good, path: Array.from({ length: 64 }, () => first) }],
      ['checkpoint-wrong', { ...good, treeSize: '12' }],
      ['checkpoint-wrong', { ...good, checkpoint: good.checkpoint.replace('\n11\n', '\n12\n') }],
      ['checkpoint-wrong', { ...good, checkpoint: good.checkpoint.replace(ORIGIN, 'other/log') }],
      ['checkpoint-wrong', { ...good, checkpoint: good.checkpoint.split('\n\n')[0] }],
      ['checkpoint-wrong', { ...good, checkpoint: `${good.checkpoint}x` }],
      [
        'checkpoint-wrong',
        { ...good, treeSize: '12', checkpoint: good.checkpoint.replace('\n11\n', '\n12\n') },
      ],
      ['another-stamp', { ...good, entry: `${good.entry.slice(0, -2)}00` }],
      ['another-stamp', { ...good, entry: `0101${good.entry.slice(4)}` }],
      ['path-wrong', { ...good, leafIndex: '7' }],
      ['path-wrong', { ...good, leafIndex: '11' }],
      ['path-wrong', { ...good, path: rest }],
      ['path-wrong', { ...good, path: [...good.path, first] }],
      ['path-wrong', { ...good, path: [`${first.slice(0, -2)}00`, ...rest] }],
    ];
    for (const [reason, value] of wrong) {
      expect([value, await verifyInclusion(value, facts, trusted)]).toEqual([
        value,
        { ok: false, reason },
      ]);
    }
    const otherKey = {
      ...trusted,
      logs: [{ origin: ORIGIN, publicKey: forged.subarray(-32).toString('base64') }],
    };
    expect(await verifyInclusion(good, facts, otherKey)).toMatchObject({ ok: false });
    expect(await verifyInclusion(good, facts, trustList)).toMatchObject({ ok: false });
  });

  it('saves a stamp whose key was revoked after its issue, and no other', async () => {
    const [key] = trustList.keys;
    const revoked = (revokedAt: string): typeof trusted => ({
      ...trusted,
      keys: [{ ...key!, revokedAt }],
    });
    const qrText = qrOf(document);
    const inclusion = bundle(5, 2);
    const verdictOf = async (revokedAt: string, proof?: InclusionBundle): Promise<string> =>
      (await verifyQr(qrText, { trustList: revoked(revokedAt), now: NOW, inclusion: proof }))
        .verdict;
    expect(await verdictOf('2026-11-24T00:00:00Z', inclusion)).toBe('genuine');
    expect(await verdictOf('2026-11-24T00:00:00Z')).toBe('refused');
    expect(await verdictOf('2026-11-23T00:00:00Z', inclusion)).toBe('refused');
  });
});
