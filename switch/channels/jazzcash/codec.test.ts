import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCompactTime } from '../../../kernel/clock.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import { RESULT_CODES } from '../../../kernel/result-code.ts';
import { gatewayHash } from '../../simulators/jazzcash/index.ts';
import {
  parseBillInquiry,
  parseBillPayment,
  parseBillReversal,
  parseFields,
  parseNotification,
  type Fields,
} from './codec.ts';
import { codeFor, JAZZCASH_CODES, wordsFor } from './result-codes.ts';
import { bearsSecureHash, secureHash, withSecureHash } from './secure-hash.ts';

const CORPUS = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/corpus/jazzcash/refused-bodies.json'), 'utf8'),
) as { why: string; body: string }[];

const PAYMENT = {
  pp_Version: '1.1',
  pp_TxnType: 'MWALLET',
  pp_Language: 'EN',
  pp_MerchantID: 'MC12345',
  pp_Password: 'correct-horse-battery',
  pp_TxnRefNo: 'T2026112310150000417',
  pp_TxnDateTime: '20261123101500',
  pp_BillReference: '10100482911930272',
  pp_Amount: '186900',
  pp_TxnCurrency: 'PKR',
  pp_RetreivalReferenceNo: '261123000417',
  pp_SecureHash: '0'.repeat(64),
};

function payment(body: string): ReturnType<typeof parseBillPayment> {
  const fields = parseFields(body);
  return 'malformed' in fields ? fields : parseBillPayment(fields);
}

const fieldsOf = (fields: Readonly<Record<string, string>>): Fields =>
  new Map(Object.entries(fields));

