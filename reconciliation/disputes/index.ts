/** Disputes about payments. */
export { DISPUTE_KINDS, type Claim } from './claim.ts';
export { makeDisputeDesk, type DisputeDesk } from './dispute-desk.ts';
export type { Dispute, DisputeState } from './dispute-store.ts';
export { startDisputeReview } from './review.ts';
