/**
 * Records of one sheet of an XLSX workbook (ECMA-376 part 1, SpreadsheetML): shared and inline strings, numbers as
 * the sheet shows them, days by their number format. Only the shared strings are held whole. Lines are the rows
 * that Excel shows.
 */
import { BrokenFile, type FileRecord } from './csv-records.ts';
import { xmlTokens, type XmlToken } from './xml-tokens.ts';
import { ZipFile } from './zip-file.ts';

const COLUMNS_MAX = 200;
const STRINGS_MAX = 2_000_000;
const BATCH = 500;

async function* allTokens(zip: ZipFile, name: string): AsyncGenerator<XmlToken> {
  for await (const tokens of xmlTokens(zip.read(name), name)) yield* tokens;
}

interface Workbook {
  readonly sheetPath: string;
  /** Days are counted from 1904, not 1900. */
  readonly from1904: boolean;
}

async function relationTargets(zip: ZipFile): Promise<ReadonlyMap<string, string>> {
  const targets = new Map<string, string>();
  for await (const token of allTokens(zip, 'xl/_rels/workbook.xml.rels')) {
    if (token.kind !== 'open' || token.name !== 'Relationship') continue;
    const target = token.attributes.get('Target') ?? '';
    const id = token.attributes.get('Id') ?? '';
    targets.set(id, target.startsWith('/') ? target.slice(1) : `xl/${target}`);
  }
  return targets;
}

async function readWorkbook(zip: ZipFile, wanted: string | undefined): Promise<Workbook> {
  if (!zip.has('xl/workbook.xml')) throw new BrokenFile(1, 'the file is not an XLSX workbook');
  const sheets: { readonly name: string; readonly id: string }[] = [];
  let from1904 = false;
  for await (const token of allTokens(zip, 'xl/workbook.xml')) {
    if (token.kind !== 'open') continue;
    const { attributes } = token;
    if (token.name === 'sheet') {
      const id = [...attributes].find(([name]) => name.endsWith(':id'))?.[1] ?? '';
      sheets.push({ name: attributes.get('name') ?? '', id });
    }
    if (token.name === 'workbookPr') {
      from1904 = ['1', 'true'].includes(attributes.get('date1904') ?? '');
    }
  }
  const sheet = wanted === undefined ? sheets[0] : sheets.find((each) => each.name === wanted);
  const targets = await relationTargets(zip);
  const sheetPath = targets.get(sheet?.id ?? '');
  if (sheetPath === undefined || !zip.has(sheetPath)) {
    throw new BrokenFile(
      1,
      `the workbook has no sheet ${wanted ?? '1'}; it has: ${sheets.map((each) => each.name).join(', ')}`,
    );
  }
  return { sheetPath, from1904 };
}

async function sharedStrings(zip: ZipFile): Promise<readonly string[]> {
  const strings: string[] = [];
  if (!zip.has('xl/sharedStrings.xml')) return strings;
  let text = '';
  let inText = false;
  let inPhonetic = false;
  for await (const token of allTokens(zip, 'xl/sharedStrings.xml')) {
    if (token.kind === 'text') {
      if (inText && !inPhonetic) text += token.text;
    } else if (token.name === 't') inText = token.kind === 'open';
    else if (token.name === 'rPh') inPhonetic = token.kind === 'open';
    else if (token.name === 'si') {
      if (token.kind === 'close') strings.push(text.trim());
      text = '';
      if (strings.length > STRINGS_MAX) throw new BrokenFile(1, 'the workbook has too many texts');
    }
  }
  return strings;
}

