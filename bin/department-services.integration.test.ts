/** The services of departments as the product runs them: workers on real timers over a real lane, and stopped in order. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemTimers } from '../kernel/clock.ts';
import { readConfig } from '../kernel/config.ts';
import { sql } from '../kernel/database.ts';
import { newPsid, secureRandom } from '../kernel/ids.ts';
import { makeLog } from '../kernel/log.ts';
import { makeMetrics } from '../kernel/metrics.ts';
import { paisa } from '../kernel/money.ts';
import {
  connectBiller,
  makeParticipantDirectory,
  makeSecretBox,
  makeWebhookServices,
} from '../switch/index.ts';
import { BillerSimulator } from '../tests/support/biller-simulator.ts';
import { Receiver } from '../tests/support/http-receiver.ts';
import { LaneRig } from '../tests/support/lane-rig.ts';
import {
  openDepartmentServices,
  type DepartmentServiceDeps,
  type DepartmentServices,
} from './department-services.ts';

const secrets = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], secureRandom);
let rig: LaneRig;
let receiver: Receiver;
let deps: DepartmentServiceDeps;

beforeAll(async () => {
  rig = await LaneRig.open();
  receiver = await Receiver.open();
  const { clock, ids, engine } = rig;
  const { database } = rig.test;
  const config = readConfig({
    SANAD_OUTBOUND_LOOPBACK: 'yes',
    SANAD_SMS_URL: receiver.url('/sms'),
    SANAD_SMS_TOKEN: 'token',
    SANAD_SMS_SENDER: 'SANAD',
  });
  deps = {
    config,
    database,
    clock,
    timers: systemTimers,
    random: secureRandom,
    ids,
    log: makeLog({ level: 'silent' }),
    metrics: makeMetrics(false),
    shard: 0,
    box: secrets,
    participants: makeParticipantDirectory(database, { clock }),
    engine,
  };
});
afterAll(async () => {
  await receiver.close();
  await rig.close();
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((go) => setTimeout(go, 20));
}

async function withServices(work: (services: DepartmentServices) => Promise<void>): Promise<void> {
  const services = await openDepartmentServices(deps);
  try {
    await work(services);
  } finally {
    await services.stop();
  }
}

describe('the services of departments', () => {
  it('tell a department and a payer of a payment by themselves', async () => {
    const { database, clock, ids, config } = deps;
    const desk = makeWebhookServices(
      { database, clock, ids, random: secureRandom, secrets, policy: config.outbound },
      0,
    );
    await desk.endpoints.add('BOR', receiver.url('/hook'));
    await withServices(async ({ engine }) => {
      const psid = await rig.challan();
      expect((await engine.pay(rig.payment(psid, 'told'))).result).toBe('approved');
      await until(() =>
        ['/hook', '/sms'].every((path) => receiver.received.some((each) => each.path === path)),
      );
      expect(receiver.received.every((each) => each.body.includes(psid))).toBe(true);
    });
  });

  it('bring a payment of an external bill to its end after a restart', async () => {
    const { database, clock, config } = deps;
    const biller = await BillerSimulator.open(Buffer.alloc(32));
    const secret = await connectBiller(
      { department: 'WASALHR', url: biller.url, timeoutMs: 10_000, inFlightMax: 5 },
      { database, clock, random: secureRandom, policy: config.outbound, secrets },
    );
    biller.secret = Buffer.from(secret, 'base64');
    const psid = newPsid('601', 0, secureRandom);
    biller.bills.set(psid, {
      consumerName: 'A',
      amount: '500',
      dueDate: '2026-12-31',
      status: 'unpaid',
    });
    const request = rig.payment(psid, 'bill', { amount: paisa(500n) });
    biller.fault = { kind: 'broken', when: /POST/ };
    await withServices(async ({ engine }) => {
      expect((await engine.pay(request)).result).toBe('system-malfunction');
    });
    biller.fault = undefined;
    rig.clock.advance(2 * 60_000);
    await withServices(async ({ engine }) => {
      await until(async () => {
        const [row] = await database.query<{ state: string }>(
          sql`select state from biller_payment where psid = ${psid}`,
        );
        return row?.state === 'cancelled';
      });
      expect((await engine.pay(request)).result).toBe('reversed-before');
    });
    await biller.close();
  });

  it('refuse to start with a mail server where the program has no mail', async () => {
    const config = readConfig({
      SANAD_SMTP_URL: 'smtp://mail.example',
      SANAD_MAIL_FROM: 'a@b.example',
    });
    await expect(openDepartmentServices({ ...deps, config })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });
});

describe('connecting a biller', () => {
  it.each([
    ['a department that is none', { department: 'NOBODY' }, 'not-found'],
    ['a department with services of ours', { department: 'PLRA' }, 'not-found'],
    ['an address inside', { url: 'http://10.0.0.1/' }, 'bad-input'],
    ['an address with a query', { url: 'https://bills.gov.pk/x?y=1' }, 'bad-input'],
    ['no time at all', { timeoutMs: 99 }, 'bad-input'],
    ['too many at once', { inFlightMax: 501 }, 'bad-input'],
  ])('is refused for %s', async (_name, change, code) => {
    const draft = {
      department: 'WASALHR',
      url: 'https://bills.gov.pk/x',
      timeoutMs: 5_000,
      inFlightMax: 5,
    };
    const { database, clock } = deps;
    const policy = { allowedHosts: [], allowLoopback: false };
    await expect(
      connectBiller(
        { ...draft, ...change },
        { database, clock, random: secureRandom, policy, secrets },
      ),
    ).rejects.toMatchObject({ code });
  });
});
