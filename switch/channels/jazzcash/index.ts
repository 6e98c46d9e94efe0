/** The JazzCash channel: the biller form, and the voucher form with its notifications. */
export { jazzCashChannel, type JazzCashDeps } from './listener.ts';
export {
  merchantPasswordContext,
  parseJazzCashSettings,
  saltContext,
  type JazzCashSettings,
} from './settings.ts';
export { voucherFields, type VoucherDeps } from './voucher.ts';