describe('pp_SecureHash', () => {
  const salt = Buffer.from('0F5DD14AE2');
  const vector = { pp_Amount: '2995', pp_MerchantID: 'MER123', pp_OrderInfo: 'A48cvE28' };

  it('is that of the published vector', () => {
    expect(secureHash(fieldsOf(vector), salt).toLowerCase()).toBe(
      'c7689cda7474eb1adcd343fd0c0b676bad0ba66361cc46db589bdb0da4c1c867',
    );
  });

  it.each<[string, string, Record<string, string | null>, string]>([
    [
      'the vendor’s worked example of the calculation',
      '3vv9wu3a18',
      {
        pp_Amount: '25000',
        pp_MerchantID: 'MC25041',
        pp_MerchantMPIN: '1234',
        pp_Password: 'sz1v4agvyf',
        pp_TxnCurrency: 'PKR',
        pp_TxnRefNo: 'T20220518150213',
      },
      '2C595361C2DA0E502D18BFBAA92CF4740330215E5E8AD0CF4489A64E7400B117',
    ],
    [
      'the vendor’s sample notification, with its nulls',
      '0123456789',
      {
        pp_Version: '2.0',
        pp_TxnType: 'MWALLET',
        pp_BankID: '',
        pp_ProductID: null,
        pp_Password: '0123456789',
        pp_TxnRefNo: 'T20240418145702',
        pp_TxnDateTime: '20240418145702',
        pp_ResponseCode: '121',
        pp_ResponseMessage: 'Transaction has been marked confirmed by Merchant.',
        pp_AuthCode: '060935465981',
        pp_SettlementExpiry: null,
        pp_RetreivalReferenceNo: '240418718258',
      },
      '2B47BCF7825FA27FC8B522292BC8D226213FCCDA685FC68A67EC20B10836E5B7',
    ],
  ])('is that of %s', (_what, key, sample, hash) => {
    const fields = parseFields(JSON.stringify({ ...sample, pp_SecureHash: hash }));
    if ('malformed' in fields) throw new Error('the sample is refused');
    expect(secureHash(fields, Buffer.from(key))).toBe(hash);
    expect(bearsSecureHash(fields, [Buffer.from(key)])).toBe(true);
  });

  it('is right in every sample of docs/spec/jazzcash.md', () => {
    const page = readFileSync(path.join(packageRoot, 'docs/spec/jazzcash.md'), 'utf8');
    const samples = [...page.matchAll(/```json\n([^`]+)```/g)].map(([, text = '']) => text);
    expect(samples).toHaveLength(6);
    for (const sample of samples) {
      const fields = parseFields(sample);
      if ('malformed' in fields) throw new Error('a sample is refused');
      expect(bearsSecureHash(fields, [Buffer.from('sample-salt-1234')])).toBe(true);
    }
  });

  it('leaves out empty values and itself, whatever the order of the fields', () => {
    const other = { pp_SecureHash: 'x', pp_ZBankID: '', ...vector, pp_ABankID: '' };
    expect(secureHash(fieldsOf(other), salt)).toBe(secureHash(fieldsOf(vector), salt));
  });

  it('is believed in either case of its letters, under any of two salts and under no other', () => {
    const signed = withSecureHash(vector, salt);
    const small = { ...signed, pp_SecureHash: signed['pp_SecureHash']!.toLowerCase() };
    const next = Buffer.from('next-salt');
    for (const fields of [signed, small]) {
      expect(bearsSecureHash(fieldsOf(fields), [next, salt])).toBe(true);
      expect(bearsSecureHash(fieldsOf(fields), [next])).toBe(false);
      expect(bearsSecureHash(fieldsOf(fields), [])).toBe(false);
    }
    const without = new Map(fieldsOf(signed));
    without.delete('pp_SecureHash');
    expect(bearsSecureHash(without, [salt])).toBe(false);
    // Nobody's salt is no salt.
    const zero = withSecureHash(vector, Buffer.alloc(16));
    expect(bearsSecureHash(fieldsOf(zero), [])).toBe(false);
  });

  it('agrees with the simulator for any fields, and with no changed value', () => {
    const value = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((each) => !each.includes('&'));
    const name = fc.stringMatching(/^(pp_[A-Za-z]{1,6}|ppmpf_[1-5])$/);
    fc.assert(
      fc.property(
        fc.dictionary(name, value),
        fc.stringMatching(/^[!-~]{8,20}$/),
        (fields, text) => {
          const given = Object.fromEntries(Object.entries(fields));
          const hash = secureHash(fieldsOf(given), Buffer.from(text));
          expect(hash).toBe(gatewayHash(given, text));
          const [first] = Object.keys(given);
          if (first === undefined) return;
          const changed = { ...given, [first]: `${given[first]!}x`, pp_SecureHash: hash };
          expect(bearsSecureHash(fieldsOf(changed), [Buffer.from(text)])).toBe(false);
        },
      ),
    );
  });
});

describe('the JazzCash codec', () => {
  it('reads a payment in paisa from JSON and from a form', () => {
    const expected = {
      merchantId: 'MC12345',
      txnRefNo: 'T2026112310150000417',
      txnType: 'MWALLET',
      madeAt: new Date('2026-11-23T05:15:00Z'),
      billReference: '10100482911930272',
      amount: 186_900n,
      retrievalReference: '261123000417',
    };
    expect(payment(JSON.stringify(PAYMENT))).toEqual(expected);
    expect(payment(new URLSearchParams({ ...PAYMENT, ppmpf_1: 'a b' }).toString())).toEqual(
      expected,
    );
  });

  it.each(CORPUS.map(({ why, body }) => [why, body] as const))('refuses %s', (_why, body) => {
    expect(payment(body)).toHaveProperty('malformed');
  });

  it('names the field that is wrong, and keeps the operations apart', () => {
    const wrong = fieldsOf({ ...PAYMENT, pp_TxnDateTime: '20260230101500' });
    expect(parseBillPayment(wrong)).toEqual({ malformed: 'pp_TxnDateTime' });
    expect(parseBillInquiry(fieldsOf(PAYMENT))).toEqual({ malformed: 'pp_TxnType' });
    expect(parseBillReversal(fieldsOf(PAYMENT))).toEqual({ malformed: 'pp_TxnType' });
  });

  it('reads the published form of a notification, with null for what is absent', () => {
    const body = JSON.stringify({
      pp_Version: '2.0',
      pp_TxnType: 'MWALLET',
      pp_BankID: '',
      pp_ProductID: null,
      pp_Password: '0123456789',
      pp_TxnRefNo: '10100482911930272417',
      pp_TxnDateTime: '20240418145702',
      pp_ResponseCode: '121',
      pp_ResponseMessage: 'Transaction has been marked confirmed by Merchant.',
      pp_AuthCode: '060935465981',
      pp_SettlementExpiry: null,
      pp_RetreivalReferenceNo: '240418718258',
      pp_SecureHash: '0'.repeat(64),
    });
    const fields = parseFields(body);
    expect('malformed' in fields).toBe(false);
    expect(parseNotification(fields as Fields)).toEqual({
      txnRefNo: '10100482911930272417',
      responseCode: '121',
      retrievalReference: '240418718258',
    });
  });

  it('reads Pakistan time, leap days included, and no day that does not exist', () => {
    expect(parseCompactTime('20280229000000')).toEqual(new Date('2028-02-28T19:00:00Z'));
    expect(parseCompactTime('20270229000000')).toBeUndefined();
  });

  it('refuses every prefix of a request and never throws', () => {
    const body = JSON.stringify(PAYMENT);
    for (let end = 0; end < body.length; end += 1) {
      expect(payment(body.slice(0, end))).toHaveProperty('malformed');
    }
    const any = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.webQueryParameters(),
    );
    fc.assert(
      fc.property(any, (text) => {
        const fields = parseFields(text);
        if ('malformed' in fields) return;
        expect(parseBillInquiry(fields)).toBeDefined();
        expect(parseBillReversal(fields)).toBeDefined();
        expect(parseNotification(fields)).toBeDefined();
      }),
    );
  });
});

describe('the JazzCash answer codes', () => {
  it('have three digits and words for every result, and success only for what was taken', () => {
    const taken = RESULT_CODES.filter((result) => JAZZCASH_CODES[result] === '000');
    expect(taken).toEqual(['approved', 'in-suspense']);
    for (const result of RESULT_CODES) {
      expect(JAZZCASH_CODES[result]).toMatch(/^\d{3}$/);
      expect(wordsFor(result)).not.toContain('&');
    }
    expect(wordsFor('format-error', 'pp_Amount')).toContain('pp_Amount');
  });

  it('give way to the participant’s own table', () => {
    const participant = {
      code: 'JC',
      name: 'JazzCash',
      channel: 'jazzcash',
      active: true,
      answerCodes: new Map([['expired', '999']] as const),
      settings: {},
    } as const;
    expect(codeFor('expired', participant)).toBe('999');
    expect(codeFor('blocked', participant)).toBe('143');
  });
});
