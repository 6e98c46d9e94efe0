import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AreaUnit } from '../../kernel/area.ts';
import { paisa, rupees, sumPaisa, type Paisa } from '../../kernel/money.ts';
import { calculateDuty, type Duty, type DutyResult } from './calculate-duty.ts';
import { dutyInputSchema, type DutyInput } from './duty-input.ts';
import { dutyChallanLines, dutyResultToJson } from './duty-json.ts';
import type { DutyRefusalCode } from './refusal.ts';
import { bookFor, bundledRows } from './test-support.ts';

const GULBERG = {
  district: 'LHR',
  tehsil: 'LHR-MODEL-TOWN',
  locality: 'gulberg-iii',
  landClass: 'residential',
  area: { value: '10', unit: 'marla' },
};
const ASKARI = {
  district: 'RWP',
  tehsil: 'RWP-RAWALPINDI',
  locality: 'askari-10-off-road',
  landClass: 'residential',
  area: { value: '10', unit: 'marla' },
};
const BARKI = {
  district: 'LHR',
  tehsil: 'LHR-CANTT',
  locality: 'mauza-barki',
  landClass: 'agricultural-irrigated',
  area: { value: '4', unit: 'kanal' },
};

function calculate(json: Readonly<Record<string, unknown>>): DutyResult {
  const input = dutyInputSchema.parse(json);
  return calculateDuty(input, bookFor(input));
}

function duty(json: Readonly<Record<string, unknown>>): Duty {
  const result = calculate(json);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result;
}

const amounts = (result: Duty): Record<string, string> =>
  Object.fromEntries(result.lines.map((line) => [line.line, line.amount.toString()]));

interface Case {
  readonly name: string;
  readonly rule: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Rupees by line. */
  readonly lines: Readonly<Record<string, number>>;
}

const DEED_FEES = { 'additional-stamp-duty': 1000, 'registration-fee': 1000 };

