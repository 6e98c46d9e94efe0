/**
 * Records of a CSV file (RFC 4180: cells in quotes may hold commas, quotes written twice and line ends), piece by
 * piece, so that a large file is never held whole. Cells are trimmed; lines without any text are left out.
 */

/** One record with the line of the file it begins on, from 1. */
export interface FileRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A file that cannot be read on, with the line where it went wrong. */
export class BrokenFile extends Error {
  readonly line: number;

  constructor(line: number, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.line = line;
  }
}

/** Longer than this a record has an unclosed quote. */
const RECORD_MAX = 64 * 1024;
const QUOTES = 'the quotes of this line are not right';

/** True when every quote of the text is closed. */
function isClosed(text: string): boolean {
  let quotes = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) quotes += 1;
  return quotes % 2 === 0;
}

function quotedCells(text: string, line: number): string[] {
  const cells: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*(,|$)/.exec(rest);
    const plain = quoted === null ? /^([^",]*)(,|$)/.exec(rest) : null;
    const match = quoted ?? plain;
    if (match === null) throw new BrokenFile(line, QUOTES);
    const cell = match[1] ?? '';
    cells.push((quoted === null ? cell : cell.replaceAll('""', '"')).trim());
    if (match[2] === '') return cells;
    rest = rest.slice(match[0].length);
  }
}

/** Turns text into records as it comes. */
export class CsvSplitter {
  #rest = '';
  #line = 1;
  #pending = '';
  #pendingLine = 1;

  /** Line that is read next. */
  get line(): number {
    return this.#line;
  }

  /** The records that are complete with this piece of text. Throws `BrokenFile` on wrong quotes. */
  push(text: string): FileRecord[] {
    const whole = this.#rest + text;
    const records: FileRecord[] = [];
    let start = 0;
    for (let end = whole.indexOf('\n'); end !== -1; end = whole.indexOf('\n', start)) {
      this.#take(whole.slice(start, end), records);
      start = end + 1;
    }
    this.#rest = whole.slice(start);
    if (this.#rest.length > RECORD_MAX) throw new BrokenFile(this.#line, 'the line is too long');
    return records;
  }

  /** The last record, when the file does not end with a line end. */
  end(): FileRecord[] {
    const records: FileRecord[] = [];
    if (this.#rest !== '') this.#take(this.#rest, records);
    if (this.#pending !== '') throw new BrokenFile(this.#pendingLine, QUOTES);
    return records;
  }

  #take(raw: string, records: FileRecord[]): void {
    const line = this.#line;
    this.#line += 1;
    if (this.#pending === '' && !raw.includes('"')) {
      if (raw.trim() === '') return;
      const cells = raw.split(',');
      for (let index = 0; index < cells.length; index += 1)
        cells[index] = cells[index]?.trim() ?? '';
      records.push({ line, cells });
      return;
    }
    if (this.#pending === '') this.#pendingLine = line;
    const text = this.#pending === '' ? raw : `${this.#pending}\n${raw}`;
    if (!isClosed(text)) {
      if (text.length > RECORD_MAX) throw new BrokenFile(this.#pendingLine, QUOTES);
      this.#pending = text;
      return;
    }
    this.#pending = '';
    records.push({
      line: this.#pendingLine,
      cells: quotedCells(text.trimEnd(), this.#pendingLine),
    });
  }
}
