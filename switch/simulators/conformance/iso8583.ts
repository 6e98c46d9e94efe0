/** The suite's driver of the ISO 8583 channel, over the bank's switch: four lines of one participant, used in turn. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { karachiTime } from '../../../kernel/clock.ts';
import type { ConformanceAnswer, ConformanceDriver, Prepared } from '../../channels/conformance.ts';
import type { IsoMessage } from '../../channels/iso8583/index.ts';
import {
  connectBankSwitch,
  type BankSwitch,
  type BankSwitchOptions,
  type Exchange,
} from '../bank-switch/index.ts';

const LINES = 4;
const GARBAGE_MS = 5_000;

/** The bill status: the 31st character of DE 120 (docs/spec/iso8583.md). */
const STATUS: Readonly<Record<string, ConformanceAnswer['status']>> = {
  U: 'unpaid',
  P: 'paid',
  B: 'closed',
  E: 'closed',
};

function answerOf(exchange: Exchange): ConformanceAnswer {
  if (!exchange.answered) {
    return { approved: false, code: exchange.reason, wire: exchange.reason };
  }
  const { code, amountPaisa, authorisation, message } = exchange;
  const status = STATUS[message.fields.get(120)?.charAt(30) ?? ''];
  return {
    approved: code === '00',
    code,
    ...(amountPaisa === undefined ? {} : { amountPaisa }),
    ...(status === undefined ? {} : { status }),
    ...(authorisation === undefined ? {} : { authorisation }),
    wire: `${message.mti} ${code} ${message.fields.get(44) ?? ''}`,
  };
}

/** On this channel an inquiry's code tells the bill's state too. */
const STATUS_OF_CODE: Readonly<Record<string, ConformanceAnswer['status']>> = {
  '94': 'paid',
  '54': 'closed',
  '62': 'closed',
};

function billOf(exchange: Exchange): ConformanceAnswer {
  const answer = answerOf(exchange);
  const status = answer.status ?? STATUS_OF_CODE[answer.code];
  return status === undefined ? answer : { ...answer, approved: true, status };
}

/** A 0200 that pays; built here, so that it can be reversed before it is sent. */
function paymentMessage(payment: Prepared, options: BankSwitchOptions, at: Date): IsoMessage {
  const { month, day, hour, minute, second } = karachiTime(at);
  const stan = payment.id.slice(0, 6);
  return {
    mti: '0200',
    fields: new Map([
      [3, '500000'],
      [4, payment.amountPaisa.toString().padStart(12, '0')],
      [7, at.toISOString().slice(5, 19).replace(/[-T:]/g, '')],
      [11, stan],
      [12, hour + minute + second],
      [13, month + day],
      [18, '6011'],
      [32, options.institutionId],
      [37, payment.id],
      [41, options.terminalId.padEnd(8)],
      [42, (options.cardAcceptorId ?? 'CONFORMANCE').padEnd(15)],
      [43, 'CONFORMANCE TERMINAL     LAHORE       PK'],
      [48, `SANAD   ${payment.psid.padEnd(24)}`],
      [49, '586'],
    ]),
  };
}

/** Sends bytes without and with a frame on lines of their own, and waits until each is closed or quiet. */
async function garbage(options: BankSwitchOptions, bytes: string): Promise<boolean> {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Math.min(body.length, 65_535));
  for (const chunk of [body, Buffer.concat([length, body])]) {
    const socket = connect({ host: options.host, port: options.port });
    socket.on('error', () => undefined);
    await once(socket, 'connect', { signal: AbortSignal.timeout(GARBAGE_MS) });
    socket.resume();
    socket.end(chunk);
    socket.setTimeout(GARBAGE_MS, () => socket.destroy());
    await once(socket, 'close');
  }
  return true;
}

/** Opens and signs on the lines; throws when that is refused. */
export async function iso8583Driver(options: BankSwitchOptions): Promise<ConformanceDriver> {
  const lines: BankSwitch[] = [];
  for (let line = 0; line < LINES; line += 1) {
    const bank = await connectBankSwitch(options);
    lines.push(bank);
    const signedOn = await bank.signOn();
    if (!signedOn.answered || signedOn.code !== '00') throw new Error('The sign-on was refused.');
  }
  let turn = 0;
  const line = (): BankSwitch => {
    turn += 1;
    const [first] = lines;
    const bank = lines[turn % LINES] ?? first;
    if (bank === undefined) throw new Error('There is no line.');
    return bank;
  };
  const messages = new Map<string, IsoMessage>();
  /** The message of a payment; with another amount it is the same request changed. */
  const messageOf = (payment: Prepared): IsoMessage => {
    const known = messages.get(payment.id);
    const message = known ?? paymentMessage(payment, options, options.clock.now());
    messages.set(payment.id, message);
    const fields = new Map(message.fields);
    return {
      mti: message.mti,
      fields: fields.set(4, payment.amountPaisa.toString().padStart(12, '0')),
    };
  };
  const sent = new Set<string>();
  const stranger = { ...options, institutionId: '99999999999' };
  /** What a switch that nobody registered is answered, sign-on and request. */
  const forge = async (
    ask: (bank: BankSwitch) => Promise<Exchange>,
  ): Promise<ConformanceAnswer> => {
    const bank = await connectBankSwitch({ ...stranger, timeoutMs: 3_000 });
    const signOn = answerOf(await bank.signOn());
    const asked = answerOf(await ask(bank));
    await bank.close();
    return {
      ...asked,
      approved: signOn.approved || asked.approved,
      wire: signOn.wire + asked.wire,
    };
  };
  return {
    channel: 'iso8583',
    codes: {
      'unknown-psid': ['14'],
      'wrong-amount': ['13'],
      'already-paid': ['94'],
      expired: ['54'],
      limit: ['61'],
      'key-reused': ['94'],
      'reversed-before': ['68'],
      'unknown-payment': ['25'],
      'reversal-mismatch': ['76', '77'],
      'stamp-used': ['P1'],
      blocked: ['62'],
      unavailable: ['91'],
      busy: ['91'],
      malfunction: ['96'],
      // A line that is not signed on may also be closed without an answer.
      unauthorised: ['63', '91', 'closed', 'timeout'],
    },
    inquire: async (psid) => billOf(await line().inquire(psid)),
    prepare: (psid, amountPaisa) => ({ psid, amountPaisa, id: options.random.digits(12) }),
    async send(payment) {
      const message = messageOf(payment);
      const isRepeat = sent.has(payment.id);
      sent.add(payment.id);
      const bank = line();
      return answerOf(isRepeat ? await bank.repeat(message) : await bank.send(message));
    },
    reverse: async (payment) => answerOf(await line().reverse(messageOf(payment))),
    forge: (psid) => forge((bank) => bank.inquire(psid)),
    forgePayment: (psid, amountPaisa) => forge((bank) => bank.pay(psid, amountPaisa)),
    garbage: (bytes) => garbage(options, bytes),
    async close() {
      for (const bank of lines) {
        await bank.signOff();
        await bank.close();
      }
    },
  };
}
