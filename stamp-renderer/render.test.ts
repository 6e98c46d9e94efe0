import { describe, expect, it } from '@jest/globals';
import jsqr from 'jsqr';
import { paisa } from '../kernel/money.ts';
import { decodeClaim, encodeClaim } from './claim.ts';
import { drawStamp } from './pdf/e-stamp.ts';
import { amountInUrduWords } from './pdf/urdu-words.ts';
import { renderBatch, renderChallan, renderStamp } from './render.ts';
import { matrixPng, qrMatrix, qrPng, QUIET_MODULES } from './seal/qr-image.ts';
import { challanDocument, qrOf, stampDocument, urduDocument } from './test-support/samples.ts';
import { withFileReader, type ReadPdf } from './verification/file-reader.ts';

const READ_MS_MAX = 30_000;

type Decode = (pixels: Uint8ClampedArray, width: number, height: number) => { data: string } | null;

async function read(pdf: Uint8Array): Promise<ReadPdf> {
  const file = await withFileReader(READ_MS_MAX, (reader) => reader.readPdf(pdf));
  if (!file.readable) throw new Error(file.reason);
  return file;
}

const textOf = ({ pages }: ReadPdf): string =>
  pages.flatMap(({ items }) => items.map(({ text }) => text)).join('\n');

describe('the e-stamp certificate', () => {
  const document = stampDocument();
  const qrText = qrOf(document);

  it('shows every field and its seal', async () => {
    const file = await read(await renderStamp(document, { qrText }));
    const text = textOf(file);
    for (const field of [
      '4830-5172-9608-3411',
      'NON-JUDICIAL',
      'Rs. 1,86,900.00',
      'Rupees one lakh eighty-six thousand nine hundred only',
      'CONVEYANCE - 23',
      'Sale of residential plot',
      '10100-4830-5172-9601',
      '32A-2026-0004711',
      'Bank of Punjab (ATM)',
      'Lahore (LHR)',
      '23-11-2026 20:05:09 PKT',
      '23-05-2027',
      'Muhammad Bilal Ahmed S/o Muhammad Akram',
      'CNIC 35202-1234567-1',
      'House 14-B, Street 5, Model Town, Lahore',
      'Ayesha Siddiqa W/o Tariq Mehmood',
      '2. Sana Bilal W/o Muhammad Bilal Ahmed',
      'Plot 118, Block C, Johar Town, Lahore: residential, 10 marla of 225 sq ft, covered 1,850 sq ft',
    ]) {
      expect(text).toContain(field);
    }
    expect(file.pages).toHaveLength(1);
    expect(file.pages[0]?.codes).toEqual([qrText]);
  });

  it('has the same bytes whatever was drawn before it', async () => {
    const first = await renderStamp(document, { qrText });
    const urdu = urduDocument();
    await renderStamp(urdu, { qrText: qrOf(urdu) });
    await renderChallan({ ...challanDocument, tenderer: urdu.applicant });
    expect((await renderStamp(document, { qrText })).equals(first)).toBe(true);
  });

  it('goes on over further pages when there are many parties', async () => {
    const parties = Array.from({ length: 40 }, (_, index) => ({
      name: `Purchaser Number ${String(index + 1)}`,
      address: 'House 1, Street 2, Lahore',
    }));
    const many = stampDocument({ secondParties: parties });
    const file = await read(await renderStamp(many, { qrText: qrOf(many) }));
    expect(file.pages.length).toBeGreaterThan(1);
    expect(textOf(file)).toContain('40. Purchaser Number 40');
  });

  it('says across the page what became of a stamp that is no longer good', async () => {
    for (const [state, mark] of [
      ['cancelled', 'CANCELLED'],
      ['delisted', 'USED'],
      ['spoiled', 'SPOILED'],
      ['refunded', 'REFUNDED'],
    ] as const) {
      const { pdf } = await drawStamp({ ...document, state }, qrText);
      expect(textOf(await read(pdf))).toContain(mark);
    }
  });

  it('carries its facts, and of those that are not printed the hash alone', () => {
    const claim = decodeClaim(encodeClaim(document, qrText));
    expect(claim?.document).toEqual({ ...document, ...bytesOf(document), openings: [] });
    const contact = claim?.facts.find(({ label }) => label === 'applicant.contact');
    expect(contact).not.toHaveProperty('value');
    expect(encodeClaim(document, qrText).toString()).not.toContain('03001234567');
  });

  it('refuses a claim with anything more or less in it', () => {
    const good = JSON.parse(encodeClaim(document, qrText).toString()) as Record<string, unknown>;
    for (const wrong of [
      { ...good, more: 1 },
      { ...good, layout: 1 },
      { ...good, qr: 1 },
      { ...good, document: {} },
      { ...good, facts: [{ label: 'x' }] },
    ]) {
      expect(decodeClaim(Buffer.from(JSON.stringify(wrong)))).toBeUndefined();
    }
    expect(decodeClaim(Buffer.from('{'))).toBeUndefined();
    expect(decodeClaim(Buffer.from([0xff, 0xfe]))).toBeUndefined();
  });
});

