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
