/**
 * The other end of the OTC channel: a branch's system with one teller at one till. Written from the field tables of
 * docs/spec/otc.md and from nothing of the channel's code. It throws `OtcDeviation` when an answer is not what the
 * tables say.
 */
import type { Random } from '../../../kernel/ids.ts';

export interface OtcOptions {
  /** `http://127.0.0.1:8080` */
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
  readonly branch: string;
  readonly till: string;
  readonly teller: string;
  readonly random: Random;
  /** How long to wait for an answer; 10,000 when absent. After it the outcome is unknown: repeat. */
  readonly timeoutMs?: number;
}

export interface OtcPayment {
  /** The code as scanned, or the PSID. */
  readonly code: string;
  readonly amountPaisa: bigint;
  readonly cheque?: { readonly number: string; readonly bank: string; readonly date: string };
  /** A new one when absent. */
  readonly idempotencyKey?: string;
}

type Members = ReadonlyMap<string, unknown>;

export interface OtcAnswer {
  readonly responseCode: string;
  readonly result: string;
  readonly members: Members;
  readonly httpStatus: number;
}

/** An answer that breaks the field tables; `field` says where. */
export class OtcDeviation extends Error {
  readonly field: string;

  constructor(field: string) {
    super('An answer of the switch deviates from the field tables.');
    this.name = 'OtcDeviation';
    this.field = field;
  }
}

const FORMS: Readonly<Record<string, RegExp>> = {
  responseCode: /^[0-9A-Za-z]{2}$/,
  result: /^[a-z-]{4,30}$/,
  token: /^[A-Za-z0-9_-]{43}$/,
  validUntil: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  psid: /^\d{17}$/,
  consumerName: /^[^]{0,120}$/,
  status: /^(unpaid|paid|blocked|expired)$/,
  amount: /^[1-9]\d{0,16}$/,
  amountInWords: /^Rupees .+ only$/,
  dueDate: /^\d{4}-\d\d-\d\d$/,
  paidOn: /^\d{4}-\d\d-\d\d$/,
  receiptNumber: /^[0-9A-Z]{1,12}-[0-9A-Z]{1,8}-\d{8}-\d{1,3}-\d{4,7}$/,
  serial: /^[1-9]\d{0,6}$/,
  means: /^(cash|cheque)$/,
  authorisation: /^\d{6}$/,
  branch: /^[0-9A-Z]{1,12}$/,
  till: /^[0-9A-Z]{1,8}$/,
  teller: /^[0-9A-Za-z._-]{1,32}$/,
  receivedAt: /^\d\d-\d\d-\d{4} \d\d:\d\d:\d\d PKT$/,
  difference: /^(yes|no)$/,
};
/** Objects and lists, whose members are texts. */
const NESTED = new Set(['batch', 'cheque', 'stampIds', 'declared', 'posted']);
const OF_SUCCESS: Readonly<Record<string, readonly string[]>> = {
  'sign-in': ['token', 'validUntil', 'batch'],
  inquiry: ['psid', 'status', 'amount', 'dueDate'],
  payment: ['receiptNumber', 'serial', 'psid', 'amount', 'means', 'authorisation', 'stampIds'],
  void: ['serial'],
  close: ['declared', 'posted', 'difference'],
};
const ANSWER_MAX = 8_192;

function readAnswer(text: string): Map<string, unknown> {
  if (text.length > ANSWER_MAX) throw new OtcDeviation('body');
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new OtcDeviation('body');
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    throw new OtcDeviation('body');
  }
  const members = new Map<string, unknown>(Object.entries(answer));
  for (const [name, value] of members) {
    const isText = typeof value === 'string' && FORMS[name]?.test(value) === true;
    const isNested = typeof value === 'object' && value !== null && NESTED.has(name);
    if (!isText && !isNested) throw new OtcDeviation(name);
  }
  return members;
}

export class OtcTill {
  readonly #options: OtcOptions;
  #token = '';
  #last: { readonly key: string; readonly body: string } | undefined;

  constructor(options: OtcOptions) {
    this.#options = options;
  }

