/** A client that keeps one connection to the switch and matches many answers to many requests (a MUX). */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Random } from '../../../kernel/ids.ts';
import {
  FrameReader,
  SPECS,
  frameMessages,
  pack,
  unpack,
  type IsoMessage,
  type MessageSpec,
} from '../../channels/iso8583/index.ts';
import {
  billRequest,
  networkRequest,
  repeatOf,
  reversalRequest,
  type RequestFrame,
} from './requests.ts';

export interface BankSwitchOptions {
  readonly host: string;
  readonly port: number;
  /** DE 32, at most 11 digits. */
  readonly institutionId: string;
  /** DE 41, at most 8 characters. */
  readonly terminalId: string;
  /** DE 42, at most 15 characters. */
  readonly cardAcceptorId?: string;
  readonly clock: Clock;
  /** Where the first STAN comes from; the next ones count on. */
  readonly random: Random;
  /** How long an answer is waited for; 10 seconds when absent. */
  readonly timeoutMs?: number;
  /** `iso87-ascii` when absent. */
  readonly spec?: MessageSpec;
}

/** A request and what became of it. */
export type Exchange = BankAnswer | BankSilence;

export interface BankAnswer {
  readonly answered: true;
  /** The request as sent; give it to `repeat` or `reverse`. */
  readonly sent: IsoMessage;
  readonly message: IsoMessage;
  /** DE 39. */
  readonly code: string;
  /** DE 4 in paisa, when there is one. */
  readonly amountPaisa: bigint | undefined;
  /** DE 38. */
  readonly authorisation: string | undefined;
  /** The e-stamps of DE 121. */
  readonly stampIds: readonly string[];
}

/** No answer in time or the connection ended: nobody knows whether the request was done. Repeat or reverse it. */
export interface BankSilence {
  readonly answered: false;
  readonly sent: IsoMessage;
  readonly reason: 'timeout' | 'closed';
}

interface Waiting {
  readonly settle: (answer: IsoMessage | 'timeout' | 'closed') => void;
  readonly timer: NodeJS.Timeout;
}

/** What pairs an answer with its request: class, STAN, RRN and terminal. */
function matchKey(message: IsoMessage): string {
  const field = (number: number): string => message.fields.get(number) ?? '';
  return `${message.mti.slice(0, 2)}/${field(11)}/${field(37)}/${field(41)}`;
}

function readStamps(text: string | undefined): string[] {
  const ids: string[] = [];
  const count = Number((text ?? '00').slice(0, 2));
  for (let index = 0; index < count; index += 1)
    ids.push((text ?? '').slice(2 + 16 * index, 18 + 16 * index));
  return ids;
}

/** Connects. Refuses with a Fault when nobody listens there. Signs on only when `signOn` is called. */
export async function connectBankSwitch(options: BankSwitchOptions): Promise<BankSwitch> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (cause) =>
      reject(
        new Fault('not-found', 'Nobody answers at the address of the ISO 8583 line.', {
          fields: { host: options.host, port: options.port },
          cause,
        }),
      ),
    );
  });
  return new BankSwitch(socket, options);
}

export class BankSwitch {
  readonly #socket: Socket;
  readonly #options: BankSwitchOptions;
  readonly #spec: MessageSpec;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<string, Waiting>();
  readonly #closed: Promise<void>;
  #outgoing: Buffer[] = [];
  #stan: number;
  #unmatched = 0;

