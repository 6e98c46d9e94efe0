/** Signed webhooks to departments. */
export { endpointsOf, type EndpointDesk, type SecretKeeper } from './endpoints.ts';
export { eventIdText, parseEventId } from './event.ts';
export type { ListedDelivery } from './delivery-store.ts';
export { startWebhooks } from './runner.ts';
export { makeDeliveryDesk, makeWebhookServices, type WebhookServices } from './services.ts';
