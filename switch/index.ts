/** The front door of the room `switch`: the channels, the participants and the public HTTP API. */
export * from './channels/iso8583/index.ts';
export { oneBillChannel, type OneBillDeps } from './channels/onebill/index.ts';
export * from './http/index.ts';
export * from './participants/index.ts';
