/**
 * Loads the folder of reference data at every start. Files that were loaded before are known by their hash, so
 * a start where nothing changed reads the files and asks two questions. A wrong file stops the start: the
 * program does not run on half of its rates.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../kernel/clock.ts';
import { isRetryable, sqlState, type Database, type Queryable } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import { importDcTable } from './import-dc-table.ts';
import {
  keepPlaceFile,
  loadCodes,
  placeFileHashes,
  rateFileHashes,
  upsertDistricts,
  upsertDivisions,
  upsertHeads,
  upsertTehsils,
  type LoadedFile,
  type PlaceKind,
} from './import-store.ts';
import {
  hasOfficerSchedule,
  insertLevies,
  insertRemissions,
  insertSchedule,
} from './rate-store.ts';
import { readDistricts, readDivisions, readHeads, readTehsils } from './place-files.ts';
import { readLevies, readSchedule } from './rate-files.ts';
import { readRemissions } from './remission-file.ts';
import {
  fileHash,
  type FileProblem,
  type Located,
  type SourceFile,
  type TableResult,
} from './table-file.ts';
import { memorySource } from './table-source.ts';
import { readDepartments, readServices } from '../../services/service-files.ts';
import { insertServices, upsertDepartments } from '../../services/service-store.ts';

const ATTEMPTS = 5;
const DC_TABLES_MAX = 500;

/** What a start did with each file. */
interface ReferenceDataImport {
  readonly file: string;
  readonly outcome: 'imported' | 'unchanged' | 'kept';
}

async function readSource(folder: string, name: string): Promise<SourceFile> {
  try {
    return { fileName: path.basename(name), bytes: await readFile(path.join(folder, name)) };
  } catch (error) {
    throw new Fault('file-unreadable', 'A file of the reference data cannot be read.', {
      fields: { file: name },
      cause: error,
    });
  }
}

function refuseProblems(problems: readonly FileProblem[]): never {
  const first = problems[0];
  throw new Fault('config-invalid', 'A file of the reference data has errors.', {
    fields:
      first === undefined
        ? {}
        : {
            file: first.file,
            line: first.line,
            column: first.column,
            reason: first.reason,
            problems: problems.length,
          },
  });
}

function rightRows<T>(table: TableResult<T>): readonly T[] {
  if (!table.ok) refuseProblems(table.problems);
  return table.rows.map((each: Located<T>) => each.row);
}

function loadedFile(source: SourceFile, rows: readonly unknown[], clock: Clock): LoadedFile {
  return {
    fileName: source.fileName,
    sha256: fileHash(source),
    rowCount: rows.length,
    importedAt: clock.now(),
  };
}

interface PlaceFile {
  readonly kind: PlaceKind;
  readonly load: (tx: Queryable, source: SourceFile) => Promise<readonly unknown[]>;
}

/** In the order in which they name one another. */
const PLACE_FILES: readonly PlaceFile[] = [
  {
    kind: 'divisions',
    load: async (tx, source) => {
      const rows = rightRows(readDivisions(source));
      await upsertDivisions(tx, rows);
      return rows;
    },
  },
  {
    kind: 'districts',
    load: async (tx, source) => {
      const rows = rightRows(readDistricts(source, await loadCodes(tx, 'division')));
      await upsertDistricts(tx, rows);
      return rows;
    },
  },
  {
    kind: 'tehsils',
    load: async (tx, source) => {
      const rows = rightRows(readTehsils(source, await loadCodes(tx, 'district')));
      await upsertTehsils(tx, rows);
      return rows;
    },
  },
  {
    kind: 'heads-of-account',
    load: async (tx, source) => {
      const rows = rightRows(readHeads(source));
      await upsertHeads(tx, rows);
      return rows;
    },
  },
  {
    kind: 'departments',
    load: async (tx, source) => {
      const rows = rightRows(readDepartments(source, await loadCodes(tx, 'head')));
      await upsertDepartments(tx, rows);
      return rows;
    },
  },
];

interface RateFile {
  readonly name: string;
  readonly load: (tx: Queryable, source: SourceFile, clock: Clock) => Promise<'imported' | 'kept'>;
}

