/** The front door of the room `reconciliation`: the engine, the anchoring and the closing of the day. */
export { makeEngine } from './engine/engine.ts';
export { PostingLane } from './engine/lane.ts';
export type {
  Bill,
  ChannelName,
  Inquiry,
  InquiryAnswer,
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from './engine/payment.ts';
export {
  makeAnchoringWorker,
  openEmbeddedChain,
  type AnchoringWorker,
  type AnchorChain,
} from './anchoring/index.ts';
export { auditAll, type AuditReport } from './audit/audit.ts';
export { startWatch, type Watch } from './audit/watch.ts';
export {
  makeCertificateOffice,
  type CertificateOffice,
} from './certificates/certificate-office.ts';
