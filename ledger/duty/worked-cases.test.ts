import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../kernel/package-root.ts';
import { formatRupees } from '../../kernel/money.ts';
import { holds, resultOf } from './arithmetic.test-support.ts';
import { calculateDuty } from './calculate-duty.ts';
import { dutyInputSchema } from './duty-input.ts';
import { readSchedule } from './import/rate-files.ts';
import { readRemissions } from './import/remission-file.ts';
import { fileHash, type SourceFile } from './import/table-file.ts';
import { bookFor, bundledRows, dcTableRows, rowsOf } from './test-support.ts';

interface WorkedCase {
  readonly name: string;
  readonly rule: string;
  readonly source: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly arithmetic: readonly string[];
  readonly expected: {
    readonly refused?: string;
    readonly lines?: Readonly<Record<string, string>>;
    readonly total?: string;
    readonly byTable?: string;
    readonly chargeable?: string;
    readonly assumed?: boolean;
  };
}

const folder = path.join(packageRoot, 'tests', 'vectors', 'duty');
const cases = JSON.parse(readFileSync(path.join(folder, 'cases.json'), 'utf8')) as WorkedCase[];

function worked(name: string): SourceFile {
  return { fileName: name, bytes: readFileSync(path.join(folder, 'worked-rates', name)) };
}

const schedule = rowsOf(
  readSchedule(worked('schedule.csv'), new Set(bundledRows.heads.map((row) => row.code))),
);
const remissions = rowsOf(
  readRemissions(worked('remissions.csv'), {
    instruments: new Set([...bundledRows.schedule, ...schedule].map((row) => row.instrument)),
    levies: new Set(bundledRows.levies.map((row) => row.levy)),
  }),
);
const table = worked('faisalabad-2026-27.csv');
const tables = [{ sha256: fileHash(table), rows: await dcTableRows(table) }];

/** Rupees as the cases write them: no grouping, no `.00`. */
function rupees(amount: Parameters<typeof formatRupees>[0]): string {
  return formatRupees(amount).replaceAll(',', '').replace(/\.00$/, '');
}

describe('the worked cases', () => {
  it('are at least sixty, each with its rule and source, and cover every kind of charge', () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(cases.map((each) => each.name)).size).toBe(cases.length);
    for (const each of cases) {
      expect(each.rule.length).toBeGreaterThan(5);
      expect(each.source.length).toBeGreaterThan(10);
    }
    const instruments = new Set(cases.map((each) => each.input['instrument']));
    const kinds = [...bundledRows.schedule, ...schedule]
      .filter((row) => instruments.has(row.instrument))
      .map((row) => row.charge.kind);
    expect(new Set(kinds)).toEqual(new Set(['fixed', 'percent', 'per-head', 'slab', 'excess']));
    const reliefs = [...bundledRows.remissions, ...remissions].map((row) => row.relief.kind);
    expect(new Set(reliefs)).toEqual(
      new Set(['exempt', 'percent-off', 'amount-off', 'reduced-rate']),
    );
  });

  it.each(cases)('have right arithmetic: $name', ({ arithmetic, expected }) => {
    for (const line of arithmetic) expect([line, holds(line)]).toEqual([line, true]);
    const results = new Set(arithmetic.map(resultOf));
    // Nothing is expected that was not reckoned.
    for (const amount of Object.values(expected.lines ?? {})) expect(results).toContain(amount);
  });

  it.each(cases)('$name', ({ input, expected }) => {
    const parsed = dutyInputSchema.parse(input);
    const book = bookFor(parsed, undefined, { schedule, remissions, tables });
    const result = calculateDuty(parsed, book);
    if (expected.refused !== undefined || !result.ok) {
      expect(result).toMatchObject({ ok: false, code: expected.refused });
      return;
    }
    const lines = result.lines.map((line) => [line.line, rupees(line.amount)]);
    expect(Object.fromEntries(lines)).toEqual(expected.lines);
    expect(rupees(result.total)).toBe(expected.total);
    const values = Object.entries(result.value).map(([name, value]) => [name, rupees(value)]);
    const { byTable, chargeable } = expected;
    expect(Object.fromEntries(values)).toMatchObject({
      ...(byTable === undefined ? {} : { byTable }),
      ...(chargeable === undefined ? {} : { chargeable }),
    });
    if (expected.assumed !== undefined) expect(result.assumed).toBe(expected.assumed);
  });

  it.each(cases)('are told step by step in both languages: $name', ({ input }) => {
    const parsed = dutyInputSchema.parse(input);
    const result = calculateDuty(
      parsed,
      bookFor(parsed, undefined, { schedule, remissions, tables }),
    );
    if (!result.ok) {
      expect(result.message).toMatch(/^[A-Z].*\.$/);
      return;
    }
    for (const step of result.trace) {
      expect(step.text).toMatch(/\.$/);
      expect(step.textUrdu).toMatch(/[\u0600-\u06ff].*۔$/u);
      // Both sentences tell the same figures; the English one of a remission also names the proof.
      const figures = (text: string): string[] => text.match(/\d[\d,]*\.\d\d/g) ?? [];
      expect(new Set(figures(step.textUrdu))).toEqual(new Set(figures(step.text)));
    }
  });
});
