import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { sql, type Database } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import {
  assessDuty,
  decideScheduleChange,
  DutyBooks,
  dutyInputSchema,
  dutyResultToJson,
  importReferenceData,
  listScheduleChanges,
  proposeScheduleChange,
} from './index.ts';
import { referenceFolder } from './test-support.ts';

const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
const deps = { clock, random: secureRandom };
const AFFIDAVIT = {
  instrument: 'affidavit',
  title: 'AFFIDAVIT',
  article: '4',
  stamp: 'non-judicial',
  basis: 'fixed',
  setting: 'any',
  amount: '500',
  head: 'B02701',
  rounding: 'rupee-up',
  source: 'Finance Act 2027',
  assumed: 'no',
};
const PROPOSAL = {
  cells: [AFFIDAVIT],
  effectiveFrom: '2027-01-01',
  reason: 'Finance Act',
  by: 'maker',
};
let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await openTestDatabase();
  database = test.database;
  await importReferenceData(database, referenceFolder, clock);
});

afterAll(async () => {
  await test.drop();
});

async function proposed(more: object = {}): Promise<string> {
  const result = await proposeScheduleChange(database, { ...PROPOSAL, ...more }, deps);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.changeId;
}

// The tests of this file follow one another on one database.
describe('a change of the Schedule', () => {
  it('is refused by row and column when a cell is wrong', async () => {
    const result = await proposeScheduleChange(
      database,
      {
        ...PROPOSAL,
        cells: [AFFIDAVIT, { ...AFFIDAVIT, amount: '-5', head: 'X1', colour: 'red' }],
      },
      deps,
    );
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { line: 2, column: 'colour' },
        { line: 2, column: 'amount' },
        { line: 2, column: 'head' },
      ],
    });
    const twice = await proposeScheduleChange(
      database,
      { ...PROPOSAL, cells: [AFFIDAVIT, AFFIDAVIT] },
      deps,
    );
    expect(twice).toMatchObject({ ok: false, problems: [{ line: 2, column: 'from' }] });
  });

  it.each([
    ['for a day that has begun', { effectiveFrom: '2026-11-23' }],
    ['without an officer', { by: '' }],
    ['without a reason', { reason: ' ' }],
    ['without rows', { cells: [] }],
  ])('is no proposal %s', async (_name, more) => {
    await expect(proposed(more)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('changes nothing before another officer approves it', async () => {
    const changeId = await proposed();
    const own = decideScheduleChange(
      database,
      { changeId, decision: 'approved', by: 'maker' },
      clock,
    );
    await expect(own).rejects.toMatchObject({ code: 'conflict' });
    await expect(
      database.query(sql`
        update schedule_change set state = 'refused', decided_by = 'maker', decided_at = now() where change_id = ${changeId}`),
    ).rejects.toThrow(/schedule_change/);
    const refused = { changeId, decision: 'refused', by: 'checker', note: 'wrong Act' } as const;
    expect(await decideScheduleChange(database, refused, clock)).toBeUndefined();
    await expect(decideScheduleChange(database, refused, clock)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await listScheduleChanges(database)).toMatchObject([
      { state: 'refused', note: 'wrong Act' },
    ]);
  });

  it('takes effect on its day, and what was computed keeps its version', async () => {
    const books = new DutyBooks(database);
    const affidavit = (date: string): Promise<unknown> =>
      assessDuty(books, dutyInputSchema.parse({ instrument: 'affidavit', date }), clock);
    const old = await assessDuty(books, dutyInputSchema.parse({ instrument: 'affidavit' }), clock);
    const kept = JSON.stringify(dutyResultToJson(old));
    const changeId = await proposed();
    const rival = await proposed({ by: 'another-maker' });
    const decision = { decision: 'approved', by: 'checker' } as const;
    expect(await decideScheduleChange(database, { ...decision, changeId }, clock)).toBe(2);
    expect(await affidavit('2026-12-31')).toMatchObject({
      total: 30_000n,
      versions: { schedule: { version: 2 } },
    });
    expect(await affidavit('2027-01-01')).toMatchObject({ total: 50_000n });
    expect(kept).toContain('"schedule":{"version":1');
    // A proposal that was made on the old Schedule must be made again.
    const late = decideScheduleChange(database, { ...decision, changeId: rival }, clock);
    await expect(late).rejects.toMatchObject({ code: 'conflict', fields: { version: 2 } });
  });

  it('is not taken back by a file that comes with the program', async () => {
    await database.script(`
      alter table schedule_version disable trigger all;
      update schedule_version set sha256 = repeat('0', 64) where version = 1;
      alter table schedule_version enable trigger all;`);
    const report = await importReferenceData(database, referenceFolder, clock);
    expect(report).toContainEqual({ file: 'schedule-i.csv', outcome: 'kept' });
  });
});
