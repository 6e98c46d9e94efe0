import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bundled, bundledRows, knownPlaces, textFile } from '../test-support.ts';
import { DcTableReading } from './dc-table-reading.ts';
import { memorySource } from './table-source.ts';
import { readDistricts, readHeads, readTehsils } from './place-files.ts';
import { readLevies, readSchedule } from './rate-files.ts';
import type { FileProblem, SourceFile, TableResult } from './table-file.ts';

const heads = new Set(bundledRows.heads.map((row) => row.code));
const known = { heads, instruments: new Set(bundledRows.schedule.map((row) => row.instrument)) };

const DC_HEADER =
  'district,fiscal_year,from,to,tehsil,locality,locality_name,setting,part,land_class,storey,unit,marla_sq_ft,rate,source,assumed';
const DC_ROW =
  'LHR,2026-27,2026-07-01,2027-06-30,LHR-CITY,mozang,Mozang,urban,land,residential,any,marla,225,1400000,test,yes';

function problemsOf(table: TableResult<unknown>): readonly FileProblem[] {
  return table.ok ? [] : table.problems;
}

async function readDcTable(
  file: SourceFile,
): Promise<{ readonly rows: number; readonly problems: readonly FileProblem[] }> {
  const reading = new DcTableReading(memorySource(file), knownPlaces, {});
  let rows = 0;
  for await (const batch of reading.rows(100)) rows += batch.length;
  return { rows, problems: reading.problems };
}

async function dcProblems(rows: readonly string[]): Promise<readonly FileProblem[]> {
  const file = textFile([DC_HEADER, ...rows].join('\n'), 'dc.csv');
  return (await readDcTable(file)).problems;
}

/** The good row with one cell changed. */
function withCell(column: string, value: string): string {
  const index = DC_HEADER.split(',').indexOf(column);
  return DC_ROW.split(',')
    .map((cell, at) => (at === index ? value : cell))
    .join(',');
}

describe('the bundled files', () => {
  it('hold 9 divisions, 36 districts and the tehsils of each', () => {
    expect(bundledRows.divisions).toHaveLength(9);
    expect(bundledRows.districts).toHaveLength(36);
    expect(bundledRows.tehsils.length).toBeGreaterThanOrEqual(140);
    const withTehsils = new Set(bundledRows.tehsils.map((row) => row.district));
    expect(withTehsils.size).toBe(36);
  });

  it('hold every article that must be covered', () => {
    const articles = new Set(bundledRows.schedule.map((row) => row.article));
    const wanted = [1, 3, 4, 5, 12, 15, 17, 18, 22, 23, 24, 27, 29, 31, 33, 34, 35, 39, 40, 45];
    const others = [46, 48, 53, 55, 57, 58, 61, 62, 63, 64];
    for (const article of [...wanted, ...others]) expect(articles).toContain(String(article));
  });

  it('have a source on every row', () => {
    for (const rows of Object.values(bundledRows)) {
      for (const row of rows) expect(row.source.length).toBeGreaterThan(5);
    }
  });
});

describe('a valuation table with one wrong cell', () => {
  it.each([
    ['district', 'XYZ', 'there is no district'],
    ['fiscal_year', '2026-28', 'two years in a row'],
    ['fiscal_year', '2026', 'not a fiscal year'],
    ['from', '2026-06-30', 'before 1 July'],
    ['from', '2026-13-01', 'not a day'],
    ['to', '2027-07-01', 'after 30 June'],
    ['to', '', 'is empty'],
    ['tehsil', 'RWP-MURREE', 'has no tehsil'],
    ['locality', 'Mozang Chungi', 'small letters'],
    ['locality_name', '', 'is empty'],
    ['setting', 'town', 'not one of'],
    ['part', 'roof', 'not one of'],
    ['land_class', 'forest', 'not one of'],
    ['storey', 'upper', 'must be "any" for land'],
    ['unit', 'bigha', 'not one of'],
    ['marla_sq_ft', '250', 'not one of'],
    ['rate', '-5', 'not rupees'],
    ['rate', '0', 'more than nothing'],
    ['rate', '1e9', 'not rupees'],
    ['rate', '100000001', 'more than Rs 10 crore'],
    ['source', '', 'is empty'],
    ['source', 'a\u202Eb', 'invisible'],
    ['assumed', 'maybe', 'not one of'],
  ])('names the column %s for %j', async (column, value, words) => {
    expect(
      await dcProblems([
        DC_ROW.replace('mozang,Mozang', 'anarkali,Anarkali'),
        withCell(column, value),
      ]),
    ).toEqual(
      expect.arrayContaining([
        { file: 'dc.csv', line: 3, column, reason: expect.stringContaining(words) },
      ]),
    );
  });

  it.each([
    ['unit', 'marla', 'must be sq-ft'],
    ['rate', '100001', 'more than Rs 1 lakh'],
  ])('names the column %s of a covered area', async (column, value, words) => {
    const row = DC_ROW.replace(
      'land,residential,any,marla',
      'structure,residential,any,sq-ft',
    ).replace('1400000', '2000');
    const index = DC_HEADER.split(',').indexOf(column);
    const wrong = row
      .split(',')
      .map((cell, at) => (at === index ? value : cell))
      .join(',');
    expect(await dcProblems([row])).toEqual([]);
    expect(await dcProblems([wrong])).toMatchObject([
      { line: 2, column, reason: expect.stringContaining(words) },
    ]);
  });

  it('measures an absurd rate by the marla whatever its unit', async () => {
    const perAcre = DC_ROW.replace(',marla,225,1400000', ',acre,225,16000000000');
    expect(await dcProblems([perAcre])).toEqual([]);
    expect(await dcProblems([perAcre.replace('16000000000', '16000000001')])).toHaveLength(1);
  });

  it('reports every problem of every line at once', async () => {
    const problems = await dcProblems([withCell('rate', 'x'), withCell('unit', 'y'), DC_ROW]);
    expect(problems.map((each) => [each.line, each.column])).toEqual([
      [2, 'rate'],
      [3, 'unit'],
    ]);
  });
});