/** Plain byte arrays, as a claim reads them. */
function bytesOf(document: { factsRoot: Uint8Array; salt: Uint8Array }): object {
  return {
    factsRoot: Uint8Array.from(document.factsRoot),
    salt: Uint8Array.from(document.salt),
  };
}

describe('the QR code', () => {
  it('is printed in whole dots of a 300-dpi printer, never below a third of a millimetre', () => {
    const long = stampDocument({
      applicant: { name: 'غ'.repeat(40), cnic: '35202-1234567-1' },
      firstParties: [{ name: 'ب'.repeat(40) }, { name: 'x' }],
      secondParties: [{ name: 'پ'.repeat(40) }, { name: 'x' }],
      purpose: 'ش'.repeat(48),
    });
    const modules = qrMatrix(qrOf(long)).size + 2 * QUIET_MODULES;
    const dots = Math.floor(160 / (72 / 300) / modules);
    expect((dots * 25.4) / 300).toBeGreaterThanOrEqual(0.33);
  });

  it('is read back from its matrix', () => {
    const qrText = qrOf(urduDocument());
    const matrix = qrMatrix(qrText);
    const scale = 4;
    const side = (matrix.size + 2 * QUIET_MODULES) * scale;
    const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
    for (let at = 0; at < side * side; at += 1) {
      const row = Math.floor(Math.floor(at / side) / scale) - QUIET_MODULES;
      const column = Math.floor((at % side) / scale) - QUIET_MODULES;
      const inside = row >= 0 && column >= 0 && row < matrix.size && column < matrix.size;
      if (inside && matrix.isDark(row, column)) pixels.fill(0, at * 4, at * 4 + 3);
    }
    // jsQR is a CommonJS module whose types speak of an ES one: its function is the import itself or its default.
    const found = jsqr as unknown as { default?: Decode } & Decode;
    expect((found.default ?? found)(pixels, side, side)?.data).toBe(qrText);
  });

  it('is a PNG of one bit a pixel', () => {
    const png = qrPng(qrOf(stampDocument()));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png[24]).toBe(1);
    expect(matrixPng(qrMatrix(qrOf(stampDocument())), { scale: 1, quiet: 0 }).length).toBeLessThan(
      2000,
    );
  });

  it('is not made of a text that is no seal’s', () => {
    expect(() => qrPng('https://example.com')).toThrow('not that of a seal');
  });
});

