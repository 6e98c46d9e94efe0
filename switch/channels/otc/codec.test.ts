import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../../kernel/package-root.ts';
import { RESULT_CODES } from '../../../kernel/result-code.ts';
import {
  isDate,
  parseControl,
  parseInquiry,
  parsePayment,
  parseSignIn,
  parseVoid,
} from './codec.ts';
import { codeFor, OTC_CODES, TILL_CODES } from './result-codes.ts';
import { psidOfScan } from './scan.ts';

const CORPUS = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/corpus/otc/refused-bodies.json'), 'utf8'),
) as { why: string; body: string }[];
const PSID = '10100482911930272';
const PAYMENT = { code: PSID, amount: '186900', means: 'cash' };

describe('a scanned code', () => {
  it.each([
    PSID,
    '10100-4829-1193-0272',
    '10100 4829 1193 0272',
    `]Q1${PSID}`,
    `]C010100-4829-1193-0272`,
    ` ${PSID}\r\n`,
  ])('%j is read as the PSID', (code) => {
    expect(psidOfScan(code)).toBe(PSID);
  });

  it.each([
    '10100-4829 1193-0272',
    '1010-04829-1193-0272',
    '10100482911930271',
    '1010048291193027',
    `${PSID}0`,
    '١٠١٠٠٤٨٢٩١١٩٣٠٢٧٢',
    `https://example.com/${PSID}`,
    `]Q${PSID}`,
    '',
    ' '.repeat(41),
  ])('%j is no PSID', (code) => {
    expect(psidOfScan(code)).toBeUndefined();
  });

  it('with any one digit misread is no PSID', () => {
    fc.assert(
      fc.property(fc.nat(16), fc.integer({ min: 1, max: 9 }), (place, by) => {
        const digit = String((Number(PSID[place]) + by) % 10);
        expect(psidOfScan(PSID.slice(0, place) + digit + PSID.slice(place + 1))).toBeUndefined();
      }),
    );
  });
});

describe('the OTC codec', () => {
  it('reads cash and cheques', () => {
    expect(parsePayment(JSON.stringify(PAYMENT))).toEqual({ psid: PSID, amount: 186_900n });
    const cheque = {
      means: 'cheque',
      chequeNumber: '004417',
      chequeBank: 'Bank of Punjab, Mall Road',
      chequeDate: '2028-02-29',
    };
    expect(parsePayment(JSON.stringify({ ...PAYMENT, code: `${PSID}\r\n`, ...cheque }))).toEqual({
      psid: PSID,
      amount: 186_900n,
      cheque: { number: '004417', bank: 'Bank of Punjab, Mall Road', date: '2028-02-29' },
    });
    expect(parsePayment(JSON.stringify({ ...PAYMENT, code: 'ABC' }))).toEqual({
      psid: undefined,
      amount: 186_900n,
    });
  });

  it.each(CORPUS.map(({ why, body }) => [why, body] as const))('refuses %s', (_why, body) => {
    expect(parsePayment(body)).toHaveProperty('malformed');
  });

  it('reads sign-ins, voids and control totals', () => {
    const signIn = { branch: '0042', till: 'T1', teller: 'a.khan' };
    expect(parseSignIn(JSON.stringify(signIn))).toEqual(signIn);
    expect(parseSignIn(JSON.stringify({ ...signIn, branch: 'lower' }))).toEqual({
      malformed: 'branch',
    });
    expect(parseVoid('{"serial":"7","reason":" wrong "}')).toEqual({ serial: 7, reason: 'wrong' });
    expect(parseVoid('{"serial":"0","reason":"x"}')).toEqual({ malformed: 'serial' });
    expect(parseVoid('{"serial":"7","reason":"  "}')).toEqual({ malformed: 'reason' });
    expect(parseControl('{"count":"2","cash":"0","cheque":"5"}')).toEqual({
      count: 2,
      cash: 0n,
      cheque: 5n,
      acceptDifference: false,
    });
    expect(parseControl('{"count":"2","cash":"00","cheque":"5"}')).toEqual({ malformed: 'cash' });
    expect(isDate('2027-02-29')).toBe(false);
  });

  it('refuses every prefix of a request and never throws', () => {
    const body = JSON.stringify(PAYMENT);
    for (let end = 0; end < body.length; end += 1) {
      expect(parsePayment(body.slice(0, end))).toHaveProperty('malformed');
    }
    const any = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(any, (text) => {
        for (const parse of [parsePayment, parseInquiry, parseSignIn, parseVoid, parseControl]) {
          expect(parse(text)).toBeDefined();
        }
      }),
    );
  });
});

describe('the answer codes', () => {
  it('have two characters for every result, and success only for approved', () => {
    for (const result of RESULT_CODES) {
      expect(OTC_CODES[result]).toMatch(/^[0-9A-Z]{2}$/);
      expect(OTC_CODES[result] === '00').toBe(result === 'approved');
    }
    for (const code of Object.values(TILL_CODES)) expect(code).toMatch(/^[1-9]\d$/);
  });

  it('give way to the participant’s own table, but for those of the till', () => {
    const participant = {
      code: 'BOP',
      name: 'Bank of Punjab',
      channel: 'otc',
      active: true,
      answerCodes: new Map([['expired', '99']] as const),
      settings: {},
    } as const;
    expect(codeFor('expired', participant)).toBe('99');
    expect(codeFor('control-mismatch', participant)).toBe('95');
  });
});
