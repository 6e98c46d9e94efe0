/** A client that keeps one connection to the switch and matches many answers to many requests (a MUX). */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Random } from '../../../kernel/ids.ts';
import {
  DEFAULT_FRAMING,
  FrameReader,
  Mux,
  SPECS,
  frameMessages,
  pack,
  packWithMac,
  splitFrame,
  unpack,
  verifyMac,
  type Framing,
  type IsoMessage,
  type MacSettings,
  type MessageSpec,
  type Silence,
} from '../../channels/iso8583/index.ts';
import {
  billRequest,
  networkAnswer,
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
  /** 2-byte binary lengths when absent. */
  readonly framing?: Framing;
  /** Absent: no MACs. The first key that is valid seals; answers must bear a right one. */
  readonly mac?: MacSettings;
  /** Absent: plain TCP. PEM; `key` and `cert` absent: no client certificate. */
  readonly tls?: {
    readonly ca: string;
    readonly serverName: string;
    readonly key?: string;
    readonly cert?: string;
  };
  /**
   * Called with the 0420 of a payment whose answer did not come in time, before `pay` resolves: a bank must bring it
   * to the switch (`reversals.ts` does). Absent: nothing is reversed by itself.
   */
  readonly onTimeout?: (reversal: IsoMessage) => Promise<void>;
  /** Called with an answer that came after its request was given up. */
  readonly onLateAnswer?: (answer: IsoMessage) => void;
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
  readonly reason: Silence;
}

function readStamps(text: string | undefined): string[] {
  const ids: string[] = [];
  const count = Number((text ?? '00').slice(0, 2));
  for (let index = 0; index < count; index += 1)
    ids.push((text ?? '').slice(2 + 16 * index, 18 + 16 * index));
  return ids;
}

function openSocket({ host, port, tls }: BankSwitchOptions): { socket: Socket; ready: string } {
  if (tls === undefined)
    return { socket: connect({ host, port, noDelay: true }), ready: 'connect' };
  const { serverName, ...rest } = tls;
  const socket = connectTls({ host, port, servername: serverName, ...rest });
  return { socket, ready: 'secureConnect' };
}

/** Connects. Refuses with a Fault when nobody listens there. Signs on only when `signOn` is called. */
export async function connectBankSwitch(options: BankSwitchOptions): Promise<BankSwitch> {
  const { socket, ready } = openSocket(options);
  await new Promise<void>((resolve, reject) => {
    socket.once(ready, resolve);
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
  readonly #framing: Framing;
  readonly #frames: FrameReader;
  readonly #mux = new Mux();
  readonly #closed: Promise<void>;
  #outgoing: Buffer[] = [];
  #stan: number;
  #unmatched = 0;
  #answerDelayMs = 0;

  constructor(socket: Socket, options: BankSwitchOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#spec = options.spec ?? SPECS['iso87-ascii'];
    this.#framing = options.framing ?? DEFAULT_FRAMING;
    this.#frames = new FrameReader(this.#framing);
    this.#stan = Number(options.random.digits(6)) % 999_999;
    socket.on('data', (chunk) => this.#receive(chunk));
    // The close that follows an error is what settles the requests under way.
    socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#mux.close();
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
    return this.#mux.inFlight;
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

  /** Pays. Without an answer in time the reversal goes to `onTimeout` first. */
  async pay(psid: string, amountPaisa: bigint): Promise<Exchange> {
    const payment = billRequest(this.#frame(), { mti: '0200', psid, amountPaisa });
    const exchange = await this.send(payment);
    if (!exchange.answered) await this.#options.onTimeout?.(this.reversalOf(payment));
    return exchange;
  }

  /** The 0420 that reverses a payment, with an own STAN; send it, or leave it to a store-and-forward. */
  reversalOf(payment: IsoMessage): IsoMessage {
    return reversalRequest(this.#frame(), payment);
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
    return this.send(this.reversalOf(payment));
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

  /** Shows every chunk of bytes that comes, beside what is made of it. */
  onBytes(look: (chunk: Buffer) => void): void {
    this.#socket.on('data', look);
  }

  /** From now on answers no request of the switch: its echoes stay unanswered. */
  fallSilent(): void {
    this.#answerDelayMs = Number.POSITIVE_INFINITY;
  }

  /** From now on answers requests of the switch only after so many milliseconds. */
  delayAnswers(delayMs: number): void {
    this.#answerDelayMs = delayMs;
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

  #request(request: IsoMessage): Promise<IsoMessage | Silence> {
    const bytes = this.#packed(request);
    if (!this.#socket.writable) return Promise.resolve('closed');
    const answer = this.#mux.expect(request, this.#options.timeoutMs ?? 10_000);
    this.#push(bytes);
    return answer;
  }

  #push(bytes: Buffer): void {
    if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
    this.#outgoing.push(bytes);
  }

  #packed(message: IsoMessage): Buffer {
    const { mac } = this.#options;
    const [key] = mac?.keys ?? [];
    if (mac === undefined || key === undefined) return pack(this.#spec, message);
    return packWithMac(this.#spec, message, { algorithm: mac.algorithm, key });
  }

  #flush(): void {
    const messages = this.#outgoing;
    this.#outgoing = [];
    if (this.#socket.writable) this.#socket.write(frameMessages(messages, this.#framing));
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        const { message: bytes } = splitFrame(frame, this.#framing);
        this.#take(unpack(this.#spec, bytes), bytes);
      }
    } catch {
      // The switch broke the protocol: a bank hangs up, and its requests end as `closed`.
      this.#socket.destroy();
    }
  }

  #answer(request: IsoMessage): void {
    const delayMs = this.#answerDelayMs;
    if (delayMs === 0) this.#push(this.#packed(networkAnswer(request)));
    else if (Number.isFinite(delayMs))
      setTimeout(() => this.#push(this.#packed(networkAnswer(request))), delayMs).unref();
  }

  #take(message: IsoMessage, bytes: Buffer): void {
    if (message.mti === '0800') {
      this.#answer(message);
      return;
    }
    const { mac, clock } = this.#options;
    // Refusals before the sign-on carry no MAC; an approval without a right one is none.
    const isApproval = message.fields.get(39) === '00' && message.mti[1] !== '8';
    if (
      mac !== undefined &&
      isApproval &&
      verifyMac(this.#spec, { message, bytes }, mac, clock.now().getTime()) === undefined
    ) {
      this.#unmatched += 1;
      return;
    }
    const found = this.#mux.match(message);
    if (found === 'matched') return;
    this.#unmatched += 1;
    if (found === 'late') this.#options.onLateAnswer?.(message);
  }
}
