import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../kernel/package-root.ts';
import { qrOf, signer, stampDocument, testKey, trustList } from '../test-support/samples.ts';
import { fromBase32, toBase32 } from './base32.ts';
import { toHex } from './bytes.ts';
import { recordRootOf } from './commitment.ts';
import { sealFactsOf } from './facts-of-document.ts';
import type { SealFacts } from './facts.ts';
import { decodePayload, encodePayload, PAYLOAD_KEYS } from './payload.ts';
import { qrTextOf, sealOfQrText } from './qr-text.ts';
import { makeSealSigner, sealKeyId } from './sign-seal.ts';
import { parseTrustList, type TrustList } from './trust-list.ts';
import { verifySeal } from './verify-seal.ts';

interface Vectors {
  readonly trustList: unknown;
  readonly accepted: readonly {
    readonly name: string;
    readonly cose: string;
    readonly qr: string;
    readonly facts: Readonly<Record<string, string>>;
    readonly recordRoot: string;
  }[];
  readonly refused: readonly {
    readonly name: string;
    readonly reason: string;
    readonly cose: string;
    readonly qr: string;
  }[];
}

const vectors = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/vectors/seal/seals.json'), 'utf8'),
) as Vectors;
const vectorTrust = parseTrustList(vectors.trustList);

/** A CBOR reader written for this test alone: unsigned, negative, byte and text strings, arrays, maps, tags. */
function readCbor(bytes: Buffer, at = 0): [value: unknown, next: number] {
  const first = bytes.readUInt8(at);
  const [major, short] = [first >> 5, first & 31];
  const width = short < 24 ? 0 : 1 << (short - 24);
  let argument = BigInt(short);
  if (width > 0) argument = BigInt(`0x${bytes.toString('hex', at + 1, at + 1 + width)}`);
  let next = at + 1 + width;
  const count = Number(argument);
  const read = (): unknown => {
    const [value, after] = readCbor(bytes, next);
    next = after;
    return value;
  };
  switch (major) {
    case 0:
      return [argument, next];
    case 1:
      return [-1n - argument, next];
    case 2:
      return [bytes.subarray(next, next + count), next + count];
    case 3:
      return [bytes.toString('utf8', next, next + count), next + count];
    case 4:
      return [Array.from({ length: count }, read), next];
    case 5:
      return [new Map(Array.from({ length: count }, () => [read(), read()] as const)), next];
    case 6:
      return [{ tag: argument, value: read() }, next];
    default:
      throw new Error('Not in a seal.');
  }
}

const text = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString('hex') : String(value);

describe('the vectors of docs/spec/seal.md', () => {
  it('has at least twenty of them', () => {
    expect(vectors.accepted.length).toBeGreaterThanOrEqual(8);
    expect(vectors.refused.length).toBeGreaterThanOrEqual(12);
  });

  it.each(vectors.accepted)('accepts: $name', async ({ qr, facts, recordRoot }) => {
    const verdict = await verifySeal(qr, vectorTrust);
    if (!verdict.ok) throw new Error(verdict.reason);
    const read = Object.entries(verdict.facts).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? toHex(value) : String(value),
    ]);
    expect(Object.fromEntries(read)).toEqual(facts);
    expect(toHex(recordRootOf(verdict.facts))).toBe(recordRoot);
  });

  it.each(vectors.accepted)('is read by a second decoder and OpenSSL alike: $name', (vector) => {
    const cose = Buffer.from(vector.cose, 'hex');
    expect(vector.qr).toBe(`https://estamp.example/v#1${toBase32(cose)}`);
    const [envelope, end] = readCbor(cose);
    expect(end).toBe(cose.length);
    const { tag, value } = envelope as {
      tag: bigint;
      value: [Buffer, Map<unknown, unknown>, Buffer, Buffer];
    };
    const [header, unprotected, payload, signature] = value;
    expect(tag).toBe(18n);
    expect(unprotected.size).toBe(0);
    const [protectedHeader] = readCbor(header) as [Map<bigint, unknown>, number];
    expect(protectedHeader.get(1n)).toBe(-7n);
    expect(text(protectedHeader.get(4n))).toBe(vectorTrust.keys[0]?.kid);
    const head =
      payload.length < 256
        ? [0x58, payload.length]
        : [0x59, payload.length >> 8, payload.length & 255];
    const signed = Buffer.concat([
      Buffer.from('846a5369676e61747572653149', 'hex'),
      header,
      Buffer.from([0x40, ...head]),
      payload,
    ]);
    const key = createPublicKey({ key: { ...vectorTrust.keys[0]!.publicKey }, format: 'jwk' });
    expect(verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    const [facts] = readCbor(payload) as [Map<bigint, unknown>, number];
    for (const [name, key_] of Object.entries(PAYLOAD_KEYS)) {
      const expected = vector.facts[name];
      const got = facts.get(BigInt(key_));
      if (name === 'kind') {
        expect(['non-judicial', 'judicial', 'low-denomination'][Number(got)]).toBe(expected);
      } else if (name === 'stampId' || name === 'psid') {
        expect(text(got)).toBe(expected?.replace(/^0+/, ''));
      } else if (name === 'validUntil') {
        expect(text(got)).toBe(expected?.replaceAll('-', ''));
      } else {
        expect(got === undefined ? undefined : text(got)).toBe(expected);
      }
    }
  });

  it.each(vectors.refused)('refuses: $name', async ({ qr, reason }) => {
    expect(await verifySeal(qr, vectorTrust)).toEqual({ ok: false, reason });
  });
});

