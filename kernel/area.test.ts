import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { areaText, MARLA_BASES, priceOfArea, squareFeet, squareFeetPer } from './area.ts';
import { rupees } from './money.ts';

const basis = fc.constantFrom(...MARLA_BASES);
const quantity = fc.integer({ min: 1, max: 9_999_999 }).map((value) => value.toString());

describe('areas', () => {
  it.each([
    ['sarsai', '225', '25'],
    ['sarsai', '272.25', '30.25'],
    ['marla', '225', '225'],
    ['marla', '272.25', '272.25'],
    ['kanal', '225', '4500'],
    ['kanal', '272.25', '5445'],
    ['acre', '225', '36000'],
    ['acre', '272.25', '43560'],
    ['sq-ft', '225', '1'],
  ] as const)('has one %s on the basis %s as %s square feet', (unit, marla, expected) => {
    expect(squareFeetPer(unit, marla).toFixed()).toBe(expected);
  });

  it('has 8 kanal, 160 marla and 1,440 sarsai in an acre on either basis', () => {
    fc.assert(
      fc.property(basis, quantity, (marla, acres) => {
        const whole = squareFeet({ value: acres, unit: 'acre' }, marla);
        for (const [unit, times] of [
          ['kanal', 8],
          ['marla', 160],
          ['sarsai', 1440],
        ] as const) {
          const same = squareFeet({ value: (Number(acres) * times).toString(), unit }, marla);
          expect(same.equals(whole)).toBe(true);
        }
      }),
    );
  });

  it('writes square feet back in the unit they came from', () => {
    fc.assert(
      fc.property(basis, quantity, (marla, value) => {
        for (const unit of ['sarsai', 'marla', 'kanal', 'acre', 'sq-ft'] as const) {
          expect(areaText(squareFeet({ value, unit }, marla), unit, marla)).toBe(value);
        }
      }),
    );
  });

  it('prices a third of a marla without losing a paisa before the caller rounds', () => {
    const third = squareFeet({ value: '3', unit: 'sarsai' }, '272.25');
    const price = priceOfArea(third, rupees(300n), { unit: 'marla', basis: '272.25' });
    expect(price.toFixed()).toBe('10000');
  });

  it.each(['', '-1', '1.', '.5', '1e3', '1.1234567', ' 1', '1,000', 'NaN'])(
    'refuses %j as an area',
    (value) => {
      expect(() => squareFeet({ value, unit: 'marla' }, '225')).toThrow('digits');
    },
  );
});
