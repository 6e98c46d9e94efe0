/**
 * Easypaisa's own server, as a merchant meets it: gives over-the-counter tokens for signed requests, has agents take
 * the money, and keeps the documents of its notifications.
 */
import type { KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from '../../../kernel/ids.ts';
import { makeEnvelope, openEnvelope } from './envelope.ts';

export interface GatewayOptions {
  readonly storeId: string;
  /** `username:password` of the merchant's account. */
  readonly credentials: string;
  readonly merchantKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly random: Random;
  /** Gives the documents of notifications plain, as the public guides show them. */
  readonly plainNotifications?: boolean;
}

interface Order {
  readonly orderId: string;
  readonly amount: string;
  paidBy?: string;
}

const BODY_MAX = 16_384;

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_MAX) break;
  }
  return text;
}

/** A running gateway on a port of this machine. */
export interface EasypaisaGateway {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The base address of its merchant interface. */
  readonly baseUrl: string;
  /** An agent takes the money of a token; the address from which a merchant fetches the notification. */
  payToken(token: string): string;
  /** The address of an order's notification, paid or not. */
  notificationUrl(orderId: string): string;
  stop(): Promise<void>;
}

class Gateway {
  readonly #options: GatewayOptions;
  readonly #orders = new Map<string, Order>();

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  pay(token: string): string {
    const order = this.#orders.get(token);
    if (order === undefined) throw new Error('No such token.');
    order.paidBy = this.#options.random.digits(12);
    return order.orderId;
  }

  initiate(request: IncomingMessage, body: string): string {
    const { credentials, merchantKey, storeId, random, privateKey } = this.#options;
    const answer = (fields: Record<string, string>): string =>
      makeEnvelope('response', fields, privateKey);
    const opened = openEnvelope('request', body, merchantKey);
    const isKnown =
      request.headers['credentials'] === Buffer.from(credentials).toString('base64') &&
      opened?.signed === true &&
      opened.fields['storeId'] === storeId;
    if (!isKnown) return answer({ responseCode: '0010', responseDesc: 'INVALID CREDENTIALS' });
    const { orderId = '', transactionAmount = '', tokenExpiry = '' } = opened.fields;
    if (!/^[0-9A-Za-z]{1,20}$/.test(orderId) || !/^\d{8} \d{6}$/.test(tokenExpiry)) {
      return answer({ responseCode: '0002', responseDesc: 'REQUIRED FIELD MISSING' });
    }
    const token = random.digits(8);
    this.#orders.set(token, { orderId, amount: transactionAmount });
    return answer({
      orderId,
      storeId,
      paymentToken: token,
      paymentTokenExpiryDateTime: tokenExpiry,
      responseCode: '0000',
      responseDesc: 'SUCCESS',
    });
  }

  notification(orderId: string): string | undefined {
    const { storeId, privateKey, plainNotifications } = this.#options;
    const order = [...this.#orders.values()].find((each) => each.orderId === orderId);
    if (order === undefined) return undefined;
    const fields = {
      order_id: orderId,
      store_id: storeId,
      transaction_amount: order.amount,
      transaction_id: order.paidBy ?? '',
      transaction_status: order.paidBy === undefined ? 'PENDING' : 'PAID',
      payment_method: 'OTC',
    };
    return plainNotifications === true
      ? JSON.stringify(fields, null, 2)
      : makeEnvelope('response', fields, privateKey);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://gateway');
    const body = await readBody(request);
    const text = pathname.endsWith('/initiate-otc-transaction')
      ? this.initiate(request, body)
      : this.notification(pathname.split('/').pop() ?? '');
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(text);
  }
}

/** Starts the gateway on a free port. */
export async function startEasypaisaGateway(options: GatewayOptions): Promise<EasypaisaGateway> {
  const gateway = new Gateway(options);
  const server = createServer((request, response) => {
    gateway.handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  // A TCP server that listens has an address with a port.
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${String(port)}`;
  const notificationUrl = (orderId: string): string => `${origin}/easypay/ipn/${orderId}`;
  return {
    origin,
    baseUrl: `${origin}/easypay-service/rest/v4`,
    payToken: (token) => notificationUrl(gateway.pay(token)),
    notificationUrl,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
