import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkDigit } from '../../../kernel/check-digit.ts';
import { ManualClock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import { makeLog } from '../../../kernel/log.ts';
import { makeMetrics, type Metrics } from '../../../kernel/metrics.ts';
import { paisa } from '../../../kernel/money.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import type { Bill } from '../../payment/index.ts';
import {
  connectBankSwitch,
  type BankAnswer,
  type BankSwitch,
  type BankSwitchOptions,
  type Exchange,
} from '../../simulators/bank-switch/index.ts';
import { unpack } from './codec.ts';
import { FrameReader, frameMessages } from './framing.ts';
import { startIso8583Listener, type Iso8583Limits, type Iso8583Listener } from './listener.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { IsoMessage } from './message.ts';
import { RESPONSE_CODES } from './result-codes.ts';
import type { Iso8583Participant } from './session.ts';
import { SPECS } from './specs/index.ts';

const psid = (body: string): string => body + checkDigit(body);
const UNPAID = psid('1010000000000001');
const OTHER = psid('1010000000000002');
const EXPIRED = psid('1010000000000003');
const BLOCKED = psid('1010000000000004');
const PAID = psid('1010000000000005');
const UNKNOWN = psid('1010000000000009');
const AMOUNT = 186_900n;

const bill = (number: string, status: Bill['status']): Bill => ({
  psid: number,
  consumerName: 'Muhammad Khan محمد',
  status,
  amount: paisa(AMOUNT),
  dueDate: '2026-12-01',
  billedOn: '2026-11-23',
  ...(status === 'paid'
    ? { paid: { on: '2026-11-23', amount: paisa(AMOUNT), authorisation: '004711' } }
    : {}),
});

let engine: MemoryEngine;
let clock: ManualClock;
let metrics: Metrics;
let logged: string;
let register: Map<string, Iso8583Participant>;
let listener: Iso8583Listener;
let banks: BankSwitch[];

async function start(limits: Partial<Iso8583Limits> = {}): Promise<void> {
  const log = makeLog({
    level: 'debug',
    destination: {
      write: (line) => {
        logged += line;
      },
    },
  });
  listener = await startIso8583Listener({
    host: '127.0.0.1',
    port: 0,
    engine,
    participants: { findByInstitution: (id) => Promise.resolve(register.get(id)) },
    clock,
    log,
    metrics,
    limits: { sweepMs: 20, ...limits },
  });
}

async function bank(options: Partial<BankSwitchOptions> = {}): Promise<BankSwitch> {
  const client = await connectBankSwitch({
    host: '127.0.0.1',
    port: listener.port,
    institutionId: '627100',
    terminalId: 'ATM00001',
    clock,
    random: { digits: (count) => '7'.repeat(count), bytes: (count) => Buffer.alloc(count) },
    timeoutMs: 5_000,
    ...options,
  });
  banks.push(client);
  return client;
}

async function signedOn(options: Partial<BankSwitchOptions> = {}): Promise<BankSwitch> {
  const client = await bank(options);
  expect(answered(await client.signOn()).code).toBe('00');
  return client;
}

function answered(exchange: Exchange): BankAnswer {
  if (!exchange.answered) throw new Error(`No answer: ${exchange.reason}`);
  return exchange;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const counted = async (result: string): Promise<number> =>
  (await metrics.answers.get()).values.find((each) => each.labels.result === result)?.value ?? 0;

beforeEach(async () => {
  engine = new MemoryEngine([
    bill(UNPAID, 'unpaid'),
    bill(OTHER, 'unpaid'),
    bill(EXPIRED, 'expired'),
    bill(BLOCKED, 'blocked'),
    bill(PAID, 'paid'),
  ]);
  clock = new ManualClock(new Date('2026-11-23T20:45:00Z'));
  metrics = makeMetrics(false);
  logged = '';
  banks = [];
  register = new Map([
    ['627100', { code: 'bop', name: 'Bank of Punjab', active: true }],
    ['627200', { code: 'off', name: 'Switched off', active: false }],
  ]);
  await start();
});

afterEach(async () => {
  engine.mood = 'well';
  engine.release();
  await Promise.all(banks.map((client) => client.close()));
  await listener.stop();
});

describe('signing on', () => {
  it('answers echo and sign-on, and takes a payment only after it', async () => {
    const client = await bank();
    expect(answered(await client.echo()).code).toBe('00');
    const early = answered(await client.pay(UNPAID, AMOUNT));
    expect([early.message.mti, early.code]).toEqual(['0210', '91']);
    expect(engine.requests).toHaveLength(0);
    const signOn = answered(await client.signOn());
    expect([signOn.message.mti, signOn.code]).toEqual(['0810', '00']);
    expect(answered(await client.cutover()).code).toBe('00');
    expect(answered(await client.pay(UNPAID, AMOUNT)).code).toBe('00');
    expect(answered(await client.signOff()).code).toBe('00');
    expect(answered(await client.inquire(OTHER)).code).toBe('91');
  });

  it.each(['999999', '627200'])('refuses institution %s', async (institutionId) => {
    const client = await bank({ institutionId });
    expect(answered(await client.signOn()).code).toBe('91');
    expect(answered(await client.inquire(UNPAID)).code).toBe('91');
    expect(answered(await client.cutover()).code).toBe('91');
  });

  it('is over when the participant is switched off', async () => {
    const client = await signedOn();
    register.set('627100', { code: 'bop', name: 'Bank of Punjab', active: false });
    clock.advance(6_000);
    expect(answered(await client.pay(UNPAID, AMOUNT)).code).toBe('91');
    expect(engine.standing).toBe(0);
  });

  it('does not carry over to another connection', async () => {
    await signedOn();
    expect(answered(await (await bank()).inquire(UNPAID)).code).toBe('91');
  });
});

describe('a bill', () => {
  it('is shown with its amount and details', async () => {
    const answer = answered(await (await signedOn()).inquire(UNPAID));
    expect(answer.code).toBe('00');
    expect(answer.amountPaisa).toBe(AMOUNT);
    expect(answer.message.fields.get(120)).toBe(
      `${'Muhammad Khan ????'.padEnd(30)}U20261201+0000000186900` + `2611${' '.repeat(26)}`,
    );
    expect(answer.message.fields.get(15)).toBe('1124');
    expect(answer.message.fields.get(48)).toBe(answer.sent.fields.get(48));
    expect(answer.message.fields.has(44)).toBe(false);
  });

  it('that is paid is shown as paid and not offered again', async () => {
    const answer = answered(await (await signedOn()).inquire(PAID));
    expect(answer.code).toBe('94');
    expect(answer.message.fields.get(44)).toBe('ALREADY PAID');
    expect(answer.message.fields.get(120)?.slice(30)).toBe(
      'P20261201+0000000186900' + '261120261123000000186900004711',
    );
  });

  it('is paid, and the repeat is answered with the same words', async () => {
    const client = await signedOn();
    const first = answered(await client.pay(UNPAID, AMOUNT));
    expect([first.message.mti, first.code, first.authorisation]).toEqual(['0210', '00', '000001']);
    expect(first.stampIds).toEqual(['1234567890123456']);
    const again = answered(await client.repeat(first.sent));
    expect(again.sent.mti).toBe('0201');
    expect(again.message).toEqual(first.message);
    expect(engine.standing).toBe(1);
    const [one, two] = engine.requests;
    expect(one?.requestKey).toBe(two?.requestKey);
    expect(one?.requestKey).toBe(
      `bop/02/${first.sent.fields.get(11)!}/${first.sent.fields.get(37)!}/ATM00001/20261123204500`,
    );
  });

  it('is paid by an advice, which gets a 0230', async () => {
    const answer = answered(await (await signedOn()).advise(UNPAID, AMOUNT));
    expect([answer.message.mti, answer.code]).toEqual(['0230', '00']);
    expect(engine.requests[0]).toMatchObject({ advice: true });
  });

  const refusals: [string, string, bigint, string, string][] = [
    ['wrong amount', UNPAID, AMOUNT + 1n, '13', 'AMOUNT MISMATCH'],
    ['unknown PSID', UNKNOWN, AMOUNT, '14', 'UNKNOWN CONSUMER'],
    ['PSID with a wrong check digit', `${UNPAID.slice(0, 16)}x`, AMOUNT, '14', 'UNKNOWN CONSUMER'],
    ['expired challan', EXPIRED, AMOUNT, '54', 'EXPIRED'],
    ['blocked challan', BLOCKED, AMOUNT, '62', 'BLOCKED'],
    ['paid challan', PAID, AMOUNT, '94', 'ALREADY PAID'],
  ];
  it.each(refusals)('is refused: %s', async (_, number, amount, code, text) => {
    const client = await signedOn();
    const answer = answered(await client.pay(number, amount));
    expect([answer.code, answer.message.fields.get(44)]).toEqual([code, text]);
    expect(answer.authorisation).toBeUndefined();
    expect(engine.standing).toBe(0);
    expect(answered(await client.echo()).code).toBe('00');
  });

  it('is refused when the same key comes with another amount', async () => {
    const client = await signedOn();
    const first = answered(await client.pay(UNPAID, AMOUNT));
    const fields = new Map([...first.sent.fields, [4, '000000186901'] as const]);
    const answer = answered(await client.send({ mti: '0201', fields }));
    expect([answer.code, answer.message.fields.get(44)]).toEqual(['94', 'KEY REUSED']);
  });
});

describe('a reversal', () => {
  it('undoes a payment; its 0421 is answered the same', async () => {
    const client = await signedOn();
    const payment = answered(await client.pay(UNPAID, AMOUNT));
    const reversal = answered(await client.reverse(payment.sent));
    expect([reversal.sent.mti, reversal.message.mti, reversal.code]).toEqual([
      '0420',
      '0430',
      '00',
    ]);
    expect(engine.standing).toBe(0);
    const again = answered(await client.repeat(reversal.sent));
    expect(again.sent.mti).toBe('0421');
    expect(again.message).toEqual(reversal.message);
    const keys = engine.requests.map((request) => request.requestKey);
    expect(keys[1]).toBe(keys[2]);
    expect(engine.requests[1]).toMatchObject({ originalKey: keys[0], amount: AMOUNT });
  });

  it('of the 0201 finds the payment too, and a 0400 gets a 0410', async () => {
    const client = await signedOn();
    const payment = answered(await client.pay(UNPAID, AMOUNT));
    const repeated = answered(await client.repeat(payment.sent));
    const { sent } = answered(await client.reverse(repeated.sent));
    const answer = answered(await client.send({ mti: '0400', fields: sent.fields }));
    expect([answer.message.mti, answer.code]).toEqual(['0410', '00']);
  });

  it('of the year before is matched across the turn of the year', async () => {
    clock.set(new Date('2026-12-31T23:59:58Z'));
    const client = await signedOn();
    const payment = answered(await client.pay(UNPAID, AMOUNT));
    clock.set(new Date('2027-01-01T00:00:03Z'));
    expect(answered(await client.reverse(payment.sent)).code).toBe('00');
  });

  it('that comes before its payment makes the payment fail', async () => {
    const client = await signedOn();
    const unpaid = answered(await client.pay(UNKNOWN, AMOUNT)).sent;
    const fields = new Map([...unpaid.fields, [48, `SANAD   ${UNPAID}${' '.repeat(7)}`] as const]);
    const late: IsoMessage = { mti: '0200', fields };
    expect(answered(await client.reverse(late)).code).toBe('25');
    expect(answered(await client.send(late)).code).toBe('68');
  });

  it('with another amount is refused', async () => {
    const client = await signedOn();
    const { sent } = answered(await client.pay(UNPAID, AMOUNT));
    const fields = new Map([...sent.fields, [4, '000000000100'] as const]);
    expect(answered(await client.reverse({ mti: '0200', fields })).code).toBe('77');
    expect(engine.standing).toBe(1);
  });

  it('after the stamp was used is refused with its own code', async () => {
    const client = await signedOn();
    const { sent } = answered(await client.pay(UNPAID, AMOUNT));
    engine.used.add(UNPAID);
    expect(answered(await client.reverse(sent)).code).toBe('P1');
  });

  it('cannot reach the payment of another participant', async () => {
    register.set('627300', { code: 'hbl', name: 'Habib Bank', active: true });
    const { sent } = answered(await (await signedOn()).pay(UNPAID, AMOUNT));
    const thief = await signedOn({ institutionId: '627300' });
    const fields = new Map([...sent.fields, [32, '627300'] as const]);
    expect(answered(await thief.reverse({ mti: '0200', fields })).code).toBe('25');
    const honest = answered(await (await signedOn()).reverse(sent)).sent;
    const stolen = new Map([...honest.fields, [32, '627300'] as const]);
    expect(answered(await thief.send({ mti: '0420', fields: stolen })).code).toBe('77');
  });
});

describe('what an agreed message must hold', () => {
  const rows: [string, [number, string | undefined][], string, string][] = [
    ['no amount', [[4, undefined]], '30', 'FORMAT ERROR DE 004'],
    ['no transmission date', [[7, undefined]], '30', 'FORMAT ERROR DE 007'],
    ['a transmission date of no month', [[7, '1323204500']], '30', 'FORMAT ERROR DE 007'],
    ['a transmission date of no day', [[7, '0230204500']], '30', 'FORMAT ERROR DE 007'],
    ['a transmission time of no hour', [[7, '1123244500']], '30', 'FORMAT ERROR DE 007'],
    ['no STAN', [[11, undefined]], '30', 'FORMAT ERROR DE 011'],
    ['no acquirer', [[32, undefined]], '30', 'FORMAT ERROR DE 032'],
    ['no RRN', [[37, undefined]], '30', 'FORMAT ERROR DE 037'],
    ['an RRN of blanks', [[37, ' '.repeat(12)]], '30', 'FORMAT ERROR DE 037'],
    ['no terminal', [[41, undefined]], '30', 'FORMAT ERROR DE 041'],
    ['no consumer', [[48, undefined]], '30', 'FORMAT ERROR DE 048'],
    ['a short DE 48', [[48, `SANAD   ${UNPAID}`]], '30', 'FORMAT ERROR DE 048'],
    ['a blank consumer', [[48, `SANAD   ${' '.repeat(24)}`]], '30', 'FORMAT ERROR DE 048'],
    ['another company', [[48, `LESCO   ${UNPAID.padEnd(24)}`]], '14', 'UNKNOWN CONSUMER'],
    ['no currency', [[49, undefined]], '30', 'FORMAT ERROR DE 049'],
    ['another currency', [[49, '840']], '12', 'INVALID TRANSACTION'],
    ['another processing code', [[3, '010000']], '12', 'INVALID TRANSACTION'],
    ['a PIN', [[52, '0011223344556677']], '30', 'FORMAT ERROR DE 052'],
  ];
  it.each(rows)('a payment with %s is refused', async (_, changes, code, text) => {
    const client = await signedOn();
    const { sent } = answered(await client.inquire(UNPAID));
    const fields = new Map([...sent.fields, [3, '500000'], [4, '000000186900']] as [
      number,
      string,
    ][]);
    for (const [number, value] of changes) {
      if (value === undefined) fields.delete(number);
      else fields.set(number, value);
    }
    const answer = answered(await client.send({ mti: '0200', fields }));
    expect([answer.code, answer.message.fields.get(44)]).toEqual([code, text]);
    expect(engine.requests).toHaveLength(0);
  });

  const reversals: [string, [number, string | undefined][], string][] = [
    ['without DE 90', [[90, undefined]], '30'],
    ['of a network message', [[90, `0800${'1'.repeat(38)}`]], '30'],
    ['of an impossible date', [[90, `0200000001${'9'.repeat(32)}`]], '30'],
    ['of a part of the amount', [[95, `${'1'.repeat(12)}${'0'.repeat(30)}`]], '12'],
    ['of an inquiry', [[3, '300000']], '12'],
  ];
  it.each(reversals)('a reversal %s is refused', async (_, changes, code) => {
    const client = await signedOn();
    const payment = answered(await client.pay(UNPAID, AMOUNT));
    const { sent } = answered(await client.reverse({ ...payment.sent, mti: '0210' }));
    const fields = new Map(sent.fields);
    for (const [number, value] of changes) {
      if (value === undefined) fields.delete(number);
      else fields.set(number, value);
    }
    const before = engine.requests.length;
    expect(answered(await client.send({ mti: '0420', fields })).code).toBe(code);
    expect(engine.requests).toHaveLength(before);
  });

  it('refuses classes, network codes and messages that the line does not know', async () => {
    const client = await signedOn();
    const { sent } = answered(await client.echo());
    const without = (number: number): Map<number, string> =>
      new Map([...sent.fields].filter(([each]) => each !== number));
    const code = async (mti: string, fields: ReadonlyMap<number, string>): Promise<string> =>
      answered(await client.send({ mti, fields })).code;
    expect(await code('0100', sent.fields)).toBe('12');
    expect(await code('0800', new Map([...sent.fields, [70, '999']]))).toBe('12');
    expect(await code('0800', without(70))).toBe('30');
    expect(await code('0800', new Map([...without(32), [70, '001']]))).toBe('30');
  });
});

describe('the engine in trouble', () => {
  it('busy is 91 and a throw is 96; the line goes on', async () => {
    const client = await signedOn();
    engine.mood = 'busy';
    expect(answered(await client.pay(UNPAID, AMOUNT)).code).toBe('91');
    engine.mood = 'throws';
    expect(answered(await client.pay(UNPAID, AMOUNT)).code).toBe('96');
    expect(answered(await client.inquire(UNPAID)).code).toBe('96');
    engine.mood = 'well';
    expect(answered(await client.pay(UNPAID, AMOUNT)).code).toBe('00');
    expect(await counted('busy')).toBe(1);
    expect(await counted('system-malfunction')).toBe(2);
  });
});

/** A raw TCP client that speaks in bytes and collects whole messages. */
class RawClient {
  readonly messages: IsoMessage[] = [];
  isClosed = false;
  readonly #frames = new FrameReader();
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      for (const frame of this.#frames.push(chunk))
        this.messages.push(unpack(SPECS['iso87-ascii'], frame));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async open(): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port: listener.port, noDelay: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    return new RawClient(socket);
  }

  async write(...chunks: Buffer[]): Promise<void> {
    for (const chunk of chunks) {
      this.socket.write(chunk);
      await sleep(10);
    }
  }

  async take(count: number): Promise<string[]> {
    await until(() => this.messages.length >= count || this.isClosed);
    return this.messages.map(({ mti, fields }) => `${mti} ${fields.get(39) ?? ''}`);
  }
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const bytesOf = (...parts: (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? ascii(part) : part)));
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const SIGN_ON = bytesOf(
  '0800',
  hex('82200001000000000400000000000000'),
  '112320450100000106627100001',
);
const ECHO = bytesOf('0800', hex('82200000000000000400000000000000'), '1123204501000002301');

describe('the line in bytes', () => {
  it('answers two messages in one packet, the second of which needs the first', async () => {
    const client = await RawClient.open();
    const cutover = Buffer.from(SIGN_ON);
    cutover.write('201', cutover.length - 3, 'latin1');
    await client.write(frameMessages([SIGN_ON, cutover]));
    expect(await client.take(2)).toEqual(['0810 00', '0810 00']);
    client.socket.destroy();
  });

  it('answers a message in three packets and waits for the rest of half a frame', async () => {
    const client = await RawClient.open();
    const frame = frameMessages([ECHO]);
    await client.write(frame.subarray(0, 1), frame.subarray(1, 9), frame.subarray(9));
    expect(await client.take(1)).toEqual(['0810 00']);
    await client.write(frame.subarray(0, 20));
    expect(client.messages).toHaveLength(1);
    await client.write(frame.subarray(20));
    expect(await client.take(2)).toHaveLength(2);
    client.socket.destroy();
  });

  it('answers everything that came before the other side closed its half', async () => {
    const client = await RawClient.open();
    client.socket.end(frameMessages([SIGN_ON, ECHO, ECHO, ECHO]));
    expect(await client.take(4)).toEqual(['0810 00', '0810 00', '0810 00', '0810 00']);
    await until(() => client.isClosed);
  });

  it('answers a malformed request with 30 and echoes what could be read', async () => {
    const client = await RawClient.open();
    const bad = Buffer.from(ECHO);
    bad.write('x', bad.length - 1, 'latin1');
    await client.write(frameMessages([bad, ECHO]));
    expect(await client.take(2)).toEqual(['0810 30', '0810 00']);
    expect(Object.fromEntries(client.messages[0]!.fields)).toEqual({
      7: '1123204501',
      11: '000002',
      39: '30',
      44: 'FORMAT ERROR DE 070',
    });
    client.socket.destroy();
  });

  it('drops what has no readable type and stray answers, and keeps the connection', async () => {
    const client = await RawClient.open();
    const stray = bytesOf('0210', hex('0000000000000000'));
    await client.write(
      frameMessages([ascii('GET / HTTP/1.1'), stray, ascii('1200'), ECHO]),
      hex('0000'),
    );
    expect(await client.take(1)).toEqual(['0810 00']);
    expect(await counted('dropped')).toBe(3);
    client.socket.destroy();
  });

  it('closes the connection of an oversized frame and no other', async () => {
    const neighbour = await signedOn();
    const client = await RawClient.open();
    await client.write(hex('FFFF'), Buffer.alloc(100));
    await until(() => client.isClosed);
    expect(logged).toContain('A frame is longer than the line allows.');
    expect(answered(await neighbour.pay(UNPAID, AMOUNT)).code).toBe('00');
  });

  it('survives garbage on many connections', async () => {
    const neighbour = await signedOn();
    const corpus = JSON.parse(
      readFileSync(path.join(packageRoot, 'tests/corpus/iso8583/refused.json'), 'utf8'),
    ) as { hex: string }[];
    for (const { hex: bytes } of corpus) {
      const client = await RawClient.open();
      client.socket.write(hex(bytes));
      client.socket.write(frameMessages([hex(bytes)]));
      client.socket.resetAndDestroy();
    }
    expect(answered(await neighbour.pay(UNPAID, AMOUNT)).code).toBe('00');
    expect(engine.standing).toBe(1);
  });

  it('logs no PAN, track or payer', async () => {
    const client = await signedOn();
    const { sent } = answered(await client.inquire(UNPAID));
    const fields = new Map([
      ...sent.fields,
      [2, '4000340000000506'] as const,
      [35, '4000340000000506=2912'] as const,
    ]);
    expect(answered(await client.send({ mti: '0200', fields })).code).toBe('00');
    engine.mood = 'throws';
    expect(answered(await client.send({ mti: '0200', fields })).code).toBe('96');
    expect(logged).not.toContain('4000340000000506');
    expect(logged).not.toContain('Khan');
  });
});

describe('docs/spec/iso8583.md', () => {
  const page = readFileSync(path.join(packageRoot, 'docs/spec/iso8583.md'), 'utf8');
  const frames = [...page.matchAll(/```hex\n([0-9A-F\s]+)```/g)].map((match) =>
    hex((match[1] ?? '').replace(/\s/g, '')),
  );

  it('shows a dialogue that the line really holds', async () => {
    await listener.stop();
    engine = new MemoryEngine([
      { ...bill(UNPAID, 'unpaid'), psid: '10100000000000013', consumerName: 'MUHAMMAD KHAN' },
    ]);
    await start();
    const socket = connect({ host: '127.0.0.1', port: listener.port });
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    expect(frames.length).toBeGreaterThanOrEqual(6);
    for (let index = 0; index < frames.length; index += 2) {
      const answer = frames[index + 1]!;
      received = Buffer.alloc(0);
      socket.write(frames[index]!);
      await until(() => received.length >= answer.length);
      expect(received.toString('latin1')).toBe(answer.toString('latin1'));
    }
    socket.destroy();
  });

  it('lists every answer code', () => {
    for (const code of Object.values(RESPONSE_CODES))
      expect(page).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
  });
});

describe('limits', () => {
  it('does not read on while too many requests are under way', async () => {
    await listener.stop();
    await start({ inFlightMax: 4 });
    const client = await signedOn();
    engine.mood = 'held';
    const all = Array.from({ length: 20 }, () => client.inquire(UNPAID));
    await until(() => engine.held === 4);
    await sleep(50);
    expect(engine.held).toBe(4);
    engine.mood = 'well';
    engine.release();
    expect((await Promise.all(all)).map((each) => answered(each).code)).toEqual(
      Array.from({ length: 20 }, () => '00'),
    );
  });

  it('matches many answers to many requests on one connection', async () => {
    const client = await signedOn();
    const all = await Promise.all(Array.from({ length: 2_000 }, () => client.inquire(UNPAID)));
    for (const each of all)
      expect(answered(each).message.fields.get(11)).toBe(each.sent.fields.get(11));
    expect(client.unmatched).toBe(0);
    expect(client.inFlight).toBe(0);
  });

  it('closes a connection above the limit and keeps the others', async () => {
    await listener.stop();
    await start({ connectionsMax: 1 });
    const first = await signedOn();
    const second = await RawClient.open();
    await until(() => second.isClosed);
    expect(answered(await first.echo()).code).toBe('00');
  });

  it('closes a silent connection and one whose frame never ends', async () => {
    const silent = await RawClient.open();
    const stuck = await RawClient.open();
    const lively = await signedOn();
    await stuck.write(hex('0010'), ascii('0800'));
    clock.advance(31_000);
    await until(() => stuck.isClosed);
    expect(silent.isClosed).toBe(false);
    clock.advance(400_000);
    expect(answered(await lively.echo()).code).toBe('00');
    clock.advance(400_000);
    await until(() => silent.isClosed);
    expect(answered(await lively.echo()).code).toBe('00');
  });

  it('answers what is under way before it stops, and takes nothing new', async () => {
    const client = await signedOn();
    engine.mood = 'held';
    const underWay = client.pay(UNPAID, AMOUNT);
    await until(() => engine.held === 1);
    const stopped = listener.stop();
    engine.mood = 'well';
    const late = client.pay(OTHER, AMOUNT);
    await sleep(20);
    engine.release();
    expect(answered(await underWay).code).toBe('00');
    expect(await late).toMatchObject({ answered: false, reason: 'closed' });
    await stopped;
    expect(engine.standing).toBe(1);
    await expect(bank()).rejects.toBeInstanceOf(Fault);
  });

  it('gives up on requests that do not end when it stops', async () => {
    await listener.stop();
    await start({ stopMs: 30 });
    const client = await signedOn();
    engine.mood = 'held';
    const lost = client.pay(UNPAID, AMOUNT);
    await until(() => engine.held === 1);
    await listener.stop();
    expect(await lost).toMatchObject({ answered: false, reason: 'closed' });
  });

  it('refuses a port in use, naming it', async () => {
    const second = startIso8583Listener({
      host: '127.0.0.1',
      port: listener.port,
      engine,
      participants: { findByInstitution: () => Promise.resolve(undefined) },
      clock,
      log: makeLog({ level: 'silent' }),
      metrics,
    });
    await expect(second).rejects.toMatchObject({
      code: 'port-busy',
      fields: { port: listener.port },
    });
  });
});

describe('the table of answers', () => {
  it('has two characters for every result, and 00 only where the money was taken', () => {
    const entries = Object.entries(RESPONSE_CODES);
    for (const [, code] of entries) expect(code).toMatch(/^[0-9A-Z]{2}$/);
    expect(entries.filter(([, code]) => code === '00')).toEqual([
      ['approved', '00'],
      ['in-suspense', '00'],
    ]);
  });
});
