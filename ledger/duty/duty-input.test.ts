import { describe, expect, it } from '@jest/globals';
import { dutyInputSchema } from './duty-input.ts';

const PROPERTY = {
  district: 'LHR',
  tehsil: 'LHR-MODEL-TOWN',
  locality: 'gulberg-iii',
  landClass: 'residential',
  area: { value: '10', unit: 'marla' },
};

describe('the JSON form of a duty input', () => {
  it('takes money as paisa text and covered area as square feet', () => {
    const input = dutyInputSchema.parse({
      instrument: 'conveyance',
      declaredValue: '450000000',
      property: { ...PROPERTY, coveredArea: '1800' },
    });
    expect(input.declaredValue).toBe(450_000_000n);
    expect(input.properties[0]?.coveredAreas).toEqual([
      { storey: 'any', landClass: 'residential', area: { value: '1800', unit: 'sq-ft' } },
    ]);
  });

  it('takes a covered area with its unit, or by storey', () => {
    const areas = (coveredArea: unknown): unknown =>
      dutyInputSchema.parse({ instrument: 'gift', property: { ...PROPERTY, coveredArea } })
        .properties[0]?.coveredAreas;
    expect(areas({ value: '2', unit: 'marla' })).toEqual([
      { storey: 'any', landClass: 'residential', area: { value: '2', unit: 'marla' } },
    ]);
    expect(areas([{ storey: 'upper', value: '900', unit: 'sq-ft' }])).toEqual([
      { storey: 'upper', landClass: 'residential', area: { value: '900', unit: 'sq-ft' } },
    ]);
  });

  it.each([
    ['a missing instrument', {}, 'instrument is required'],
    ['a number for money', { instrument: 'gift', declaredValue: 5 }, 'paisa as text'],
    ['rupees with a point', { instrument: 'gift', declaredValue: '5.50' }, 'whole number of paisa'],
    ['a negative amount', { instrument: 'gift', declaredValue: '-5' }, 'whole number of paisa'],
    ['a day that does not exist', { instrument: 'gift', date: '2026-02-30' }, 'calendar'],
    ['an unknown key', { instrument: 'gift', price: '5' }, 'price'],
    [
      'an unknown unit',
      { instrument: 'gift', property: { ...PROPERTY, area: { value: '1', unit: 'bigha' } } },
      'unit must be one of: sarsai, marla, kanal, acre, sq-ft',
    ],
    [
      'an unknown class',
      { instrument: 'gift', property: { ...PROPERTY, landClass: 'forest' } },
      'landClass must be one of',
    ],
    [
      'an area below nothing',
      { instrument: 'gift', property: { ...PROPERTY, area: { value: '-1', unit: 'marla' } } },
      'at most six decimals',
    ],
    [
      'a covered area that is a number',
      { instrument: 'gift', property: { ...PROPERTY, coveredArea: 1800 } },
      'square feet as text',
    ],
    ['an unknown standing', { instrument: 'gift', seller: 'yes' }, 'seller must be one of'],
  ])('refuses %s in words', (_name, json, words) => {
    const result = dutyInputSchema.safeParse(json);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues)).toContain(words);
  });
});
