/** Tokens and vouchers from the asking to the stamp: the route, the wallets' simulators, real books. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { sql } from '../../../kernel/database.ts';
import { secureRandom } from '../../../kernel/ids.ts';
import { makeLog } from '../../../kernel/log.ts';
import { makeMetrics } from '../../../kernel/metrics.ts';
import { openAccount, settlementAccount } from '../../../ledger/index.ts';
import { CHALLAN_AMOUNT, LaneRig } from '../../../tests/support/lane-rig.ts';
import { credentialsContext, easypaisaChannel } from '../../channels/easypaisa/index.ts';
import { makeSecretBox } from '../../channels/iso8583/index.ts';
import {
  jazzCashChannel,
  merchantPasswordContext,
  saltContext,
} from '../../channels/jazzcash/index.ts';
import {
  makeParticipantDirectory,
  registerParticipant,
  type ParticipantDraft,
} from '../../participants/index.ts';
import {
  EasypaisaWallet,
  gatewayHash,
  JazzCashWallet,
  startEasypaisaGateway,
  type EasypaisaGateway,
} from '../../simulators/index.ts';
import { listen, makeHttpServer, walletApi, type ApiServices } from '../index.ts';

const PASSWORD = 'correct-horse-battery';
const SALT = '0F5DD14AE2';
const TOKEN = 'A'.repeat(43);
const random = secureRandom;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ours = rsa();
const theirs = rsa();
const box = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], random);

let rig: LaneRig;
let gateway: EasypaisaGateway;
let app: FastifyInstance;
let baseUrl: string;

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

beforeAll(async () => {
  rig = await LaneRig.open();
  gateway = await startEasypaisaGateway({
    storeId: '641',
    credentials: 'merchant:secret',
    merchantKey: ours.publicKey,
    privateKey: theirs.privateKey,
    random,
  });
  const publicKey = theirs.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const sealed = (secret: string, context: string): { sealed: string } => ({
    sealed: box.seal(Buffer.from(secret), context),
  });
  await register({
    code: 'EASY',
    channel: 'easypaisa',
    credentials: { username: 'easypaisa', password: PASSWORD },
    settings: {
      easypaisa: {
        storeId: '641',
        keys: [{ id: 'now', publicKey }],
        ipn: { origin: gateway.origin },
        otc: {
          baseUrl: gateway.baseUrl,
          credentials: sealed('merchant:secret', credentialsContext('EASY')),
        },
      },
    },
  });
  await register({
    code: 'JAZZ',
    channel: 'jazzcash',
    credentials: { username: 'MC12345', password: PASSWORD },
    settings: {
      jazzcash: {
        salts: [{ id: 'now', ...sealed(SALT, saltContext('JAZZ')) }],
        merchantPassword: sealed('ours-at-the-gateway', merchantPasswordContext('JAZZ')),
        voucherUrl: 'https://jazzcash.example/merchantform/',
      },
    },
  });
  const log = makeLog({ level: 'silent' });
  const metrics = makeMetrics(false);
  const { database } = rig.test;
  const participants = makeParticipantDirectory(database, { clock: rig.clock, cacheMs: 0 });
  const parts = { engine: rig.engine, participants, secrets: box, log, metrics, clock: rig.clock };
  // What the route asks of the API: whether a token opens a challan.
  const services = {
    stampsOfChallan: (_psid: string, token: string) =>
      Promise.resolve(token === TOKEN ? [] : undefined),
  } as Partial<ApiServices> as ApiServices;
  const signingKey = ours.privateKey;
  app = await makeHttpServer({
    services,
    log,
    metrics,
    clock: rig.clock,
    channels: [
      easypaisaChannel({ ...parts, signingKey }),
      jazzCashChannel(parts),
      walletApi({ ...parts, services, signingKey, random, returnUrl: () => 'https://sanad.test/' }),
    ],
  });
  baseUrl = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await gateway.stop();
  await rig.close();
});

async function ask(
  psid: string,
  body: object,
  token = TOKEN,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  // Each test begins in a minute of its own, as the limit counts minutes.
  rig.clock.advance(60_000);
  const response = await fetch(new URL(`/v1/challans/${psid}/wallet-payments`, baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

const EASYPAISA = { wallet: 'easypaisa', mobile: '03001234567', email: 'payer@example.com' };

async function stampsOf(psid: string): Promise<string[]> {
  const rows = await rig.test.database.query<{ state: string }>(
    sql`select state from stamp where shard_id = 0 and psid = ${psid}`,
  );
  return rows.map(({ state }) => state);
}

describe('an Easypaisa token', () => {
  it('is asked for, paid at an agent and notified: the stamp is issued once', async () => {
    const psid = await rig.challan();
    const { status, answer } = await ask(psid, EASYPAISA);
    expect([status, answer['wallet']]).toEqual([200, 'easypaisa']);
    const url = gateway.payToken(String(answer['token']));
    const wallet = new EasypaisaWallet({
      baseUrl,
      username: 'easypaisa',
      password: PASSWORD,
      storeId: '641',
      privateKey: theirs.privateKey,
      switchKey: ours.publicKey,
      clock: rig.clock,
      random,
    });
    for (let time = 0; time < 2; time += 1) {
      expect((await wallet.notify(url)).text).toContain('"responseCode":"0000"');
    }
    expect(await stampsOf(psid)).toEqual(['issued']);
    expect((await ask(psid, EASYPAISA)).status).toBe(409);
  });

  it('is a 503 while the wallet does not answer', async () => {
    const psid = await rig.challan();
    await rig.test.database.query(
      sql`update participant set settings = jsonb_set(settings, '{easypaisa,otc,baseUrl}', '"http://127.0.0.1:9/rest/v4"') where code = 'EASY'`,
    );
    expect(await ask(psid, EASYPAISA)).toMatchObject({
      status: 503,
      answer: { code: 'overloaded' },
    });
  });
});

describe('a JazzCash voucher', () => {
  it('is signed for the gateway, paid and notified: the stamp is issued once', async () => {
    const psid = await rig.challan();
    const { status, answer } = await ask(psid, { wallet: 'jazzcash' });
    expect(status).toBe(200);
    expect(answer['postUrl']).toBe('https://jazzcash.example/merchantform/');
    const fields = answer['fields'] as Record<string, string>;
    expect(gatewayHash(fields, SALT)).toBe(fields['pp_SecureHash']);
    expect(fields).toMatchObject({
      pp_Amount: CHALLAN_AMOUNT.toString(),
      pp_MerchantID: 'MC12345',
      pp_Password: 'ours-at-the-gateway',
      pp_ReturnURL: 'https://sanad.test/',
    });
    const wallet = new JazzCashWallet({
      baseUrl,
      merchantId: 'MC12345',
      password: 'ours-at-the-gateway',
      salt: SALT,
      clock: rig.clock,
      random,
    });
    for (let time = 0; time < 2; time += 1) {
      const told = await wallet.notify(fields['pp_TxnRefNo']!);
      expect(told.responseCode).toBe('000');
    }
    expect(await stampsOf(psid)).toEqual(['issued']);
  });
});

describe('the route', () => {
  it.each<[string, object, string, number]>([
    ['a token that does not open the challan', EASYPAISA, 'B'.repeat(43), 404],
    ['a wallet that there is not', { wallet: 'other' }, TOKEN, 400],
    ['a number that is none', { ...EASYPAISA, mobile: '123' }, TOKEN, 400],
    ['an unknown member', { ...EASYPAISA, amount: '1' }, TOKEN, 400],
  ])('refuses %s', async (_what, body, token, status) => {
    expect((await ask(await rig.challan(), body, token)).status).toBe(status);
  });

  it('is refused where no participant offers the wallet', async () => {
    await rig.test.database.query(sql`update participant set active = false where code = 'JAZZ'`);
    const psid = await rig.challan();
    expect((await ask(psid, { wallet: 'jazzcash' })).status).toBe(404);
  });

  it('is limited to ten a minute from one address', async () => {
    const psid = await rig.challan();
    await ask(psid, { wallet: 'jazzcash' });
    const url = new URL(`/v1/challans/${psid}/wallet-payments`, baseUrl);
    const statuses: number[] = [];
    for (let time = 0; time < 12; time += 1) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        body: '{"wallet":"jazzcash"}',
      });
      statuses.push(response.status);
    }
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
  });
});
