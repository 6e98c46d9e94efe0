import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  openCheckpoint,
  openNote,
  readCheckpoint,
  signCheckpoint,
  verifierKey,
} from './checkpoint.ts';

/** The Ed25519 key with this seed of 32 bytes. */
function keyOfSeed(seed: Buffer): ReturnType<typeof createPrivateKey> {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
}
function keyOfRaw(raw: Buffer): ReturnType<typeof createPublicKey> {
  const prefix = Buffer.from('302a300506032b6570032100', 'hex');
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' });
}

const vector = JSON.parse(
  readFileSync(new URL('../../tests/vectors/log/checkpoint.json', import.meta.url), 'utf8'),
) as {
  seed: string;
  origin: string;
  size: string;
  root: string;
  note: string;
  verifierKey: string;
};
const ORIGIN = vector.origin;
const PRIVATE = keyOfSeed(Buffer.from(vector.seed, 'hex'));
const PUBLIC = createPublicKey(PRIVATE);
const HEAD = { size: BigInt(vector.size), root: Buffer.from(vector.root, 'hex') };

describe('a checkpoint', () => {
  it('is the note of the vector, and its key is written as other tools take it', () => {
    expect(signCheckpoint(ORIGIN, HEAD, PRIVATE)).toBe(vector.note);
    expect(verifierKey(ORIGIN, PUBLIC)).toBe(vector.verifierKey);
  });

  it('opens to the head that was signed', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (size, root) => {
          const head = openCheckpoint(
            signCheckpoint(ORIGIN, { size, root }, PRIVATE),
            ORIGIN,
            PUBLIC,
          );
          expect(head?.size).toBe(size);
          expect(Buffer.from(head!.root)).toEqual(Buffer.from(root));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is refused after any change of one character', () => {
    const { note } = vector;
    for (let at = 0; at < note.length; at += 1) {
      const changed = note.slice(0, at) + (note[at] === 'A' ? 'B' : 'A') + note.slice(at + 1);
      expect(openCheckpoint(changed, ORIGIN, PUBLIC)).toBeUndefined();
      expect(openCheckpoint(note.slice(0, at), ORIGIN, PUBLIC)).toBeUndefined();
    }
  });

  it('is refused under another origin, with another key, or with another shape of text', () => {
    const other = generateKeyPairSync('ed25519');
    expect(openCheckpoint(vector.note, 'sanad.example/other', PUBLIC)).toBeUndefined();
    expect(openCheckpoint(vector.note, ORIGIN, other.publicKey)).toBeUndefined();
    expect(openCheckpoint('x'.repeat(20_000), ORIGIN, PUBLIC)).toBeUndefined();
    expect(readCheckpoint('x'.repeat(20_000))).toBeUndefined();
    expect(readCheckpoint(`${ORIGIN}\n07\n${HEAD.root.toString('base64')}\n`)).toBeUndefined();
    expect(readCheckpoint(`${ORIGIN}\n7\nAAAA\n`)).toBeUndefined();
    expect(readCheckpoint(`${ORIGIN}\n7\n${HEAD.root.toString('base64')}\nmore\n`)).toBeUndefined();
  });

  it('may carry lines of other signers, but no bad line of its own', () => {
    const cosigned = `${vector.note}— witness.example/w1 ${Buffer.alloc(76, 3).toString('base64')}\n`;
    expect(openCheckpoint(cosigned, ORIGIN, PUBLIC)?.size).toBe(HEAD.size);
    const own = vector.note.split('\n').at(-2)!;
    const bytes = Buffer.from(own.split(' ')[2]!, 'base64');
    bytes[40]! ^= 1;
    const doubled = `${vector.note}— ${ORIGIN} ${bytes.toString('base64')}\n`;
    expect(openCheckpoint(doubled, ORIGIN, PUBLIC)).toBeUndefined();
    const crowd = Array.from({ length: 100 }, () => `— w ${Buffer.alloc(5).toString('base64')}\n`);
    expect(openCheckpoint(vector.note + crowd.join(''), ORIGIN, PUBLIC)).toBeUndefined();
  });

  it('opens the published example of the signed-note format', () => {
    // golang.org/x/mod/sumdb/note, package documentation and tests.
    const note =
      'If you think cryptography is the answer to your problem,\n' +
      "then you don't know what your problem is.\n\n" +
      '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
    const raw = Buffer.from('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', 'base64').subarray(1);
    const text = openNote(note, 'PeterNeumann', keyOfRaw(raw));
    expect(text).toBe(note.slice(0, note.indexOf('\n\n') + 1));
    expect(verifierKey('PeterNeumann', keyOfRaw(raw))).toBe(
      'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    );
  });

  it('is not signed under a bad origin or with another kind of key', () => {
    expect(() => signCheckpoint('two words', HEAD, PRIVATE)).toThrow('The origin of the log');
    const { publicKey } = generateKeyPairSync('x25519');
    expect(() => verifierKey(ORIGIN, publicKey)).toThrow('must be an Ed25519 key');
  });
});
