/** The suite itself: green on honest channels over an engine in memory, red for each rule that is broken on purpose. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import Fastify from 'fastify';
import { systemClock, systemTimers, type Clock } from '../../kernel/clock.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { Admission, type Participant, type SignerDirectory } from '../participants/index.ts';
import type { PaymentEngine } from '../payment/index.ts';
import { sandboxEngine } from '../sandbox/index.ts';
import {
  breakEngine,
  ENGINE_BREAKS,
  FRONT_BREAKS,
  makeImpersonator,
  startBrokenFront,
  tellsOfBill,
  type EngineBreak,
  type FrontBreak,
} from '../simulators/broken-switch/index.ts';
import {
  CONFORMANCE_RULES,
  conformanceHtml,
  easypaisaDriver,
  forcedByFixedPsids,
  iso8583Driver,
  jazzCashDriver,
  oneBillDriver,
  runConformance,
  type ConformanceDriver,
  type ConformanceReport,
  type ConformanceSandbox,
  type Prepared,
  type RuleName,
} from '../simulators/conformance/index.ts';
import { easypaisaChannel } from './easypaisa/index.ts';
import {
  AMOUNT,
  DEAR_PSID,
  directoryOf,
  EXPIRED_PSID,
  HarnessEngine,
  LIMIT,
  PASSWORD,
  plainOpener,
  SPARE_PSIDS,
  UNKNOWN_PSID,
} from './engine-harness.ts';
import {
  macKeyContext,
  makeSecretBox,
  startIso8583Listener,
  type SecretBox,
} from './iso8583/index.ts';
import { jazzCashChannel } from './jazzcash/index.ts';
import { oneBillChannel } from './onebill/index.ts';

const clock: Clock = systemClock;
const SALT = '0F5DD14AE2';
const log = makeLog({ level: 'silent' });
const metrics = makeMetrics(false);
const ours = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const theirs = generateKeyPairSync('rsa', { modulusLength: 2_048 });

function participant(code: string, channel: Participant['channel'], settings = {}): Participant {
  return { code, name: code, channel, active: true, answerCodes: new Map(), settings };
}

const spki = theirs.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const participants: SignerDirectory = {
  ...directoryOf({
    hbl: participant('HBL', 'onebill'),
    MC12345: participant('JC', 'jazzcash', {
      jazzcash: { salts: [{ id: 'now', sealed: `JC/jazzcash-salt:${SALT}` }] },
    }),
    easypaisa: participant('EP', 'easypaisa', {
      easypaisa: { storeId: '641', keys: [{ id: 'now', publicKey: spki }] },
    }),
  }),
  findByInstitution: (institution) =>
    Promise.resolve(
      institution === '627100'
        ? { ...participant('BOP', 'iso8583'), institutionId: '627100' }
        : undefined,
    ),
};

type Channel = 'onebill' | 'jazzcash' | 'easypaisa' | 'iso8583';
const CHANNELS: readonly Channel[] = ['onebill', 'jazzcash', 'easypaisa', 'iso8583'];

interface Rig {
  readonly memory: HarnessEngine;
  readonly address: string;
  readonly sandbox: ConformanceSandbox;
  stop(): Promise<void>;
}

/** Starts one channel over a fresh engine, broken or not. */
async function start(
  channel: Channel,
  change: (engine: PaymentEngine) => PaymentEngine = (engine) => engine,
  directory = participants,
  box?: SecretBox,
  admission?: Admission,
): Promise<Rig> {
  const memory = new HarnessEngine();
  const isSandbox = () => Promise.resolve(true);
  const honest = sandboxEngine({ engine: memory, isSandbox, clock, timers: systemTimers });
  const parts = { engine: change(honest), participants: directory, log, metrics, clock };
  const shared = admission === undefined ? parts : { ...parts, admission };
  let next = 0;
  const sandbox: ConformanceSandbox = {
    challan() {
      next += 1;
      return Promise.resolve({ psid: SPARE_PSIDS[next - 1]!, amountPaisa: AMOUNT });
    },
    unknownPsid: () => UNKNOWN_PSID,
    expired: () => Promise.resolve({ psid: EXPIRED_PSID, amountPaisa: AMOUNT }),
    aboveLimit: () => Promise.resolve({ psid: DEAR_PSID, amountPaisa: LIMIT + 1n }),
    use(psid) {
      memory.used.add(psid);
      return Promise.resolve();
    },
    forced: forcedByFixedPsids,
  };
  if (channel === 'iso8583') {
    const line = await startIso8583Listener({
      ...parts,
      host: '127.0.0.1',
      port: 0,
      ...(box === undefined ? {} : { box }),
    });
    return { memory, address: String(line.port), sandbox, stop: () => line.stop() };
  }
  const app = Fastify();
  const secrets = plainOpener;
  if (channel === 'onebill') await app.register(oneBillChannel(shared));
  else if (channel === 'jazzcash') await app.register(jazzCashChannel({ ...shared, secrets }));
  else await app.register(easypaisaChannel({ ...shared, secrets, signingKey: ours.privateKey }));
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return { memory, address, sandbox, stop: () => app.close() };
}

