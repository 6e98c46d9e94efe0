/**
 * Import of a valuation table. The file that came with the program and the file that a Collector sends take the
 * same way: read strictly, refuse all of it when any cell is wrong, write it as a new version in one commit.
 */
import type { Clock } from '../../../kernel/clock.ts';
import { isRetryable, sqlState, type Database, type Queryable } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import { readDcTable, type DcTableRow } from './dc-table-file.ts';
import {
  hasCollectorTable,
  insertDcTable,
  versionOfFile,
  type DcTableOrigin,
} from './dc-table-store.ts';
import { loadCodes, loadTehsilDistricts } from './import-store.ts';
import { fileHash, type FileProblem, type SourceFile } from './table-file.ts';

const ATTEMPTS = 5;

export type DcTableImport =
  | {
      readonly ok: true;
      /** `unchanged`: this very file was loaded before. `kept`: a Collector's table stands, the bundled one was left. */
      readonly outcome: 'imported' | 'unchanged' | 'kept';
      readonly district: string;
      readonly fiscalYear: string;
      /** Version of the file's rows; absent when it was not loaded. */
      readonly version?: number;
      readonly rates: number;
    }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

interface DcTableImportOptions {
  readonly clock: Clock;
  /** `collector` when absent. */
  readonly origin?: DcTableOrigin;
}

async function write(
  tx: Queryable,
  rows: readonly [DcTableRow, ...DcTableRow[]],
  file: SourceFile,
  options: DcTableImportOptions,
): Promise<DcTableImport> {
  const [{ district, fiscalYear }] = rows;
  const sha256 = fileHash(file);
  const done = { ok: true, district, fiscalYear, rates: rows.length } as const;
  const known = await versionOfFile(tx, { district, fiscalYear }, sha256);
  if (known !== undefined) return { ...done, outcome: 'unchanged', version: known };
  const origin = options.origin ?? 'collector';
  if (origin === 'bundled' && (await hasCollectorTable(tx, { district, fiscalYear }))) {
    return { ...done, outcome: 'kept' };
  }
  const loaded = {
    fileName: file.fileName,
    sha256,
    rowCount: rows.length,
    importedAt: options.clock.now(),
    origin,
  };
  return { ...done, outcome: 'imported', version: await insertDcTable(tx, loaded, rows) };
}

/**
 * Imports a valuation table as a new version of its district and fiscal year. The same file again changes
 * nothing. A file with any wrong cell is refused whole, with every problem by line and column.
 */
export async function importDcTable(
  database: Database,
  file: SourceFile,
  options: DcTableImportOptions,
): Promise<DcTableImport> {
  const table = readDcTable(file, {
    districts: await loadCodes(database, 'district'),
    tehsils: await loadTehsilDistricts(database),
  });
  if (!table.ok) return table;
  const [first, ...others] = table.rows.map((each) => each.row);
  if (first === undefined) throw new Fault('internal', 'A table without rows was read as right.');
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.transaction((tx) => write(tx, [first, ...others], file, options));
    } catch (error) {
      // Another importer took the same version number first: look again and take the next.
      const again = sqlState(error) === '23505' || isRetryable(error);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}
