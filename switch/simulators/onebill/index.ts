/** A bank that pays through the 1BILL-style channel. */
export {
  makeOneBillClient,
  OneBillDeviation,
  type OneBillClient,
  type OneBillClientOptions,
  type OneBillInquiryResult,
  type OneBillPayment,
  type OneBillPaymentResult,
} from './client.ts';