const CASES: readonly Case[] = [
  {
    name: 'an affidavit',
    rule: 'art. 4, Rs 300 since August 2023 (press)',
    input: { instrument: 'affidavit' },
    lines: { 'stamp-duty': 300 },
  },
  {
    name: 'an affidavit before August 2023',
    rule: 'art. 4, Rs 100 (press)',
    input: { instrument: 'affidavit', date: '2023-08-27' },
    lines: { 'stamp-duty': 100 },
  },
  {
    name: 'an agreement to sell immovable property',
    rule: 'art. 5, Rs 3,000 (press)',
    input: { instrument: 'agreement-to-sell', declaredValue: '900000000' },
    lines: { 'stamp-duty': 3000 },
  },
  {
    name: 'a contract of exactly Rs 500,000',
    rule: 'art. 5, up to Rs 500,000: Rs 3,000 (press)',
    input: { instrument: 'agreement-contract', declaredValue: '50000000' },
    lines: { 'stamp-duty': 3000 },
  },
  {
    name: 'a contract of Rs 500,001',
    rule: '0.25 per cent, not less than Rs 3,000 (assumed)',
    input: { instrument: 'agreement-contract', declaredValue: '50000100' },
    lines: { 'stamp-duty': 3000 },
  },
  {
    name: 'a contract of Rs 20 lakh and one paisa',
    rule: '0.25 per cent of 2,000,000.01 is 5,000.000025, up to the next rupee (assumed)',
    input: { instrument: 'agreement-contract', declaredValue: '200000001' },
    lines: { 'stamp-duty': 5001 },
  },
  {
    name: 'a divorce',
    rule: 'art. 29, Rs 1,000 (press)',
    input: { instrument: 'divorce' },
    lines: { 'stamp-duty': 1000 },
  },
  {
    name: 'an urban conveyance below the DC value',
    rule: 's. 27-A: 10 marla × 2,450,000 = 24,500,000 is above the 20,000,000 declared; 1 per cent',
    input: { instrument: 'conveyance', declaredValue: '2000000000', property: GULBERG },
    lines: { 'stamp-duty': 245000, ...DEED_FEES, 'local-government-fee': 245000 },
  },
  {
    name: 'an urban conveyance above the DC value',
    rule: 's. 27-A: 30,000,000 declared is the higher; 1 per cent',
    input: { instrument: 'conveyance', declaredValue: '3000000000', property: GULBERG },
    lines: { 'stamp-duty': 300000, ...DEED_FEES, 'local-government-fee': 300000 },
  },
  {
    name: 'an urban conveyance with a house on it',
    rule: '24,500,000 for the land + 1,800 sq ft × 2,100 = 28,280,000; 1 per cent',
    input: { instrument: 'conveyance', property: { ...GULBERG, coveredArea: '1800' } },
    lines: { 'stamp-duty': 282800, ...DEED_FEES, 'local-government-fee': 282800 },
  },
  {
    name: 'a shop on two storeys',
    rule: '1 marla × 6,200,000 + 225 × 3,200 + 225 × 2,720 = 7,532,000; 1 per cent',
    input: {
      instrument: 'conveyance',
      property: {
        ...GULBERG,
        landClass: 'commercial',
        area: { value: '1', unit: 'marla' },
        coveredArea: [
          { storey: 'ground', value: '225', unit: 'sq-ft' },
          { storey: 'upper', value: '1', unit: 'marla' },
        ],
      },
    },
    lines: { 'stamp-duty': 75320, ...DEED_FEES, 'local-government-fee': 75320 },
  },
  {
    name: 'a rural conveyance',
    rule: '4 kanal is half an acre × 14,400,000 = 7,200,000; 3 per cent, local fee 1',
    input: { instrument: 'conveyance', property: BARKI },
    lines: { 'stamp-duty': 216000, ...DEED_FEES, 'local-government-fee': 72000 },
  },
  {
    name: 'a conveyance in Rawalpindi by the published table of 2025-26',
    rule: '10 marla × 1,782,000 = 17,820,000 (zameen.com); 1 per cent',
    input: { instrument: 'conveyance', date: '2026-06-30', property: ASKARI },
    lines: { 'stamp-duty': 178200, ...DEED_FEES, 'local-government-fee': 178200 },
  },
  {
    name: 'a sale between filers',
    rule: 'Finance Act 2025, up to Rs 50 million: 236C 4.5, 236K 1.5 per cent',
    input: { instrument: 'conveyance', property: ASKARI, seller: 'filer', purchaser: 'filer' },
    lines: {
      'stamp-duty': 178200,
      ...DEED_FEES,
      'local-government-fee': 178200,
      'advance-tax-236c': 801900,
      'advance-tax-236k': 267300,
    },
  },
  {
    name: 'a purchase of Rs 60 million by a non-filer',
    rule: 'Finance Act 2025, Rs 50 to 100 million, not in the list: 236K 14.5 per cent',
    input: {
      instrument: 'conveyance',
      declaredValue: '6000000000',
      property: ASKARI,
      purchaser: 'non-filer',
    },
    lines: {
      'stamp-duty': 600000,
      ...DEED_FEES,
      'local-government-fee': 600000,
      'advance-tax-236k': 8700000,
    },
  },
  {
    name: 'a gift of urban land without consideration',
    rule: 'art. 33: 1 per cent of the value by the table',
    input: { instrument: 'gift', property: GULBERG },
    lines: { 'stamp-duty': 245000, ...DEED_FEES, 'local-government-fee': 245000 },
  },
  {
    name: 'a conveyance of Rs 500,000 in a district without a table',
    rule: 'additional duty and registration fee Rs 500 each up to Rs 500,000',
    input: {
      instrument: 'conveyance',
      declaredValue: '50000000',
      property: {
        ...GULBERG,
        district: 'ATK',
        tehsil: 'ATK-HAZRO',
        locality: 'hazro',
        setting: 'urban',
      },
    },
    lines: {
      'stamp-duty': 5000,
      'additional-stamp-duty': 500,
      'registration-fee': 500,
      'local-government-fee': 5000,
    },
  },
  {
    name: 'a certificate of sale of urban property',
    rule: 'art. 18: 1 per cent of the purchase money, not of the table (Ordinance V of 2020)',
    input: { instrument: 'certificate-of-sale', declaredValue: '100000000', property: GULBERG },
    lines: { 'stamp-duty': 10000, ...DEED_FEES, 'local-government-fee': 10000 },
  },
  {
    name: 'a mortgage without possession at its maximum',
    rule: '0.2 per cent, not more than Rs 1,000,000 (assumed)',
    input: { instrument: 'mortgage-without-possession', declaredValue: '100000000000' },
    lines: { 'stamp-duty': 1000000, 'registration-fee': 1000 },
  },
  {
    name: 'a small lease at its minimum',
    rule: '1 per cent, not less than Rs 1,000 (assumed)',
    input: { instrument: 'lease', declaredValue: '5000000' },
    lines: { 'stamp-duty': 1000, 'registration-fee': 500 },
  },
];

