/** The documents of the house as PDF files. The same arguments give the same bytes. */
import type { ChallanDocument, StampDocument } from './documents.ts';
import { CLAIM_NAME, encodeClaim } from './claim.ts';
import { drawChallan, type ChallanOptions } from './pdf/challan.ts';
import { drawStamp } from './pdf/e-stamp.ts';

/** The e-stamp certificate with its seal as a QR code, and its facts as an attachment for verification. */
export async function renderStamp(
  document: StampDocument,
  seal: { readonly qrText: string },
): Promise<Buffer> {
  const claim = { name: CLAIM_NAME, bytes: await encodeClaim(document, seal.qrText) };
  const { pdf } = await drawStamp(document, seal.qrText, claim);
  return pdf;
}

/** Challan 32-A in three copies on one sheet. */
export async function renderChallan(
  document: ChallanDocument,
  options: ChallanOptions = {},
): Promise<Buffer> {
  return drawChallan(document, options);
}
