/**
 * The other end of the JazzCash channel: the wallet that asks for bills, pays them and takes payments back, and the
 * gateway that sells vouchers and tells of their payment. Written from the field tables of docs/spec/jazzcash.md and
 * from nothing of the channel's code. It throws `JazzCashDeviation` when an answer is not what the tables say.
 */
import { karachiTime, type Clock } from '../../../kernel/clock.ts';
import type { Random } from '../../../kernel/ids.ts';
import { gatewayHash } from './hash.ts';

export interface JazzCashOptions {
  /** `http://127.0.0.1:8080` */
  readonly baseUrl: string;
  readonly merchantId: string;
  readonly password: string;
  /** The integrity salt, at least 8 printable characters. */
  readonly salt: string;
  readonly clock: Clock;
  readonly random: Random;
  /** How long to wait for an answer; 10,000 when absent. After it the outcome is unknown: repeat or reverse. */
  readonly timeoutMs?: number;
}

export interface JazzCashPayment {
  readonly psid: string;
  readonly amountPaisa: bigint;
  /** A new one when absent. */
  readonly txnRefNo?: string;
}

export interface JazzCashAnswer {
  readonly responseCode: string;
  readonly responseMessage: string;
  /** The fields of the answer, by name. */
  readonly fields: ReadonlyMap<string, string>;
  /** False in answers to senders that were not believed; then there is nothing but the code. */
  readonly signed: boolean;
  readonly httpStatus: number;
  /** The `pp_TxnRefNo` of the request. */
  readonly txnRefNo: string;
}

/** An answer that breaks the field tables; `field` says where. */
export class JazzCashDeviation extends Error {
  readonly field: string;

  constructor(field: string) {
    super('An answer of the biller deviates from the field tables.');
    this.name = 'JazzCashDeviation';
    this.field = field;
  }
}

type Fields = Readonly<Record<string, string>>;

const FORMS: Readonly<Record<string, RegExp>> = {
  pp_ResponseCode: /^[0-9A-Za-z]{3}$/,
  pp_ResponseMessage: /^[^&]{1,255}$/,
  pp_SecureHash: /^([0-9A-F]{64})?$/,
  pp_MerchantID: /^[0-9A-Za-z]{1,20}$/,
  pp_TxnRefNo: /^[0-9A-Za-z]{1,20}$/,
  pp_OriginalTxnRefNo: /^[0-9A-Za-z]{1,20}$/,
  pp_TxnType: /^[A-Z]{3,7}$/,
  pp_BillReference: /^[0-9A-Za-z]{1,20}$/,
  pp_Amount: /^[1-9]\d{0,16}$/,
  pp_TxnCurrency: /^PKR$/,
  pp_BillStatus: /^[UPB]$/,
  pp_ConsumerName: /^[^&]{0,60}$/,
  pp_DueDate: /^\d{8}$/,
  pp_PaidDate: /^\d{8}$/,
  pp_AuthCode: /^\d{6}$/,
  pp_RetreivalReferenceNo: /^[0-9A-Za-z]{1,20}$/,
};
const ALWAYS = ['pp_ResponseCode', 'pp_ResponseMessage', 'pp_SecureHash'];
const ANSWER_MAX = 8_192;

function readAnswer(body: string): Map<string, string> {
  if (body.length > ANSWER_MAX) throw new JazzCashDeviation('body');
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new JazzCashDeviation('body');
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw new JazzCashDeviation('body');
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(answer) as [string, unknown][]) {
    if (typeof value !== 'string' || FORMS[name]?.test(value) !== true)
      throw new JazzCashDeviation(name);
    fields.set(name, value);
  }
  for (const name of ALWAYS) if (!fields.has(name)) throw new JazzCashDeviation(name);
  return fields;
}

/** What an approved answer must have, by operation. */
const OF_SUCCESS: Readonly<Record<string, readonly string[]>> = {
  BillInquiry: ['pp_Amount', 'pp_TxnCurrency', 'pp_BillStatus', 'pp_ConsumerName', 'pp_DueDate'],
  BillPayment: ['pp_Amount', 'pp_AuthCode', 'pp_RetreivalReferenceNo'],
  BillReversal: ['pp_Amount', 'pp_OriginalTxnRefNo'],
};

export class JazzCashWallet {
  readonly #options: JazzCashOptions;
  #last: { readonly operation: string; readonly fields: Fields } | undefined;

  constructor(options: JazzCashOptions) {
    this.#options = options;
  }

  /** A `pp_TxnRefNo` that was not used before. */
  newReference(): string {
    return `T${this.#now()}${this.#options.random.digits(5)}`;
  }

  inquire(psid: string): Promise<JazzCashAnswer> {
    return this.#ask('BillInquiry', this.fieldsOf('INQ', psid));
  }