describe('a seal', () => {
  const document = stampDocument();
  const qr = qrOf(document);
  const seal = sealOfQrText(qr)!;

  it('agrees with the log about the record root', () => {
    const { issue, factsRoot } = JSON.parse(
      readFileSync(path.join(packageRoot, 'tests/vectors/log/commitments.json'), 'utf8'),
    ) as { issue: Record<string, string>; factsRoot: string };
    const facts: SealFacts = {
      ...sealFactsOf(document, new Date()),
      stampId: issue['stampId'] ?? '',
      psid: issue['psid'] ?? '',
      issuedAtMs: BigInt(issue['issuedAtMs'] ?? ''),
      amountPaisa: BigInt(issue['amountPaisa'] ?? ''),
      salt: Buffer.from(issue['salt'] ?? '', 'hex'),
      factsRoot: Buffer.from(factsRoot, 'hex'),
    };
    expect(toHex(recordRootOf(facts))).toBe(issue['recordRoot']);
  });

  it('is refused with any one bit flipped', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: seal.length * 8 }, (_, bit) => {
        const flipped = Uint8Array.from(seal);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return verifySeal(qrTextOf(flipped, 'https://x'), trustList);
      }),
    );
    expect(verdicts.filter(({ ok }) => ok)).toEqual([]);
  });

  it('is refused when its text is cut anywhere', async () => {
    for (let length = 0; length < qr.length; length += 1) {
      expect((await verifySeal(qr.slice(0, length), trustList)).ok).toBe(false);
    }
  });

  it('is refused with any one sealed fact changed under the same signature', async () => {
    const facts = decodePayload(encodePayload(sealFactsOf(document, new Date(1_795_000_000_000))))!;
    const changed: Record<keyof SealFacts, unknown> = {
      stampId: '1234567890123450',
      kind: 'judicial',
      article: '33',
      amountPaisa: facts.amountPaisa + 1n,
      issuedAtMs: facts.issuedAtMs + 1n,
      districtCode: 'MUL',
      applicant: 'X',
      firstParty: 'X',
      secondParty: 'X',
      cnicLast4: '0000',
      purpose: 'X',
      psid: '10100483051729617',
      challanNumber: 'X',
      validUntil: '2027-05-24',
      factsRoot: new Uint8Array(32),
      salt: new Uint8Array(16),
      logSizeAtIssue: 0n,
      sealedAtMs: facts.sealedAtMs + 1n,
      printHash: new Uint8Array(16),
    };
    const original = signer.sign(facts);
    for (const key of Object.keys(changed) as (keyof SealFacts)[]) {
      const other = encodePayload({ ...facts, [key]: changed[key] });
      const same = encodePayload(facts);
      const at = Buffer.from(original).indexOf(same);
      const forged = Buffer.concat([
        original.subarray(0, at),
        other,
        original.subarray(at + same.length),
      ]);
      expect([key, (await verifySeal(qrTextOf(forged, ''), trustList)).ok]).toEqual([key, false]);
    }
  });

  it('is refused after any edit of its facts, one or many, under the same signature', async () => {
    const facts = decodePayload(encodePayload(sealFactsOf(document, new Date(1_795_000_000_000))))!;
    const original = Buffer.from(signer.sign(facts));
    const same = encodePayload(facts);
    const at = original.indexOf(same);
    const line = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
    const edits = fc.record(
      {
        kind: fc.constantFrom('judicial' as const, 'low-denomination' as const),
        article: line,
        amountPaisa: fc.bigInt({ min: 1n, max: 10n ** 15n }),
        issuedAtMs: fc.bigInt({ min: 0n, max: 4_000_000_000_000n }),
        districtCode: line,
        applicant: line,
        firstParty: line,
        secondParty: line,
        purpose: line,
        challanNumber: line,
        factsRoot: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        logSizeAtIssue: fc.bigInt({ min: 0n, max: 10n ** 9n }),
        printHash: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(edits, async (edit) => {
        const other = encodePayload({ ...facts, ...edit });
        fc.pre(!Buffer.from(other).equals(same));
        const forged = Buffer.concat([
          original.subarray(0, at),
          other,
          original.subarray(at + same.length),
        ]);
        expect((await verifySeal(qrTextOf(forged, 'https://x'), trustList)).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('survives every text without throwing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.uint8Array({ maxLength: 800 }).map((bytes) => qrTextOf(bytes, 'https://x')),
        ),
        async (garbage) => {
          expect((await verifySeal(garbage, trustList)).ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes the algorithm, the key and its validity from the trust list alone', async () => {
    const [key] = trustList.keys;
    const listed = (changes: object): TrustList => ({
      ...trustList,
      keys: [{ ...key!, ...changes }],
    });
    expect(await verifySeal(qr, { ...trustList, keys: [] })).toEqual({
      ok: false,
      reason: 'key-unknown',
    });
    expect(await verifySeal(qr, listed({ notBefore: '2026-12-01T00:00:00Z' }))).toEqual({
      ok: false,
      reason: 'key-not-valid-then',
    });
    const other = makeSealSigner(testKey('sanad test seal key 2'));
    expect(await verifySeal(qr, listed({ publicKey: other.publicKey }))).toEqual({
      ok: false,
      reason: 'seal-signature-wrong',
    });
    expect(await verifySeal(qr, listed({ revokedAt: '2026-11-30T00:00:00Z' }))).toMatchObject({
      ok: true,
      revoked: true,
    });
  });

  it('has the key id of its key', () => {
    expect(sealKeyId(signer.publicKey)).toBe(signer.kid);
    expect(signer.kid).toMatch(/^[0-9a-f]{8}$/);
  });

  it('is not made of facts that do not fit it', () => {
    const long = stampDocument({ challanNumber: '9'.repeat(200) });
    expect(() => qrOf(long)).toThrow('cannot be sealed');
  });
});

describe('base32', () => {
  it('is read back, and has one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(fromBase32(toBase32(bytes))).toEqual(bytes);
      }),
    );
    for (const wrong of ['a', 'A', 'AB', 'AAA', 'AA=', 'A1', '8A']) {
      if (wrong === 'AB' || wrong === 'AAA') expect(fromBase32(wrong)).toBeUndefined();
      else expect(fromBase32(wrong)).toBeUndefined();
    }
  });
});

describe('a trust list', () => {
  it('is read back and refused with any member missing, unknown or malformed', () => {
    expect(parseTrustList(JSON.parse(JSON.stringify(trustList)))).toEqual(trustList);
    const [key] = trustList.keys;
    const wrong: unknown[] = [
      null,
      [],
      {},
      { ...trustList, extra: 1 },
      { ...trustList, keys: [{ ...key, alg: 'none' }] },
      { ...trustList, keys: [{ ...key, kid: 'ABCDEF01' }] },
      { ...trustList, keys: [{ ...key, notAfter: 'never' }] },
      { ...trustList, keys: [{ ...key, publicKey: { ...key?.publicKey, d: 'secret' } }] },
      { ...trustList, logs: [{ origin: 'a b', publicKey: '' }] },
    ];
    for (const list of wrong) expect(() => parseTrustList(list)).toThrow('malformed');
  });
});
