/** The other end of each channel: for the demo, the tests and integrators. */
export * from './bank-switch/index.ts';
export * from './onebill/index.ts';
