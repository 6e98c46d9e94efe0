/**
 * Import of a valuation table. The file that came with the program and the file that a Collector sends take the
 * same way: read strictly and piece by piece, refuse all of it when any cell is wrong (or, when asked to, leave the
 * wrong rows out), write it as a new version in one commit. A Collector's table is a proposal until another officer
 * approves it.
 */
import type { Clock } from '../../../kernel/clock.ts';
import { isRetryable, sqlState, type Database, type Queryable } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { ColumnMapping } from './column-mapping.ts';
import { DcTableReading, type LineReport } from './dc-table-reading.ts';
import {
  findEarlierTable,
  finishTable,
  hasCollectorTable,
  insertLocalities,
  insertRates,
  localitiesOf,
  openTable,
  versionOfFile,
  type DcTableOrigin,
  type TableKey,
} from './dc-table-store.ts';
import type { DcTableRow, KnownPlaces } from './dc-table-file.ts';
import { loadCodes, loadTehsilDistricts } from './import-store.ts';
import type { FileProblem } from './table-file.ts';
import { sourceHash, type TableSource } from './table-source.ts';

const ATTEMPTS = 5;
/** Rows that go to the server in one statement. */
const BATCH = 4_000;

export type DcTableImport =
  | {
      readonly ok: true;
      /** `unchanged`: this very file was loaded before. `kept`: a Collector's table stands, the bundled one was left. */
      readonly outcome: 'imported' | 'unchanged' | 'kept';
      readonly district: string;
      readonly fiscalYear: string;
      /** Version of the file's rows; absent when it was not loaded. */
      readonly version?: number;
      /** A proposed table is not in force before another officer approves it. */
      readonly state: 'proposed' | 'approved' | 'refused';
      readonly rates: number;
      /** What is wrong with the rows that were left out, at most a thousand things. */
      readonly problems: readonly FileProblem[];
      readonly leftOut: number;
    }
  | {
      readonly ok: false;
      /** At most a thousand; `onLine` hears of all. */
      readonly problems: readonly FileProblem[];
    };

export interface DcTableImportOptions {
  readonly clock: Clock;
  /** `collector` when absent. */
  readonly origin?: DcTableOrigin;
  /** The officer who proposes the table; required for a Collector's. */
  readonly proposedBy?: string;
  /** Where the columns of a file with headings of its own stand. */
  readonly mapping?: ColumnMapping;
  /** Takes the right rows of a file with wrong ones. Off unless asked for. */
  readonly leaveOutWrongRows?: boolean;
  /** Allows a table that does not begin where the one before it ends. */
  readonly allowGap?: boolean;
  /** Allows a table without localities that the one before it had. */
  readonly allowMissingLocalities?: boolean;
  /** Hears of every line of the file, right or wrong, in order. */
  readonly onLine?: (line: LineReport) => void;
}

/** Undoes the transaction of a file that turned out wrong. */
class WrongFile extends Error {
  readonly problems: readonly FileProblem[];

  constructor(problems: readonly FileProblem[]) {
    super('The file has wrong rows.');
    this.problems = problems;
  }
}

function dayAfter(day: string): string {
  const instant = new Date(`${day}T00:00:00Z`);
  instant.setUTCDate(instant.getUTCDate() + 1);
  return instant.toISOString().slice(0, 10);
}

/** What only shows beside the tables that are in force: gaps and localities that were forgotten. */
async function checkAgainstEarlier(
  tx: Queryable,
  reading: DcTableReading,
  options: DcTableImportOptions,
): Promise<void> {
  const { first } = reading;
  if (first === undefined) return;
  const earlier = await findEarlierTable(tx, first);
  if (earlier === undefined) return;
  const gap = first.effectiveFrom > dayAfter(earlier.effectiveTo);
  if (gap && options.allowGap !== true) {
    const ends = `the table ${earlier.fiscalYear}, version ${String(earlier.version)}, ends on ${earlier.effectiveTo}`;
    reading.fileProblem(first.line, 'from', `leaves days without a table: ${ends}`);
  }
  if (options.allowMissingLocalities === true) return;
  const present = reading.localities;
  for (const [place, name] of await localitiesOf(tx, first.district, earlier)) {
    if (present.has(place)) continue;
    const before = `the table ${earlier.fiscalYear}, version ${String(earlier.version)}`;
    reading.fileProblem(1, 'locality', `${name} (${place}) of ${before} is missing`);
  }
}

