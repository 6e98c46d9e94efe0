/** Reads the cells of one line by column and type. */
import type { BusinessDate } from '../../../kernel/clock.ts';
import { parseRupees, ZERO, type Paisa } from '../../../kernel/money.ts';
import type { CellFinder } from './column-mapping.ts';
import type { FileRecord } from './csv-records.ts';

const CELL_MAX = 400;
const CONTROL = /[\p{Cc}\p{Cf}]/u;
const RUPEES = /^\d{1,12}(\.\d{1,2})?$/;
/** `1,782,000` or `17,82,000`, as a Collector's file may write it. */
const GROUPED = /^\d{1,3}(,\d{2,3})*,\d{3}(\.\d{1,2})?$/;

/** Records that a cell is wrong. */
export type Report = (line: number, column: string, reason: string) => void;

/** `12.500` as `12.5`, `0.0` as `0`. */
function trimmedDecimal(text: string): string {
  return (text.includes('.') ? text.replace(/\.?0+$/, '') : text).replace(/^0+(?=\d)/, '');
}

const days = new Map<string, boolean>();
const DAYS_MAX = 10_000;

/** True for a day of the calendar written YYYY-MM-DD. A file states the same few days over and over. */
function isDay(text: string): boolean {
  const known = days.get(text);
  if (known !== undefined) return known;
  const instant = new Date(`${text}T00:00:00Z`);
  const right =
    /^\d{4}-\d{2}-\d{2}$/.test(text) &&
    !Number.isNaN(instant.getTime()) &&
    instant.toISOString().startsWith(text);
  if (days.size < DAYS_MAX) days.set(text, right);
  return right;
}

/**
 * The cells of one line, by column. A method that meets a wrong cell records the problem and returns a
 * placeholder of its type; rows of a file with problems are thrown away, so placeholders go nowhere.
 */
export class RowReader {
  readonly line: number;
  readonly #cells: readonly string[];
  readonly #columns: CellFinder;
  readonly #report: Report;

  constructor(record: FileRecord, columns: CellFinder, report: Report) {
    this.line = record.line;
    this.#cells = record.cells;
    this.#columns = columns;
    this.#report = report;
  }

  /** Records that a cell is wrong. */
  problem(column: string, reason: string): void {
    this.#report(this.line, this.#columns.headingOf(column), reason);
  }

  /** True when the file has headings of its own. */
  get isMapped(): boolean {
    return this.#columns.isMapped;
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
    if (CONTROL.test(cell)) this.problem(column, 'has control or invisible characters');
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
    const right = isDay(cell);
    if (cell !== '' && !right) this.problem(column, `"${cell}" is not a day written YYYY-MM-DD`);
    return right ? cell : '1970-01-01';
  }

  optionalDate(column: string): BusinessDate | undefined {
    return this.isEmpty(column) ? undefined : this.date(column);
  }

  /** Rupees with at most two decimals, above nothing. */
  rupees(column: string): Paisa {
    const stated = this.text(column);
    if (stated === '') return ZERO;
    const cell = GROUPED.test(stated) ? stated.replaceAll(',', '') : stated;
    if (!RUPEES.test(cell)) {
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

  /** A surcharge of 0 to 100 per cent with at most three decimals; an empty cell is none. */
  surcharge(column: string): string {
    const cell = this.#cell(column);
    if (cell === '') return '0';
    const right = /^(100(\.0{1,3})?|\d{1,2}(\.\d{1,3})?)$/.test(cell);
    if (!right) this.problem(column, `"${cell}" is not a percentage from 0 to 100`);
    return right ? trimmedDecimal(cell) : '0';
  }

  /** A cell as it is. */
  raw(column: string): string {
    return this.#cell(column);
  }

  #cell(column: string): string {
    return this.#columns.cell(this.#cells, column);
  }
}
