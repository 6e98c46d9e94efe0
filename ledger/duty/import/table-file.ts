/**
 * Strict reading of a table from CSV bytes: UTF-8, one header line with exactly the columns that are asked for
 * (in any order), every cell checked by type. All problems of a file are collected, each with line and column;
 * a file with problems is never used, not even its good rows.
 */
import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import type { BusinessDate } from '../../../kernel/clock.ts';
import { parseRupees, ZERO, type Paisa } from '../../../kernel/money.ts';

const BYTES_MAX = 64 * 1024 * 1024;
const ROWS_MAX = 300_000;
const PROBLEMS_MAX = 1_000;
const CELL_MAX = 400;

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

/**
 * The cells of one line, by column. A method that meets a wrong cell records the problem and returns a
 * placeholder of its type; rows of a file with problems are thrown away, so placeholders go nowhere.
 */
export class RowReader {
  readonly line: number;
  readonly #cells: ReadonlyMap<string, string>;
  readonly #report: (line: number, column: string, reason: string) => void;

  constructor(
    line: number,
    cells: ReadonlyMap<string, string>,
    report: (line: number, column: string, reason: string) => void,
  ) {
    this.line = line;
    this.#cells = cells;
    this.#report = report;
  }

  /** Records that a cell is wrong. */
  problem(column: string, reason: string): void {
    this.#report(this.line, column, reason);
  }

  isEmpty(column: string): boolean {
    return this.#cell(column) === '';
  }

  /** Any one line of text, not empty. */
  text(column: string): string {
    const cell = this.#cell(column);
    if (cell === '') this.problem(column, 'is empty');
    if (cell.length > CELL_MAX)
      this.problem(column, `is longer than ${String(CELL_MAX)} characters`);
    if (/[\p{Cc}\p{Cf}]/u.test(cell)) this.problem(column, 'has control or invisible characters');
    return cell;
  }

  /** Text of a form; `form` says in words what is right. */
  code(column: string, pattern: RegExp, form: string): string {
    const cell = this.text(column);
    if (cell !== '' && !pattern.test(cell)) this.problem(column, `"${cell}" is not ${form}`);
    return cell;
  }

  oneOf<const T extends readonly string[]>(column: string, values: T): T[number] {
    const cell = this.#cell(column);
    const found = values.find((value) => value === cell);
    if (found === undefined) this.problem(column, `"${cell}" is not one of: ${values.join(', ')}`);
    return found ?? values[0] ?? '';
  }

  yesNo(column: string): boolean {
    return this.oneOf(column, ['yes', 'no']) === 'yes';
  }

  /** A day of the calendar, `YYYY-MM-DD`. */
  date(column: string): BusinessDate {
    const cell = this.text(column);
    const instant = new Date(`${cell}T00:00:00Z`);
    const right =
      /^\d{4}-\d{2}-\d{2}$/.test(cell) &&
      !Number.isNaN(instant.getTime()) &&
      instant.toISOString().startsWith(cell);
    if (cell !== '' && !right) this.problem(column, `"${cell}" is not a day written YYYY-MM-DD`);
    return right ? cell : '1970-01-01';
  }

  optionalDate(column: string): BusinessDate | undefined {
    return this.isEmpty(column) ? undefined : this.date(column);
  }

  /** Rupees with at most two decimals, above nothing. */
  rupees(column: string): Paisa {
    const cell = this.text(column);
    if (cell === '') return ZERO;
    if (!/^\d{1,12}(\.\d{1,2})?$/.test(cell)) {
      this.problem(column, `"${cell}" is not rupees: digits with at most two decimals`);
      return ZERO;
    }
    const amount = parseRupees(cell);
    if (amount === 0n) this.problem(column, 'must be more than nothing');
    return amount;
  }

  optionalRupees(column: string): Paisa | undefined {
    return this.isEmpty(column) ? undefined : this.rupees(column);
  }

  /** A percentage above 0 and at most 100, with at most six decimals. */
  percent(column: string): string {
    const cell = this.text(column);
    if (cell === '') return '1';
    const right = /^(100(\.0{1,6})?|\d{1,2}(\.\d{1,6})?)$/.test(cell) && /[1-9]/.test(cell);
    if (!right) this.problem(column, `"${cell}" is not a percentage above 0 and at most 100`);
    return right ? cell : '1';
  }

  #cell(column: string): string {
    return this.#cells.get(column) ?? '';
  }
}

class Problems {
  readonly list: FileProblem[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  readonly add = (line: number, column: string, reason: string): void => {
    if (this.list.length < PROBLEMS_MAX) {
      this.list.push({ file: this.#file, line, column, reason });
    }
  };
}

type Line = { readonly record: readonly string[]; readonly info: { readonly lines: number } };

function csvLines(file: SourceFile, problems: Problems): readonly Line[] {
  if (file.bytes.length > BYTES_MAX) {
    problems.add(1, '*', 'the file is larger than 64 MiB');
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
    // With `info` each record comes with its line; the library's types do not say so.
    return parse(text, {
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: 64 * 1024,
      to_line: ROWS_MAX + 2,
    }) as unknown as readonly Line[];
  } catch (error) {
    // A quote that is not closed or stands inside a cell; the parser names the line.
    const line =
      error instanceof Error && 'lines' in error && typeof error.lines === 'number'
        ? error.lines
        : 1;
    problems.add(line, '*', 'the quotes of this line are not right');
    return [];
  }
}

function checkHeader(
  header: readonly string[],
  columns: readonly string[],
  problems: Problems,
): void {
  for (const column of columns) {
    if (!header.includes(column)) problems.add(1, column, 'the column is missing');
  }
  for (const [index, column] of header.entries()) {
    if (!columns.includes(column)) problems.add(1, column, 'the column is not known');
    else if (header.indexOf(column) !== index) problems.add(1, column, 'the column comes twice');
  }
}

/**
 * Reads a table. `toRow` turns the cells of a line into a row; `check` then looks at all rows together and is
 * only called when each of them is right.
 */
export function readTable<T>(
  file: SourceFile,
  shape: {
    readonly columns: readonly string[];
    readonly toRow: (reader: RowReader) => T;
    readonly check?: (
      rows: readonly Located<T>[],
      report: (line: number, column: string, reason: string) => void,
    ) => void;
  },
): TableResult<T> {
  const problems = new Problems(file.fileName);
  const [header, ...lines] = csvLines(file, problems);
  if (header === undefined) {
    if (problems.list.length === 0) problems.add(1, '*', 'the file is empty');
    return { ok: false, problems: problems.list };
  }
  checkHeader(header.record, shape.columns, problems);
  if (problems.list.length > 0) return { ok: false, problems: problems.list };
  if (lines.length === 0) problems.add(1, '*', 'the file has no rows');
  if (lines.length > ROWS_MAX)
    problems.add(1, '*', `the file has more than ${String(ROWS_MAX)} rows`);
  const rows: Located<T>[] = [];
  for (const { record, info } of lines) {
    if (record.length !== header.record.length) {
      problems.add(
        info.lines,
        '*',
        `has ${String(record.length)} cells, the header has ${String(header.record.length)}`,
      );
      continue;
    }
    const cells = new Map(header.record.map((column, index) => [column, record[index] ?? '']));
    rows.push({
      line: info.lines,
      row: shape.toRow(new RowReader(info.lines, cells, problems.add)),
    });
  }
  if (problems.list.length === 0) shape.check?.(rows, problems.add);
  return problems.list.length === 0 ? { ok: true, rows } : { ok: false, problems: problems.list };
}
