/** External billers behind the switch. */
export { openBillers } from './billers.ts';
export { connectBiller, disconnectBiller } from './connect.ts';
export { makeBillerEngine } from './engine.ts';
export { startBillerRecovery } from './recovery.ts';
