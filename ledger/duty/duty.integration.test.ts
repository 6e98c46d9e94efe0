import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { sql, type Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import {
  assessDuty,
  calculateDuty,
  decideDcTable,
  dutyInputSchema,
  dutyResultToJson,
  importDcTable,
  importReferenceData,
  listDistricts,
  listInstruments,
  listLocalities,
  listTehsils,
  loadDutyBook,
  memorySource,
} from './index.ts';
import { bookFor, bundled, bundledRows, referenceFolder, textFile } from './test-support.ts';

const TODAY = '2026-11-23';
const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
let test: TestDatabase;
let database: Database;
let folder: string;

beforeAll(async () => {
  test = await openTestDatabase();
  database = test.database;
  folder = await mkdtemp(path.join(tmpdir(), 'sanad-reference-'));
  await cp(referenceFolder, folder, { recursive: true });
});

afterAll(async () => {
  await test.drop();
  await rm(folder, { recursive: true, force: true });
});

const SALE = {
  instrument: 'conveyance',
  declaredValue: '2000000000',
  property: {
    district: 'LHR',
    tehsil: 'LHR-MODEL-TOWN',
    locality: 'gulberg-iii',
    landClass: 'residential',
    area: { value: '10', unit: 'marla' },
    coveredArea: '1800',
  },
  seller: 'filer',
  purchaser: 'late-filer',
};

async function count(table: 'dc_table' | 'dc_rate' | 'schedule_version'): Promise<bigint> {
  const statements = {
    dc_table: sql`select count(*) as n from dc_table`,
    dc_rate: sql`select count(*) as n from dc_rate`,
    schedule_version: sql`select count(*) as n from schedule_version`,
  };
  const [row] = await database.query<{ n: bigint }>(statements[table]);
  return row?.n ?? 0n;
}

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(file, change(await readFile(file, 'utf8')));
}

