import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  amountInWords,
  formatRupees,
  paisa,
  parsePaisa,
  parseRupees,
  rupees,
  sumPaisa,
} from './money.ts';

describe('amounts', () => {
  it.each([
    ['0', 'Rupees zero only'],
    ['100', 'Rupees one only'],
    ['1999', 'Rupees nineteen and paisa ninety-nine only'],
    ['2100', 'Rupees twenty-one only'],
    ['10000', 'Rupees one hundred only'],
    ['123456700', 'Rupees twelve lakh thirty-four thousand five hundred sixty-seven only'],
    ['1000000000', 'Rupees one crore only'],
    ['19800000000000', 'Rupees nineteen thousand eight hundred crore only'],
  ])('says %s paisa in words', (digits, words) => {
    expect(amountInWords(parsePaisa(digits))).toBe(words);
  });

  it.each([
    [0n, '0.00'],
    [99n, '0.99'],
    [123_456_700n, '12,34,567.00'],
    [-100_000n, '-1,000.00'],
    [1_000_000_000_000n, '1,000,00,00,000.00'.replace('1,000,00,00,000', '10,00,00,00,000')],
  ])('groups %s paisa as South Asia does', (value, text) => {
    expect(formatRupees(paisa(value))).toBe(text);
  });

  it.each(['', '-1', '+1', '1.0', '01', ' 1', '1e3', '١', '12345678901234567'])(
    'refuses %j as paisa',
    (text) => {
      expect(() => parsePaisa(text)).toThrow('digits only');
    },
  );

  it('reads rupees with up to two decimals and nothing else', () => {
    expect(parseRupees('1869.5')).toBe(186_950n);
    expect(parseRupees('1869')).toBe(rupees(1_869n));
    for (const text of ['1.234', '1.', '.5', '-1', '1,000'])
      expect(() => parseRupees(text)).toThrow();
  });

  it('refuses an amount beyond the books', () => {
    expect(() => paisa(10n ** 15n + 1n)).toThrow('range');
  });

  it('writes and reads every amount back', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), (value) => {
        expect(parsePaisa(paisa(value).toString())).toBe(value);
        if (value < 10n ** 14n)
          expect(parseRupees(formatRupees(paisa(value)).replaceAll(',', ''))).toBe(value);
        expect(amountInWords(paisa(value))).toMatch(/^Rupees [a-z -]+ only$/);
      }),
    );
  });

  it('sums exactly', () => {
    expect(sumPaisa([paisa(10n ** 14n), paisa(1n)])).toBe(10n ** 14n + 1n);
  });
});
