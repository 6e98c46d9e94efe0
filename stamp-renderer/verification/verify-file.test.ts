import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { paisa } from '../../kernel/money.ts';
import type { StampDocument } from '../documents.ts';
import { drawStamp } from '../pdf/e-stamp.ts';
import { renderStamp } from '../render.ts';
import { toHex } from '../seal/bytes.ts';
import { recordRootOf } from '../seal/commitment.ts';
import { sealFactsOf } from '../seal/facts-of-document.ts';
import { qrPng } from '../seal/qr-image.ts';
import { editPage } from '../test-support/edit-pdf.ts';
import {
  NOW,
  qrOf,
  SEALED_AT,
  stampDocument,
  trustList,
  urduDocument,
} from '../test-support/samples.ts';
import { REFUSALS, type StampStatus, type VerificationReport } from './report.ts';
import { verifyFile } from './verify-file.ts';

const document = stampDocument();
const qrText = qrOf(document);
const issued: StampStatus = {
  state: 'issued',
  asOf: NOW,
  recordRoot: toHex(recordRootOf(sealFactsOf(document, SEALED_AT))),
  issuedAt: document.issuedAt.getTime(),
};
const known = (status: Partial<StampStatus> = {}): (() => Promise<StampStatus>) => {
  return () => Promise.resolve({ ...issued, ...status });
};
const pdf = await renderStamp(document, { qrText });

const verify = (bytes: Uint8Array, status = known()): Promise<VerificationReport> =>
  verifyFile(bytes, { trustList, now: NOW, status });

const found = (report: VerificationReport): string[] =>
  report.reasons.map(({ code, field }) => (field === undefined ? code : `${code} ${field}`));

/** The page's lines, and the index of the line that draws the first text of a size. */
function glyphsOf(content: string, size: string): [lines: string[], at: number] {
  const lines = content.split('\n');
  return [lines, lines.findIndex((line) => line.includes(` ${size} Tf`))];
}

describe('a genuine e-stamp', () => {
  it('is genuine as a PDF, with everything printed compared', async () => {
    const report = await verify(pdf);
    expect(found(report)).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'genuine',
      message: { en: 'GENUINE e-stamp.' },
      seal: { state: 'genuine', authority: 'Board of Revenue, Punjab' },
      print: { state: 'agrees' },
      log: { state: 'pending' },
      status: { state: 'issued', asOf: NOW.toISOString() },
      facts: { amount: 'Rs. 1,86,900.00', secondParty: 'Muhammad Bilal Ahmed +1' },
    });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('is genuine with Urdu names, long lists of parties, and after a tool rewrote the file', async () => {
    const urdu = urduDocument();
    const many = stampDocument({
      secondParties: Array.from({ length: 40 }, (_, index) => ({ name: `محمد ${String(index)}` })),
    });
    const files = [
      await renderStamp(urdu, { qrText: qrOf(urdu) }),
      await renderStamp(many, { qrText: qrOf(many) }),
      editPage(pdf, (content) => `${content}\n`),
    ];
    for (const file of files) {
      const report = await verifyFile(file, { trustList, now: NOW });
      expect(found(report)).toEqual([]);
      expect(report.print.state).toBe('agrees');
    }
  });

  it('is genuine as a PNG, a text or JSON of its code, with the paper left to the eye', async () => {
    for (const file of [
      qrPng(qrText),
      Buffer.from(`${qrText}\n`),
      Buffer.from(JSON.stringify({ qr: qrText })),
    ]) {
      const report = await verify(file);
      expect(report.verdict).toBe('genuine');
      expect(report.notices.map(({ code }) => code)).toContain('compare-with-paper');
    }
  });

  it('is told to be used when it was', async () => {
    const report = await verify(
      Buffer.from(qrText),
      known({
        state: 'delisted',
        stateChangedAt: new Date('2026-11-24T06:00:00Z'),
        usedFor: '1432/2026',
      }),
    );
    expect(report.verdict).toBe('genuine');
    expect(report.message.en).toContain(
      'Already used on 24-11-2026 11:00:00 PKT for deed 1432/2026',
    );
    expect(report.status).toMatchObject({ state: 'delisted', usedFor: '1432/2026' });
  });

  it('says what was not checked', async () => {
    const offline = await verifyFile(Buffer.from(qrText), { trustList, now: NOW });
    expect(offline).toMatchObject({ status: { state: 'unchecked' }, log: { state: 'unchecked' } });
    expect(offline.notices.map(({ code }) => code)).toContain('status-unchecked');
    const old = await verify(
      Buffer.from(qrText),
      known({ asOf: new Date('2026-11-20T00:00:00Z') }),
    );
    expect(old.notices.map(({ code }) => code)).toContain('status-old');
  });
});

