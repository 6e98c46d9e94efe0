/** Anchoring: outbox → leaves → batches → chain, proofs, and the audit of the log. */
export type { LeafEntry, LeafType } from '../../chaincode/src/leaf.ts';
export { decodeEntry } from '../../chaincode/src/leaf.ts';
export {
  ChainFault,
  type AnchorBatch,
  type AnchorChain,
  type ChainPhase,
  type ChainRetry,
  type Head,
  type Receipt,
} from './anchor-chain.ts';
export { openEmbeddedChain, type EmbeddedChainOptions } from './adapters/embedded.ts';
export { LOG_FINDING_CODES, type LogFinding, type LogFindingCode } from './audit-finding.ts';
export { auditLog, type LogAuditOptions, type LogAuditReport } from './audit-log.ts';
export { openCheckpoint, verifierKey } from './checkpoint.ts';
export {
  inclusionBundle,
  logConsistency,
  verifyInclusionBundle,
  type BundleVerdict,
  type InclusionBundle,
} from './inclusion-bundle.ts';
export {
  makeAnchoringWorker,
  type AnchoringWorker,
  type AnchoringWorkerOptions,
} from './worker.ts';
