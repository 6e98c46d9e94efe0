/** The files of departments and services: the bundled ones are right, and every wrong cell is named with its line. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../kernel/package-root.ts';
import { readDepartments, readServices } from './service-files.ts';

const folder = path.join(packageRoot, 'ledger', 'reference-data');
const bundled = (name: string): { fileName: string; bytes: Uint8Array } => ({
  fileName: name,
  bytes: readFileSync(path.join(folder, name)),
});
const file = (text: string): { fileName: string; bytes: Uint8Array } => ({
  fileName: 'given.csv',
  bytes: new TextEncoder().encode(text),
});

const HEADS = new Set(['C03880', 'EXT-BILLS']);
const DEPARTMENT_HEADER = 'code,name,prefix,kind,head,source,assumed';
const SERVICE_HEADER =
  'service,title,department,head,basis,amount,minimum,maximum,payable_days,fulfilment,stamp_kind,article,active,from,to,source,assumed';
const FARD = 'fard,Fard,PLRA,C03880,fixed,800,,,15,webhook,,,yes,2025-07-14,,PLRA,no';
const KNOWN = { heads: HEADS, departments: new Set(['PLRA']) };

/** Line, column and reason of each problem. */
function problemsOf(
  result: ReturnType<typeof readServices> | ReturnType<typeof readDepartments>,
): string[] {
  return result.ok
    ? []
    : result.problems.map(({ line, column, reason }) => `${String(line)} ${column}: ${reason}`);
}

describe('the bundled files', () => {
  const heads = new Set(
    readFileSync(path.join(folder, 'heads-of-account.csv'), 'utf8')
      .split('\n')
      .map((line) => line.split(',')[0] ?? ''),
  );

  it('are right, with the levies of e-Pay Punjab in force today', () => {
    const departments = readDepartments(bundled('departments.csv'), heads);
    expect(problemsOf(departments)).toEqual([]);
    const codes = departments.ok
      ? departments.rows.flatMap(({ row }) => (row.kind === 'services' ? [row.code] : []))
      : [];
    const services = readServices(bundled('services.csv'), { heads, departments: new Set(codes) });
    expect(problemsOf(services)).toEqual([]);
    const today = services.ok
      ? services.rows.filter(
          ({ row }) => row.from <= '2026-11-24' && (row.to ?? '9999') >= '2026-11-24',
        )
      : [];
    expect(today.map(({ row }) => row.code)).toEqual(
      expect.arrayContaining([
        ...[
          'token-tax',
          'vehicle-registration',
          'vehicle-transfer',
          'property-tax',
          'professional-tax',
        ],
        ...[
          'cotton-fee',
          'mutation-fee',
          'fard',
          'business-registration',
          'e-challan',
          'licence-car',
        ],
        ...['domicile', 'character-certificate', 'college-fee'],
      ]),
    );
    for (const { row } of today) expect(row.source.length).toBeGreaterThan(10);
  });
});

describe('a file of departments', () => {
  it.each([
    [
      'a code in small letters',
      'plra,X,202,services,,s,yes',
      '2 code: "plra" is not 2 to 12 capitals and digits',
    ],
    [
      'a prefix that begins with 0',
      'PLRA,X,020,services,,s,yes',
      '2 prefix: "020" is not three digits, the first not 0',
    ],
    ['the prefix of the sandbox', 'PLRA,X,999,services,,s,yes', `2 prefix: "999" is the sandbox's`],
    [
      'an unknown kind',
      'PLRA,X,202,else,,s,yes',
      '2 kind: "else" is not one of: stamps, services, external',
    ],
    [
      'an external biller without a head',
      'WASA,X,601,external,,s,yes',
      '2 head: an external biller has a head of account, and no other department',
    ],
    [
      'a head where none belongs',
      'PLRA,X,202,services,C03880,s,yes',
      '2 head: an external biller has a head of account, and no other department',
    ],
    [
      'an unknown head',
      'WASA,X,601,external,NONE,s,yes',
      '2 head: there is no head of account "NONE"',
    ],
  ])('is refused for %s', (_name, row, problem) => {
    expect(problemsOf(readDepartments(file(`${DEPARTMENT_HEADER}\n${row}\n`), HEADS))).toContain(
      problem,
    );
  });

  it('is refused for a prefix or code that stands twice', () => {
    const rows = 'PLRA,X,202,services,,s,yes\nPLRA,Y,202,services,,s,yes\n';
    expect(problemsOf(readDepartments(file(`${DEPARTMENT_HEADER}\n${rows}`), HEADS))).toEqual([
      '3 code: "PLRA" stands there twice',
      '3 prefix: "202" stands there twice',
    ]);
  });
});

describe('a file of services', () => {
  it.each([
    ['an amount of nothing', FARD.replace(',800,', ',0,'), '2 amount: must be more than nothing'],
    [
      'bounds beside a fixed amount',
      FARD.replace('800,,,', '800,1,2,'),
      '2 minimum: must be empty where the basis is fixed',
    ],
    [
      'an amount beside bounds',
      FARD.replace('fixed,800,,,', 'given,800,1,2,'),
      '2 amount: must be empty where the basis is given',
    ],
    [
      'bounds the wrong way round',
      FARD.replace('fixed,800,,,', 'given,,2,1,'),
      '2 maximum: is less than the minimum',
    ],
    ['no days to pay', FARD.replace(',15,', ',0,'), '2 payable_days: "0" is not 1 to 365 days'],
    [
      'more than a year to pay',
      FARD.replace(',15,', ',366,'),
      '2 payable_days: "366" is not 1 to 365 days',
    ],
    [
      'a stamp without its kind',
      FARD.replace('webhook', 'stamp'),
      '2 stamp_kind: "" is not one of: non-judicial, judicial, low-denomination',
    ],
    [
      'an article where no stamp is issued',
      FARD.replace('webhook,,', 'webhook,,4'),
      '2 article: must be empty where no stamp is issued',
    ],
    [
      'an unknown department',
      FARD.replace('PLRA', 'XXX'),
      '2 department: there is no department "XXX" with services',
    ],
    ['an unknown head', FARD.replace('C03880', 'XXX'), '2 head: there is no head of account "XXX"'],
    [
      'a last day before the first',
      FARD.replace('2025-07-14,', '2025-07-14,2025-07-13'),
      '2 to: is before the first day',
    ],
    [
      'a code with capitals',
      FARD.replace('fard', 'Fard'),
      '2 service: "Fard" is not small letters, digits and hyphens',
    ],
  ])('is refused for %s', (_name, row, problem) => {
    expect(problemsOf(readServices(file(`${SERVICE_HEADER}\n${row}\n`), KNOWN))).toContain(problem);
  });

  it('is refused for two rows of one service on the same day, and not for one after the other', () => {
    const until = FARD.replace('2025-07-14,', '2025-07-14,2026-06-30');
    const after = FARD.replace('2025-07-14', '2026-07-01');
    const twin = FARD.replace('2025-07-14', '2026-06-30');
    expect(
      problemsOf(readServices(file([SERVICE_HEADER, until, after].join('\n')), KNOWN)),
    ).toEqual([]);
    expect(problemsOf(readServices(file([SERVICE_HEADER, until, twin].join('\n')), KNOWN))).toEqual(
      ['3 from: the service has another row for these days on line 2'],
    );
  });
});
