import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { paisa } from './money.ts';
import { parseDecimal, percentOf } from './rate.ts';

describe('rates', () => {
  it('rounds by the rule that is named', () => {
    expect(percentOf(paisa(10_001n), '1', 'rupee-up')).toBe(200n);
    expect(percentOf(paisa(10_000n), '1', 'rupee-up')).toBe(100n);
    expect(percentOf(paisa(150n), '1', 'paisa-nearest')).toBe(2n);
    expect(percentOf(paisa(199n), '1', 'paisa-down')).toBe(1n);
  });

  it('never loses a paisa of a large amount to a float', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), (value) => {
        expect(percentOf(paisa(value), '100', 'paisa-down')).toBe(value);
        expect(percentOf(paisa(value), '1', 'paisa-down')).toBe(value / 100n);
      }),
    );
  });

  it.each(['', '-1', '1e3', 'NaN', 'Infinity', '1.', '.5', '0x1'])(
    'refuses %j as a number',
    (text) => {
      expect(() => parseDecimal(text)).toThrow('decimal');
    },
  );
});