describe('a valuation table whose rows do not fit together', () => {
  it.each([
    ['a rate that comes twice', DC_ROW, 'rate'],
    [
      'another district',
      DC_ROW.replaceAll('LHR', 'RWP').replace('RWP-CITY', 'RWP-MURREE'),
      'district',
    ],
    ['another name for a locality', withCell('locality_name', 'Muzang'), 'locality_name'],
    ['another setting for a locality', withCell('setting', 'rural'), 'setting'],
    ['another period', withCell('from', '2026-08-01'), 'from'],
  ])('refuses %s', async (_name, row, column) => {
    expect(await dcProblems([DC_ROW, row])).toEqual(
      expect.arrayContaining([expect.objectContaining({ line: 3, column })]),
    );
  });
});

describe('a file that is no table', () => {
  const read = async (file: SourceFile): Promise<readonly FileProblem[]> =>
    (await readDcTable(file)).problems;

  it.each([
    ['nothing', '', 'empty'],
    ['a header only', DC_HEADER, 'no rows'],
    ['a missing column', DC_HEADER.replace(',rate', ''), 'missing'],
    ['an unknown column', `${DC_HEADER},colour`, 'not known'],
    ['a column twice', `${DC_HEADER},rate`, 'twice'],
    ['a short line', `${DC_HEADER}\nLHR,2026-27`, 'has 2 cells'],
    ['an open quote', `${DC_HEADER}\n"LHR`, 'quotes'],
    ['a quote inside a cell', `${DC_HEADER}\nLH"R,x`, 'quotes'],
  ])('refuses %s', async (_name, text, words) => {
    expect((await read(textFile(text))).map((each) => each.reason).join()).toContain(words);
  });

  it('refuses bytes that are not UTF-8', async () => {
    const file = { fileName: 'x.csv', bytes: Buffer.from([0xff, 0xfe, 0x41]) };
    expect(await read(file)).toEqual([
      { file: 'x.csv', line: 1, column: '*', reason: 'the file is not UTF-8 text' },
    ]);
  });

  it('takes a byte-order mark, CRLF and columns in another order', async () => {
    const order = [...DC_HEADER.split(',').keys()].reverse();
    const turn = (line: string): string => order.map((index) => line.split(',')[index]).join(',');
    const text = `\ufeff${turn(DC_HEADER)}\r\n${turn(DC_ROW)}\r\n`;
    expect(await readDcTable(textFile(text))).toEqual({ rows: 1, problems: [] });
  });

  it('never throws on any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect((await read({ fileName: 'any.csv', bytes })).length).toBeGreaterThan(0);
      }),
    );
  });

  it('never takes a damaged copy of a bundled table for another table', async () => {
    const good = bundled('dc-tables/multan-2026-27.csv');
    const { rows } = await readDcTable(good);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.bytes.length - 1), async (at) => {
        const cut = { fileName: 'cut.csv', bytes: good.bytes.subarray(0, at) };
        const table = await readDcTable(cut);
        // Cut between two lines it is a shorter table; then its rows are those of the whole one.
        if (table.problems.length === 0) expect(table.rows).toBeLessThanOrEqual(rows);
        else expect(table.problems[0]?.line).toBeGreaterThan(0);
      }),
      { numRuns: 50 },
    );
  });
});

const SCHEDULE_HEADER =
  'instrument,title,article,sub_article,stamp,basis,setting,value_above,value_up_to,amount,rate_percent,minimum,maximum,head,rounding,from,to,source,assumed';
const FIXED = 'a,A,4,,non-judicial,fixed,any,,,300,,,,B02701,rupee-up,2024-07-01,,test,yes';
const PERCENT =
  'b,B,23,a,non-judicial,percent-of-property,urban,,,,1,,,B02701,rupee-up,2024-07-01,,test,yes';

function scheduleProblems(...rows: readonly string[]): readonly string[] {
  const file = textFile([SCHEDULE_HEADER, ...rows].join('\n'));
  return problemsOf(readSchedule(file, heads)).map((each) => `${each.column} ${each.reason}`);
}

