/** Payment confirmations by SMS and e-mail. */
export { startConfirmations } from './confirmations.ts';
export { makeMailGateway, makeSmsGateway, type MailTransport } from './gateway.ts';
