/** The line under strain and over time: caps, shedding, echoes, cutovers, connections that we open, store and forward. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../kernel/clock.ts';
import { openFileForwardStore, type FileForwardStore } from '../../simulators/bank-switch/index.ts';
import { startIso8583Connector, type Iso8583Connector } from './connector.ts';
import type { Cutover } from './cutovers.ts';
import { Forwarder } from './forwarder.ts';
import { frameMessages } from './framing.ts';
import {
  AMOUNT,
  INSTITUTION,
  LineHarness,
  OTHER,
  UNPAID,
  answered,
  until,
} from './line-harness.ts';
import type { Iso8583Listener } from './listener.ts';
import type { IsoMessage } from './message.ts';
import { DEFAULT_PROFILE } from './profile.ts';
import { SPECS } from './specs/index.ts';

let line: LineHarness;
beforeEach(() => {
  line = new LineHarness();
});
afterEach(() => line.stop());

describe('strain', () => {
  it('a request above the total is answered 91 at once, and can be repeated', async () => {
    await line.start({ limits: { inFlightTotalMax: 2 } });
    const bank = await line.bank();
    await bank.signOn();
    line.engine.mood = 'held';
    const held = [bank.inquire(UNPAID), bank.inquire(UNPAID)];
    await until(() => line.engine.held === 2);
    const shed = answered(await bank.pay(UNPAID, AMOUNT));
    expect([shed.code, shed.message.fields.get(44)]).toEqual(['91', 'BUSY']);
    expect(answered(await bank.echo()).code).toBe('00');
    line.engine.mood = 'well';
    line.engine.release();
    for (const each of await Promise.all(held)) expect(answered(each).code).toBe('00');
    expect(answered(await bank.repeat(shed.sent)).code).toBe('00');
    expect(line.engine.standing).toBe(1);
    expect(await line.refusals('overload')).toBe(1);
  });

  it('a full line lets the oldest stranger go, and keeps whoever signed on', async () => {
    await line.start({ limits: { connectionsMax: 2 } });
    const bank = await line.bank();
    await bank.signOn();
    const stranger = await line.bank();
    const second = await line.bank();
    await stranger.closed;
    expect(answered(await second.signOn()).code).toBe('00');
    const third = await line.bank();
    await third.closed;
    expect(answered(await bank.echo()).code).toBe('00');
    expect(answered(await second.echo()).code).toBe('00');
  });

  it('one address has only so many connections', async () => {
    await line.start({ limits: { connectionsPerAddressMax: 1 } });
    const bank = await line.bank();
    expect(answered(await bank.echo()).code).toBe('00');
    await (
      await line.bank()
    ).closed;
    expect(answered(await bank.echo()).code).toBe('00');
    expect(await line.refusals('too-many-connections')).toBe(1);
    await bank.close();
    let code = '';
    while (code !== '00') {
      const again = await line.bank();
      const exchange = await again.echo();
      code = exchange.answered ? exchange.code : '';
    }
  });

  it('garbage is answered for a while, then the connection is closed', async () => {
    await line.start({ limits: { malformedMax: 5 } });
    const bank = await line.bank();
    bank.sendRaw(frameMessages(Array.from({ length: 6 }, () => Buffer.from('0800garbage'))));
    await bank.closed;
    expect(await line.refusals('malformed')).toBe(1);
  });

  it('a line that speaks 1993 is not offered', async () => {
    const started = line.start({ profile: { ...DEFAULT_PROFILE, spec: SPECS['iso93-ascii'] } });
    await expect(started).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

describe('a silent connection', () => {
  it('is sent an echo; who answers it stays, who does not is closed', async () => {
    await line.start({ limits: { echoMs: 60_000, answerMs: 3_000 } });
    const bank = await line.bank();
    await bank.signOn();
    const deaf = await line.bank();
    await deaf.signOn();
    let echoes = 0;
    bank.onBytes(() => {
      echoes += 1;
    });
    // From now on the deaf one hears and says nothing.
    deaf.fallSilent();
    line.clock.advance(61_000);
    await until(() => echoes > 0);
    await deaf.closed;
    expect(answered(await bank.echo()).code).toBe('00');
    expect(await line.refusals('no-echo')).toBe(1);
  });
});

describe('a cutover', () => {
  it('is kept with the business date that it announces', async () => {
    const kept: Cutover[] = [];
    const cutovers = {
      record: (cutover: Cutover): Promise<void> => {
        kept.push(cutover);
        return Promise.resolve();
      },
    };
    await line.start({ cutovers, limits: { idleMs: 1e12, echoMs: 1e12, signOnMs: 1e12 } });
    const bank = await line.bank();
    await bank.signOn();
    const { sent, code } = answered(await bank.cutover());
    expect(code).toBe('00');
    const at = async (day: string): Promise<string> =>
      answered(await bank.send({ mti: '0800', fields: new Map([...sent.fields, [15, day]]) })).code;
    expect(await at('1126')).toBe('00');
    expect(await at('1224')).toBe('30');
    expect(await at('9999')).toBe('30');
    line.clock.set(new Date('2026-12-31T18:00:00Z'));
    await bank.signOn();
    expect(await at('0102')).toBe('00');
    expect(kept.map(({ participant, businessDate }) => [participant, businessDate])).toEqual([
      ['BOP', '2026-11-25'],
      ['BOP', '2026-11-26'],
      ['BOP', '2027-01-02'],
    ]);
  });
});

describe('a connection that this side opens', () => {
  let bankLine: Iso8583Listener;
  const connectors: Iso8583Connector[] = [];
  /** The bank's end is a line of its own, on which we are the participant 586000. */
  const there = new LineHarness();
  const connectTo = (
    port: number,
    options: Partial<Parameters<typeof startIso8583Connector>[0]> = {},
  ): Iso8583Connector => {
    const connector = startIso8583Connector({
      line: ours.line,
      host: '127.0.0.1',
      port,
      institutionId: INSTITUTION,
      ownInstitutionId: '586000',
      waitMs: 10,
      waitMaxMs: 40,
      ...options,
    });
    connectors.push(connector);
    return connector;
  };
  let ours: Iso8583Listener;
  const startThere = (port = 0): Promise<Iso8583Listener> => {
    there.register.set('586000', { code: 'SANAD', name: 'Sanad', active: true });
    return there.start({}, port);
  };
  const echo = (): IsoMessage => ours.line.networkRequest('301');

  beforeEach(async () => {
    ours = await line.start();
    bankLine = await startThere();
  });
  afterEach(async () => {
    await Promise.all(connectors.splice(0).map((each) => each.stop()));
    await there.stop();
  });

  it('signs on, and both sides send over it', async () => {
    const connector = connectTo(bankLine.port);
    await until(() => connector.isUp);
    const answer = await ours.request('BOP', echo());
    expect(typeof answer === 'string' ? answer : answer.fields.get(39)).toBe('00');
    const back = await bankLine.request('SANAD', bankLine.line.networkRequest('301'));
    expect(typeof back === 'string' ? back : back.fields.get(39)).toBe('00');
  });

  it('is opened again when it ends, and when nobody listened for a while', async () => {
    const connector = connectTo(bankLine.port);
    await until(() => connector.isUp);
    const { port } = bankLine;
    await bankLine.stop();
    await until(() => !connector.isUp);
    expect(await ours.request('BOP', echo())).toBe('unavailable');
    const attempts = connector.attempts;
    await until(() => connector.attempts > attempts + 1);
    bankLine = await startThere(port);
    await until(() => connector.isUp);
  });

  it('waits longer each time up to its limit, and stops at once', async () => {
    await bankLine.stop();
    const waits: number[] = [];
    let ends: () => void = () => undefined;
    const connector = connectTo(bankLine.port, {
      waitMs: 100,
      waitMaxMs: 1_000,
      chance: () => 0.5,
      timers: {
        sleep: (ms) => {
          waits.push(ms);
          return waits.length < 6
            ? Promise.resolve()
            : new Promise<void>((resolve) => {
                ends = resolve;
              });
        },
        every: () => () => undefined,
        turn: () => Promise.resolve(),
        elapsedMs: () => 0,
      },
    });
    await until(() => waits.length === 6);
    expect(waits).toEqual([150, 300, 600, 750, 750, 750]);
    await connector.stop();
    ends();
  });

  it('is not kept when the other side refuses the sign-on', async () => {
    const connector = connectTo(bankLine.port, { ownInstitutionId: '999999' });
    await until(() => connector.attempts >= 3);
    expect(connector.isUp).toBe(false);
    expect(line.logged).toContain('A participant refused our sign-on.');
  });
});

