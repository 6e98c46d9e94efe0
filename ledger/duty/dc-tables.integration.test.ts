import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { sql, type Database } from '../../kernel/database.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import { workbook } from './import/workbook.test-support.ts';
import {
  assessDuty,
  compareDcTables,
  decideDcTable,
  DutyBooks,
  dutyInputSchema,
  exportDcTable,
  importDcTable,
  importReferenceData,
  listDcTables,
  memorySource,
  type DcTableImport,
  type LineReport,
} from './index.ts';
import { referenceFolder, textFile } from './test-support.ts';

const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
const worked = path.join(packageRoot, 'tests', 'vectors', 'duty', 'worked-rates');
const TABLE = readFileSync(path.join(worked, 'faisalabad-2026-27.csv'), 'utf8');
const KEY = { district: 'FSD', fiscalYear: '2026-27' };
const BY = { clock, proposedBy: 'collector-faisalabad' };
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

function load(text: string, more: object = {}): Promise<DcTableImport> {
  return importDcTable(database, memorySource(textFile(text, 'faisalabad.csv')), {
    ...BY,
    ...more,
  });
}

async function approve(version: number, fiscalYear = '2026-27'): Promise<void> {
  await decideDcTable(
    database,
    { district: 'FSD', fiscalYear, version, decision: 'approved', by: 'board-of-revenue' },
    clock,
  );
}

async function text(pieces: AsyncIterable<string>): Promise<string> {
  let whole = '';
  for await (const piece of pieces) whole += piece;
  return whole;
}

async function ratesOf(version: number): Promise<bigint> {
  const [row] = await database.query<{ n: bigint }>(
    sql`select count(*) as n from dc_rate where district_code = 'FSD' and version = ${version}`,
  );
  return row?.n ?? 0n;
}