  pay(payment: JazzCashPayment): Promise<JazzCashAnswer> {
    const fields = {
      ...this.fieldsOf('MWALLET', payment.psid, payment.txnRefNo),
      pp_Amount: payment.amountPaisa.toString(),
      pp_TxnCurrency: 'PKR',
      pp_RetreivalReferenceNo: this.#options.random.digits(12),
    };
    this.#last = { operation: 'BillPayment', fields };
    return this.#ask('BillPayment', fields);
  }

  /** Sends the last payment again as after a timeout: the same `pp_TxnRefNo`, the time of now. */
  repeat(change: Fields = {}): Promise<JazzCashAnswer> {
    if (this.#last === undefined) throw new Error('There is no payment to repeat.');
    const { operation, fields } = this.#last;
    return this.#ask(operation, { ...fields, pp_TxnDateTime: this.#now(), ...change });
  }

  /** Takes a payment back. */
  reverse(payment: Required<JazzCashPayment>): Promise<JazzCashAnswer> {
    return this.#ask('BillReversal', {
      ...this.fieldsOf('REFUND', payment.psid),
      pp_Amount: payment.amountPaisa.toString(),
      pp_TxnCurrency: 'PKR',
      pp_OriginalTxnRefNo: payment.txnRefNo,
    });
  }

  /**
   * Takes the signed fields of a voucher as the gateway does from the payer's browser, and answers 124 "pending" with
   * a voucher number, or refuses a wrong hash.
   */
  sellVoucher(fields: Fields): { responseCode: '124' | '110'; voucher?: string } {
    if (gatewayHash(fields, this.#options.salt) !== fields['pp_SecureHash']) {
      return { responseCode: '110' };
    }
    return { responseCode: '124', voucher: this.#options.random.digits(12) };
  }

  /** Tells the merchant how the transaction of this voucher ended, in the published form of the notification. */
  notify(txnRefNo: string, change: Fields = {}): Promise<JazzCashAnswer> {
    const fields = {
      pp_Version: '2.0',
      pp_TxnType: 'OTC',
      pp_BankID: '',
      pp_ProductID: '',
      pp_TxnRefNo: txnRefNo,
      pp_TxnDateTime: this.#now(),
      pp_ResponseCode: '121',
      pp_ResponseMessage: 'Transaction has been marked confirmed by Merchant.',
      pp_AuthCode: this.#options.random.digits(12),
      pp_SettlementExpiry: '',
      pp_RetreivalReferenceNo: this.#options.random.digits(12),
      ...change,
    };
    return this.#ask(`IPN/${this.#options.merchantId}`, fields);
  }

  /** The fields of a request before its hash. */
  fieldsOf(txnType: string, psid: string, txnRefNo = this.newReference()): Fields {
    return {
      pp_Version: '1.1',
      pp_TxnType: txnType,
      pp_Language: 'EN',
      pp_MerchantID: this.#options.merchantId,
      pp_Password: this.#options.password,
      pp_TxnRefNo: txnRefNo,
      pp_TxnDateTime: this.#now(),
      pp_BillReference: psid,
    };
  }

  /** Signs fields and sends them to an operation. */
  #ask(operation: string, fields: Fields): Promise<JazzCashAnswer> {
    const pp_SecureHash = gatewayHash(fields, this.#options.salt);
    return this.send(operation, { ...fields, pp_SecureHash });
  }

  /** Sends fields to an operation as they are: for wrong hashes and replays. */
  async send(operation: string, fields: Fields): Promise<JazzCashAnswer> {
    const { text, status } = await this.sendRaw(operation, JSON.stringify(fields));
    const answer = readAnswer(text);
    const signature = answer.get('pp_SecureHash') ?? '';
    const responseCode = answer.get('pp_ResponseCode') ?? '';
    if (signature !== '') {
      const expected = gatewayHash(Object.fromEntries(answer), this.#options.salt);
      if (expected !== signature) throw new JazzCashDeviation('pp_SecureHash');
    } else if (answer.size > ALWAYS.length || responseCode === '000') {
      throw new JazzCashDeviation('pp_SecureHash');
    }
    if (responseCode === '000') {
      for (const name of OF_SUCCESS[operation] ?? []) {
        if (!answer.has(name)) throw new JazzCashDeviation(name);
      }
    }
    return {
      responseCode,
      responseMessage: answer.get('pp_ResponseMessage') ?? '',
      fields: answer,
      signed: signature !== '',
      httpStatus: status,
      txnRefNo: fields['pp_TxnRefNo'] ?? '',
    };
  }

  /** Sends any body to an operation: for hostile input. */
  async sendRaw(operation: string, body: string): Promise<{ text: string; status: number }> {
    const response = await fetch(new URL(`/jazzcash/${operation}`, this.#options.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(this.#options.timeoutMs ?? 10_000),
    });
    return { text: await response.text(), status: response.status };
  }

  #now(): string {
    const { year, month, day, hour, minute, second } = karachiTime(this.#options.clock.now());
    return year + month + day + hour + minute + second;
  }
}
