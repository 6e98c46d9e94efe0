/** The 1BILL-style REST channel. */
export { oneBillChannel, type OneBillDeps } from './listener.ts';
