/** Used by tests only: a duty book made from the bundled files, without a database. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../kernel/package-root.ts';
import type { DcTable, DutyBook, LevyRow, Place, RemissionRow, ScheduleRow } from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import type { DcTableRow, KnownPlaces } from './import/dc-table-file.ts';
import { DcTableReading } from './import/dc-table-reading.ts';
import { readDistricts, readDivisions, readHeads, readTehsils } from './import/place-files.ts';
import { readLevies, readSchedule } from './import/rate-files.ts';
import { readRemissions } from './import/remission-file.ts';
import { memorySource } from './import/table-source.ts';
import type { Property } from './property-input.ts';
import { fileHash, type SourceFile, type TableResult } from './import/table-file.ts';

export const referenceFolder = path.join(packageRoot, 'ledger', 'reference-data');

/** A file of the reference data. */
export function bundled(name: string): SourceFile {
  return {
    fileName: path.basename(name),
    bytes: readFileSync(path.join(referenceFolder, name)),
  };
}

/** Text as a file. */
export function textFile(text: string, fileName = 'test.csv'): SourceFile {
  return { fileName, bytes: Buffer.from(text) };
}

export function rowsOf<T>(table: TableResult<T>): readonly T[] {
  if (!table.ok) throw new Error(JSON.stringify(table.problems));
  return table.rows.map((each) => each.row);
}

const codes = (rows: readonly { readonly code: string }[]): ReadonlySet<string> =>
  new Set(rows.map((row) => row.code));

const divisions = rowsOf(readDivisions(bundled('divisions.csv')));
const districts = rowsOf(readDistricts(bundled('districts.csv'), codes(divisions)));
const tehsils = rowsOf(readTehsils(bundled('tehsils.csv'), codes(districts)));
const heads = rowsOf(readHeads(bundled('heads-of-account.csv')));
const scheduleFile = bundled('schedule-i.csv');
const schedule = rowsOf(readSchedule(scheduleFile, codes(heads)));
const levyFile = bundled('levies.csv');
const levies = rowsOf(
  readLevies(levyFile, {
    heads: codes(heads),
    instruments: new Set(schedule.map((row) => row.instrument)),
  }),
);

const remissionFile = bundled('remissions.csv');
const remissions = rowsOf(
  readRemissions(remissionFile, {
    instruments: new Set(schedule.map((row) => row.instrument)),
    levies: new Set(levies.map((row) => row.levy)),
  }),
);

export const knownPlaces: KnownPlaces = {
  districts: codes(districts),
  tehsils: new Map(tehsils.map((row) => [row.code, row.district])),
};

/** Everything that the bundled files hold. */
export const bundledRows = { divisions, districts, tehsils, heads, schedule, levies, remissions };

/** The rows of a valuation table; throws on a wrong one. */
export async function dcTableRows(file: SourceFile): Promise<readonly DcTableRow[]> {
  const reading = new DcTableReading(memorySource(file), knownPlaces, {});
  const rows: DcTableRow[] = [];
  for await (const batch of reading.rows(1000)) rows.push(...batch);
  if (reading.isWrong) throw new Error(JSON.stringify(reading.problems));
  return rows;
}

export interface TestTable {
  readonly sha256: string;
  readonly rows: readonly DcTableRow[];
}

const tables: readonly TestTable[] = await Promise.all(
  readdirSync(path.join(referenceFolder, 'dc-tables')).map(async (name) => {
    const file = bundled(path.join('dc-tables', name));
    return { sha256: fileHash(file), rows: await dcTableRows(file) };
  }),
);

function localityOf(rows: readonly DcTableRow[], property: Property): Pick<DcTable, 'locality'> {
  const rates = rows.filter(
    (row) => row.tehsil === property.tehsil && row.locality === property.locality,
  );
  const [first] = rates;
  return first === undefined
    ? {}
    : {
        locality: { code: first.locality, name: first.localityName, setting: first.setting, rates },
      };
}

function placeOf(property: Property, date: string, more: readonly TestTable[]): Place {
  const district = districts.find((row) => row.code === property.district);
  const tehsil = tehsils.find(
    (row) => row.code === property.tehsil && row.district === district?.code,
  );
  const ofDistrict = [...tables, ...more].filter(
    (each) => each.rows[0]?.district === district?.code,
  );
  const table = ofDistrict.find(({ rows }) =>
    rows.some((row) => row.effectiveFrom <= date && date <= row.effectiveTo),
  );
  const first = table?.rows[0];
  return {
    ...(district === undefined ? {} : { districtName: district.name }),
    ...(tehsil === undefined ? {} : { tehsilName: tehsil.name }),
    hasTables: ofDistrict.length > 0,
    ...(table === undefined || first === undefined
      ? {}
      : {
          table: {
            districtCode: first.district,
            fiscalYear: first.fiscalYear,
            version: 1,
            sha256: table.sha256,
            effectiveFrom: first.effectiveFrom,
            effectiveTo: first.effectiveTo,
            ...localityOf(table.rows, property),
          },
        }),
  };
}

/** Rows beside or in place of the bundled ones. */
export interface ExtraRows {
  readonly schedule?: readonly ScheduleRow[];
  readonly levies?: readonly LevyRow[];
  readonly remissions?: readonly RemissionRow[];
  readonly tables?: readonly TestTable[];
}

/** The book that the store would load for this input. */
export function bookFor(
  input: DutyInput,
  date = input.date ?? '2026-11-23',
  extra: ExtraRows = {},
): DutyBook {
  return {
    date,
    scheduleVersion: { version: 1, sha256: fileHash(scheduleFile) },
    schedule: [...schedule, ...(extra.schedule ?? [])].filter(
      (row) => row.instrument === input.instrument,
    ),
    levyVersion: { version: 1, sha256: fileHash(levyFile) },
    levies: [...levies, ...(extra.levies ?? [])].filter((row) =>
      row.instruments.includes(input.instrument),
    ),
    remissionVersion: { version: 1, sha256: fileHash(remissionFile) },
    remissions: [...remissions, ...(extra.remissions ?? [])].filter((row) =>
      row.instruments.includes(input.instrument),
    ),
    heads: new Map(heads.map(({ code, title, assumed }) => [code, { title, assumed }])),
    places: input.properties.map((property) => placeOf(property, date, extra.tables ?? [])),
  };
}
