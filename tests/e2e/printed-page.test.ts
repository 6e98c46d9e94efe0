/** The documents as programs see them that are not ours: poppler for the page, zbar for the codes on it. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { paisa } from '../../kernel/money.ts';
import { renderChallan, renderLowDenomination, renderStamp } from '../../stamp-renderer/index.ts';
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
    ['pdffonts', '-v'],
    ['qpdf', '--version'],
    ['zbarimg', '--version'],
  ] as const) {
    try {
      execFileSync(program, [argument], { stdio: 'ignore' });
    } catch (cause) {
      throw new Error(
        `This test needs ${program}: apt-get install poppler-utils zbar-tools qpdf.`,
        {
          cause,
        },
      );
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

  it('has Urdu names as text in their reading order, for whoever copies or hears them', async () => {
    const urdu = urduDocument();
    const pdf = await renderStamp(urdu, { qrText: qrOf(urdu) });
    const file = path.join(folder, 'urdu.pdf');
    await writeFile(file, pdf);
    const plain = execFileSync('qpdf', ['--qdf', '--object-streams=disable', file, '-']);
    for (const name of ['محمد بلال احمد ولد محمد اکرم', 'رہائشی پلاٹ کی فروخت']) {
      const units = Buffer.from(name, 'utf16le').swap16().toString('hex');
      expect(plain.includes(`/ActualText <feff${units}>`)).toBe(true);
    }
  });

  it('has the PSID as a code on each copy of a challan', async () => {
    const codes = await codesOn(await renderChallan(challanDocument), 150);
    expect(codes).toEqual(Array.from({ length: 3 }, () => challanDocument.psid));
  });

  it.each([
    ['Latin', stampDocument()],
    ['Urdu', urduDocument()],
  ])(
    'is read turned by 3 degrees, grey, blurred and packed as JPEG: %s names',
    async (_name, document) => {
      const qrText = qrOf(document);
      const file = path.join(folder, 'degraded.pdf');
      await writeFile(file, await renderStamp(document, { qrText }));
      const page = path.join(folder, 'degraded');
      execFileSync('pdftoppm', ['-r', '150', '-gray', '-png', '-singlefile', file, page]);
      const image = await loadImage(`${page}.png`);
      const canvas = createCanvas(image.width, image.height);
      const context = canvas.getContext('2d');
      context.fillStyle = '#fff';
      context.fillRect(0, 0, image.width, image.height);
      context.translate(image.width / 2, image.height / 2);
      context.rotate((3 * Math.PI) / 180);
      context.drawImage(image, -image.width / 2, -image.height / 2);
      await writeFile(`${page}.jpg`, canvas.toBuffer('image/jpeg', 40));
      const found = execFileSync('zbarimg', ['--raw', '--quiet', `${page}.jpg`]);
      expect(found.toString('utf8').trim().split('\n')).toEqual([qrText]);
    },
  );

  it('has the codes of low denominations, on a sheet and on the roll of a thermal printer', async () => {
    const document = stampDocument({ kind: 'low-denomination', amount: paisa(10_000n) });
    const stamp = { document, qrText: qrOf(document) };
    const createdAt = document.issuedAt;
    const roll = await renderLowDenomination([stamp], { paper: 'thermal', createdAt });
    expect(await codesOn(roll, 203)).toEqual([stamp.qrText]);
    const six = Array.from({ length: 6 }, () => stamp);
    const sheet = await renderLowDenomination(six, { paper: 'A4', createdAt });
    expect(await codesOn(sheet, 150)).toEqual(six.map(({ qrText }) => qrText));
  });

  it('is a sound PDF/A-3b with every font embedded, tagged and with its attachment', async () => {
    const urdu = urduDocument();
    const document = stampDocument();
    for (const pdf of [
      await renderStamp(urdu, { qrText: qrOf(urdu) }, { paper: 'legal', duplicate: 2 }),
      await renderStamp({ ...document, state: 'cancelled' }, { qrText: qrOf(document) }),
      await renderChallan(challanDocument),
    ]) {
      const file = path.join(folder, 'sound.pdf');
      await writeFile(file, pdf);
      // Ends with a code of its own when something is wrong.
      execFileSync('qpdf', ['--check', file], { stdio: 'pipe' });
      const [, , ...fonts] = execFileSync('pdffonts', [file]).toString('utf8').trim().split('\n');
      expect(fonts.length).toBeGreaterThan(0);
      for (const font of fonts) expect(font).toMatch(/ yes yes yes +\d+ +0$/);
      const plain = execFileSync('qpdf', ['--qdf', '--object-streams=disable', file, '-']).toString(
        'latin1',
      );
      expect(plain).toContain('<pdfaid:part>3</pdfaid:part>');
      expect(plain).toContain('<pdfaid:conformance>B</pdfaid:conformance>');
      expect(plain).toMatch(/\/OutputIntents/);
      expect(plain).toMatch(/\/MarkInfo/);
      expect(plain).not.toMatch(/\/JavaScript|\/Launch|\/Encrypt/);
      expect(pdf.length).toBeLessThan(60 * 1024);
    }
  });
});