interface Written {
  readonly version: number;
  readonly rates: number;
}

/** Reads the file and writes its rows as it goes. */
async function writeRows(
  tx: Queryable,
  reading: DcTableReading,
  file: { readonly sha256: string; readonly source: TableSource },
  options: DcTableImportOptions,
): Promise<Written | undefined> {
  let table: (TableKey & { version: number }) | undefined;
  let rates = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (rows: readonly DcTableRow[]): Promise<void> => {
    const [first] = rows;
    if (first === undefined || (reading.isWrong && options.leaveOutWrongRows !== true)) return;
    table ??= {
      district: first.district,
      fiscalYear: first.fiscalYear,
      version: await openTable(
        tx,
        {
          origin: options.origin ?? 'collector',
          fileName: file.source.fileName,
          sha256: file.sha256,
          importedAt: options.clock.now(),
          proposedBy: options.proposedBy,
        },
        first,
      ),
    };
    const localities = reading.takeNewLocalities(rows);
    if (localities.length > 0) await insertLocalities(tx, table, localities);
    await insertRates(tx, table, rows);
    rates += rows.length;
  };
  for await (const rows of reading.rows(BATCH)) {
    // The server writes one batch while the next is read.
    await writing;
    writing = write(rows);
    // A failure is met at the next await; without a handler it would count as unhandled before.
    writing.catch(() => undefined);
  }
  await writing;
  return table === undefined ? undefined : { version: table.version, rates };
}

async function importOnce(
  tx: Queryable,
  file: { readonly sha256: string; readonly source: TableSource },
  known: KnownPlaces,
  options: DcTableImportOptions,
): Promise<DcTableImport> {
  const reading = new DcTableReading(file.source, known, options);
  const peek = await reading.peek();
  const origin = options.origin ?? 'collector';
  if (peek !== undefined) {
    const { district, fiscalYear } = peek;
    const before = await versionOfFile(tx, peek, file.sha256);
    const same = { ok: true, district, fiscalYear, problems: [], leftOut: 0 } as const;
    if (before !== undefined) {
      const state =
        before.state === 'approved'
          ? 'approved'
          : before.state === 'refused'
            ? 'refused'
            : 'proposed';
      return { ...same, outcome: 'unchanged', version: before.version, state, rates: before.rates };
    }
    if (origin === 'bundled' && (await hasCollectorTable(tx, peek))) {
      return { ...same, outcome: 'kept', state: 'approved', rates: 0 };
    }
  }
  const written = await writeRows(tx, reading, file, options);
  await checkAgainstEarlier(tx, reading, options);
  const { first, leftOut, problems } = reading;
  const whole = options.leaveOutWrongRows === true ? reading.isBroken : reading.isWrong;
  if (whole || written === undefined || first === undefined) throw new WrongFile(problems);
  const { district, fiscalYear } = first;
  await finishTable(
    tx,
    { district, fiscalYear, version: written.version },
    { rates: written.rates, leftOut },
  );
  return {
    ok: true,
    outcome: 'imported',
    district,
    fiscalYear,
    version: written.version,
    state: origin === 'bundled' ? 'approved' : 'proposed',
    rates: written.rates,
    problems,
    leftOut,
  };
}

/**
 * Imports a valuation table as a new version of its district and fiscal year. The same file again changes
 * nothing. A file with any wrong cell is refused whole, with every problem by line and column, unless its wrong
 * rows are to be left out. Throws `bad-input` when a Collector's table has no officer who proposes it.
 */
export async function importDcTable(
  database: Database,
  source: TableSource,
  options: DcTableImportOptions,
): Promise<DcTableImport> {
  if (options.origin !== 'bundled' && (options.proposedBy ?? '') === '') {
    throw new Fault('bad-input', 'A valuation table needs the officer who proposes it.');
  }
  const known = {
    districts: await loadCodes(database, 'district'),
    tehsils: await loadTehsilDistricts(database),
  };
  const file = { source, sha256: await sourceHash(source) };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.transaction((tx) => importOnce(tx, file, known, options));
    } catch (error) {
      if (error instanceof WrongFile) return { ok: false, problems: error.problems };
      // Another importer took the same version number first: look again and take the next.
      const again = sqlState(error) === '23505' || isRetryable(error);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}