describe('worked cases', () => {
  it.each(CASES.map((each) => [each.name, each] as const))('reckons %s', (_name, each) => {
    const expected = Object.fromEntries(
      Object.entries(each.lines).map(([line, whole]) => [line, rupees(BigInt(whole)).toString()]),
    );
    expect(amounts(duty(each.input))).toEqual(expected);
  });
});

const REFUSALS: readonly (readonly [DutyRefusalCode, Readonly<Record<string, unknown>>])[] = [
  ['unknown-instrument', { instrument: 'will' }],
  ['date-outside-schedule', { instrument: 'affidavit', date: '2019-01-01' }],
  ['property-missing', { instrument: 'conveyance', declaredValue: '100' }],
  ['declared-value-missing', { instrument: 'lease' }],
  ['value-not-positive', { instrument: 'lease', declaredValue: '0' }],
  ['value-too-large', { instrument: 'lease', declaredValue: '100000000000001' }],
  ['unknown-district', { instrument: 'gift', property: { ...GULBERG, district: 'XXX' } }],
  ['unknown-tehsil', { instrument: 'gift', property: { ...GULBERG, tehsil: 'RWP-MURREE' } }],
  ['unknown-locality', { instrument: 'gift', property: { ...GULBERG, locality: 'nowhere' } }],
  ['date-outside-dc-tables', { instrument: 'gift', date: '2026-06-30', property: GULBERG }],
  [
    'setting-missing',
    {
      instrument: 'gift',
      declaredValue: '100',
      property: { ...GULBERG, district: 'ATK', tehsil: 'ATK-HAZRO' },
    },
  ],
  ['no-dc-rate', { instrument: 'gift', property: { ...GULBERG, landClass: 'industrial' } }],
  [
    'no-structure-rate',
    {
      instrument: 'gift',
      property: { ...GULBERG, landClass: 'institutional', coveredArea: '900' },
    },
  ],
  [
    'area-not-positive',
    { instrument: 'gift', property: { ...GULBERG, area: { value: '0', unit: 'marla' } } },
  ],
  [
    'area-too-large',
    { instrument: 'gift', property: { ...BARKI, area: { value: '100001', unit: 'acre' } } },
  ],
];

describe('refusals', () => {
  it.each(REFUSALS)('refuses with %s', (code, input) => {
    const result = calculate(input);
    expect(result).toMatchObject({ ok: false, code });
    expect(dutyResultToJson(result)).toMatchObject({ ok: false, code });
  });

  it('asks for a declared value where there is no table', () => {
    const property = { ...GULBERG, district: 'ATK', tehsil: 'ATK-HAZRO', setting: 'urban' };
    expect(calculate({ instrument: 'gift', property })).toMatchObject({ code: 'no-dc-rate' });
  });

  it('refuses a value for which no row of the Schedule holds', () => {
    const input = dutyInputSchema.parse({ instrument: 'agreement-contract', declaredValue: '1' });
    const book = bookFor(input);
    const schedule = book.schedule.filter((row) => row.valueUpTo === undefined);
    expect(calculateDuty(input, { ...book, schedule })).toMatchObject({
      code: 'no-rate-for-value',
    });
  });

  it('refuses a value by table above Rs 1 trillion', () => {
    const property = { ...GULBERG, area: { value: '90000', unit: 'acre' } };
    expect(calculate({ instrument: 'gift', property })).toMatchObject({
      code: 'value-too-large',
    });
  });
});

