/** The other end of each channel: for the demo, the tests and integrators. */
export * from './bank-switch/index.ts';
export * from './broken-switch/index.ts';
export * from './conformance/index.ts';
export * from './easypaisa/index.ts';
export * from './jazzcash/index.ts';
export * from './onebill/index.ts';
export * from './otc/index.ts';
