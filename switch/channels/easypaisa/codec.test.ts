import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../../kernel/package-root.ts';
import { paisa } from '../../../kernel/money.ts';
import { RESULT_CODES } from '../../../kernel/result-code.ts';
import { makeEnvelope, openEnvelope } from '../../simulators/easypaisa/index.ts';
import {
  amountText,
  parseAmount,
  parseBillInquiry,
  parseBillPayment,
  parseBillReversal,
  parseDateTime,
  parseEnvelope,
} from './codec.ts';
import { EASYPAISA_CODES, wordsFor } from './result-codes.ts';
import { compactJson, isSignedJson, readPublicKey, signedEnvelope, signJson } from './signature.ts';

const CORPUS = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/corpus/easypaisa/refused-bodies.json'), 'utf8'),
) as { why: string; body: string }[];

const REQUEST = {
  storeId: '641',
  orderRefNum: '10100482911930272',
  transactionId: '261123000417',
  transactionType: 'MA',
  requestDateTime: '20261123 101500',
  transactionAmount: '1869.0',
};
const ENVELOPE = { request: REQUEST, signature: 'A'.repeat(344) };

function payment(body: string): ReturnType<typeof parseBillPayment> {
  const envelope = parseEnvelope(body);
  return 'malformed' in envelope ? envelope : parseBillPayment(envelope.fields);
}

let folder: string;
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const file = (name: string): string => path.join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sanad-rsa-'));
  writeFileSync(file('private.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(file('public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the signature', () => {
  it('is believed by openssl', () => {
    const compact = JSON.stringify(REQUEST);
    writeFileSync(file('text'), compact);
    writeFileSync(file('signature'), Buffer.from(signJson(compact, privateKey), 'base64'));
    const words = [
      'dgst',
      '-sha256',
      '-verify',
      file('public.pem'),
      '-signature',
      file('signature'),
    ];
    expect(execFileSync('openssl', [...words, file('text')]).toString()).toContain('Verified OK');
    writeFileSync(file('text'), compact.replace('1869.0', '1869.1'));
    expect(() => execFileSync('openssl', [...words, file('text')], { stdio: 'pipe' })).toThrow();
  });

  it('of openssl is believed here, and over no other text', () => {
    const compact = JSON.stringify(REQUEST);
    writeFileSync(file('text'), compact);
    const made = execFileSync('openssl', [
      'dgst',
      '-sha256',
      '-sign',
      file('private.pem'),
      file('text'),
    ]);
    const signature = made.toString('base64');
    expect(isSignedJson(compact, signature, publicKey)).toBe(true);
    expect(isSignedJson(compact.replace('641', '642'), signature, publicKey)).toBe(false);
    const body = JSON.stringify({ request: REQUEST, signature }, null, 2);
    const envelope = parseEnvelope(body);
    expect(envelope).toMatchObject({ compact, signature });
  });

  it('of the switch and of the wallet agree, in any script', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value), (given) => {
        const fields = Object.fromEntries(Object.entries(given));
        const ours = signedEnvelope('response', fields, privateKey);
        expect(openEnvelope('response', ours, publicKey)).toEqual({ fields, signed: true });
        const theirs = parseEnvelope(makeEnvelope('request', fields, privateKey));
        if ('malformed' in theirs) return;
        expect(isSignedJson(theirs.compact, theirs.signature, publicKey)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is over the text without its spaces, and not without those inside strings', () => {
    expect(compactJson('{ "a b" :\n\t"c \\" d" , "e":"" }')).toBe('{"a b":"c \\" d","e":""}');
  });

  it('is taken from RSA keys of 2,048 bits only', () => {
    const der = (key: typeof publicKey): string =>
      key.export({ type: 'spki', format: 'der' }).toString('base64');
    expect(readPublicKey(der(publicKey)).asymmetricKeyType).toBe('rsa');
    const small = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey;
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    for (const text of [der(small), der(curve), 'AAAA', '']) {
      expect(() => readPublicKey(text)).toThrow();
    }
  });
});

describe('the Easypaisa codec', () => {
  it('reads rupees with decimals as paisa, and the time as Pakistan time', () => {
    expect(payment(JSON.stringify(ENVELOPE))).toEqual({
      storeId: '641',
      orderRefNum: '10100482911930272',
      transactionId: '261123000417',
      madeAt: new Date('2026-11-23T05:15:00Z'),
      amount: 186_900n,
    });
  });

  it.each(CORPUS.map(({ why, body }) => [why, body] as const))('refuses %s', (_why, body) => {
    expect(payment(body)).toHaveProperty('malformed');
  });

  it('names the field that is wrong, and keeps the operations apart', () => {
    const fields = new Map(Object.entries(REQUEST));
    expect(parseBillInquiry(fields)).toEqual({ malformed: 'transactionType' });
    expect(parseBillReversal(fields)).toEqual({ malformed: 'transactionType' });
    const wrong = new Map([...fields, ['requestDateTime', '20260230 101500']]);
    expect(parseBillPayment(wrong)).toEqual({ malformed: 'requestDateTime' });
  });

  it('writes every amount so that it reads it back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 9_999_999_999_999n }), (amount) => {
        expect(parseAmount(amountText(paisa(amount)))).toBe(amount);
      }),
    );
    expect(amountText(paisa(5n))).toBe('0.05');
    expect(parseDateTime('20280229 235959')).toEqual(new Date('2028-02-29T18:59:59Z'));
  });

  it('refuses every prefix of a request and never throws', () => {
    const body = JSON.stringify(ENVELOPE);
    for (let end = 0; end < body.length; end += 1) {
      expect(payment(body.slice(0, end))).toHaveProperty('malformed');
    }
    const any = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(fc.property(any, (text) => expect(payment(text)).toHaveProperty('malformed')));
  });
});

it('has four digits and words for every result, and success only for what was taken', () => {
  const taken = RESULT_CODES.filter((result) => EASYPAISA_CODES[result] === '0000');
  expect(taken).toEqual(['approved', 'in-suspense']);
  for (const result of RESULT_CODES) {
    expect(EASYPAISA_CODES[result]).toMatch(/^\d{4}$/);
    expect(wordsFor(result).length).toBeGreaterThan(3);
  }
  expect(wordsFor('format-error', 'storeId')).toContain('storeId');
});
