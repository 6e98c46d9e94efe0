/** A branch's till on the OTC channel. */
export {
  OtcDeviation,
  OtcTill,
  type OtcAnswer,
  type OtcOptions,
  type OtcPayment,
} from './client.ts';
