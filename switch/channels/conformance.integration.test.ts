/** The suite over real HTTP and TCP, real participants, real books and a real lane: all five channels at once. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { systemClock, systemTimers } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import { newPsid, secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { checkInvariants, openAccount, settlementAccount } from '../../ledger/index.ts';
import { listOpenCases } from '../../reconciliation/exceptions/case-store.ts';
import { CHALLAN_AMOUNT, LaneRig } from '../../tests/support/lane-rig.ts';
import {
  makeParticipantDirectory,
  registerParticipant,
  type ParticipantDraft,
} from '../participants/index.ts';
import type { PaymentEngine } from '../payment/index.ts';
import { sandboxEngine } from '../sandbox/index.ts';
import {
  breakEngine,
  ENGINE_BREAKS,
  makeImpersonator,
  startBrokenFront,
  tellsOfBill,
  type EngineBreak,
} from '../simulators/broken-switch/index.ts';
import {
  easypaisaDriver,
  forcedByFixedPsids,
  iso8583Driver,
  jazzCashDriver,
  oneBillDriver,
  otcDriver,
  runConformance,
  type ConformanceDriver,
  type ConformanceSandbox,
  type RuleName,
} from '../simulators/conformance/index.ts';
import { useStamps } from './books-harness.ts';
import { credentialsContext, easypaisaChannel } from './easypaisa/index.ts';
import { makeSecretBox, startIso8583Listener, type Iso8583Listener } from './iso8583/index.ts';
import { jazzCashChannel, saltContext } from './jazzcash/index.ts';
import { oneBillChannel } from './onebill/index.ts';
import { otcChannel, registerTill } from './otc/index.ts';

const PASSWORD = 'correct-horse-battery';
const SALT = '0F5DD14AE2';
const random = secureRandom;
const DAY_MS = 86_400_000;
const rsa = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ours = rsa();
const theirs = rsa();
const box = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], random);

let rig: LaneRig;
let app: FastifyInstance;
let iso: Iso8583Listener;
let baseUrl: string;
let lateChallan: string;
/** The engine that the OTC channel asks; changed by the tests of broken ones. */
let otcEngine: PaymentEngine;
/** The engine over the books with the fixed PSIDs in front. */
let honest: PaymentEngine;

async function register(draft: Omit<ParticipantDraft, 'name' | 'allowedAddresses'>): Promise<void> {
  await registerParticipant(
    { name: draft.code, allowedAddresses: ['127.0.0.1'], ...draft },
    {
      database: rig.test.database,
      clock: rig.clock,
      random,
      openAccounts: async (tx, code) => {
        await openAccount(tx, settlementAccount(0, code), rig.ids);
      },
    },
  );
}

async function registerAll(): Promise<void> {
  const credentials = (username: string) => ({ username, password: PASSWORD });
  await register({
    code: 'HBL',
    channel: 'onebill',
    credentials: credentials('hbl'),
  });
  await register({ code: 'ATM', channel: 'iso8583', institutionId: '627100' });
  await register({
    code: 'BOPOTC',
    channel: 'otc',
    credentials: credentials('bop'),
  });
  await register({
    code: 'JAZZCASH',
    channel: 'jazzcash',
    credentials: credentials('MC12345'),
    settings: {
      jazzcash: {
        salts: [{ id: 'now', sealed: box.seal(Buffer.from(SALT), saltContext('JAZZCASH')) }],
      },
    },
  });
  const publicKey = theirs.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  await register({
    code: 'EASYPAISA',
    channel: 'easypaisa',
    credentials: credentials('easypaisa'),
    settings: {
      easypaisa: {
        storeId: '641',
        keys: [{ id: 'now', publicKey }],
        otc: {
          baseUrl: 'https://wallet.example/rest/v4',
          credentials: {
            sealed: box.seal(Buffer.from('merchant:secret'), credentialsContext('EASYPAISA')),
          },
        },
      },
    },
  });
  for (const till of ['T1', 'T2']) {
    await registerTill(
      rig.test.database,
      { participant: 'BOPOTC', branch: '0042', till },
      rig.clock,
    );
  }
}

