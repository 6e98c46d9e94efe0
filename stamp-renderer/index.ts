/** The front door of the renderer: documents to bytes, seals, and the verification of both. */
export type {
  ChallanDocument,
  ChallanDocumentLine,
  DocumentParty,
  FactOpening,
  StampDocument,
  StampState,
} from './documents.ts';
export { renderChallan, renderStamp } from './render.ts';
export type { InclusionBundle } from './seal/inclusion.ts';
export { qrPng } from './seal/qr-image.ts';
export { makeSealSigner, sealKeyId, sealStamp, type SealSigner } from './seal/sign-seal.ts';
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
export { verifyFile, type VerifyFileOptions } from './verification/verify-file.ts';
export { verifyQr, type VerifyQrOptions } from './verification/verify-qr.ts';
