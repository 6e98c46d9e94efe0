/** Used by tests only: a small XLSX workbook, written without compression and without our reader's code. */
import { crc32 } from 'node:zlib';

export type TestCell = string | number | { readonly day: number } | { readonly inline: string };

function stored(entries: readonly (readonly [name: string, text: string])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of entries) {
    const data = Buffer.from(text);
    const label = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(crc32(data), 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(label.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt32LE(crc32(data), 16);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt32LE(data.length, 24);
    central.writeUInt16LE(label.length, 28);
    central.writeUInt32LE(offset, 42);
    parts.push(local, label, data);
    directory.push(central, label);
    offset += 30 + label.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A workbook of one sheet; a row that is undefined is left out, as Excel leaves out empty ones. */
export function workbook(
  sheet: string,
  rows: readonly (readonly TestCell[] | undefined)[],
): Buffer {
  const strings: string[] = [];
  const cell = (value: TestCell, column: number, line: number): string => {
    const reference = `${String.fromCharCode(65 + column)}${String(line)}`;
    if (typeof value === 'number') return `<c r="${reference}"><v>${String(value)}</v></c>`;
    if (typeof value === 'object' && 'day' in value)
      return `<c r="${reference}" s="1"><v>${String(value.day)}</v></c>`;
    if (typeof value === 'object')
      return `<c r="${reference}" t="inlineStr"><is><t>${escaped(value.inline)}</t></is></c>`;
    if (value === '') return '';
    if (!strings.includes(value)) strings.push(value);
    return `<c r="${reference}" t="s"><v>${String(strings.indexOf(value))}</v></c>`;
  };
  const lines = rows.map((row, index) =>
    row === undefined
      ? ''
      : `<row r="${String(index + 1)}">${row.map((value, column) => cell(value, column, index + 1)).join('')}</row>`,
  );
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  return stored([
    [
      'xl/workbook.xml',
      `<?xml version="1.0"?><workbook xmlns="${main}" xmlns:r="${relations}"><sheets><sheet name="${sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `<Relationships><Relationship Id="rId1" Type="t" Target="worksheets/sheet1.xml"/></Relationships>`,
    ],
    [
      'xl/styles.xml',
      `<styleSheet xmlns="${main}"><numFmts count="1"><numFmt numFmtId="164" formatCode="dd\\-mmm\\-yyyy"/></numFmts><cellStyleXfs><xf numFmtId="0"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
    ],
    [
      'xl/worksheets/sheet1.xml',
      `<worksheet xmlns="${main}"><sheetData>${lines.join('')}</sheetData></worksheet>`,
    ],
    [
      'xl/sharedStrings.xml',
      `<sst xmlns="${main}">${strings.map((text) => `<si><t>${escaped(text)}</t></si>`).join('')}</sst>`,
    ],
  ]);
}
