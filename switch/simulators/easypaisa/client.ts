/**
 * The other end of the Easypaisa channel: the wallet that asks for bills, pays them and takes payments back. Written
 * from the field tables of docs/spec/easypaisa.md and from nothing of the channel's code. It throws
 * `EasypaisaDeviation` when an answer is not what the tables say, or is not signed by the switch.
 */
import type { KeyObject } from 'node:crypto';
import { karachiTime, type Clock } from '../../../kernel/clock.ts';
import type { Random } from '../../../kernel/ids.ts';
import { makeEnvelope, openEnvelope } from './envelope.ts';

export interface EasypaisaOptions {
  /** `http://127.0.0.1:8080` */
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
  readonly storeId: string;
  /** The wallet's RSA key of 2,048 bits. */
  readonly privateKey: KeyObject;
  /** The switch's public key. */
  readonly switchKey: KeyObject;
  readonly clock: Clock;
  readonly random: Random;
  /** How long to wait for an answer; 10,000 when absent. After it the outcome is unknown: repeat or reverse. */
  readonly timeoutMs?: number;
}

export interface EasypaisaPayment {
  readonly psid: string;
  readonly amountPaisa: bigint;
  /** A new one when absent. */
  readonly transactionId?: string;
}

export interface EasypaisaAnswer {
  readonly responseCode: string;
  readonly responseDesc: string;
  readonly fields: Readonly<Record<string, string>>;
  /** False in answers to senders that were not believed; then there is nothing but the code. */
  readonly signed: boolean;
  readonly httpStatus: number;
  /** The `transactionId` of the request. */
  readonly transactionId: string;
}

/** An answer that breaks the field tables; `field` says where. */
export class EasypaisaDeviation extends Error {
  readonly field: string;

  constructor(field: string) {
    super('An answer of the switch deviates from the field tables.');
    this.name = 'EasypaisaDeviation';
    this.field = field;
  }
}

type Fields = Readonly<Record<string, string>>;

const AMOUNT = /^\d{1,13}\.\d{2}$/;
const FORMS: Readonly<Record<string, RegExp>> = {
  responseCode: /^[0-9A-Za-z]{4}$/,
  responseDesc: /^[^]{1,120}$/,
  storeId: /^[0-9A-Za-z]{1,20}$/,
  orderRefNum: /^[0-9A-Za-z]{1,20}$/,
  transactionId: /^[0-9A-Za-z]{1,24}$/,
  originalTransactionId: /^[0-9A-Za-z]{1,24}$/,
  transactionDateTime: /^\d{8} \d{6}$/,
  transactionAmount: AMOUNT,
  billStatus: /^(UNPAID|PAID|BLOCKED)$/,
  consumerName: /^[^]{0,60}$/,
  dueDate: /^\d{8}$/,
  paidDate: /^\d{8}$/,
  authorisation: /^\d{6}$/,
};
const OF_SUCCESS: Readonly<Record<string, readonly string[]>> = {
  'bill-inquiry': ['transactionAmount', 'billStatus', 'consumerName', 'dueDate'],
  'bill-payment': ['transactionAmount', 'authorisation'],
  'bill-reversal': ['transactionAmount', 'originalTransactionId'],
};
const ANSWER_MAX = 8_192;

/** Rupees with two decimals. */
export function rupeesText(paisa: bigint): string {
  return `${(paisa / 100n).toString()}.${(paisa % 100n).toString().padStart(2, '0')}`;
}

export class EasypaisaWallet {
  readonly #options: EasypaisaOptions;
  #last: Fields | undefined;

  constructor(options: EasypaisaOptions) {
    this.#options = options;
  }

  /** A `transactionId` that was not used before. */
  newTransactionId(): string {
    return this.#options.random.digits(18);
  }

  inquire(psid: string): Promise<EasypaisaAnswer> {
    return this.#ask('bill-inquiry', this.fieldsOf('INQ', psid));
  }

