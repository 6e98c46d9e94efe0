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
  auditRange,
  carryOverLog,
  listenToChain,
  makeAnchoringWorker,
  makeStampBundle,
  openEmbeddedChain,
  openFabricChain,
  publicEntries,
  publicKeyOf,
  publicTile,
  publishedCheckpoint,
  readWitnesses,
  startWitnessing,
  verifierKey,
  verifyStampBundle,
  type AnchoringWorker,
  type AnchorChain,
  type ChainListener,
} from './anchoring/index.ts';
export { auditAll, type AuditReport } from './audit/audit.ts';
export { startWatch, type Watch } from './audit/watch.ts';
export {
  makeCertificateOffice,
  type CertificateOffice,
} from './certificates/certificate-office.ts';
export { followJournal, type PostedEntry } from './feed/journal-feed.ts';
export {
  DISPUTE_KINDS,
  makeDisputeDesk,
  startDisputeReview,
  type Claim,
  type Dispute,
  type DisputeDesk,
  type DisputeState,
} from './disputes/index.ts';
export { openCase } from './exceptions/case-store.ts';
