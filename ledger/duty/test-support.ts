/** Used by tests only: a duty book made from the bundled files, without a database. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../kernel/package-root.ts';
import type { DcTable, DutyBook, Place } from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import { readDcTable, type DcTableRow, type KnownPlaces } from './import/dc-table-file.ts';
import { readDistricts, readDivisions, readHeads, readTehsils } from './import/place-files.ts';
import { readLevies, readSchedule } from './import/rate-files.ts';
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

export const knownPlaces: KnownPlaces = {
  districts: codes(districts),
  tehsils: new Map(tehsils.map((row) => [row.code, row.district])),
};

/** Everything that the bundled files hold. */
export const bundledRows = { divisions, districts, tehsils, heads, schedule, levies };

const tables = readdirSync(path.join(referenceFolder, 'dc-tables')).map((name) => {
  const file = bundled(path.join('dc-tables', name));
  return { sha256: fileHash(file), rows: rowsOf(readDcTable(file, knownPlaces)) };
});

function localityOf(rows: readonly DcTableRow[], input: DutyInput): Pick<DcTable, 'locality'> {
  const rates = rows.filter(
    (row) => row.tehsil === input.property?.tehsil && row.locality === input.property.locality,
  );
  const [first] = rates;
  return first === undefined
    ? {}
    : {
        locality: { code: first.locality, name: first.localityName, setting: first.setting, rates },
      };
}

function placeOf(input: DutyInput, date: string): Place {
  const district = districts.find((row) => row.code === input.property?.district);
  const tehsil = tehsils.find(
    (row) => row.code === input.property?.tehsil && row.district === district?.code,
  );
  const ofDistrict = tables.filter((each) => each.rows[0]?.district === district?.code);
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
            ...localityOf(table.rows, input),
          },
        }),
  };
}

/** The book that the store would load for this input. */
export function bookFor(input: DutyInput, date = input.date ?? '2026-11-23'): DutyBook {
  return {
    date,
    scheduleVersion: { version: 1, sha256: fileHash(scheduleFile) },
    schedule: schedule.filter((row) => row.instrument === input.instrument),
    levyVersion: { version: 1, sha256: fileHash(levyFile) },
    levies: levies.filter((row) => row.instruments.includes(input.instrument)),
    heads: new Map(heads.map(({ code, title, assumed }) => [code, { title, assumed }])),
    ...(input.property === undefined ? {} : { place: placeOf(input, date) }),
  };
}
