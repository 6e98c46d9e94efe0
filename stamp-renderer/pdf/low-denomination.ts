/**
 * Stamps of low denomination: six to a sheet of A4, to be cut apart, or one below the other on the 80 mm roll of a
 * counter's thermal printer, 72 mm of which it can print. Everything on them is in the code; they carry no attachment.
 */
import { printedTime } from '../../kernel/clock.ts';
import { amountInWords, formatRupees } from '../../kernel/money.ts';
import type { StampDocument } from '../documents.ts';
import { matrixPng, qrMatrix, QUIET_MODULES } from '../seal/qr-image.ts';
import { psidGroups, stampIdGroups } from './printed.ts';
import { prepareShaping } from './shaper.ts';
import { Sheet } from './sheet.ts';
import { amountInUrduWords } from './urdu-words.ts';

/** A stamp with the text of its code. */
export interface SealedStamp {
  readonly document: StampDocument;
  readonly qrText: string;
}

export type LowDenominationPaper = 'A4' | 'thermal';

const POINTS_PER_MM = 72 / 25.4;
const A4 = { width: 595.28, height: 841.89, columns: 2, rows: 3 };
/** 80 mm wide; as long as one stamp needs. */
const ROLL = { width: 80 * POINTS_PER_MM, height: 130 * POINTS_PER_MM };
const ROLL_MARGIN = 4 * POINTS_PER_MM;
/** Thermal printers have 8 dots a millimetre; 4 of them a module are 0.5 mm and never blur into each other. */
const ROLL_MODULE = (4 / 8) * POINTS_PER_MM;
/** Six dots of 300 dpi. */
const SHEET_MODULE = (6 * 72) / 300;
const GREEN = '#0d4a34';
const BLACK = '#000000';
const LABEL = '#51655b';

interface Slot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Thermal paper knows black alone. */
  readonly ink: string;
  readonly module: number;
}

/** Draws the stamps in their order. The same arguments give the same bytes. */
export async function drawLowDenomination(
  stamps: readonly SealedStamp[],
  paper: LowDenominationPaper,
  createdAt: Date,
): Promise<Buffer> {
  await prepareShaping();
  const sheet = new Sheet({
    title: 'E-Stamps of low denomination',
    size: paper === 'A4' ? 'A4' : [ROLL.width, ROLL.height],
    layout: 'portrait',
    createdAt,
  });
  const each = paper === 'A4' ? A4.columns * A4.rows : 1;
  for (let at = 0; at < stamps.length; at += each) {
    sheet.begin(paper === 'A4' ? drawCutLines : () => undefined);
    stamps.slice(at, at + each).forEach((stamp, index) => {
      const slot = paper === 'A4' ? sheetSlot(index) : rollSlot();
      sheet.section('Sect', () => drawOne(sheet, stamp, slot));
    });
  }
  return sheet.finish();
}

function sheetSlot(index: number): Slot {
  const width = A4.width / A4.columns;
  return {
    x: (index % A4.columns) * width + 18,
    y: Math.floor(index / A4.columns) * (A4.height / A4.rows) + 14,
    width: width - 36,
    ink: GREEN,
    module: SHEET_MODULE,
  };
}

function rollSlot(): Slot {
  return {
    x: ROLL_MARGIN,
    y: 8,
    width: ROLL.width - 2 * ROLL_MARGIN,
    ink: BLACK,
    module: ROLL_MODULE,
  };
}

function drawCutLines({ document: page }: Sheet): void {
  page.lineWidth(0.5).strokeColor(LABEL).dash(4, { space: 3 });
  page
    .moveTo(A4.width / 2, 12)
    .lineTo(A4.width / 2, A4.height - 12)
    .stroke();
  for (const row of [1, 2]) {
    const y = (A4.height / A4.rows) * row;
    page
      .moveTo(12, y)
      .lineTo(A4.width - 12, y)
      .stroke();
  }
  page.undash();
}

function drawOne(sheet: Sheet, { document, qrText }: SealedStamp, slot: Slot): void {
  const { x, width, ink } = slot;
  const full = { x, width, color: ink };
  sheet.text('GOVERNMENT OF THE PUNJAB', { ...full, y: slot.y, size: 7, weight: 'bold' });
  sheet.text('ای اسٹامپ', { ...full, y: slot.y - 3, size: 9 });
  const value = `Rs. ${formatRupees(document.amount)}`;
  sheet.text(value, { ...full, y: slot.y + 12, size: 19, weight: 'bold', lines: 1 });
  let y = slot.y + 38;
  y += sheet.text(amountInWords(document.amount), { ...full, y, size: 7, color: BLACK, lines: 2 });
  y += sheet.text(amountInUrduWords(document.amount), {
    ...full,
    y,
    size: 7.4,
    color: BLACK,
    lines: 1,
  });
  const number = stampIdGroups(document.id);
  y += sheet.text(number, { ...full, y, size: 12, weight: 'bold', color: BLACK, lines: 1 });
  const { description, applicant, purpose, paidThrough, issuedAt, psid } = document;
  const cnic = applicant.cnic === undefined ? '' : `  ${applicant.cnic}`;
  for (const line of [
    `${description}: ${purpose}`,
    `${applicant.name}${cnic}`,
    `${printedTime(issuedAt)}, ${paidThrough}`,
    `PSID ${psidGroups(psid)}`,
  ])
    y += sheet.text(line, { ...full, y, size: 6.8, color: BLACK, lines: 2 });
  const matrix = qrMatrix(qrText);
  const side = (matrix.size + 2 * QUIET_MODULES) * slot.module;
  const picture = matrixPng(matrix, { scale: 6, quiet: QUIET_MODULES });
  sheet.marked(() => {
    sheet.document.image(picture, x + (width - side) / 2, y, { width: side });
  });
  const how = 'Scan to verify, or send eStamp and the number to 8100.';
  sheet.text(how, { ...full, y: y + side, size: 6.2, align: 'centre', color: BLACK, lines: 1 });
}
