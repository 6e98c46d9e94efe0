/** What channels see of a payment: the canonical messages, the port to the engine, and what the REST channels share. */
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
} from '../../reconciliation/index.ts';
export { failureResult, takeTextBodies, textBody } from './text-bodies.ts';
