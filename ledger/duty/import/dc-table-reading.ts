/** One reading of a valuation table's file: right rows in batches, problems with line and column, a report by line. */
import { findColumns, type CellFinder, type ColumnMapping } from './column-mapping.ts';
import { BrokenFile, type FileRecord } from './csv-records.ts';
import {
  DC_TABLE_COLUMNS,
  DcTableConsistency,
  dcTableRow,
  type DcTableRow,
  type KnownPlaces,
} from './dc-table-file.ts';
import { RowReader } from './row-reader.ts';
import { Problems, widthProblem, type FileProblem } from './table-file.ts';
import { tableRecords, type TableSource } from './table-source.ts';

const ROWS_MAX = 1_000_000;

/** What was found of one line. */
export interface LineReport {
  readonly line: number;
  readonly right: boolean;
  /** Empty for a right line. */
  readonly problems: readonly { readonly column: string; readonly reason: string }[];
}

interface ReadingOptions {
  readonly mapping?: ColumnMapping;
  readonly onLine?: (line: LineReport) => void;
}

export class DcTableReading {
  readonly #source: TableSource;
  readonly #known: KnownPlaces;
  readonly #options: ReadingOptions;
  readonly #problems: Problems;
  readonly #consistency = new DcTableConsistency();
  readonly #written = new Set<string>();
  #header: { readonly cells: readonly string[]; readonly finder: CellFinder } | undefined;
  #wrongLines = 0;
  #isBroken = false;
  #records = 0;
  /** Problems of the line that is being read. */
  #ofLine: { column: string; reason: string }[] = [];

  constructor(source: TableSource, known: KnownPlaces, options: ReadingOptions) {
    this.#source = source;
    this.#known = known;
    this.#options = options;
    this.#problems = new Problems(source.fileName);
  }

  get problems(): readonly FileProblem[] {
    return this.#problems.list;
  }

  /** Lines that are wrong. */
  get leftOut(): number {
    return this.#wrongLines;
  }

  /** True when anything is wrong. */
  get isWrong(): boolean {
    return this.#isBroken || this.#wrongLines > 0;
  }

  /** True when the file as a whole is wrong, not only some of its rows. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  get first(): DcTableRow | undefined {
    return this.#consistency.first;
  }

  get localities(): ReadonlySet<string> {
    return this.#consistency.localities;
  }

  /** Records that the file as a whole is wrong. */
  fileProblem(line: number, column: string, reason: string): void {
    this.#isBroken = true;
    this.#problems.add(line, column, reason);
  }

  /** District and year of the first row, before anything is judged; undefined when they cannot be told. */
  async peek(): Promise<{ readonly district: string; readonly fiscalYear: string } | undefined> {
    const reading = new DcTableReading(this.#source, this.#known, {
      ...(this.#options.mapping === undefined ? {} : { mapping: this.#options.mapping }),
    });
    for await (const [row] of reading.rows(1)) {
      return row === undefined ? undefined : { district: row.district, fiscalYear: row.fiscalYear };
    }
    return undefined;
  }

  /** The first row of each locality that no call named before. */
  takeNewLocalities(rows: readonly DcTableRow[]): readonly DcTableRow[] {
    const fresh: DcTableRow[] = [];
    for (const row of rows) {
      const place = `${row.tehsil} ${row.locality}`;
      if (this.#written.has(place)) continue;
      this.#written.add(place);
      fresh.push(row);
    }
    return fresh;
  }

  /** The right rows, in batches of about so many. */
  async *rows(batchRows: number): AsyncGenerator<readonly DcTableRow[]> {
    let batch: DcTableRow[] = [];
    try {
      for await (const records of tableRecords(this.#source, this.#options.mapping?.sheet)) {
        for (const record of records) {
          const row = this.#take(record);
          if (row !== undefined) batch.push(row);
        }
        if (batch.length >= batchRows) {
          yield batch;
          batch = [];
        }
        if (this.#isBroken) break;
      }
    } catch (error) {
      if (!(error instanceof BrokenFile)) throw error;
      this.fileProblem(error.line, '*', error.message);
    }
    if (batch.length > 0) yield batch;
    if (!this.#isBroken && this.#header === undefined)
      this.fileProblem(1, '*', 'the file is empty');
    else if (!this.#isBroken && this.#records === 0)
      this.fileProblem(1, '*', 'the file has no rows');
  }

  #take(record: FileRecord): DcTableRow | undefined {
    if (this.#isBroken) return undefined;
    if (this.#header === undefined) {
      if (record.line >= (this.#options.mapping?.headerLine ?? 0)) this.#takeHeader(record);
      return undefined;
    }
    this.#records += 1;
    if (this.#records > ROWS_MAX) {
      this.fileProblem(record.line, '*', `the file has more than ${String(ROWS_MAX)} rows`);
      return undefined;
    }
    return this.#takeRow(record, this.#header);
  }

  #takeHeader(record: FileRecord): void {
    const { mapping } = this.#options;
    const { finder, problems } = findColumns(record.cells, DC_TABLE_COLUMNS, mapping);
    this.#header = { cells: record.cells, finder };
    for (const { column, reason } of problems) this.fileProblem(record.line, column, reason);
  }

  readonly #report = (line: number, column: string, reason: string): void => {
    this.#ofLine.push({ column, reason });
    this.#problems.add(line, column, reason);
  };

  #takeRow(
    record: FileRecord,
    header: { readonly cells: readonly string[]; readonly finder: CellFinder },
  ): DcTableRow | undefined {
    this.#ofLine = [];
    const width = widthProblem(record, header.cells);
    let row: DcTableRow | undefined;
    if (width !== undefined) this.#report(record.line, '*', width);
    else {
      row = dcTableRow(new RowReader(record, header.finder, this.#report), this.#known);
      // A row that is wrong in itself says nothing about the others.
      if (this.#ofLine.length === 0) this.#consistency.check(row, this.#report);
    }
    const right = this.#ofLine.length === 0;
    if (!right) this.#wrongLines += 1;
    this.#options.onLine?.({ line: record.line, right, problems: this.#ofLine });
    return right ? row : undefined;
  }
}