const jazzCash = (baseUrl: string) => ({
  baseUrl,
  merchantId: 'MC12345',
  password: PASSWORD,
  salt: SALT,
  clock,
  random: secureRandom,
});
const easypaisa = (baseUrl: string) => ({
  baseUrl,
  username: 'easypaisa',
  password: PASSWORD,
  storeId: '641',
  privateKey: theirs.privateKey,
  switchKey: ours.publicKey,
  clock,
  random: secureRandom,
});

function driverOf(channel: Channel, address: string): Promise<ConformanceDriver> {
  const random = secureRandom;
  switch (channel) {
    case 'onebill': {
      const who = { username: 'hbl', password: PASSWORD, bankMnemonic: 'HBL' };
      return Promise.resolve(oneBillDriver({ baseUrl: address, ...who, clock, random }));
    }
    case 'jazzcash':
      return Promise.resolve(jazzCashDriver(jazzCash(address)));
    case 'easypaisa':
      return Promise.resolve(easypaisaDriver(easypaisa(address)));
    case 'iso8583':
      return iso8583Driver({
        host: '127.0.0.1',
        port: Number(address),
        institutionId: '627100',
        terminalId: 'ATM00001',
        clock,
        random,
      });
  }
}

async function run(
  channel: Channel,
  rig: Rig,
  only?: readonly RuleName[],
  address = rig.address,
): Promise<ConformanceReport> {
  const driver = await driverOf(channel, address);
  try {
    return await runConformance(driver, rig.sandbox, only);
  } finally {
    await driver.close().catch(() => undefined);
  }
}

/** Rules that a channel has nothing for. */
const NOT_OF_CHANNEL: Readonly<Record<Channel, readonly RuleName[]>> = {
  onebill: [
    'reversal-gives-back',
    'reversed-payment-stays-reversed',
    'reversal-before-payment-is-kept',
    'reversal-must-match',
    'used-stamp-is-not-reversed',
    'replay-is-refused',
  ],
  jazzcash: [],
  easypaisa: [],
  iso8583: ['replay-is-refused'],
};

describe('an honest switch', () => {
  it.each(CHANNELS)('conforms on %s', async (channel) => {
    const rig = await start(channel);
    try {
      const report = await run(channel, rig);
      expect(report.rules.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      const others = report.rules.filter(({ outcome }) => outcome === 'not-of-channel');
      expect(others.map(({ rule }) => rule)).toEqual(NOT_OF_CHANNEL[channel]);
      expect(report).toMatchObject({ conforms: true, notRun: 0 });
      expect(report.passed + report.notOfChannel).toBe(CONFORMANCE_RULES.length);
    } finally {
      await rig.stop();
    }
  });
});

const outcomeOf = ({ rules }: ConformanceReport): string | undefined => rules[0]?.outcome;
const engineCases = CHANNELS.flatMap((channel) =>
  (Object.keys(ENGINE_BREAKS) as EngineBreak[])
    .filter((name) => !NOT_OF_CHANNEL[channel].includes(name))
    .map((name) => [channel, name] as const),
);

describe('a broken engine', () => {
  it.each(engineCases)('is found on %s by %s', async (channel, name) => {
    const rig = await start(channel, (engine) => breakEngine(name, engine));
    try {
      expect(outcomeOf(await run(channel, rig, [name]))).toBe('failed');
    } finally {
      await rig.stop();
    }
  });
});

const frontCases = (['onebill', 'jazzcash', 'easypaisa'] as const).flatMap((channel) =>
  FRONT_BREAKS.filter((name) => !NOT_OF_CHANNEL[channel].includes(name)).map(
    (name) => [channel, name] as const,
  ),
);

describe('a broken front', () => {
  it.each(frontCases)('is found on %s by %s', async (channel, name: FrontBreak) => {
    const rig = await start(channel);
    const front = await startBrokenFront({
      target: rig.address,
      name,
      impersonate: makeImpersonator({
        onebill: { password: PASSWORD },
        jazzcash: jazzCash(rig.address),
        easypaisa: easypaisa(rig.address),
      }),
      knows: tellsOfBill,
    });
    try {
      expect(outcomeOf(await run(channel, rig, [name], front.baseUrl))).toBe('failed');
    } finally {
      await front.stop();
      await rig.stop();
    }
  });

  it('is found on iso8583 by forgery-is-refused', async () => {
    const everybody: SignerDirectory = {
      ...participants,
      findByInstitution: (_institution, address) =>
        participants.findByInstitution('627100', address),
    };
    const rig = await start('iso8583', undefined, everybody);
    try {
      expect(outcomeOf(await run('iso8583', rig, ['forgery-is-refused']))).toBe('failed');
    } finally {
      await rig.stop();
    }
  });

  it('is found on iso8583 by garbage-harms-nobody', async () => {
    const rig = await start('iso8583');
    const sockets = new Set<Socket>();
    const fragile: Server = createServer((socket) => {
      const line = connect({ host: '127.0.0.1', port: Number(rig.address) });
      for (const each of [socket, line]) {
        sockets.add(each);
        each.on('error', () => undefined);
        each.on('close', () => sockets.delete(each));
      }
      line.pipe(socket);
      socket.on('data', (chunk) => {
        // What does not begin as a frame of a message type stops the whole switch.
        const isMessage = /^0[248]/.test(chunk.subarray(2, 4).toString('latin1'));
        if (isMessage) line.write(chunk);
        else for (const each of sockets) each.destroy();
      });
      socket.on('end', () => line.end());
    });
    await new Promise<void>((resolve) => fragile.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = fragile.address() as AddressInfo;
    try {
      const report = await run('iso8583', rig, ['garbage-harms-nobody'], String(port));
      expect(outcomeOf(report)).toBe('failed');
    } finally {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => fragile.close(resolve));
      await rig.stop();
    }
  });
});

describe('an ISO 8583 line with message authentication', () => {
  it.each(['retail', 'aes-cmac'] as const)('conforms with %s', async (algorithm) => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const box = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], secureRandom);
    const sealed = box.seal(key, macKeyContext('BOP'));
    const settings = { iso8583: { mac: { algorithm, keys: [{ id: 'now', sealed }] } } };
    const authenticated: SignerDirectory = {
      ...participants,
      findByInstitution: (institution) =>
        Promise.resolve(
          institution === '627100'
            ? { ...participant('BOP', 'iso8583', settings), institutionId: '627100' }
            : undefined,
        ),
    };
    const rig = await start('iso8583', undefined, authenticated, box);
    const line = { host: '127.0.0.1', port: Number(rig.address), institutionId: '627100' };
    const options = { ...line, terminalId: 'ATM00001', clock, random: secureRandom };
    try {
      await expect(iso8583Driver({ ...options, timeoutMs: 2_000 })).rejects.toThrow('refused');
      const keys = [{ id: 'own', key, fromMs: -Infinity, untilMs: Infinity }];
      const driver = await iso8583Driver({ ...options, mac: { algorithm, keys } });
      const report = await runConformance(driver, rig.sandbox);
      await driver.close();
      expect(report).toMatchObject({ conforms: true, notRun: 0 });
    } finally {
      await rig.stop();
    }
  });
});

