import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../../kernel/package-root.ts';
import { paisa } from '../../../kernel/money.ts';
import { RESULT_CODES } from '../../../kernel/result-code.ts';
import { padText, parseBillInquiry, parseBillPayment, signedAmount } from './codec.ts';
import { codeFor, ONEBILL_CODES } from './result-codes.ts';

const CORPUS = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/corpus/onebill/refused-bodies.json'), 'utf8'),
) as { why: string; body: string }[];

const PAYMENT = {
  consumer_number: '10100482911930272',
  tran_auth_id: '482913',
  transaction_amount: '000000186900',
  tran_date: '20261123',
  tran_time: '101500',
  bank_mnemonic: 'HBL',
  reserved: '',
};

describe('the 1BILL codec', () => {
  it('reads a payment with its two implied decimals as paisa', () => {
    expect(parseBillPayment(JSON.stringify(PAYMENT))).toEqual({
      consumerNumber: '10100482911930272',
      bankMnemonic: 'HBL',
      tranAuthId: '482913',
      amount: 186_900n,
      tranDate: '20261123',
      tranTime: '101500',
    });
  });

  it('takes amounts of 12, 13 and 14 digits, a leap day and an absent reserved', () => {
    const rest: Partial<typeof PAYMENT> = { ...PAYMENT };
    delete rest.reserved;
    for (const digits of [12, 13, 14]) {
      const transaction_amount = '186900'.padStart(digits, '0');
      expect(
        parseBillPayment(JSON.stringify({ ...rest, transaction_amount, tran_date: '20280229' })),
      ).toMatchObject({ amount: 186_900n });
    }
  });

  it.each(CORPUS.map(({ why, body }) => [why, body] as const))('refuses %s', (_why, body) => {
    expect(parseBillPayment(body)).toHaveProperty('malformed');
  });

  it('names the field that is wrong', () => {
    expect(parseBillPayment(JSON.stringify({ ...PAYMENT, tran_date: '20260230' }))).toEqual({
      malformed: 'tran_date',
    });
    expect(parseBillInquiry(JSON.stringify(PAYMENT))).toEqual({ malformed: 'unknown' });
  });

  it('refuses every prefix of a request and never throws', () => {
    const body = JSON.stringify(PAYMENT);
    for (let end = 0; end < body.length; end += 1) {
      expect(parseBillPayment(body.slice(0, end))).toHaveProperty('malformed');
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
        expect(parseBillInquiry(text)).toBeDefined();
        expect(parseBillPayment(text)).toBeDefined();
      }),
    );
  });

  it('reads back every well-formed request', () => {
    const digits = (count: number): fc.Arbitrary<string> =>
      fc.stringMatching(new RegExp(`^[0-9]{${String(count)}}$`));
    fc.assert(
      fc.property(
        digits(17),
        fc.bigInt({ min: 1n, max: 99_999_999_999_999n }),
        fc.stringMatching(/^[0-9A-Za-z]{6}$/),
        fc.string({ maxLength: 200 }),
        (consumer, amount, id, reserved) => {
          const parsed = parseBillPayment(
            JSON.stringify({
              ...PAYMENT,
              consumer_number: consumer,
              transaction_amount: amount.toString().padStart(12, '0'),
              tran_auth_id: id,
              reserved,
            }),
          );
          expect(parsed).toMatchObject({ consumerNumber: consumer, amount, tranAuthId: id });
        },
      ),
    );
  });

  it('writes text at exactly its width, in any script, and never half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const padded = padText(text, 30);
        expect(padded).toHaveLength(30);
        expect(/\p{Surrogate}/u.test(padded)).toBe(false);
      }),
    );
  });

  it('writes Rs 1,869.00 as the specification does', () => {
    expect(signedAmount(paisa(186_900n))).toBe('+0000000186900');
  });
});

describe('the 1BILL answer codes', () => {
  it('have two digits for every result, and success only for approved', () => {
    for (const result of RESULT_CODES) {
      expect(ONEBILL_CODES[result]).toMatch(/^0[0-5]$/);
      expect(ONEBILL_CODES[result] === '00').toBe(result === 'approved');
    }
  });

  it('give way to the participant’s own table', () => {
    const participant = {
      code: 'HBL',
      name: 'HBL',
      channel: 'onebill',
      active: true,
      answerCodes: new Map([['expired', '03']] as const),
      settings: {},
    } as const;
    expect(codeFor('expired', participant)).toBe('03');
    expect(codeFor('blocked', participant)).toBe('02');
  });
});