describe('a tampered certificate', () => {
  const other = (changes: Partial<StampDocument>): Promise<Buffer> =>
    renderStamp({ ...document, ...changes }, { qrText });
  const another = stampDocument({ id: '1234567890123450', amount: paisa(30_000n) });
  const rows: readonly (readonly [string, string, () => Promise<Buffer> | Buffer])[] = [
    ['another amount', 'amount', () => other({ amount: paisa(99_000_000n) })],
    [
      'another amount with commitments of its own',
      'amount',
      () => renderStamp(stampDocument({ amount: paisa(99_000_000n) }), { qrText }),
    ],
    ['another kind', 'kind', () => other({ kind: 'judicial' })],
    ['another article', 'article', () => other({ article: '33' })],
    ['another instrument', 'description', () => other({ description: 'GIFT - 23' })],
    ['another reason', 'purpose', () => other({ purpose: 'Gift' })],
    ['another district', 'district', () => other({ district: 'Multan' })],
    ['another way of payment', 'paidThrough', () => other({ paidThrough: 'Cash' })],
    ['another challan', 'challanNumber', () => other({ challanNumber: '32A-2026-0004712' })],
    ['another PSID', 'psid', () => other({ psid: '10100483051729617' })],
    ['another last day', 'validUntil', () => other({ validUntil: '2027-05-24' })],
    [
      'another time of issue',
      'issuedAt',
      () => other({ issuedAt: new Date('2026-11-23T15:05:10Z') }),
    ],
    ['another property', 'property', () => other({ property: 'Plot 119' })],
    [
      'an applicant with another address',
      'applicant.address',
      () => other({ applicant: { ...document.applicant, address: 'Elsewhere' } }),
    ],
    [
      'a second purchaser of another name',
      'secondParty.2.name',
      () =>
        other({
          secondParties: [
            document.secondParties[0]!,
            { name: 'Nobody', relation: 'W/o Muhammad Bilal Ahmed', cnic: '35202-9988776-4' },
          ],
        }),
    ],
    [
      'a purchaser left out',
      'secondParty.1.name',
      () => other({ secondParties: [document.secondParties[0]!] }),
    ],
    [
      'the code of another stamp',
      'stampId',
      () => renderStamp(document, { qrText: qrOf(another) }),
    ],
    [
      'glyphs of the amount exchanged in the file',
      'amount',
      () =>
        editPage(pdf, (content) => {
          const [lines, at] = glyphsOf(content, '23');
          // Rs. 1,86,900.00 becomes Rs. 1,68,900.00.
          lines[at] = (lines[at] ?? '').replace(/<(.{24})(.{4})(.{4})/, '<$1$3$2');
          return lines.join('\n');
        }),
    ],
    [
      'the amount made invisible',
      'amount',
      () =>
        editPage(pdf, (content) => {
          const [lines, at] = glyphsOf(content, '23');
          lines[at] = (lines[at] ?? '').replace('BT ', 'BT 3 Tr ');
          return lines.join('\n');
        }),
    ],
    [
      'a patch painted over the amount',
      'amount',
      () =>
        editPage(
          pdf,
          (content) => `${content}\nq 1 0 0 1 0 0 cm 0.95 0.97 0.96 rg 60 210 60 20 re f Q\n`,
        ),
    ],
    [
      'a line added to the empty part of the page',
      'page',
      () => editPage(pdf, (content) => `${content}\nq 0 g 60 650 200 3 re f Q\n`),
    ],
    [
      'the attachment lost',
      'facts',
      () =>
        Buffer.from(pdf.toString('latin1').replaceAll('e-stamp.json', 'x-stamp.json'), 'latin1'),
    ],
  ];

  it.each(rows)('is refused: %s', async (_name, field, file) => {
    const report = await verify(await file());
    expect(report.verdict).toBe('refused');
    expect(found(report)).toContain(`printed-fact-differs ${field}`);
    expect(report.print.state).toBe('differs');
  });

  it('is named by its field even when its attachment was lost too', async () => {
    const { pdf: changed } = await drawStamp({ ...document, amount: paisa(99_000_000n) }, qrText);
    const report = await verify(changed);
    expect(found(report)).toEqual([
      'printed-fact-differs amount',
      'printed-fact-differs amountInWords',
    ]);
    expect(report.reasons[0]).toMatchObject({
      printed: 'Rs. 9,90,000.00',
      sealed: 'Rs. 1,86,900.00',
    });
  });
});