describe('a participant that takes up its share', () => {
  it.each(['onebill', 'jazzcash', 'easypaisa'] as const)(
    'is shed on %s with 503, and nothing is done',
    async (channel) => {
      const admission = new Admission(clock, { underWayMax: 1, perSecond: 1_000 });
      const rig = await start(channel, undefined, participants, undefined, admission);
      const driver = await driverOf(channel, rig.address);
      try {
        rig.memory.mood = 'held';
        const [first, second] = [0, 1].map((each) =>
          driver.prepare(SPARE_PSIDS[each]!, AMOUNT),
        ) as [Prepared, Prepared];
        const held = driver.send(first);
        while (rig.memory.held === 0) await nextTurn();
        const shed = await driver.send(second);
        expect(driver.codes.busy).toContain(shed.code);
        expect(rig.memory.requests).toHaveLength(1);
        rig.memory.mood = 'well';
        rig.memory.release();
        expect((await held).approved).toBe(true);
        expect((await driver.send(second)).approved).toBe(true);
      } finally {
        rig.memory.release();
        await driver.close();
        await rig.stop();
      }
    },
  );
});

describe('the report', () => {
  it('says what was not run and why, and never counts it as passed', async () => {
    const rig = await start('onebill');
    const { sandbox } = rig;
    try {
      const poor = {
        ...rig,
        sandbox: { challan: () => sandbox.challan(), unknownPsid: () => sandbox.unknownPsid() },
      };
      const report = await run('onebill', poor, ['expired-is-refused', 'limit-is-kept']);
      expect(report).toMatchObject({ conforms: true, passed: 0, failed: 0, notRun: 2 });
      expect(report.rules[0]?.reason).toBe('no expired challan was given');
    } finally {
      await rig.stop();
    }
  });

  it('is a page that escapes what an answer brought', () => {
    const html = conformanceHtml(
      {
        channel: 'onebill',
        conforms: false,
        passed: 0,
        failed: 1,
        notRun: 0,
        notOfChannel: 0,
        rules: [{ rule: 'limit-is-kept', outcome: 'failed', reason: '<script>"x"</script>' }],
      },
      { target: '127.0.0.1:8080', at: new Date(0) },
    );
    expect(html).toContain('&lt;script&gt;&quot;x&quot;');
    expect(html).toContain('does not conform');
    expect(html).not.toContain('<script');
  });
});