describe('store and forward', () => {
  let folder: string;
  let store: FileForwardStore;
  const clock = new ManualClock(new Date('2026-11-23T20:45:00Z'));
  const reversal: IsoMessage = {
    mti: '0420',
    fields: new Map([
      [2, '4000340000000506'],
      [4, '000000186900'],
      [7, '1123204500'],
      [11, '000001'],
      [35, '4000340000000506=2912'],
      [37, '632720000001'],
      [41, 'ATM00001'],
      [52, '0011223344556677'],
    ]),
  };
  let ids = 0n;
  const forwarderOf = (
    send: (message: IsoMessage) => Promise<IsoMessage | 'timeout' | 'unavailable'>,
  ): Forwarder =>
    new Forwarder({
      store,
      send: (_, message) => send(message),
      nextId: () => (ids += 1n),
      clock,
      log: line.log,
      waitMs: 1_000,
      pollMs: 5,
    });
  const file = (): string => path.join(folder, 'forwards.jsonl');

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'sanad-forward-'));
    store = openFileForwardStore(file());
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });

  it('repeats until it is answered, first as 0420 and then as 0421, and keeps no card data', async () => {
    const sent: IsoMessage[] = [];
    const answers: (IsoMessage | 'timeout' | 'unavailable')[] = [
      'timeout',
      'unavailable',
      { mti: '0430', fields: new Map([[39, '91']]) },
      { mti: '0430', fields: new Map([[39, '00']]) },
    ];
    const forwarder = forwarderOf((message) => {
      sent.push(message);
      return Promise.resolve(answers[sent.length - 1] ?? 'timeout');
    });
    forwarder.start();
    await forwarder.add('BOP', reversal);
    await forwarder.add('BOP', reversal);
    for (let count = 1; count <= 4; count += 1) {
      await until(() => sent.length === count);
      clock.advance(1_000 * 2 ** count);
    }
    await until(() => store.open === 0);
    clock.advance(1_000_000);
    await forwarder.stop();
    expect(sent.map(({ mti }) => mti)).toEqual(['0420', '0421', '0421', '0421']);
    for (const { fields } of sent) expect([...fields.keys()]).toEqual([4, 7, 11, 37, 41]);
  });

  it('goes on after a restart with what was not answered', async () => {
    const first = forwarderOf(() => Promise.resolve('timeout'));
    first.start();
    await first.add('BOP', reversal);
    await until(() => store.open === 1);
    await first.stop();
    store.close();
    store = openFileForwardStore(file());
    expect(store.open).toBe(1);
    clock.advance(3_600_000);
    const sent: IsoMessage[] = [];
    const second = forwarderOf((message) => {
      sent.push(message);
      return Promise.resolve({ mti: '0430', fields: new Map([[39, '25']]) });
    });
    second.start();
    await until(() => store.open === 0);
    await second.stop();
    store.close();
    store = openFileForwardStore(file());
    expect(store.open).toBe(0);
    expect(sent).toHaveLength(1);
  });

  it('does not take a repeat as a first message', async () => {
    const forwarder = forwarderOf(() => Promise.resolve('timeout'));
    await expect(forwarder.add('BOP', { ...reversal, mti: '0421' })).rejects.toThrow(
      'not a repeat',
    );
  });

  it('reverses a payment whose answer is late, on the bank’s side, over a new connection', async () => {
    await line.start();
    const late: IsoMessage[] = [];
    const waiting: IsoMessage[] = [];
    const bank = await line.bank({
      timeoutMs: 150,
      onTimeout: (message) => {
        waiting.push(message);
        return Promise.resolve();
      },
      onLateAnswer: (message) => late.push(message),
    });
    while (!(await bank.signOn()).answered);
    line.engine.mood = 'held';
    expect(await bank.pay(OTHER, AMOUNT)).toMatchObject({ answered: false, reason: 'timeout' });
    line.engine.mood = 'well';
    line.engine.release();
    await until(() => late.length === 1);
    expect(late[0]!.fields.get(39)).toBe('00');
    expect(line.engine.standing).toBe(1);
    await bank.close();
    const again = await line.bank();
    await again.signOn();
    const forwarder = forwarderOf(async (message) => {
      const exchange = await again.send(message);
      return exchange.answered ? exchange.message : 'timeout';
    });
    forwarder.start();
    await forwarder.add('BOP', waiting[0]!);
    await until(() => store.open === 0 && line.engine.standing === 0);
    await forwarder.stop();
    // Once more, as a bank does that is not sure: the same answer.
    const repeat = answered(await again.repeat(waiting[0]!));
    expect(repeat.code).toBe('00');
  });
});

describe('our own request', () => {
  it('whose answer comes too late is told of', async () => {
    const told: (string | undefined)[] = [];
    const listener = await line.start({
      limits: { answerMs: 30 },
      onLateAnswer: (_, participant) => told.push(participant),
    });
    const bank = await line.bank();
    await bank.signOn();
    bank.delayAnswers(150);
    const { line: core } = listener;
    expect(await core.request('BOP', core.networkRequest('301'))).toBe('timeout');
    await until(() => told.length === 1);
    expect(told).toEqual(['BOP']);
  });
});