  /** Signs the teller in; later calls bear the token. */
  async signIn(): Promise<OtcAnswer> {
    const { username, password, branch, till, teller } = this.#options;
    const body = JSON.stringify({ branch, till, teller });
    const answer = await this.#send('sign-in', body, { username, password });
    const token = answer.members.get('token');
    if (typeof token === 'string') this.#token = token;
    return answer;
  }

  signOut(): Promise<OtcAnswer> {
    return this.#ask('sign-out', {});
  }

  inquire(code: string): Promise<OtcAnswer> {
    return this.#ask('inquiry', { code });
  }

  pay(payment: OtcPayment): Promise<OtcAnswer> {
    const { code, amountPaisa, cheque } = payment;
    const body = JSON.stringify({
      code,
      amount: amountPaisa.toString(),
      means: cheque === undefined ? 'cash' : 'cheque',
      ...(cheque === undefined
        ? {}
        : { chequeNumber: cheque.number, chequeBank: cheque.bank, chequeDate: cheque.date }),
    });
    const key = payment.idempotencyKey ?? this.#options.random.digits(20);
    this.#last = { key, body };
    return this.#send('payment', body, this.#bearer(key));
  }

  /** Sends the last payment again, word for word, as after a timeout. */
  repeat(): Promise<OtcAnswer> {
    if (this.#last === undefined) throw new Error('There is no payment to repeat.');
    return this.#send('payment', this.#last.body, this.#bearer(this.#last.key));
  }

  /** The idempotency key of the last payment. */
  get lastKey(): string {
    return this.#last?.key ?? '';
  }

  void(serial: string, reason = 'wrong challan'): Promise<OtcAnswer> {
    return this.#ask('void', { serial, reason });
  }

  /** Closes the batch with what was counted. */
  close(
    counted: { readonly count: number; readonly cashPaisa: bigint; readonly chequePaisa: bigint },
    acceptDifference = false,
  ): Promise<OtcAnswer> {
    return this.#ask('close', {
      count: String(counted.count),
      cash: counted.cashPaisa.toString(),
      cheque: counted.chequePaisa.toString(),
      acceptDifference: acceptDifference ? 'yes' : 'no',
    });
  }

  /** The end-of-day scroll as text. */
  async scroll(date: string, format: 'json' | 'csv'): Promise<{ text: string; status: number }> {
    const { baseUrl, username, password, branch } = this.#options;
    const url = new URL('/otc/scroll', baseUrl);
    url.search = new URLSearchParams({ branch, date, format }).toString();
    const response = await fetch(url, { headers: { username, password } });
    return { text: await response.text(), status: response.status };
  }

  /** Sends any body under the teller's token: for hostile input. */
  async sendRaw(
    operation: string,
    body: string,
    headers: Readonly<Record<string, string>> = this.#bearer(this.#options.random.digits(20)),
  ): Promise<{ text: string; status: number }> {
    const { baseUrl, timeoutMs } = this.#options;
    const response = await fetch(new URL(`/otc/${operation}`, baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(timeoutMs ?? 10_000),
    });
    return { text: await response.text(), status: response.status };
  }

  #bearer(key?: string): Record<string, string> {
    return {
      authorization: `Bearer ${this.#token}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
  }

  #ask(operation: string, body: Readonly<Record<string, string>>): Promise<OtcAnswer> {
    return this.#send(operation, JSON.stringify(body), this.#bearer());
  }

  async #send(
    operation: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<OtcAnswer> {
    const { text, status } = await this.sendRaw(operation, body, headers);
    const members = readAnswer(text);
    const [responseCode, result] = [members.get('responseCode'), members.get('result')];
    if (typeof responseCode !== 'string') throw new OtcDeviation('responseCode');
    if (typeof result !== 'string') throw new OtcDeviation('result');
    if ((responseCode === '00') !== (result === 'approved')) throw new OtcDeviation('result');
    if (responseCode === '00') {
      for (const name of OF_SUCCESS[operation] ?? []) {
        if (!members.has(name)) throw new OtcDeviation(name);
      }
    }
    return { responseCode, result, members, httpStatus: status };
  }
}