/** True for the code of a number format that shows a day: `dd-mmm-yy`, not `#,##0` or `[Red]0`. */
function isDayFormat(code: string): boolean {
  return /[dy]/i.test(code.replace(/"[^"]*"|\[[^\]]*\]|\\./g, ''));
}

/** For each style of a cell, whether it shows a day. */
async function dayStyles(zip: ZipFile): Promise<readonly boolean[]> {
  const styles: boolean[] = [];
  if (!zip.has('xl/styles.xml')) return styles;
  const custom = new Map<number, boolean>();
  let inCellFormats = false;
  for await (const token of allTokens(zip, 'xl/styles.xml')) {
    if (token.kind === 'text') continue;
    if (token.name === 'cellXfs') inCellFormats = token.kind === 'open';
    if (token.kind !== 'open') continue;
    const format = Number(token.attributes.get('numFmtId') ?? '0');
    if (token.name === 'numFmt') {
      custom.set(format, isDayFormat(token.attributes.get('formatCode') ?? ''));
    }
    if (token.name === 'xf' && inCellFormats) {
      styles.push(custom.get(format) ?? ((format >= 14 && format <= 17) || format === 22));
    }
  }
  return styles;
}

/** Zero-based column of a cell's reference: `C7` is 2. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of reference) {
    const value = letter.charCodeAt(0) - 64;
    if (value < 1 || value > 26) break;
    column = column * 26 + value;
  }
  return column - 1;
}

/** A day number as YYYY-MM-DD. Excel counts a 29 February 1900 that never was. */
function dayText(days: number, from1904: boolean): string {
  const epoch = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const instant = new Date(epoch + days * 86_400_000);
  return Number.isNaN(instant.getTime()) ? String(days) : instant.toISOString().slice(0, 10);
}

/** A number as the sheet shows it at most: fifteen digits, so that 0.1 + 0.2 is 0.3 again. */
function numberText(text: string): string {
  if (/^-?\d{1,15}$/.test(text)) return text;
  const value = Number(text);
  return Number.isFinite(value) ? String(Number(value.toPrecision(15))) : text;
}

interface Context {
  readonly strings: readonly string[];
  readonly days: readonly boolean[];
  readonly from1904: boolean;
}

class SheetReader {
  readonly #context: Context;
  #row: { line: number; cells: string[] } | undefined;
  #line = 0;
  #width = 0;
  #cell: { column: number; type: string; style: number; text: string } | undefined;
  #inValue = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Takes a token; returns the record that it completes. */
  take(token: XmlToken): FileRecord | undefined {
    if (token.kind === 'text') {
      if (this.#inValue && this.#cell !== undefined) this.#cell.text += token.text;
      return undefined;
    }
    if (token.name === 'v' || token.name === 't') this.#inValue = token.kind === 'open';
    else if (token.name === 'c') this.#takeCell(token);
    else if (token.name === 'row') return this.#takeRow(token);
    return undefined;
  }

  #takeRow(token: Exclude<XmlToken, { kind: 'text' }>): FileRecord | undefined {
    if (token.kind === 'open') {
      this.#line = Number(token.attributes.get('r') ?? String(this.#line + 1));
      this.#row = { line: this.#line, cells: [] };
      return undefined;
    }
    const row = this.#row;
    this.#row = undefined;
    if (row === undefined || row.cells.every((cell) => cell === '')) return undefined;
    while (row.cells.at(-1) === '' && row.cells.length > this.#width) row.cells.pop();
    // The headings are the widest row; a title above them is narrower.
    this.#width = Math.max(this.#width, row.cells.length);
    while (row.cells.length < this.#width) row.cells.push('');
    return row;
  }

  #takeCell(token: Exclude<XmlToken, { kind: 'text' }>): void {
    if (token.kind === 'open') {
      const reference = token.attributes.get('r');
      const column = reference === undefined ? (this.#row?.cells.length ?? 0) : columnOf(reference);
      if (column < 0 || column >= COLUMNS_MAX) {
        throw new BrokenFile(this.#line, `the sheet has more than ${String(COLUMNS_MAX)} columns`);
      }
      const style = Number(token.attributes.get('s') ?? '0');
      this.#cell = { column, type: token.attributes.get('t') ?? 'n', style, text: '' };
      return;
    }
    const cell = this.#cell;
    const cells = this.#row?.cells;
    this.#cell = undefined;
    if (cell === undefined || cells === undefined) return;
    while (cells.length <= cell.column) cells.push('');
    cells[cell.column] = this.#value(cell);
  }

  #value({ type, style, text }: { type: string; style: number; text: string }): string {
    const { strings, days, from1904 } = this.#context;
    if (type === 's') {
      const shared = strings[Number(text)];
      if (shared === undefined)
        throw new BrokenFile(this.#line, 'a cell names a text that is not there');
      return shared;
    }
    if (type === 'b') return text === '1' ? 'yes' : 'no';
    if (type !== 'n' || text === '') return text.trim();
    const isDay = days[style] === true && /^\d{1,7}(\.0+)?$/.test(text);
    return isDay ? dayText(Number(text), from1904) : numberText(text);
  }
}

/** The records of a sheet (the first when none is named), in batches. Throws `BrokenFile`. */
export async function* xlsxRecords(
  bytes: Uint8Array,
  sheet?: string,
): AsyncGenerator<FileRecord[]> {
  const zip = new ZipFile(bytes);
  const workbook = await readWorkbook(zip, sheet);
  const reader = new SheetReader({
    strings: await sharedStrings(zip),
    days: await dayStyles(zip),
    from1904: workbook.from1904,
  });
  let batch: FileRecord[] = [];
  for await (const tokens of xmlTokens(zip.read(workbook.sheetPath), workbook.sheetPath)) {
    for (const token of tokens) {
      const record = reader.take(token);
      if (record !== undefined) batch.push(record);
    }
    if (batch.length >= BATCH) {
      yield batch;
      batch = [];
    }
  }
  yield batch;
}