beforeAll(async () => {
  rig = await LaneRig.open();
  await registerAll();
  // A challan of three weeks ago.
  rig.clock.advance(-21 * DAY_MS);
  lateChallan = await rig.challan();
  rig.clock.advance(21 * DAY_MS);
  honest = sandboxEngine({
    engine: rig.engine,
    isSandbox: () => Promise.resolve(true),
    clock: rig.clock,
    timers: systemTimers,
  });
  otcEngine = honest;
  const { database } = rig.test;
  const log = makeLog({ level: 'silent' });
  const metrics = makeMetrics(false);
  const participants = makeParticipantDirectory(database, { clock: rig.clock });
  const parts = { engine: honest, participants, log, metrics, clock: rig.clock };
  app = Fastify();
  await app.register(oneBillChannel(parts));
  await app.register(jazzCashChannel({ ...parts, secrets: box }));
  await app.register(
    easypaisaChannel({
      ...parts,
      secrets: box,
      signingKey: createPrivateKey(pem(ours.privateKey)),
    }),
  );
  const engine: PaymentEngine = {
    inquire: (inquiry) => otcEngine.inquire(inquiry),
    pay: (request) => otcEngine.pay(request),
    reverse: (request) => otcEngine.reverse(request),
  };
  await app.register(otcChannel({ ...parts, engine, database, random, ids: rig.ids }));
  baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  iso = await startIso8583Listener({ ...parts, host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await iso.stop();
  await app.close();
  const broken = await checkInvariants(rig.test.database);
  await rig.close();
  expect(broken).toEqual([]);
});

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Sets the limit of every participant; null is none. */
async function setLimits(limit: bigint | null): Promise<void> {
  await rig.test.database.query(
    sql`update participant set limit_per_transaction_paisa = ${limit}::bigint`,
  );
}

const sandbox: ConformanceSandbox = {
  async challan() {
    await setLimits(null);
    return { psid: await rig.challan(), amountPaisa: CHALLAN_AMOUNT };
  },
  unknownPsid: () => newPsid('101', 0, random),
  expired: () => Promise.resolve({ psid: lateChallan, amountPaisa: CHALLAN_AMOUNT }),
  async aboveLimit() {
    await setLimits(CHALLAN_AMOUNT - 1n);
    return { psid: await rig.challan(), amountPaisa: CHALLAN_AMOUNT };
  },
  use: (psid) => useStamps(psid, { database: rig.test.database, clock: rig.clock, ids: rig.ids }),
  forced: forcedByFixedPsids,
};

const otc = (till: string, url = baseUrl): Promise<ConformanceDriver> =>
  otcDriver({
    baseUrl: url,
    username: 'bop',
    password: PASSWORD,
    branch: '0042',
    till,
    teller: 'a.khan',
    random,
  });

const DRIVERS: Readonly<Record<string, () => ConformanceDriver | Promise<ConformanceDriver>>> = {
  onebill: () =>
    oneBillDriver({
      baseUrl,
      username: 'hbl',
      password: PASSWORD,
      bankMnemonic: 'HBL',
      clock: systemClock,
      random,
    }),
  jazzcash: () =>
    jazzCashDriver({
      baseUrl,
      merchantId: 'MC12345',
      password: PASSWORD,
      salt: SALT,
      clock: rig.clock,
      random,
    }),
  easypaisa: () =>
    easypaisaDriver({
      baseUrl,
      username: 'easypaisa',
      password: PASSWORD,
      storeId: '641',
      privateKey: theirs.privateKey,
      switchKey: ours.publicKey,
      clock: rig.clock,
      random,
    }),
  otc: () => otc('T1'),
  iso8583: () =>
    iso8583Driver({
      host: '127.0.0.1',
      port: iso.port,
      institutionId: '627100',
      terminalId: 'ATM00001',
      clock: rig.clock,
      random,
    }),
};

describe('on real books', () => {
  it.each(Object.keys(DRIVERS))('the channel %s conforms', async (channel) => {
    const driver = await DRIVERS[channel]!();
    const report = await runConformance(driver, sandbox);
    await driver.close();
    expect(report.rules.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(report.notRun).toBe(0);
    expect(report.passed).toBeGreaterThan(12);
  });
});

describe('a reversal before the stamp is used', () => {
  it.each(['jazzcash', 'easypaisa', 'otc', 'iso8583'])(
    'over %s cancels the stamp and gives the money back',
    async (channel) => {
      const { database } = rig.test;
      const states = async (psid: string): Promise<string[]> => {
        const rows = await database.query<{ state: string }>(
          sql`select state from stamp where shard_id = 0 and psid = ${psid} order by stamp_id`,
        );
        return rows.map(({ state }) => state);
      };
      const owed = async (): Promise<bigint> => {
        const [row] = await database.query<{ sum: bigint }>(
          sql`select sum(b.debits_paisa - b.credits_paisa)::bigint as sum
              from account a join account_balance b using (shard_id, account_id)
              where a.path like 'participant:%:settlement'`,
        );
        return row!.sum;
      };
      const driver = await DRIVERS[channel]!();
      const { psid, amountPaisa } = await sandbox.challan();
      const before = await owed();
      const payment = driver.prepare(psid, amountPaisa);
      expect((await driver.send(payment)).approved).toBe(true);
      expect(await states(psid)).toEqual(['issued']);
      expect(await owed()).toBe(before + amountPaisa);
      expect((await driver.reverse!(payment)).approved).toBe(true);
      expect(await states(psid)).toEqual(['cancelled']);
      expect(await owed()).toBe(before);
      await driver.close();
    },
  );
});

describe('a reversal after the stamp is used', () => {
  it.each(['jazzcash', 'easypaisa', 'otc', 'iso8583'])(
    'over %s is refused with its own code and becomes a case, once',
    async (channel) => {
      const driver = await DRIVERS[channel]!();
      const { psid, amountPaisa } = await sandbox.challan();
      const payment = driver.prepare(psid, amountPaisa);
      expect((await driver.send(payment)).approved).toBe(true);
      await sandbox.use!(psid);
      for (let time = 0; time < 2; time += 1) {
        const { approved, code } = await driver.reverse!(payment);
        expect(approved).toBe(false);
        expect(driver.codes['stamp-used']).toContain(code);
      }
      const cases = await listOpenCases(rig.test.database, 0, rig.clock.now(), 100);
      expect(cases.filter((each) => each.psid === psid)).toMatchObject([
        { origin: 'reversal', reason: 'stamp-used', amount: amountPaisa },
      ]);
      await driver.close();
    },
  );
});

/** Rules that the OTC channel has nothing for, or keeps by its own entries whatever the engine says. */
const NOT_OF_OTC: readonly RuleName[] = [
  'reversal-before-payment-is-kept',
  'reversal-must-match',
  'repeat-is-answered-alike',
  'key-names-one-payment',
  'sent-at-once-is-one',
  'reversed-payment-stays-reversed',
];

describe('a broken engine behind the tills', () => {
  it.each(
    (Object.keys(ENGINE_BREAKS) as EngineBreak[]).filter((name) => !NOT_OF_OTC.includes(name)),
  )('is found by %s', async (name) => {
    const driver = await otc('T2');
    otcEngine = breakEngine(name, honest);
    try {
      const [outcome] = (await runConformance(driver, sandbox, [name])).rules;
      expect(outcome?.outcome).toBe('failed');
    } finally {
      otcEngine = honest;
      await driver.close();
    }
  });

  it.each(['forgery-is-refused', 'refusal-tells-nothing', 'garbage-harms-nobody'] as const)(
    'and a broken front by %s',
    async (name) => {
      const front = await startBrokenFront({
        target: baseUrl,
        name,
        impersonate: makeImpersonator({}),
        knows: tellsOfBill,
      });
      const driver = await otc('T2', front.baseUrl);
      try {
        // One right request, from which the front learns the token.
        await driver.inquire(newPsid('101', 0, random));
        const [outcome] = (await runConformance(driver, sandbox, [name])).rules;
        expect(outcome?.outcome).toBe('failed');
      } finally {
        await driver.close();
        await front.stop();
      }
    },
  );
});
