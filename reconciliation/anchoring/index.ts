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
export {
  openFabricChain,
  type FabricChain,
  type FabricChainOptions,
} from './adapters/fabric-gateway.ts';
export { listenToChain, type ChainListener } from './listener.ts';
export { openEmbeddedChain, type EmbeddedChainOptions } from './adapters/embedded.ts';
export { LOG_FINDING_CODES, type LogFinding, type LogFindingCode } from './audit-finding.ts';
export { auditLog, auditLogIn, type LogAuditOptions, type LogAuditReport } from './audit-log.ts';
export { ALL_LEAVES, registerFindings } from './audit-register.ts';
export { auditRange, type RangeReport } from './audit-range.ts';
export { carryOverLog, type CarryOverReport } from './carry-over.ts';
export { openCheckpoint, publicKeyOf, verifierKey } from './checkpoint.ts';
export { publicEntries, publicTile, publishedCheckpoint } from './public-log-store.ts';
export { readWitnesses } from './witness.ts';
export { startWitnessing } from './witnessing.ts';
export { makeStampBundle, type StampBundle } from './stamp-bundle.ts';
export { verifyStampBundle, type BundleReport } from './verify-stamp-bundle.ts';
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
