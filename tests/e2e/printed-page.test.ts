/** The documents as programs see them that are not ours: poppler for the page, zbar for the codes on it. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderChallan, renderStamp } from '../../stamp-renderer/index.ts';
import {
  challanDocument,
  qrOf,
  stampDocument,
  urduDocument,
} from '../../stamp-renderer/test-support/samples.ts';

let folder: string;

beforeAll(async () => {
  for (const [program, argument] of [
    ['pdftoppm', '-v'],
    ['pdftotext', '-v'],
    ['zbarimg', '--version'],
  ] as const) {
    try {
      execFileSync(program, [argument], { stdio: 'ignore' });
    } catch (cause) {
      throw new Error(`This test needs ${program}: apt-get install poppler-utils zbar-tools.`, {
        cause,
      });
    }
  }
  folder = await mkdtemp(path.join(tmpdir(), 'sanad-printed-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The codes that zbar reads on the first page of a PDF rendered in grey at `dpi`. */
async function codesOn(pdf: Buffer, dpi: number): Promise<string[]> {
  const file = path.join(folder, 'document.pdf');
  const picture = path.join(folder, 'page');
  await writeFile(file, pdf);
  execFileSync('pdftoppm', ['-r', String(dpi), '-gray', '-png', '-singlefile', file, picture]);
  const found = execFileSync('zbarimg', ['--raw', '--quiet', `${picture}.png`]);
  return found.toString('utf8').trim().split('\n');
}

function textOf(pdf: Buffer): string {
  return execFileSync('pdftotext', ['-', '-'], { input: pdf }).toString('utf8');
}

describe('the printed page', () => {
  it.each([
    ['Latin', stampDocument()],
    ['Urdu', urduDocument()],
  ])('has a code that zbar reads at 150 dpi: %s names', async (_name, document) => {
    const qrText = qrOf(document);
    expect(await codesOn(await renderStamp(document, { qrText }), 150)).toEqual([qrText]);
  });

  it('has its fields as text', async () => {
    const document = stampDocument();
    const text = textOf(await renderStamp(document, { qrText: qrOf(document) }));
    for (const field of [
      'E-STAMP',
      'Rs. 1,86,900.00',
      '4830-5172-9608-3411',
      '10100-4830-5172-9601',
      'Rupees one lakh eighty-six thousand nine hundred only',
      'DATE AND TIME OF ISSUE',
    ]) {
      expect(text).toContain(field);
    }
  });

  it('has the PSID as a code on each copy of a challan', async () => {
    const codes = await codesOn(await renderChallan(challanDocument), 150);
    expect(codes).toEqual(Array.from({ length: 3 }, () => challanDocument.psid));
  });
});
