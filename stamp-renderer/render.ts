/** The documents of the house as PDF files. The same arguments give the same bytes. */
import { Fault } from '../kernel/fault.ts';
import type { ChallanDocument, StampDocument } from './documents.ts';
import { CLAIM_NAME, encodeClaim } from './claim.ts';
import { drawChallan, type ChallanOptions } from './pdf/challan.ts';
import { drawStamp, drawStampOn, type PrintOptions } from './pdf/e-stamp.ts';
import {
  drawLowDenomination,
  type LowDenominationPaper,
  type SealedStamp,
} from './pdf/low-denomination.ts';
import { prepareShaping } from './pdf/shaper.ts';
import type { DocumentSigner } from './pdf/signature.ts';
import { Sheet } from './pdf/sheet.ts';

/**
 * The e-stamp certificate with its seal as a QR code, and its facts as an attachment for verification; signed when
 * there is a signer.
 */
export async function renderStamp(
  document: StampDocument,
  seal: { readonly qrText: string },
  print: PrintOptions = {},
  signer?: DocumentSigner,
): Promise<Buffer> {
  const bytes = encodeClaim(document, seal.qrText, print);
  const attachment = { name: CLAIM_NAME, bytes };
  const { pdf } = await drawStamp(document, seal.qrText, { ...print, attachment, signer });
  return pdf;
}

/** Challan 32-A in three copies on one sheet. */
export async function renderChallan(
  document: ChallanDocument,
  options: ChallanOptions = {},
): Promise<Buffer> {
  return drawChallan(document, options);
}

/**
 * Any number of certificates as one file for a printer, written as it is made: memory does not grow with their number
 * beyond a few bytes a page. Each begins on a page of its own. It carries no attachments, so it is not for sending to
 * the holders: they verify their paper by its code. Returns how many there were.
 */
export async function renderBatch(
  stamps: AsyncIterable<SealedStamp> | Iterable<SealedStamp>,
  to: {
    readonly createdAt: Date;
    /** Takes each chunk; when it returns a promise, drawing goes on after it. */
    readonly write: (chunk: Buffer) => Promise<void> | undefined;
  },
  print: PrintOptions = {},
): Promise<number> {
  await prepareShaping();
  let waiting: Promise<void> | undefined;
  const sheet = new Sheet({
    title: 'E-Stamps',
    size: print.paper === 'legal' ? 'LEGAL' : 'A4',
    layout: 'portrait',
    createdAt: to.createdAt,
    tagged: false,
    write: (chunk) => {
      waiting = to.write(chunk) ?? waiting;
    },
  });
  let count = 0;
  for await (const { document, qrText } of stamps) {
    drawStampOn(sheet, { document, qrText, options: print });
    count += 1;
    // pdfkit hands its chunks over in turns of its own.
    await Promise.resolve();
    await waiting;
    waiting = undefined;
  }
  if (count === 0) throw new Fault('bad-input', 'There is no stamp to print.');
  await sheet.finish();
  await waiting;
  return count;
}

/** Stamps of low denomination, several to a sheet or on the roll of a thermal printer. Refuses an empty list. */
export async function renderLowDenomination(
  stamps: readonly SealedStamp[],
  print: { readonly paper: LowDenominationPaper; readonly createdAt: Date },
): Promise<Buffer> {
  if (stamps.length === 0) throw new Fault('bad-input', 'There is no stamp to print.');
  return drawLowDenomination(stamps, print.paper, print.createdAt);
}
