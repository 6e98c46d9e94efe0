/** The front door of the renderer: documents to bytes, seals, and the verification of both. */
export type {
  ChallanDocument,
  ChallanDocumentLine,
  DocumentParty,
  FactOpening,
  StampDocument,
} from './documents.ts';
export type { PrintOptions } from './pdf/e-stamp.ts';
export { openDocumentSigner, type DocumentSigner } from './pdf/signature.ts';
export type { LowDenominationPaper, SealedStamp } from './pdf/low-denomination.ts';
export { renderBatch, renderChallan, renderLowDenomination, renderStamp } from './render.ts';
export type { InclusionBundle } from './seal/inclusion.ts';
export { qrPng } from './seal/qr-image.ts';
export {
  makeSealSigner,
  makeSealSignerOf,
  sealKeyId,
  sealStamp,
  type SealSigner,
} from './seal/sign-seal.ts';
export { openTokenKey, type TokenKeyOptions } from './seal/token-key.ts';
export {
  parseTrustList,
  type SealPublicKey,
  type TrustedKey,
  type TrustedLog,
  type TrustList,
} from './seal/trust-list.ts';
export type {
  Reason,
  Refusal,
  StampStatus,
  StatusLookup,
  VerificationReport,
} from './verification/report.ts';
export { statusFromJson } from './verification/status-from-json.ts';
export { smsAnswer } from './verification/sms.ts';
export {
  allGood,
  BULK_LINES_MAX,
  bulkCsv,
  bulkEntries,
  verifyBulk,
  type BulkLine,
} from './verification/verify-bulk.ts';
export { verifyFile, type VerifyFileOptions } from './verification/verify-file.ts';
export { verifyQr, type VerifyQrOptions } from './verification/verify-qr.ts';
