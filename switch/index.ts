/** The front door of the room `switch`: the channels, the participants and the public HTTP API. */
export * from './channels/iso8583/index.ts';
export * from './channels/easypaisa/index.ts';
export * from './channels/jazzcash/index.ts';
export { oneBillChannel, type OneBillDeps } from './channels/onebill/index.ts';
export * from './channels/otc/index.ts';
export * from './http/index.ts';
export * from './participants/index.ts';
export * from './sandbox/index.ts';
export { makeDepartmentDesk, makeDepartmentKeys } from './departments/index.ts';
export { makeCaller } from './outbound/index.ts';
export {
  endpointsOf,
  eventIdText,
  makeDeliveryDesk,
  makeWebhookServices,
  parseEventId,
  startWebhooks,
} from './webhooks/index.ts';
export {
  connectBiller,
  disconnectBiller,
  makeBillerEngine,
  openBillers,
  startBillerRecovery,
} from './billers/index.ts';
export {
  makeMailGateway,
  makeSmsGateway,
  startConfirmations,
  type MailTransport,
} from './confirmations/index.ts';
