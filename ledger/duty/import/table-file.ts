/**
 * Strict reading of a table from CSV bytes: UTF-8, one header line with exactly the columns that are asked for
 * (in any order), every cell checked by type. All problems of a file are collected, each with line and column;
 * a file with problems is never used, not even its good rows.
 */
import { createHash } from 'node:crypto';
import { findColumns } from './column-mapping.ts';
import { BrokenFile, CsvSplitter, type FileRecord } from './csv-records.ts';
import { RowReader, type Report } from './row-reader.ts';

const BYTES_MAX = 16 * 1024 * 1024;
const PROBLEMS_MAX = 1_000;

/** A file as it came. */
export interface SourceFile {
  /** Name without folder, as problems quote it. */
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** One thing that is wrong in a file. */
export interface FileProblem {
  readonly file: string;
  /** Line of the file, from 1. */
  readonly line: number;
  /** Name of the column; `*` when the line or the file as a whole is wrong. */
  readonly column: string;
  readonly reason: string;
}

/** A row with the line it stands on. */
export interface Located<T> {
  readonly line: number;
  readonly row: T;
}

export type TableResult<T> =
  | { readonly ok: true; readonly rows: readonly Located<T>[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** SHA-256 of a file, hex. */
export function fileHash(file: SourceFile): string {
  return createHash('sha256').update(file.bytes).digest('hex');
}

/** Collects what is wrong in a file, at most a thousand things. */
export class Problems {
  readonly list: FileProblem[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  readonly add: Report = (line, column, reason) => {
    if (this.list.length < PROBLEMS_MAX) {
      this.list.push({ file: this.#file, line, column, reason });
    }
  };
}

function csvRecords(file: SourceFile, problems: Problems): readonly FileRecord[] {
  if (file.bytes.length > BYTES_MAX) {
    problems.add(1, '*', 'the file is larger than 16 MiB');
    return [];
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file.bytes);
  } catch {
    problems.add(1, '*', 'the file is not UTF-8 text');
    return [];
  }
  try {
    const splitter = new CsvSplitter();
    return [...splitter.push(text), ...splitter.end()];
  } catch (error) {
    if (!(error instanceof BrokenFile)) throw error;
    problems.add(error.line, '*', error.message);
    return [];
  }
}

/** What is wrong with the number of cells of a record; undefined when it is right. */
export function widthProblem(record: FileRecord, header: readonly string[]): string | undefined {
  return record.cells.length === header.length
    ? undefined
    : `has ${String(record.cells.length)} cells, the header has ${String(header.length)}`;
}

/**
 * Reads a small table whole. `toRow` turns the cells of a line into a row; `check` then looks at all rows together
 * and is only called when each of them is right.
 */
export function readTable<T>(
  file: SourceFile,
  shape: {
    readonly columns: readonly string[];
    /** Columns that may be left out. */
    readonly optional?: readonly string[];
    readonly toRow: (reader: RowReader) => T;
    readonly check?: (rows: readonly Located<T>[], report: Report) => void;
  },
): TableResult<T> {
  const problems = new Problems(file.fileName);
  const [header, ...records] = csvRecords(file, problems);
  if (header === undefined) {
    if (problems.list.length === 0) problems.add(1, '*', 'the file is empty');
    return { ok: false, problems: problems.list };
  }
  const columns = findColumns(header.cells, {
    required: shape.columns,
    optional: shape.optional ?? [],
  });
  for (const { column, reason } of columns.problems) problems.add(1, column, reason);
  if (problems.list.length > 0) return { ok: false, problems: problems.list };
  if (records.length === 0) problems.add(1, '*', 'the file has no rows');
  const rows: Located<T>[] = [];
  for (const record of records) {
    const width = widthProblem(record, header.cells);
    if (width === undefined) {
      const row = shape.toRow(new RowReader(record, columns.finder, problems.add));
      rows.push({ line: record.line, row });
    } else problems.add(record.line, '*', width);
  }
  if (problems.list.length === 0) shape.check?.(rows, problems.add);
  return problems.list.length === 0 ? { ok: true, rows } : { ok: false, problems: problems.list };
}