const RATE_FILES: readonly RateFile[] = [
  {
    name: 'schedule-i.csv',
    load: async (tx, source, clock) => {
      const rows = rightRows(readSchedule(source, await loadCodes(tx, 'head')));
      // What officers have approved stands; a new file of the program does not take it back.
      if (await hasOfficerSchedule(tx)) return 'kept';
      await insertSchedule(tx, loadedFile(source, rows, clock), rows);
      return 'imported';
    },
  },
  {
    name: 'levies.csv',
    load: async (tx, source, clock) => {
      const known = {
        heads: await loadCodes(tx, 'head'),
        instruments: await loadCodes(tx, 'instrument'),
      };
      const rows = rightRows(readLevies(source, known));
      await insertLevies(tx, loadedFile(source, rows, clock), rows);
      return 'imported';
    },
  },
  {
    name: 'remissions.csv',
    load: async (tx, source, clock) => {
      const known = {
        instruments: await loadCodes(tx, 'instrument'),
        levies: await loadCodes(tx, 'levy'),
      };
      const rows = rightRows(readRemissions(source, known));
      await insertRemissions(tx, loadedFile(source, rows, clock), rows);
      return 'imported';
    },
  },
  {
    name: 'services.csv',
    load: async (tx, source, clock) => {
      const known = {
        heads: await loadCodes(tx, 'head'),
        departments: await loadCodes(tx, 'department'),
      };
      const rows = rightRows(readServices(source, known));
      await insertServices(tx, loadedFile(source, rows, clock), rows);
      return 'imported';
    },
  },
];

async function loadPlacesAndRates(
  tx: Queryable,
  folder: string,
  clock: Clock,
): Promise<ReferenceDataImport[]> {
  const report: ReferenceDataImport[] = [];
  const places = await placeFileHashes(tx);
  for (const { kind, load } of PLACE_FILES) {
    const source = await readSource(folder, `${kind}.csv`);
    const known = places.get(kind) === fileHash(source);
    if (!known) await keepPlaceFile(tx, kind, loadedFile(source, await load(tx, source), clock));
    report.push({ file: source.fileName, outcome: known ? 'unchanged' : 'imported' });
  }
  const rates = await rateFileHashes(tx);
  for (const { name, load } of RATE_FILES) {
    const source = await readSource(folder, name);
    const known = rates.has(fileHash(source));
    report.push({
      file: name,
      outcome: known ? 'unchanged' : await load(tx, source, clock),
    });
  }
  return report;
}

async function dcTableNames(folder: string): Promise<string[]> {
  const names = await readdir(path.join(folder, 'dc-tables'));
  const tables = names.filter((name) => name.endsWith('.csv')).sort();
  if (tables.length > DC_TABLES_MAX) {
    throw new Fault('config-invalid', 'The folder of reference data has too many DC tables.');
  }
  return tables;
}

async function loadDcTables(
  database: Database,
  folder: string,
  clock: Clock,
): Promise<ReferenceDataImport[]> {
  const known = await rateFileHashes(database);
  const report: ReferenceDataImport[] = [];
  for (const name of await dcTableNames(folder)) {
    const source = await readSource(folder, path.join('dc-tables', name));
    if (known.has(fileHash(source))) {
      report.push({ file: name, outcome: 'unchanged' });
      continue;
    }
    const result = await importDcTable(database, memorySource(source), {
      clock,
      origin: 'bundled',
    });
    if (!result.ok) refuseProblems(result.problems);
    report.push({ file: name, outcome: result.outcome });
  }
  return report;
}

/**
 * Loads every file of `folder` that is new or changed. Safe to call from several starters at once. Throws
 * `config-invalid` with file, line, column and reason of the first problem, `file-unreadable` when a file is
 * missing; then nothing of that file is loaded.
 */
export async function importReferenceData(
  database: Database,
  folder: string,
  clock: Clock,
): Promise<readonly ReferenceDataImport[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const places = await database.transaction((tx) => loadPlacesAndRates(tx, folder, clock));
      return [...places, ...(await loadDcTables(database, folder, clock))];
    } catch (error) {
      // Another starter loaded the same file first: look again.
      const again = sqlState(error) === '23505' || isRetryable(error);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}