describe('a seal, a register or a log that disagrees', () => {
  const bytes = Buffer.from(qrText);
  const text = (changed: string): Buffer => Buffer.from(changed);
  const keyed = (changes: object): Parameters<typeof verifyFile>[1] => ({
    trustList: { ...trustList, keys: trustList.keys.map((key) => ({ ...key, ...changes })) },
    now: NOW,
    status: known(),
  });
  const blank = drawStamp(document, qrText).then(({ pdf: whole }) =>
    editPage(whole, (content) => content.slice(0, 200)),
  );
  const proof = { leafIndex: '0', treeSize: '1', entry: '00'.repeat(58), path: [], checkpoint: '' };
  const rows: readonly (readonly [string, () => Promise<VerificationReport>])[] = [
    ['file-unreadable', () => verify(Buffer.from('%PDF-1.7 nothing'))],
    ['qr-missing', async () => verify(await blank)],
    ['seal-malformed', () => verify(text(qrText.replace('#1', '#1A')))],
    ['key-unknown', () => verifyFile(bytes, { trustList: { ...trustList, keys: [] }, now: NOW })],
    ['seal-signature-wrong', () => verify(text(`${qrText.slice(0, -20)}A${qrText.slice(-19)}`))],
    ['key-not-valid-then', () => verifyFile(bytes, keyed({ notAfter: '2026-11-02T00:00:00Z' }))],
    ['key-revoked', () => verifyFile(bytes, keyed({ revokedAt: '2026-11-24T00:00:00Z' }))],
    [
      'printed-fact-differs',
      async () => verify(await renderStamp({ ...document, purpose: 'x' }, { qrText })),
    ],
    [
      'not-in-register',
      () => verifyFile(bytes, { trustList, now: NOW, status: () => Promise.resolve(undefined) }),
    ],
    ['register-differs', () => verify(bytes, known({ recordRoot: '00'.repeat(32) }))],
    ['stamp-cancelled', () => verify(bytes, known({ state: 'cancelled' }))],
    ['stamp-refunded', () => verify(bytes, known({ state: 'refunded' }))],
    ['stamp-surrendered', () => verify(bytes, known({ state: 'refund-requested' }))],
    ['stamp-spoiled', () => verify(bytes, known({ state: 'spoiled' }))],
    [
      'not-in-log',
      () => verifyFile(bytes, { trustList, now: NOW, status: known(), demandLog: true }),
    ],
    ['proof-wrong', () => verify(bytes, known({ inclusion: proof }))],
  ];

  it('has a row for every reason', () => {
    expect(rows.map(([code]) => code).sort()).toEqual([...REFUSALS].sort());
  });

  it.each(rows)('is refused with %s alone', async (code, run) => {
    const report = await run();
    expect(report.verdict).toBe('refused');
    expect(report.reasons.map((reason) => reason.code)).toEqual([code]);
    expect(report.reasons[0]?.message).not.toBe('');
    expect(report.reasons[0]?.urdu).toMatch(/[\u0600-\u06FF]/);
  });
});

describe('bytes from outside', () => {
  it('never break the verifier', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await verify(bytes)).verdict).toBe('refused');
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['more than five megabytes', Buffer.alloc(5 * 1024 * 1024 + 1, 0x20)],
    ['half a PDF', pdf.subarray(0, pdf.length / 2)],
    ['a PNG header that promises a huge picture', pngOf(60_000, 60_000)],
    ['a PNG header with nothing behind it', pngOf(10, 10)],
    ['JSON without a code', Buffer.from('{"qr": 5}')],
    ['broken JSON', Buffer.from('{"qr": ')],
    ['JSON nested a thousand deep', Buffer.from(`{"a":${'['.repeat(10_000)}`)],
    ['a PDF that is one endless array', Buffer.from(`%PDF-1.7\n1 0 obj\n${'['.repeat(200_000)}`)],
  ])('are refused: %s', async (_name, bytes) => {
    const report = await verify(bytes);
    expect(report.verdict).toBe('refused');
    expect(['file-unreadable', 'qr-missing']).toContain(report.reasons[0]?.code);
  });
});

function pngOf(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(33);
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).copy(bytes);
  bytes.writeUInt32BE(13, 8);
  bytes.write('IHDR', 12);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}