describe('Schedule I', () => {
  it('takes rows that follow one another in time, value or setting', () => {
    expect(
      scheduleProblems(
        FIXED.replace(',,test', ',2025-06-30,test'),
        FIXED.replace('2024-07-01', '2025-07-01'),
        PERCENT,
        PERCENT.replace('urban', 'rural'),
      ),
    ).toEqual([]);
  });

  it.each([
    [
      'rows that overlap in time',
      [FIXED, FIXED.replace('2024-07-01', '2026-07-01')],
      'from overlaps line 2',
    ],
    ['a setting inside any', [PERCENT.replace('urban', 'any'), PERCENT], 'from overlaps line 2'],
    [
      'value limits that overlap',
      [FIXED.replace('any,,,', 'any,,500000,'), FIXED.replace('any,,,', 'any,400000,,')],
      'from overlaps line 2',
    ],
    ['an unknown head', [FIXED.replace('B02701', 'B99999')], 'head there is no head'],
    [
      'a rate on a fixed amount',
      [FIXED.replace(',300,,', ',300,1,')],
      'rate_percent must be empty',
    ],
    ['an amount on a rate', [PERCENT.replace(',,,,1,', ',,,5,1,')], 'amount must be empty'],
    ['a rate above 100', [PERCENT.replace(',,,,1,', ',,,,100.5,')], 'rate_percent "100.5"'],
    ['no rate at all', [PERCENT.replace(',,,,1,', ',,,,,')], 'rate_percent is empty'],
    ['a maximum below the minimum', [PERCENT.replace(',1,,,B', ',1,10,5,B')], 'maximum is less'],
    [
      'limits that are turned round',
      [FIXED.replace('any,,,', 'any,9,5,')],
      'value_up_to is not more',
    ],
    ['an end before the start', [FIXED.replace(',,test', ',2024-06-30,test')], 'to is before from'],
    [
      'another title',
      [PERCENT, PERCENT.replace('urban', 'rural').replace('b,B', 'b,C')],
      'title differs',
    ],
    [
      'another article',
      [PERCENT, PERCENT.replace('urban', 'rural').replace(',23,', ',24,')],
      'article differs',
    ],
    ['a wrong sub-article', [PERCENT.replace(',23,a,', ',23,1,')], 'sub_article "1"'],
  ])('refuses %s', (_name, rows, words) => {
    expect(scheduleProblems(...rows).join('\n')).toContain(words);
  });
});

const LEVY_HEADER =
  'levy,title,instruments,payer,taxpayer_status,basis,active,setting,value_above,value_up_to,amount,rate_percent,head,rounding,from,to,source,assumed';
const LEVY =
  'fee,Fee,conveyance gift,purchaser,filer,percent-of-value,yes,any,,,,1,B01301,rupee-up,2024-07-01,,test,yes';

function levyProblems(...rows: readonly string[]): readonly string[] {
  const file = textFile([LEVY_HEADER, ...rows].join('\n'));
  return problemsOf(readLevies(file, known)).map((each) => `${each.column} ${each.reason}`);
}

describe('levies', () => {
  it('takes a rate for each standing', () => {
    expect(levyProblems(LEVY, LEVY.replace(',filer,', ',non-filer,'))).toEqual([]);
  });

  it.each([
    ['an unknown instrument', [LEVY.replace('gift', 'will')], 'instruments Schedule I has no'],
    [
      'a standing of either party',
      [LEVY.replace('purchaser', 'either')],
      'taxpayer_status must be',
    ],
    [
      'the same levy twice',
      [LEVY, LEVY.replace('conveyance gift', 'gift')],
      'from overlaps line 2',
    ],
    ['any standing beside one', [LEVY, LEVY.replace(',filer,', ',any,')], 'from overlaps line 2'],
  ])('refuses %s', (_name, rows, words) => {
    expect(levyProblems(...rows).join('\n')).toContain(words);
  });
});

describe('places and heads', () => {
  it('refuses a tehsil whose code or district is wrong, and a code that comes twice', () => {
    const file = textFile(
      'code,name,district,source,assumed\nLHR-X,X,LHR,test,no\nLHR-X,Y,LHR,test,no\nRWP-Z,Z,LHR,test,no\nXXX-A,A,XXX,test,no',
    );
    const problems = problemsOf(readTehsils(file, new Set(['LHR'])));
    expect(problems.map((each) => [each.line, each.column])).toEqual([
      [3, 'code'],
      [4, 'code'],
      [5, 'district'],
    ]);
  });

  it('refuses a district of no division and a head of no kind', () => {
    const district = textFile('code,name,division,source,assumed\nLHR,Lahore,ZZZ,test,no');
    expect(problemsOf(readDistricts(district, new Set()))).toMatchObject([{ column: 'division' }]);
    const head = textFile('code,title,kind,source,assumed\nB02701,Stamps,money,test,no');
    expect(problemsOf(readHeads(head))).toMatchObject([{ column: 'kind' }]);
  });
});
