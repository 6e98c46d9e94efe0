/** The front door of the room `reconciliation`: the engine, the anchoring and the closing of the day. */
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