// The tests of this file follow one another on one database, as the starts of one installation do.
describe('reference data', () => {
  it('says that no rates are loaded before they are', async () => {
    await expect(
      loadDutyBook(database, { date: TODAY, instrument: 'gift', properties: [] }),
    ).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('loads once when two starters come together', async () => {
    const [first, second] = await Promise.all([
      importReferenceData(database, folder, clock),
      importReferenceData(database, folder, clock),
    ]);
    expect(first).toHaveLength(13);
    expect(second).toHaveLength(13);
    expect(await count('dc_table')).toBe(4n);
    expect(await count('schedule_version')).toBe(1n);
  });

  it('changes nothing when nothing changed', async () => {
    const again = await importReferenceData(database, folder, clock);
    expect(new Set(again.map((each) => each.outcome))).toEqual(new Set(['unchanged']));
  });

  it('lists places, localities and instruments', async () => {
    const districts = await listDistricts(database);
    expect(districts).toHaveLength(36);
    expect(districts).toContainEqual({ code: 'LHR', name: 'Lahore', division: 'Lahore' });
    expect((await listTehsils(database, 'LHR'))?.map((each) => each.code)).toContain('LHR-CITY');
    expect(await listTehsils(database, 'XXX')).toBeUndefined();
    const modelTown = { district: 'LHR', tehsil: 'LHR-MODEL-TOWN' };
    expect(await listLocalities(database, modelTown, TODAY)).toContainEqual({
      code: 'gulberg-iii',
      name: 'Gulberg III',
      setting: 'urban',
      landClasses: ['commercial', 'institutional', 'residential'],
    });
    expect(await listLocalities(database, modelTown, '2026-06-30')).toEqual([]);
    const wrong = { district: 'LHR', tehsil: 'RWP-MURREE' };
    expect(await listLocalities(database, wrong, TODAY)).toBeUndefined();
    const instruments = await listInstruments(database, TODAY);
    expect(instruments.find((each) => each.code === 'conveyance')).toEqual({
      code: 'conveyance',
      title: 'CONVEYANCE',
      article: '23',
      needsProperty: true,
      needsDeclaredValue: false,
      assumed: false,
    });
    expect(await listInstruments(database, '2019-01-01')).toEqual([]);
  });

  it('reckons from the database what it reckons from the files', async () => {
    const instruments = [...new Set(bundledRows.schedule.map((row) => row.instrument))];
    for (const instrument of instruments) {
      const input = dutyInputSchema.parse({ ...SALE, instrument, count: 3 });
      const fromDatabase = await assessDuty(database, input, clock);
      const fromFiles = calculateDuty(input, bookFor(input, TODAY));
      expect(fromDatabase.ok).toBe(true);
      expect(dutyResultToJson(fromDatabase)).toEqual(dutyResultToJson(fromFiles));
    }
  });

  it('loads the rows of one locality only', async () => {
    const input = dutyInputSchema.parse(SALE);
    const book = await loadDutyBook(database, {
      date: TODAY,
      instrument: 'conveyance',
      properties: input.properties,
    });
    expect(book.places[0]?.table?.locality?.rates.length).toBeLessThan(10);
    expect(bookFor(input, TODAY).places).toMatchObject([{ ...book.places[0] }]);
    for (const row of [...book.schedule, ...book.levies]) {
      expect(book.heads.has(row.headCode)).toBe(true);
    }
  });
});

describe('a changed file', () => {
  it('becomes a new version, and the old rows stay', async () => {
    await edit('schedule-i.csv', (text) => text.replace(',,,300,,,,B02701', ',,,350,,,,B02701'));
    await importReferenceData(database, folder, clock);
    expect(await count('schedule_version')).toBe(2n);
    const result = await assessDuty(
      database,
      { instrument: 'affidavit', properties: [], remissions: [] },
      clock,
    );
    expect(result).toMatchObject({ ok: true, versions: { schedule: { version: 2 } } });
    const [row] = await database.query<{ n: bigint }>(
      sql`select count(*) as n from schedule_row where version = 1`,
    );
    expect(row?.n).toBe(BigInt(bundledRows.schedule.length));
  });

  it('with a wrong cell stops the start, names the cell, and loads nothing', async () => {
    const before = await readFile(path.join(folder, 'schedule-i.csv'), 'utf8');
    await edit('schedule-i.csv', (text) => text.replace(',350,', ',-350,'));
    const refused = importReferenceData(database, folder, clock);
    await expect(refused).rejects.toBeInstanceOf(Fault);
    await expect(refused).rejects.toMatchObject({
      code: 'config-invalid',
      fields: { file: 'schedule-i.csv', column: 'amount', problems: 1 },
    });
    expect(await count('schedule_version')).toBe(2n);
    await writeFile(path.join(folder, 'schedule-i.csv'), before);
  });

  it('that is missing is named', async () => {
    await rm(path.join(folder, 'levies.csv'));
    await expect(importReferenceData(database, folder, clock)).rejects.toMatchObject({
      code: 'file-unreadable',
      fields: { file: 'levies.csv' },
    });
    await cp(path.join(referenceFolder, 'levies.csv'), path.join(folder, 'levies.csv'));
  });
});

describe("the Collector's file", () => {
  const correction = (): string =>
    Buffer.from(bundled('dc-tables/lahore-2026-27.csv').bytes)
      .toString()
      .replace(',marla,225,2450000,', ',marla,225,3000000,');

  const LAHORE = { district: 'LHR', fiscalYear: '2026-27' };
  const COLLECTOR = { clock, proposedBy: 'collector-lahore' };

  it('corrects a table by a new version once another officer approves it', async () => {
    const file = memorySource(textFile(correction(), 'lahore-correction.csv'));
    const imported = await importDcTable(database, file, COLLECTOR);
    expect(imported).toMatchObject({ ok: true, outcome: 'imported', district: 'LHR', version: 2 });
    const before = await assessDuty(database, dutyInputSchema.parse(SALE), clock);
    expect(before).toMatchObject({ versions: { dcTable: { version: 1 } } });
    const decide = { ...LAHORE, version: 2, decision: 'approved' } as const;
    await expect(
      decideDcTable(database, { ...decide, by: 'collector-lahore' }, clock),
    ).rejects.toMatchObject({ code: 'conflict' });
    await decideDcTable(database, { ...decide, by: 'board-of-revenue' }, clock);
    await expect(
      decideDcTable(database, { ...decide, by: 'another-officer' }, clock),
    ).rejects.toMatchObject({ code: 'conflict' });
    const again = await importDcTable(database, file, COLLECTOR);
    expect(again).toMatchObject({ ok: true, outcome: 'unchanged', version: 2 });
    const result = await assessDuty(database, dutyInputSchema.parse(SALE), clock);
    expect(result).toMatchObject({
      value: { byTable: 3_378_000_000n },
      versions: { dcTable: { district: 'LHR', fiscalYear: '2026-27', version: 2 } },
    });
  });

  it('is not superseded by a file that comes with the program', async () => {
    await edit('dc-tables/lahore-2026-27.csv', (text) => text.replace(',2450000,', ',2460000,'));
    const report = await importReferenceData(database, folder, clock);
    expect(report).toContainEqual({ file: 'lahore-2026-27.csv', outcome: 'kept' });
    const result = await assessDuty(database, dutyInputSchema.parse(SALE), clock);
    expect(result).toMatchObject({ versions: { dcTable: { version: 2 } } });
  });

  it('with one wrong row is refused whole', async () => {
    const rates = await count('dc_rate');
    const wrong = correction().replace(',3000000,', ',30000000000,');
    const refused = await importDcTable(
      database,
      memorySource(textFile(wrong, 'wrong.csv')),
      COLLECTOR,
    );
    expect(refused).toMatchObject({
      ok: false,
      problems: [{ file: 'wrong.csv', column: 'rate' }],
    });
    expect(await count('dc_rate')).toBe(rates);
  });

  it('revises the rest of a year and leaves the months before it', async () => {
    const revised = correction()
      .replaceAll(',2026-07-01,', ',2027-01-01,')
      .replace(',225,3000000,', ',225,4000000,');
    await importDcTable(database, memorySource(textFile(revised, 'revision.csv')), COLLECTOR);
    await decideDcTable(
      database,
      { ...LAHORE, version: 3, decision: 'approved', by: 'board-of-revenue' },
      clock,
    );
    const on = async (date: string): Promise<unknown> =>
      assessDuty(database, dutyInputSchema.parse({ ...SALE, date }), clock);
    expect(await on('2026-12-31')).toMatchObject({ versions: { dcTable: { version: 2 } } });
    expect(await on('2027-01-01')).toMatchObject({ versions: { dcTable: { version: 3 } } });
    expect(await on('2027-07-01')).toMatchObject({ ok: false, code: 'date-outside-dc-tables' });
  });

  it('takes the next version when another importer was first', async () => {
    const files = [5_000_000, 5_100_000, 5_200_000].map((rate) =>
      textFile(correction().replace(',225,3000000,', `,225,${String(rate)},`)),
    );
    const results = await Promise.all(
      files.map((file) => importDcTable(database, memorySource(file), COLLECTOR)),
    );
    const versions = results.map((each) => (each.ok ? each.version : undefined));
    expect(new Set(versions)).toEqual(new Set([4, 5, 6]));
  });
});
