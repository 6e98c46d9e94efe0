import { describe, expect, it } from '@jest/globals';
import { figure, significant, succeeded, type RecordedDocument } from './document.ts';
import { renderResults } from './render.ts';

const pgbench = { name: 'pgbench', value: 4_000, unit: '1/s' };
const payments = (value: number): { name: string; value: number; unit: string } => ({
  name: 'payments',
  value,
  unit: '1/s',
});

describe('a figure', () => {
  it('has the members of the format, null where there is nothing to say', () => {
    expect(figure(payments(12_000))).toEqual({
      ...payments(12_000),
      baseline: null,
      ratio: null,
      goal: null,
      met: null,
    });
    expect(
      figure(payments(12_000), { baseline: pgbench, goal: { atLeast: 8_000, ratioAtLeast: 3 } }),
    ).toEqual({
      ...payments(12_000),
      baseline: pgbench,
      ratio: 3,
      goal: 'at least 8000 1/s, at least 3 × pgbench',
      met: true,
    });
  });

  it.each([
    ['below its least', 7_999.999, { atLeast: 8_000 }],
    ['at what it must stay below', 25, { below: 25 }],
    ['below its ratio', 11_999.9, { ratioAtLeast: 3 }],
    ['one of two conditions missed', 9_000, { atLeast: 8_000, ratioAtLeast: 3 }],
    ['no number', Number.NaN, { below: 25 }],
  ])('misses its goal: %s', (_, value, goal) => {
    expect(figure(payments(value), { baseline: pgbench, goal }).met).toBe(false);
  });

  it('misses a ratio that has nothing to be measured by', () => {
    expect(figure(payments(9), { goal: { ratioAtLeast: 0.5 } }).met).toBe(false);
  });

  it('is never rounded up', () => {
    expect([7_999.99, 123_456.9, 0.123456, 14.99999, 0].map(significant)).toEqual([
      7_999.9, 123_456, 0.12345, 14.999, 0,
    ]);
  });
});

describe('a document', () => {
  const document: RecordedDocument = {
    bench: 'lane',
    machine: {
      date: '2026-11-24T00:00:00.000Z',
      processor: 'a processor',
      cores: 2,
      memoryBytes: 24 * 2 ** 30,
      system: 'Linux',
      node: 'v20',
      postgres: '18.4',
      postgresSettings: { fsync: 'on' },
      fsyncPerSecond: 2_000,
      loadBefore: 0.5,
    },
    notes: ['a note'],
    figures: [figure(payments(12_345), { baseline: pgbench, goal: { ratioAtLeast: 3 } })],
    invariants: 'ok',
    arguments: ['--seconds', '10'],
  };

  it('succeeds only when every goal was met and the books held', () => {
    const missed = figure(payments(1), { goal: { atLeast: 2 } });
    expect(succeeded(document)).toBe(true);
    expect(succeeded({ ...document, figures: [...document.figures, missed] })).toBe(false);
    expect(succeeded({ ...document, invariants: ['books-sum-to-zero'] })).toBe(false);
  });

  it('is rendered with its command, machine, figures and verdicts', () => {
    const page = renderResults([
      document,
      { ...document, figures: [figure(payments(1), { goal: { atLeast: 2 } })], invariants: ['x'] },
    ]);
    expect(page).toContain('`npx sanad bench lane --seconds 10`, 2026-11-24');
    expect(page).toContain('2 cores (a processor), 24 GiB');
    expect(page).toContain(
      '| payments | 12,345 1/s | pgbench: 4,000 1/s (× 3.0862) | at least 3 × pgbench | met |',
    );
    expect(page).toContain('| at least 2 1/s | **missed** |');
    expect(page).toContain('invariants at the end: **BROKEN**: x');
  });
});