// The tests of this file follow one another on one database, as the tables of one district do.
describe('a Collector', () => {
  it('gets every wrong line named, and nothing of the file is kept', async () => {
    const wrong = TABLE.replace(',4000000,', ',-4,').replace(
      'acre,272.25,3000000',
      'bigha,272.25,x',
    );
    const lines: LineReport[] = [];
    const result = await load(wrong, { onLine: (line: LineReport) => lines.push(line) });
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { file: 'faisalabad.csv', line: 3, column: 'rate' },
        { file: 'faisalabad.csv', line: 12, column: 'unit' },
        { file: 'faisalabad.csv', line: 12, column: 'rate' },
      ],
    });
    expect(lines).toHaveLength(13);
    expect(lines.filter((each) => !each.right).map((each) => each.line)).toEqual([3, 12]);
    expect(await listDcTables(database, 'FSD')).toEqual([]);
  });

  it('may have the wrong rows left out when he asks for it', async () => {
    const result = await load(TABLE.replace(',4000000,', ',-4,'), { leaveOutWrongRows: true });
    expect(result).toMatchObject({ ok: true, rates: 12, leftOut: 1, state: 'proposed' });
    expect(await ratesOf(1)).toBe(12n);
    expect(await listDcTables(database, 'FSD')).toMatchObject([{ leftOut: 1, rates: 12 }]);
  });

  it('needs a name', async () => {
    await expect(
      importDcTable(database, memorySource(textFile(TABLE)), { clock }),
    ).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('has his table in force only when another officer approves it', async () => {
    expect(await load(TABLE)).toMatchObject({ ok: true, version: 2, state: 'proposed' });
    const books = new DutyBooks(database);
    const sale = dutyInputSchema.parse({
      instrument: 'conveyance',
      declaredValue: '100',
      property: {
        district: 'FSD',
        tehsil: 'FSD-CITY',
        locality: 'kohinoor',
        setting: 'urban',
        landClass: 'residential',
        area: { value: '1', unit: 'marla' },
      },
    });
    const before = await assessDuty(books, sale, clock);
    expect(before).toMatchObject({ ok: true, value: { chargeable: 100n } });
    await approve(2);
    // The kept books see the approval with the next calculation.
    const after = await assessDuty(books, sale, clock);
    expect(after).toMatchObject({ ok: true, value: { chargeable: 100_000_000n } });
    await expect(
      database.query(sql`
        update dc_table set state = 'approved', decided_by = proposed_by, decided_at = now()
        where district_code = 'FSD' and version = 1`),
    ).rejects.toThrow(/dc_table/);
  });

  it('may not leave out a locality that the table before had', async () => {
    const without = TABLE.split('\n')
      .filter((line) => !line.includes('samanabad'))
      .join('\n');
    const refused = await load(without);
    expect(refused).toMatchObject({
      ok: false,
      problems: [{ column: 'locality', reason: expect.stringContaining('Samanabad') }],
    });
    expect(await load(without, { allowMissingLocalities: true })).toMatchObject({ version: 3 });
  });

  it('may not leave days between two fiscal years', async () => {
    const next = TABLE.replaceAll('2026-27,2026-07-01,2027-06-30', '2027-28,2027-08-01,2028-06-30');
    expect(await load(next)).toMatchObject({
      ok: false,
      problems: [{ line: 2, column: 'from', reason: expect.stringContaining('2027-06-30') }],
    });
    expect(await load(next.replaceAll('2027-08-01', '2027-07-01'))).toMatchObject({ ok: true });
  });

  it('sees what a correction changes', async () => {
    const corrected = TABLE.replace(',1000000,10,', ',1100000,10,').replace('1200,,,', '1250,,,');
    const result = await load(corrected);
    expect(result).toMatchObject({ ok: true, version: 4 });
    const found = [];
    for await (const page of compareDcTables(
      database,
      { ...KEY, version: 2 },
      { ...KEY, version: 4 },
    )) {
      found.push(...page);
    }
    expect(found).toMatchObject([
      { locality: 'kohinoor', part: 'land', change: 'changed', lineBefore: 2, lineAfter: 2 },
      { locality: 'samanabad', part: 'structure', change: 'changed' },
    ]);
    expect(found[0]?.before).toContain('1000000 per marla');
    expect(found[0]?.after).toContain('1100000 per marla');
  });

  it('gets out what he put in', async () => {
    const exported = await text(exportDcTable(database, { ...KEY, version: 2 }));
    const cells = (csv: string): string[][] =>
      csv
        .trim()
        .split('\n')
        .map((line) => line.split(','));
    const plain = (rows: string[][]): string[][] =>
      rows.map((row) => row.map((cell) => (cell === '0' ? '' : cell)));
    expect(plain(cells(exported))).toEqual(plain(cells(TABLE)));
  });

  it('may send a workbook with headings of his own', async () => {
    const bytes = workbook('Rates', [
      ['Valuation table of Faisalabad'],
      undefined,
      ['Tehsil', 'Mauza / Scheme', 'Class', 'Rate per Marla', 'From', 'To', 'Remarks'],
      ['FSD-CITY', 'Kohinoor', 'Resid.', 1250000, { day: 46_204 }, { day: 46_568 }, 'x'],
      ['FSD-CITY', { inline: 'Samanabad' }, 'Comm.', 4500000.5, { day: 46_204 }, { day: 46_568 }],
    ]);
    const mapping = {
      headerLine: 3,
      sheet: 'Rates',
      columns: {
        tehsil: 'Tehsil',
        locality_name: 'mauza / scheme',
        land_class: 'Class',
        rate: 'Rate per Marla',
        from: 'From',
        to: 'To',
      },
      constants: {
        district: 'FSD',
        fiscal_year: '2026-27',
        setting: 'urban',
        part: 'land',
        storey: 'any',
        unit: 'marla',
        marla_sq_ft: '225',
        source: 'Notification of the Collector',
        assumed: 'no',
      },
      values: { land_class: { 'resid.': 'residential', 'comm.': 'commercial' } },
    };
    const source = memorySource({ fileName: 'rates.xlsx', bytes });
    const more = { ...BY, mapping, allowMissingLocalities: true };
    expect(await importDcTable(database, source, more)).toMatchObject({
      ok: true,
      rates: 2,
      version: 5,
    });
    const [row] = await database.query<{ rate_paisa: bigint; effective_to: string }>(sql`
      select rate_paisa, effective_to from dc_rate join dc_table using (district_code, fiscal_year, version)
      where version = 5 and locality_code = 'samanabad'`);
    expect(row).toEqual({ rate_paisa: 450_000_050n, effective_to: '2027-06-30' });
    const wrong = await importDcTable(database, source, {
      ...more,
      mapping: { ...mapping, values: {} },
    });
    expect(wrong).toMatchObject({
      ok: false,
      problems: [{ line: 4, column: 'Class' }, { line: 5 }],
    });
  });

  it('cannot change a rate behind the back of the register', async () => {
    await expect(
      database.query(sql`update dc_rate set rate_paisa = 1 where district_code = 'FSD'`),
    ).rejects.toThrow();
    await expect(
      database.query(sql`
        insert into dc_rate (district_code, fiscal_year, version, tehsil_code, locality_code, part, land_class, storey, unit,
          marla_sq_ft, rate_paisa, line, source, assumed)
        values ('FSD', '2026-27', 2, 'FSD-CITY', 'nowhere', 'land', 'residential', 'any', 'marla', 225, 5, 99, 'x', false)`),
    ).rejects.toThrow(/locality/);
  });
});