describe('the result', () => {
  const sale = (): Duty =>
    duty({
      instrument: 'conveyance',
      declaredValue: '2000000000',
      property: { ...GULBERG, coveredArea: '1800' },
      purchaser: 'filer',
    });

  it('bears the stamp on its first line only', () => {
    const stamps = sale().lines.map((line) => line.stamp);
    expect(stamps[0]).toEqual({ kind: 'non-judicial', article: '23(a)' });
    expect(stamps.slice(1).every((stamp) => stamp === undefined)).toBe(true);
    expect(dutyChallanLines(sale())[0]).toMatchObject({
      headCode: 'B02701',
      stamp: { description: 'CONVEYANCE - 23(a)' },
    });
  });

  it('calls a non-judicial stamp below Rs 500 one of low denomination', () => {
    expect(duty({ instrument: 'affidavit' }).lines[0]?.stamp?.kind).toBe('low-denomination');
    expect(duty({ instrument: 'power-of-attorney-special' }).lines[0]?.stamp?.kind).toBe(
      'non-judicial',
    );
  });

  it('tells every step in order, with the versions it used', () => {
    const result = sale();
    expect(result.trace.map((step) => step.step)).toEqual([
      'dc-land',
      'dc-structure',
      'dc-value',
      'declared-value',
      'chargeable-value',
      'stamp-duty',
      'levy:additional-stamp-duty',
      'levy:registration-fee',
      'levy:local-government-fee',
      'levy:advance-tax-236k',
      'left-out:advance-tax-236c',
      'total',
    ]);
    expect(result.trace[0]?.text).toBe(
      'Land in Gulberg III, residential: 10 marla (1 marla = 225 sq ft) at Rs 24,50,000.00 per marla is Rs 2,45,00,000.00.',
    );
    expect(result.versions.dcTable).toMatchObject({
      district: 'LHR',
      fiscalYear: '2026-27',
      version: 1,
    });
  });

  it('marks what rests on an assumed rate, and nothing else', () => {
    const assumed = (result: Duty, step: string): boolean | undefined =>
      result.trace.find((each) => each.step === step)?.assumed;
    const published = duty({ instrument: 'gift', date: '2026-01-15', property: ASKARI });
    expect(assumed(published, 'stamp-duty')).toBe(false);
    const assumedTable = duty({ instrument: 'gift', property: GULBERG });
    expect(assumed(assumedTable, 'stamp-duty')).toBe(true);
    expect(assumed(assumedTable, 'levy:registration-fee')).toBe(true);
    const declared = duty({ instrument: 'gift', declaredValue: '9000000000', property: GULBERG });
    expect(assumed(declared, 'stamp-duty')).toBe(false);
    expect(assumed(declared, 'levy:local-government-fee')).toBe(true);
  });

  it('marks a line whose head of account is not confirmed', () => {
    const input: DutyInput = { instrument: 'affidavit', properties: [], remissions: [] };
    const book = bookFor(input);
    const withHead = (assumed: boolean): DutyResult =>
      calculateDuty(input, { ...book, heads: new Map([['B02701', { title: 'Stamps', assumed }]]) });
    expect(withHead(true)).toMatchObject({ assumed: true, lines: [{ assumed: true }] });
    expect(withHead(false)).toMatchObject({
      assumed: false,
      lines: [{ headTitle: 'Stamps', assumed: false }],
    });
  });

  it('is plain JSON with money as digits', () => {
    const json = JSON.parse(JSON.stringify(dutyResultToJson(sale()))) as unknown;
    expect(json).toMatchObject({
      ok: true,
      instrument: { code: 'conveyance', title: 'CONVEYANCE', article: '23(a)' },
      value: { byTable: '2828000000', declared: '2000000000', chargeable: '2828000000' },
      total: sale().total.toString(),
    });
    expect(JSON.stringify(json)).not.toMatch(/\d+n\b|undefined|NaN/);
  });

  it('never charges a levy that is switched off or not in force', () => {
    const lines = duty({ instrument: 'conveyance', date: '2026-07-01', property: GULBERG }).lines;
    expect(lines.some((line) => line.line === 'capital-value-tax')).toBe(false);
    const old = duty({
      instrument: 'conveyance',
      date: '2025-07-01',
      property: ASKARI,
      seller: 'filer',
    });
    expect(old.lines.some((line) => line.line === 'advance-tax-236c')).toBe(true);
  });
});

const INSTRUMENTS = [
  ...new Set(
    bundledRows.schedule
      .filter((row) => row.effectiveTo === undefined)
      .map((row) => row.instrument),
  ),
];
const money = fc.bigInt({ min: 1n, max: 10n ** 14n });
const instrument = fc.constantFrom(...INSTRUMENTS);
const place = fc.constantFrom(GULBERG, BARKI, ASKARI);
const status = fc.constantFrom('filer', 'late-filer', 'non-filer');

function inputOf(code: string, declared: bigint, property: object): DutyInput {
  return dutyInputSchema.parse({ instrument: code, declaredValue: declared.toString(), property });
}

/** Some duties are charged for each person. */
function run(stated: DutyInput): Duty {
  const input = { ...stated, count: 2 };
  const result = calculateDuty(input, bookFor(input));
  if (!result.ok) throw new Error(`${input.instrument} ${result.code}: ${result.message}`);
  return result;
}