  pay(payment: EasypaisaPayment): Promise<EasypaisaAnswer> {
    const fields = {
      ...this.fieldsOf('MA', payment.psid, payment.transactionId),
      transactionAmount: rupeesText(payment.amountPaisa),
    };
    this.#last = fields;
    return this.#ask('bill-payment', fields);
  }

  /** Sends the last payment again as after a timeout: the same `transactionId`, the time of now. */
  repeat(change: Fields = {}): Promise<EasypaisaAnswer> {
    if (this.#last === undefined) throw new Error('There is no payment to repeat.');
    return this.#ask('bill-payment', { ...this.#last, requestDateTime: this.#now(), ...change });
  }

  /** Takes a payment back. */
  reverse(payment: Required<EasypaisaPayment>): Promise<EasypaisaAnswer> {
    return this.#ask('bill-reversal', {
      ...this.fieldsOf('REVERSAL', payment.psid),
      transactionAmount: rupeesText(payment.amountPaisa),
      originalTransactionId: payment.transactionId,
    });
  }

  /** The fields of a request. */
  fieldsOf(transactionType: string, psid: string, transactionId = this.newTransactionId()): Fields {
    return {
      storeId: this.#options.storeId,
      orderRefNum: psid,
      transactionId,
      transactionType,
      requestDateTime: this.#now(),
    };
  }

  /** The body of a signed request, to send as it is or changed. */
  sign(fields: Fields): string {
    return makeEnvelope('request', fields, this.#options.privateKey);
  }

  #ask(operation: string, fields: Fields): Promise<EasypaisaAnswer> {
    return this.send(operation, this.sign(fields), fields['transactionId']);
  }

  /** Sends a body and reads the answer strictly. */
  async send(operation: string, body: string, transactionId = ''): Promise<EasypaisaAnswer> {
    const { text, status } = await this.sendRaw(operation, body);
    if (text.length > ANSWER_MAX) throw new EasypaisaDeviation('body');
    const opened = openEnvelope('response', text, this.#options.switchKey);
    if (opened === undefined) throw new EasypaisaDeviation('body');
    const { fields, signed } = opened;
    for (const [name, value] of Object.entries(fields)) {
      if (FORMS[name]?.test(value) !== true) throw new EasypaisaDeviation(name);
    }
    const { responseCode = '', responseDesc = '' } = fields;
    if (responseCode === '') throw new EasypaisaDeviation('responseCode');
    const isBare = Object.keys(fields).length === 2;
    if (!signed && (!isBare || responseCode === '0000')) throw new EasypaisaDeviation('signature');
    if (responseCode === '0000') {
      for (const name of OF_SUCCESS[operation] ?? []) {
        if (fields[name] === undefined) throw new EasypaisaDeviation(name);
      }
    }
    return { responseCode, responseDesc, fields, signed, httpStatus: status, transactionId };
  }

  /** Sends any body to an operation: for hostile input. */
  async sendRaw(operation: string, body: string): Promise<{ text: string; status: number }> {
    const { baseUrl, username, password, timeoutMs } = this.#options;
    const response = await fetch(new URL(`/easypaisa/${operation}`, baseUrl), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        credentials: Buffer.from(`${username}:${password}`).toString('base64'),
      },
      body,
      signal: AbortSignal.timeout(timeoutMs ?? 10_000),
    });
    return { text: await response.text(), status: response.status };
  }

  /** Tells the switch from where to fetch what was paid. */
  async notify(url: string): Promise<{ text: string; status: number }> {
    const { baseUrl, username, timeoutMs } = this.#options;
    const address = new URL(`/easypaisa/ipn/${username}`, baseUrl);
    address.searchParams.set('url', url);
    const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs ?? 30_000) });
    return { text: await response.text(), status: response.status };
  }

  #now(): string {
    const { year, month, day, hour, minute, second } = karachiTime(this.#options.clock.now());
    return `${year}${month}${day} ${hour}${minute}${second}`;
  }
}