describe('challan 32-A', () => {
  it('has three copies with every field, and marks what is assumed', async () => {
    const file = await read(
      await renderChallan(challanDocument, { payUrl: 'https://estamp.example/pay' }),
    );
    const text = textOf(file);
    for (const field of [
      '10100-4830-5172-9601',
      'Rs. 2,06,090.00',
      'Pay by 08-12-2026',
      '32A-2026-0004711',
      'Muhammad Bilal Ahmed S/o Muhammad',
      'Lahore, Model Town',
      'B02701 Stamps, non-judicial',
      'B02811 Registration fees *',
      'Rupees two lakh six thousand ninety only',
    ]) {
      expect(text.split(field)).toHaveLength(4);
    }
    expect(text).toContain('DEPOSITOR’S COPY');
    expect(text).toContain('BANK’S COPY');
    expect(text).toContain('TREASURY’S COPY');
    expect(text).toContain('https://estamp.example/pay');
  });

  it('says that it was paid, when it was', async () => {
    const paid = {
      at: new Date('2026-11-23T15:05:09Z'),
      through: 'Bank of Punjab',
      reference: '123456789012',
    };
    const text = textOf(await read(await renderChallan({ ...challanDocument, paid })));
    expect(text).toContain('PAID 23-11-2026 20:05:09 PKT, Bank of Punjab');
  });

  it('keeps a dozen long lines above the signatures', async () => {
    const lines = Array.from({ length: 12 }, (_, index) => ({
      ...challanDocument.lines[0]!,
      headTitle: `Head ${String(index + 1)}`,
      description:
        'A long description of what this line is for, which needs two lines of the column',
    }));
    const file = await read(await renderChallan({ ...challanDocument, lines }));
    const items = file.pages[0]?.items ?? [];
    const total = items.find(({ text }) => text === 'TOTAL');
    const signature = items.find(({ text }) => text === 'Signature of tenderer');
    expect(textOf(file)).toContain('Head 12');
    expect(total?.y).toBeLessThan((signature?.y ?? 0) - 30);
  });
});

describe('other prints', () => {
  const document = stampDocument();
  const qrText = qrOf(document);
  const read = (bytes: Buffer): string => bytes.toString('latin1');

  it('have the same bytes for the same arguments, and others for another print', async () => {
    const draw = (print: object): Promise<Buffer> => renderStamp(document, { qrText }, print);
    const prints = [{}, { paper: 'legal' }, { duplicate: 1 }, { duplicate: 2 }];
    const files = await Promise.all(prints.map(draw));
    expect(new Set(files.map(read)).size).toBe(prints.length);
    for (const [at, print] of prints.entries())
      expect((await draw(print)).equals(files[at]!)).toBe(true);
  });

  it('of many stamps come as one file, in pieces', async () => {
    const stamps = Array.from({ length: 40 }, () => ({ document, qrText }));
    const chunks: Buffer[] = [];
    let largest = 0;
    const count = await renderBatch(stamps, {
      createdAt: document.issuedAt,
      write(chunk) {
        chunks.push(chunk);
        largest = Math.max(largest, chunk.length);
        return undefined;
      },
    });
    const file = Buffer.concat(chunks);
    expect(count).toBe(40);
    expect(read(file).match(/\/Type \/Page\n/g)).toHaveLength(40);
    expect(largest).toBeLessThan(file.length / 4);
    await expect(
      renderBatch([], { createdAt: document.issuedAt, write: () => undefined }),
    ).rejects.toThrow('no stamp');
  });

  it('say the amount in Urdu words', () => {
    const words: readonly (readonly [bigint, string])[] = [
      [100n, 'ایک روپے صرف'],
      [18_690_000n, 'ایک لاکھ چھیاسی ہزار نو سو روپے صرف'],
      [1_250n, 'بارہ روپے اور پچاس پیسے صرف'],
      [10_000_000_000n, 'دس کروڑ روپے صرف'],
      [0n, 'صفر روپے صرف'],
      [10n ** 15n, 'ایک سو کھرب روپے صرف'],
    ];
    for (const [amount, text] of words) expect(amountInUrduWords(paisa(amount))).toBe(text);
  });
});
