/** A wallet and its gateway on the JazzCash channel. */
export {
  JazzCashDeviation,
  JazzCashWallet,
  type JazzCashAnswer,
  type JazzCashOptions,
  type JazzCashPayment,
} from './client.ts';
export { gatewayHash } from './hash.ts';