  constructor(socket: Socket, options: BankSwitchOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#spec = options.spec ?? SPECS['iso87-ascii'];
    this.#stan = Number(options.random.digits(6)) % 999_999;
    socket.on('data', (chunk) => this.#receive(chunk));
    // The close that follows an error is what settles the requests under way.
    socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const waiting of this.#waiting.values()) {
          clearTimeout(waiting.timer);
          waiting.settle('closed');
        }
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** Answers that came too late or that nobody asked for. */
  get unmatched(): number {
    return this.#unmatched;
  }

  /** Requests sent and not yet answered. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  /** Resolves when the connection has ended, by either side. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  signOn(): Promise<Exchange> {
    return this.send(networkRequest(this.#frame(), '001'));
  }

  signOff(): Promise<Exchange> {
    return this.send(networkRequest(this.#frame(), '002'));
  }

  cutover(): Promise<Exchange> {
    return this.send(networkRequest(this.#frame(), '201'));
  }

  echo(): Promise<Exchange> {
    return this.send(networkRequest(this.#frame(), '301'));
  }

  inquire(psid: string): Promise<Exchange> {
    return this.send(billRequest(this.#frame(), { mti: '0200', psid }));
  }

  pay(psid: string, amountPaisa: bigint): Promise<Exchange> {
    return this.send(billRequest(this.#frame(), { mti: '0200', psid, amountPaisa }));
  }

  /** Tells of a payment that the bank has already made (0220). */
  advise(psid: string, amountPaisa: bigint): Promise<Exchange> {
    return this.send(billRequest(this.#frame(), { mti: '0220', psid, amountPaisa }));
  }

  /** Sends a request again as its repeat: 0201, 0221, 0421. */
  repeat(sent: IsoMessage): Promise<Exchange> {
    return this.send(repeatOf(sent));
  }

  /** Sends a 0420 for a payment; `repeat` its `sent` for the 0421. */
  reverse(payment: IsoMessage): Promise<Exchange> {
    return this.send(reversalRequest(this.#frame(), payment));
  }

  /** Sends any request and waits for the answer of its class, STAN, RRN and terminal. */
  async send(request: IsoMessage): Promise<Exchange> {
    const answer = await this.#request(request);
    if (typeof answer === 'string') return { answered: false, sent: request, reason: answer };
    const amount = answer.fields.get(4);
    return {
      answered: true,
      sent: request,
      message: answer,
      code: answer.fields.get(39) ?? '',
      amountPaisa: amount === undefined ? undefined : BigInt(amount),
      authorisation: answer.fields.get(38),
      stampIds: readStamps(answer.fields.get(121)),
    };
  }

  /** Puts bytes on the line as they are, without a frame: for hostile input. */
  sendRaw(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Ends the connection and waits until it is closed. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.#closed;
  }

  #frame(): RequestFrame {
    // 000001 to 999999, then again from the start.
    this.#stan = (this.#stan % 999_999) + 1;
    return {
      institutionId: this.#options.institutionId,
      terminalId: this.#options.terminalId,
      cardAcceptorId: this.#options.cardAcceptorId ?? 'SIMULATOR',
      now: this.#options.clock.now(),
      stan: String(this.#stan).padStart(6, '0'),
    };
  }

  #request(request: IsoMessage): Promise<IsoMessage | 'timeout' | 'closed'> {
    const bytes = pack(this.#spec, request);
    if (!this.#socket.writable) return Promise.resolve('closed');
    const key = matchKey(request);
    return new Promise((settle) => {
      // A repeat sent while the first is still open takes its place: one answer settles it.
      const earlier = this.#waiting.get(key);
      if (earlier !== undefined) {
        clearTimeout(earlier.timer);
        earlier.settle('timeout');
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        settle('timeout');
      }, this.#options.timeoutMs ?? 10_000);
      this.#waiting.set(key, { settle, timer });
      if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
      this.#outgoing.push(bytes);
    });
  }

  #flush(): void {
    const messages = this.#outgoing;
    this.#outgoing = [];
    if (this.#socket.writable) this.#socket.write(frameMessages(messages));
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) this.#match(unpack(this.#spec, frame));
    } catch {
      // The switch broke the protocol: a bank hangs up, and its requests end as `closed`.
      this.#socket.destroy();
    }
  }

  #match(answer: IsoMessage): void {
    const key = matchKey(answer);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      this.#unmatched += 1;
      return;
    }
    this.#waiting.delete(key);
    clearTimeout(waiting.timer);
    waiting.settle(answer);
  }
}
