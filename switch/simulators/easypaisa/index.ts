/** A wallet and its gateway on the Easypaisa channel. */
export {
  EasypaisaDeviation,
  EasypaisaWallet,
  rupeesText,
  type EasypaisaAnswer,
  type EasypaisaOptions,
  type EasypaisaPayment,
} from './client.ts';
export { makeEnvelope, openEnvelope } from './envelope.ts';
export { startEasypaisaGateway, type EasypaisaGateway, type GatewayOptions } from './gateway.ts';
