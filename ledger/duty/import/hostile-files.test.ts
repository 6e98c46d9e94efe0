import { describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { BrokenFile, CsvSplitter, type FileRecord } from './csv-records.ts';
import { workbook } from './workbook.test-support.ts';
import { xlsxRecords } from './xlsx-records.ts';
import { XmlReader, type XmlToken } from './xml-tokens.ts';
import { ZipFile, zipOne } from './zip-file.ts';

function split(text: string, pieces: readonly number[] = []): FileRecord[] {
  const splitter = new CsvSplitter();
  const records: FileRecord[] = [];
  let at = 0;
  for (const size of pieces) {
    records.push(...splitter.push(text.slice(at, at + size)));
    at += size;
  }
  records.push(...splitter.push(text.slice(at)), ...splitter.end());
  return records;
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
const cell = fc
  .stringMatching(/^[a-z0-9",\n\r ;é]{0,12}$/)
  .map((text) => text.trim().replace(/\r(?!\n)/g, ''));

describe('CSV', () => {
  it('is read as the csv-parse library reads it, whatever pieces it comes in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }),
        (rows, pieces) => {
          const text = rows.map((row) => row.map(quoted).join(',')).join('\r\n');
          const expected = parse(text, {
            trim: true,
            relax_column_count: true,
          });
          const plain = (cells: readonly string[]): string[] => cells.map((each) => each.trim());
          expect(split(text, pieces).map((each) => plain(each.cells))).toEqual(expected.map(plain));
        },
      ),
    );
  });

  it('tells the line on which each record begins', () => {
    const records = split('a,b\n\n"one\ntwo",c\nd,e');
    expect(records.map((each) => each.line)).toEqual([1, 3, 5]);
  });
});

function tokens(text: string, at: number): XmlToken[] {
  const reader = new XmlReader('x');
  const found = [...reader.push(text.slice(0, at)), ...reader.push(text.slice(at))];
  reader.end();
  return found;
}

/** Texts that a piece boundary cut in two are joined again. */
function joined(found: readonly XmlToken[]): unknown[] {
  return found.map((token) =>
    token.kind === 'open' ? [token.name, [...token.attributes]] : token,
  );
}

describe('XML', () => {
  const TEXT =
    '<?xml version="1.0"?><!-- c --><a:r x="1 &gt; 0" y=\'"\'>t&amp;u<b/><![CDATA[<z>]]>&#x41;</a:r>';

  it('gives the same tokens wherever it is cut', () => {
    const whole = joined(tokens(TEXT, 0));
    expect(whole).toEqual([
      [
        'r',
        [
          ['x', '1 > 0'],
          ['y', '"'],
        ],
      ],
      { kind: 'text', text: 't&u' },
      ['b', []],
      { kind: 'close', name: 'b' },
      { kind: 'text', text: '<z>' },
      { kind: 'text', text: 'A' },
      { kind: 'close', name: 'r' },
    ]);
    for (let at = 0; at <= TEXT.length; at += 1) expect(joined(tokens(TEXT, at))).toEqual(whole);
  });

  it.each([
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['an entity of its own', '<a>&b;</a>'],
    ['a bare ampersand', '<a>b & c</a>'],
    ['tags that cross', '<a><b></a></b>'],
    ['two roots', '<a/><b/>'],
    ['text outside', '<a/>b'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['a character that is none', '<a>&#0;</a>'],
    ['an end that is missing', '<a><b></b>'],
    ['nothing', ' '],
    ['endless depth', '<a>'.repeat(200) + '</a>'.repeat(200)],
  ])('refuses %s', (_name, text) => {
    expect(() => tokens(text, 1)).toThrow(BrokenFile);
  });
});

async function sheet(bytes: Uint8Array): Promise<readonly FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const batch of xlsxRecords(bytes)) records.push(...batch);
  return records;
}

describe('a workbook', () => {
  const BYTES = workbook('S', [
    ['a', 'b', 'c'],
    ['x & <y>', 12.5, { day: 61 }],
    undefined,
    ['z', 1e21, ''],
  ]);

  it('gives texts, numbers and days as the sheet shows them, with their rows', async () => {
    expect(await sheet(BYTES)).toEqual([
      { line: 1, cells: ['a', 'b', 'c'] },
      { line: 2, cells: ['x & <y>', '12.5', '1900-03-01'] },
      { line: 4, cells: ['z', '1e+21', ''] },
    ]);
  });

  it('that is damaged anywhere is refused in words or reads as it was', async () => {
    const right = await sheet(BYTES);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(BYTES.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = Uint8Array.from(BYTES);
          damaged[at] = (damaged[at] ?? 0) ^ change;
          try {
            // A flipped bit in a field that nothing rests on (a date of the archive) changes nothing.
            expect(await sheet(damaged)).toEqual(right);
          } catch (error) {
            expect(error).toBeInstanceOf(BrokenFile);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('that is cut off anywhere is refused', async () => {
    for (let end = 0; end < BYTES.length; end += 97) {
      await expect(sheet(BYTES.subarray(0, end))).rejects.toBeInstanceOf(BrokenFile);
    }
  });
});

describe('a zip of one entry', () => {
  it('comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 2_000 }), { maxLength: 5 }),
        async (pieces) => {
          async function* content(): AsyncGenerator<string> {
            await Promise.resolve();
            yield* pieces;
          }
          const packed: Uint8Array[] = [];
          for await (const chunk of zipOne('doc.kml', content())) packed.push(chunk);
          const unpacked: Uint8Array[] = [];
          for await (const chunk of new ZipFile(Buffer.concat(packed)).read('doc.kml'))
            unpacked.push(chunk);
          expect(Buffer.concat(unpacked)).toEqual(
            Buffer.from(pieces.map((each) => Buffer.from(each).toString()).join('')),
          );
        },
      ),
      { numRuns: 50 },
    );
  });
});
