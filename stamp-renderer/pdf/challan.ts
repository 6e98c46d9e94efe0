/**
 * Challan 32-A (DOMAIN.md §4): three copies side by side on one A4 sheet, cut apart along the dashed lines, for
 * the depositor, the bank and the treasury.
 */
import QRCode from 'qrcode';
import { printedDate, printedTime } from '../../kernel/clock.ts';
import { amountInWords, formatRupees } from '../../kernel/money.ts';
import type { ChallanDocument, ChallanDocumentLine } from '../documents.ts';
import { matrixPng, type QrMatrix } from '../seal/qr-image.ts';
import { psidGroups } from './printed.ts';
import { prepareShaping } from './shaper.ts';
import { Sheet } from './sheet.ts';

const PAGE = { width: 841.89, height: 595.28 };
const COPIES = [
  ['DEPOSITOR’S COPY', 'نقل برائے جمع کنندہ'],
  ['BANK’S COPY', 'نقل برائے بینک'],
  ['TREASURY’S COPY', 'نقل برائے خزانہ'],
] as const;
const COLUMN = PAGE.width / COPIES.length;
const PADDING = 16;
const INNER = COLUMN - 2 * PADDING;
const GREEN = '#0d4a34';
const LABEL = '#51655b';
const RED = '#a3161f';
const AMOUNT_WIDTH = 70;
/** Where the signatures begin; the lines above may use all of the room before it. */
const FOOT = 478;
/** The lines end here, so that the total and its words fit; many lines are printed smaller. */
const LINES_BOTTOM = FOOT - 74;
const LINES_MAX = 14;

export interface ChallanOptions {
  /** Address at which the challan can be paid or looked at; printed when present. */
  readonly payUrl?: string;
}

/** Draws the challan. The same arguments give the same bytes. */
export async function drawChallan(
  document: ChallanDocument,
  options: ChallanOptions,
): Promise<Buffer> {
  await prepareShaping();
  const sheet = new Sheet({
    title: `Challan 32-A ${document.challanNumber}`,
    size: 'A4',
    layout: 'landscape',
    createdAt: document.issuedAt,
  });
  sheet.begin(drawCutLines);
  const code = matrixPng(psidMatrix(document.psid), { scale: 8, quiet: 2 });
  COPIES.forEach((copy, index) =>
    sheet.section('Sect', () => drawCopy(sheet, document, { copy, index, code, ...options })),
  );
  return sheet.finish();
}

interface Copy extends ChallanOptions {
  readonly copy: readonly [string, string];
  readonly index: number;
  readonly code: Buffer;
}

/** The PSID alone as a QR code in digits, which a teller's scanner types. */
function psidMatrix(psid: string): QrMatrix {
  const { modules } = QRCode.create([{ data: psid, mode: 'numeric' }], {
    errorCorrectionLevel: 'M',
  });
  return { size: modules.size, isDark: (row, column) => modules.get(row, column) === 1 };
}

function drawCutLines({ document: page }: Sheet): void {
  page.lineWidth(0.5).strokeColor(LABEL).dash(4, { space: 3 });
  for (const index of [1, 2]) {
    page
      .moveTo(COLUMN * index, 12)
      .lineTo(COLUMN * index, PAGE.height - 12)
      .stroke();
  }
  page.undash();
}

function drawCopy(sheet: Sheet, document: ChallanDocument, copy: Copy): void {
  const x = COLUMN * copy.index + PADDING;
  let y = drawCopyHead(sheet, document, { ...copy, x });
  const party = document.tenderer;
  y += row(sheet, 'Tendered by', [party.name, party.relation ?? ''].join(' '), { x, y, lines: 2 });
  if (party.cnic !== undefined) y += row(sheet, 'CNIC', party.cnic, { x, y, lines: 1 });
  if (party.address !== undefined) y += row(sheet, 'Address', party.address, { x, y, lines: 2 });
  y += row(
    sheet,
    'District, tehsil',
    [document.district, document.tehsil].filter(Boolean).join(', '),
    {
      x,
      y,
      lines: 1,
    },
  );
  y += row(sheet, 'On account of', document.particulars, { x, y, lines: 3 });
  y = drawLines(sheet, document, x, y + 4);
  const words = { x, y: y + 2, width: INNER, size: 7.4, lines: 3 };
  sheet.text(amountInWords(document.total), words);
  drawCopyFoot(sheet, document, { ...copy, x });
}

function drawCopyHead(sheet: Sheet, document: ChallanDocument, copy: Copy & { x: number }): number {
  const { x } = copy;
  const full = { x, width: INNER };
  sheet.text(copy.copy[0], { ...full, y: 18, size: 7.4, weight: 'bold', color: LABEL });
  sheet.text(copy.copy[1], { ...full, y: 17, size: 8, color: LABEL });
  sheet.text('GOVERNMENT OF THE PUNJAB', {
    ...full,
    y: 34,
    size: 8.4,
    weight: 'bold',
    align: 'centre',
    color: GREEN,
  });
  sheet.text('CHALLAN FORM 32-A', {
    ...full,
    y: 45,
    size: 14,
    weight: 'bold',
    align: 'centre',
    color: GREEN,
  });
  const page = sheet.document;
  page.save().roundedRect(x, 70, INNER, 62, 3).fillColor('#f3f8f4').fill().restore();
  page.save().roundedRect(x, 70, INNER, 62, 3).lineWidth(0.8).strokeColor(GREEN).stroke().restore();
  page.image(copy.code, x + INNER - 58, 73, { width: 56 });
  const inner = { x: x + 8, width: INNER - 70 };
  sheet.text('PSID (CONSUMER NUMBER)', { ...inner, y: 75, size: 6.4, color: LABEL });
  sheet.text(psidGroups(document.psid), { ...inner, y: 83, size: 13, weight: 'bold', lines: 1 });
  sheet.text(`Rs. ${formatRupees(document.total)}`, {
    ...inner,
    y: 101,
    size: 13,
    weight: 'bold',
    color: GREEN,
    lines: 1,
  });
  const until = `Pay by ${printedDate(document.payableUntil)}`;
  sheet.text(until, { ...inner, y: 119, size: 7.8, weight: 'bold', color: RED });
  let y = 138;
  y += row(sheet, 'Challan no.', document.challanNumber, { x, y, lines: 1 });
  y += row(sheet, 'Made on', printedTime(document.issuedAt), { x, y, lines: 1 });
  return y;
}

