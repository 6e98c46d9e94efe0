/** The over-the-counter channel: tellers at tills, their batches and the end-of-day scroll. */
export { otcChannel, type OtcDeps } from './listener.ts';
export { registerTill } from './till.ts';
export type { Till } from './batch-store.ts';