describe('properties', () => {
  it('never charges less on a higher declared value', () => {
    fc.assert(
      fc.property(instrument, place, money, money, status, (code, property, a, b, standing) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const of = (value: bigint): Paisa =>
          run({ ...inputOf(code, value, property), seller: standing, purchaser: standing }).total;
        expect(of(low) <= of(high)).toBe(true);
      }),
    );
  });

  it('never charges less for a larger area', () => {
    const size = fc.integer({ min: 1, max: 5_000_000 });
    fc.assert(
      fc.property(place, size, size, (property, a, b) => {
        const of = (value: number): Paisa =>
          run(
            dutyInputSchema.parse({
              instrument: 'conveyance',
              property: { ...property, area: { value: value.toString(), unit: 'sq-ft' } },
            }),
          ).total;
        expect(of(Math.min(a, b)) <= of(Math.max(a, b))).toBe(true);
      }),
    );
  });

  it('gives the same duty for the same area in any unit', () => {
    const per: readonly (readonly [AreaUnit, number])[] = [
      ['acre', 1],
      ['kanal', 8],
      ['marla', 160],
      ['sarsai', 1440],
    ];
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 500 }), (property, acres) => {
        const totals = per.map(
          ([unit, times]) =>
            run(
              dutyInputSchema.parse({
                instrument: 'gift',
                property: { ...property, area: { value: (acres * times).toString(), unit } },
              }),
            ).total,
        );
        expect(new Set(totals).size).toBe(1);
      }),
    );
  });

  it('values a plot as its parts, to half a paisa a part', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 99_999 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(place, parts, (property, sizes) => {
        const value = (sqFt: number): bigint =>
          run(
            dutyInputSchema.parse({
              instrument: 'gift',
              property: { ...property, area: { value: sqFt.toString(), unit: 'sq-ft' } },
            }),
          ).value.byTable ?? 0n;
        const whole = value(sizes.reduce((sum, each) => sum + each, 0));
        const sum = sizes.map(value).reduce((total, each) => total + each, 0n);
        const difference = whole > sum ? whole - sum : sum - whole;
        expect(difference <= BigInt(sizes.length)).toBe(true);
      }),
    );
  });

  it('splits whole marlas exactly', () => {
    const marlas = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(marlas, marlas, (a, b) => {
        const value = (count: number): bigint =>
          run(
            dutyInputSchema.parse({
              instrument: 'gift',
              property: { ...GULBERG, area: { value: count.toString(), unit: 'marla' } },
            }),
          ).value.byTable ?? 0n;
        expect(value(a + b)).toBe(value(a) + value(b));
      }),
    );
  });

  it('sums its lines, charges whole rupees, and bears one stamp', () => {
    fc.assert(
      fc.property(instrument, place, money, status, (code, property, declared, standing) => {
        const result = run({ ...inputOf(code, declared, property), purchaser: standing });
        expect(sumPaisa(result.lines.map((line) => line.amount))).toBe(result.total);
        expect(result.lines.every((line) => line.amount > 0n && line.amount % 100n === 0n)).toBe(
          true,
        );
        expect(result.lines.filter((line) => line.stamp !== undefined)).toHaveLength(1);
      }),
    );
  });

  it('never charges less than the minimum or more than the maximum of the row', () => {
    fc.assert(
      fc.property(instrument, place, money, (code, property, declared) => {
        const result = run(inputOf(code, declared, property));
        const limits = bundledRows.schedule
          .filter((row) => row.instrument === code && row.effectiveTo === undefined)
          .map((row) => row.charge);
        const least = limits.map((rule) =>
          rule.kind === 'fixed' ? rule.amount : (rule.minimum ?? paisa(100n)),
        );
        const most = limits.map((rule) =>
          rule.kind === 'fixed' ? rule.amount : (rule.maximum ?? paisa(10n ** 15n)),
        );
        const charged = result.lines[0]?.amount ?? paisa(0n);
        expect(least.some((limit) => charged >= limit)).toBe(true);
        expect(most.some((limit) => charged <= limit)).toBe(true);
      }),
    );
  });

  it('reckons on the higher of table and declared value', () => {
    fc.assert(
      fc.property(place, money, (property, declared) => {
        const { value } = run(inputOf('conveyance', declared, property));
        const byTable = value.byTable ?? paisa(0n);
        expect(value.chargeable).toBe(byTable > declared ? byTable : declared);
      }),
    );
  });
});