/** The lines by head of account, and their total. */
function drawLines(sheet: Sheet, document: ChallanDocument, x: number, top: number): number {
  const text = { x, width: INNER - AMOUNT_WIDTH, size: 7.2 };
  const money = { x: x + INNER - AMOUNT_WIDTH, width: AMOUNT_WIDTH, align: 'end' } as const;
  rule(sheet, x, top);
  sheet.text('HEAD OF ACCOUNT', { ...text, y: top + 2, size: 6.2, color: LABEL });
  sheet.text('RUPEES', { ...money, y: top + 2, size: 6.2, color: LABEL });
  const lines = document.lines.slice(0, LINES_MAX);
  const entry = (line: ChallanDocumentLine, y: number, scale: number, draw: boolean): number => {
    const title = {
      ...text,
      y,
      size: text.size * scale,
      weight: 'bold' as const,
      lines: 1,
    };
    const written = `${line.headCode}  ${line.headTitle}${line.assumed ? ' *' : ''}`;
    const below = { ...text, size: 6.8 * scale, lines: 2 };
    const height = sheet.heightOf(written, title);
    if (draw) {
      sheet.text(formatRupees(line.amount), { ...money, y, size: 7.8 * scale });
      sheet.text(written, title);
      sheet.text(line.description, { ...below, y: y + height });
    }
    return height + sheet.heightOf(line.description, { ...below, y }) + 1.5;
  };
  const natural = lines.reduce((total, line) => total + entry(line, 0, 1, false), 0);
  const scale = Math.min(1, (LINES_BOTTOM - top - 12) / natural);
  let y = top + 12;
  for (const line of lines) y += entry(line, y, scale, true);
  rule(sheet, x, y);
  sheet.text('TOTAL', { ...text, y: y + 2, size: 8.4, weight: 'bold' });
  sheet.text(formatRupees(document.total), { ...money, y: y + 2, size: 9, weight: 'bold' });
  return y + 15;
}

function drawCopyFoot(sheet: Sheet, document: ChallanDocument, copy: Copy & { x: number }): void {
  const { x } = copy;
  let y = FOOT;
  if (document.lines.some((line) => line.assumed)) {
    sheet.text('* Rate or head of account assumed; to be confirmed by the department.', {
      x,
      y: y - 10,
      width: INNER,
      size: 6.2,
      color: LABEL,
      lines: 1,
    });
  }
  if (document.paid !== undefined) drawPaid(sheet, document.paid, x);
  const half = INNER / 2;
  const page = sheet.document;
  page.save().lineWidth(0.5).strokeColor(LABEL);
  page
    .moveTo(x, y + 34)
    .lineTo(x + half - 8, y + 34)
    .stroke();
  page
    .moveTo(x + half + 8, y + 34)
    .lineTo(x + INNER, y + 34)
    .stroke()
    .restore();
  const caption = { y: y + 36, width: half - 8, size: 6.4, color: LABEL };
  sheet.text('Signature of tenderer', { ...caption, x });
  sheet.text('Received: bank’s stamp, date and signature', {
    ...caption,
    x: x + half + 8,
    lines: 2,
  });
  y += 58;
  const how =
    copy.index === 0
      ? `How to pay: in any bank’s app, ATM, branch or wallet choose 1BILL, enter the PSID and check the name and the amount. The e-stamp is issued as soon as it is paid.${copy.payUrl === undefined ? '' : ` See ${copy.payUrl}`}`
      : 'Treasury officer / accountant: credited to the heads of account above.';
  sheet.text(how, { x, y, width: INNER, size: 6.8, lines: 4 });
}

function drawPaid(sheet: Sheet, paid: NonNullable<ChallanDocument['paid']>, x: number): void {
  const page = sheet.document;
  page
    .save()
    .roundedRect(x, FOOT - 34, INNER, 22, 3)
    .lineWidth(1.1)
    .strokeColor(GREEN)
    .stroke();
  page.restore();
  sheet.text(`PAID ${printedTime(paid.at)}, ${paid.through}, reference ${paid.reference}`, {
    x: x + 6,
    y: FOOT - 31,
    width: INNER - 12,
    size: 6.8,
    weight: 'bold',
    color: GREEN,
    lines: 2,
  });
}

function row(
  sheet: Sheet,
  label: string,
  value: string,
  { x, y, lines }: { readonly x: number; readonly y: number; readonly lines: number },
): number {
  sheet.text(label, { x, y: y + 0.6, width: 70, size: 6.8, color: LABEL, lines: 1 });
  return sheet.text(value, { x: x + 70, y, width: INNER - 70, size: 7.8, lines }) + 1.5;
}

function rule(sheet: Sheet, x: number, y: number): void {
  const page = sheet.document;
  page.save().lineWidth(0.6).strokeColor(GREEN);
  page
    .moveTo(x, y)
    .lineTo(x + INNER, y)
    .stroke()
    .restore();
}
