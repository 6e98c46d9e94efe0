/** What channels see of a payment: the canonical messages and the port to the engine. */
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
