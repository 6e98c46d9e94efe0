/** The Easypaisa routes over real HTTP, with an honest engine in memory at the port. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { secureRandom } from '../../../kernel/ids.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import type { Participant } from '../../participants/index.ts';
import {
  EasypaisaDeviation,
  EasypaisaWallet,
  makeEnvelope,
  startEasypaisaGateway,
  type EasypaisaGateway,
  type EasypaisaOptions,
} from '../../simulators/easypaisa/index.ts';
import {
  AMOUNT,
  bill,
  DEAR_PSID,
  directoryOf,
  EXPIRED_PSID,
  LIMIT,
  PASSWORD,
  plainOpener,
  PSID,
  startChannel,
  UNKNOWN_PSID,
  type ChannelRig,
} from '../engine-harness.ts';
import { easypaisaChannel, parseEasypaisaSettings, requestOtcToken } from './index.ts';

const rsa = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('rsa', { modulusLength: 2_048 });
const [ours, theirs, next, old] = [rsa(), rsa(), rsa(), rsa()];
const der = ({ publicKey }: { publicKey: KeyObject }): string =>
  publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

let gateway: EasypaisaGateway;
let rig: ChannelRig;
let easypaisa: Participant;

beforeEach(async () => {
  gateway = await startEasypaisaGateway({
    storeId: '641',
    credentials: 'merchant:merchant-password',
    merchantKey: ours.publicKey,
    privateKey: theirs.privateKey,
    random: secureRandom,
  });
  easypaisa = {
    code: 'EASYPAISA',
    name: 'Easypaisa',
    channel: 'easypaisa',
    active: true,
    answerCodes: new Map(),
    settings: {
      easypaisa: {
        storeId: '641',
        keys: [
          { id: 'old', publicKey: der(old), until: '2026-11-01T00:00:00Z' },
          { id: 'now', publicKey: der(theirs) },
          { id: 'next', publicKey: der(next), from: '2026-11-20T00:00:00Z' },
        ],
        ipn: { origin: gateway.origin },
        otc: {
          baseUrl: gateway.baseUrl,
          credentials: { sealed: 'EASYPAISA/easypaisa-credentials:merchant:merchant-password' },
        },
      },
    },
  };
  const participants = directoryOf({
    easypaisa,
    other: { ...easypaisa, code: 'OTHER', channel: 'otc' },
    silent: {
      ...easypaisa,
      code: 'SILENT',
      settings: { easypaisa: { storeId: '641', keys: [{ id: 'now', publicKey: der(theirs) }] } },
    },
  });
  rig = await startChannel(({ engine, clock, metrics, log }) =>
    easypaisaChannel({
      engine,
      clock,
      metrics,
      log,
      participants,
      secrets: plainOpener,
      signingKey: ours.privateKey,
    }),
  );
});
afterEach(async () => {
  await rig.close();
  await gateway.stop();
});

const wallet = (options: Partial<EasypaisaOptions> = {}): EasypaisaWallet =>
  new EasypaisaWallet({
    baseUrl: rig.baseUrl,
    username: 'easypaisa',
    password: PASSWORD,
    storeId: '641',
    privateKey: theirs.privateKey,
    switchKey: ours.publicKey,
    clock: rig.clock,
    random: secureRandom,
    ...options,
  });

const PAYMENT = { psid: PSID, amountPaisa: AMOUNT };

describe('bill-inquiry', () => {
  it('answers what a bill costs in rupees, signed by the switch', async () => {
    expect(await wallet().inquire(PSID)).toMatchObject({
      responseCode: '0000',
      signed: true,
      fields: {
        transactionAmount: '1869.00',
        billStatus: 'UNPAID',
        dueDate: '20261208',
        consumerName: 'محمد اسلم & Sons',
      },
    });
  });

  it('shows a paid and an expired bill as what they are, and knows no other PSID', async () => {
    await wallet().pay(PAYMENT);
    const paid = await wallet().inquire(PSID);
    expect(paid.fields).toMatchObject({ billStatus: 'PAID', paidDate: '20261124' });
    expect((await wallet().inquire(EXPIRED_PSID)).fields['billStatus']).toBe('BLOCKED');
    for (const psid of [UNKNOWN_PSID, '10100482911930271', '1', 'ABC']) {
      expect(await wallet().inquire(psid)).toMatchObject({ responseCode: '0003', signed: true });
    }
  });

  it('refuses a captured inquiry that is sent again', async () => {
    const body = wallet().sign(wallet().fieldsOf('INQ', PSID));
    expect((await wallet().send('bill-inquiry', body)).responseCode).toBe('0000');
    expect((await wallet().send('bill-inquiry', body)).responseCode).toBe('0010');
  });
});

describe('bill-payment', () => {
  it('posts once, and answers the repeat after a timeout as before', async () => {
    const client = wallet();
    const first = await client.pay(PAYMENT);
    expect(first.responseCode).toBe('0000');
    rig.clock.advance(3_600_000);
    const again = await client.repeat({ transactionAmount: '1869' });
    expect(again.fields['authorisation']).toBe(first.fields['authorisation']);
    expect(rig.engine.standing).toBe(1);
  });

  it('refuses the same transactionId with another amount, and a second payer', async () => {
    const client = wallet();
    await client.pay(PAYMENT);
    expect((await client.repeat({ transactionAmount: '1869.01' })).responseCode).toBe('0106');
    expect((await wallet().pay(PAYMENT)).responseCode).toBe('0102');
    expect(rig.engine.standing).toBe(1);
  });

  it.each([
    ['a wrong amount', { ...PAYMENT, amountPaisa: AMOUNT - 1n }, '0101'],
    ['an unknown PSID', { ...PAYMENT, psid: UNKNOWN_PSID }, '0003'],
    ['an expired bill', { ...PAYMENT, psid: EXPIRED_PSID }, '0103'],
    ['more than the limit', { psid: DEAR_PSID, amountPaisa: LIMIT + 1n }, '0105'],
  ])('refuses %s', async (_what, payment, code) => {
    expect((await wallet().pay(payment)).responseCode).toBe(code);
    expect(rig.engine.standing).toBe(0);
  });

  it('answers 0112 with 503 when busy and 0001 when it fails, saying nothing of why', async () => {
    rig.engine.mood = 'busy';
    expect(await wallet().pay(PAYMENT)).toMatchObject({ responseCode: '0112', httpStatus: 503 });
    rig.engine.mood = 'throws';
    const failed = await wallet().pay(PAYMENT);
    expect(failed).toMatchObject({ responseCode: '0001', httpStatus: 200 });
    expect(failed.responseDesc).not.toContain('broke');
    expect(rig.logged.join('')).toContain('An Easypaisa request failed.');
  });
});

describe('bill-reversal', () => {
  it('takes a payment back once, and the bill can be paid again', async () => {
    const { transactionId } = await wallet().pay(PAYMENT);
    const reversal = { ...PAYMENT, transactionId };
    expect((await wallet().reverse(reversal)).responseCode).toBe('0000');
    expect((await wallet().reverse(reversal)).responseCode).toBe('0000');
    expect((await wallet().pay(PAYMENT)).responseCode).toBe('0000');
  });

  it('refuses it once the stamp is used, for another amount and for an unknown payment', async () => {
    const { transactionId } = await wallet().pay(PAYMENT);
    const other = { ...PAYMENT, transactionId, amountPaisa: 100n };
    expect((await wallet().reverse(other)).responseCode).toBe('0109');
    rig.engine.used.add(PSID);
    expect((await wallet().reverse({ ...PAYMENT, transactionId })).responseCode).toBe('0110');
    const unknown = { ...PAYMENT, transactionId: '1' };
    expect((await wallet().reverse(unknown)).responseCode).toBe('0108');
  });

  it('that comes before its payment keeps it from ever posting', async () => {
    const transactionId = wallet().newTransactionId();
    await wallet().reverse({ ...PAYMENT, transactionId });
    expect((await wallet().pay({ ...PAYMENT, transactionId })).responseCode).toBe('0107');
    expect(rig.engine.standing).toBe(0);
  });
});

describe('authentication', () => {
  it('answers the same bytes whatever was wrong and whether or not the PSID exists', async () => {
    const wrong: Partial<EasypaisaOptions>[] = [
      { password: 'wrong-wrong-wrong' },
      { username: 'nobody' },
      { username: 'other' },
      { storeId: '642' },
      { privateKey: old.privateKey },
      { privateKey: rsa().privateKey },
    ];
    const answers = new Set<string>();
    for (const options of wrong) {
      const client = wallet(options);
      for (const psid of [PSID, UNKNOWN_PSID, EXPIRED_PSID]) {
        const body = client.sign(client.fieldsOf('INQ', psid));
        const { text, status } = await client.sendRaw('bill-inquiry', body);
        answers.add(`${String(status)} ${text}`);
      }
      expect((await client.pay(PAYMENT)).responseCode).toBe('0010');
    }
    expect(answers.size).toBe(1);
    expect(rig.engine.requests).toEqual([]);
  });

  it('takes either of two valid keys, so that both sides can change over', async () => {
    for (const { privateKey } of [theirs, next]) {
      expect((await wallet({ privateKey }).inquire(PSID)).responseCode).toBe('0000');
    }
  });

  it('refuses every single changed field of a signed payment, and takes other spaces', async () => {
    const client = wallet();
    const fields = { ...client.fieldsOf('MA', PSID), transactionAmount: '1869.00' };
    const body = client.sign(fields);
    for (const [name, value] of Object.entries(fields)) {
      const changed = body.replace(`"${name}":"${value}"`, `"${name}":"${value}1"`);
      expect(changed).not.toBe(body);
      expect((await client.send('bill-payment', changed)).signed).toBe(false);
    }
    expect(rig.engine.requests).toEqual([]);
    const spaced = JSON.stringify(JSON.parse(body), null, 4);
    expect((await client.send('bill-payment', spaced)).responseCode).toBe('0000');
  });

  it('refuses a request from the past or the future, and one for another operation', async () => {
    const client = wallet();
    const body = client.sign({ ...client.fieldsOf('MA', PSID), transactionAmount: '1869.00' });
    expect((await client.send('bill-reversal', body)).responseCode).toBe('0002');
    rig.clock.advance(16 * 60_000);
    expect((await client.send('bill-payment', body)).responseCode).toBe('0010');
    rig.clock.advance(-22 * 60_000);
    expect((await client.send('bill-payment', body)).responseCode).toBe('0010');
    expect(rig.engine.standing).toBe(0);
  });

  it('never logs credentials, and counts what it refuses', async () => {
    await wallet({ password: 'wrong-wrong-wrong' }).pay(PAYMENT);
    await wallet().pay(PAYMENT);
    expect(rig.logged.join('')).not.toMatch(/correct-horse|wrong-wrong|merchant-password/);
    const text = await rig.metrics.registry.metrics();
    expect(text).toMatch(/sanad_answers_total\{channel="easypaisa",result="unauthorised"\} 1/);
  });
});

describe('an over-the-counter token and its notification', () => {
  const PAYER = { msisdn: '03001234567', emailAddress: 'payer@example.com' };
  const ask = (change: Partial<Parameters<typeof requestOtcToken>[2]> = {}) =>
    requestOtcToken(bill(PSID, AMOUNT), PAYER, {
      settings: parseEasypaisaSettings(easypaisa, plainOpener),
      signingKey: ours.privateKey,
      clock: rig.clock,
      random: secureRandom,
      ...change,
    });

  it('is paid at an agent and posted once, however often it is told', async () => {
    const { token, orderId } = await ask();
    const pending = await wallet().notify(gateway.notificationUrl(orderId));
    expect(pending.status).toBe(200);
    expect(rig.engine.requests).toEqual([]);
    const url = gateway.payToken(token);
    for (let time = 0; time < 3; time += 1) {
      const told = await wallet().notify(url);
      expect(told.status).toBe(200);
      expect(told.text).toContain('"responseCode":"0000"');
    }
    expect(rig.engine.standing).toBe(1);
    expect(rig.engine.requests[0]).toMatchObject({ psid: PSID, amount: AMOUNT, advice: true });
  });

  it('keeps the money in suspense when the challan was paid meanwhile', async () => {
    const { token } = await ask();
    await wallet().pay(PAYMENT);
    const told = await wallet().notify(gateway.payToken(token));
    expect(told.text).toContain('"responseCode":"0000"');
    expect(rig.engine.standing).toBe(1);
  });

  it('is refused by the gateway without our key, and believed with its signature only', async () => {
    await expect(ask({ signingKey: theirs.privateKey })).rejects.toMatchObject({
      code: 'unauthorised',
    });
    const settings = parseEasypaisaSettings(easypaisa, plainOpener);
    const keys = settings.keys.filter(({ id }) => id !== 'now');
    await expect(ask({ settings: { ...settings, keys } })).rejects.toMatchObject({
      code: 'unauthorised',
    });
    const { storeId } = settings;
    await expect(ask({ settings: { storeId, keys: settings.keys } })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('is fetched from the agreed origin alone', async () => {
    const elsewhere = createServer((_request, response) => response.end('{}'));
    const hits: string[] = [];
    elsewhere.on('request', (request) => hits.push(request.url ?? ''));
    const origin = await listening(elsewhere);
    const { port } = new URL(gateway.origin);
    const hostile = [
      `${origin}/ipn`,
      `http://127.0.0.1:${port}@${new URL(origin).host}/x`,
      `http://user@127.0.0.1:${port}/x`,
      `https://127.0.0.1:${port}/x`,
      `http://localhost:${port}/x`,
      `http://127.0.0.1.example.com:${port}/x`,
      `http://2130706433:1/x`,
      `http://[::ffff:127.0.0.1]:${port}/x`,
      'file:///etc/passwd',
      '//127.0.0.1/x',
      'x',
      '',
      `${gateway.origin}/${'a'.repeat(2_000)}`,
    ];
    for (const url of hostile) {
      expect((await wallet().notify(url)).text).toContain('"responseCode":"0010"');
    }
    expect(hits).toEqual([]);
    await closed(elsewhere);
    const silent = await wallet({ username: 'silent' }).notify(gateway.notificationUrl('1'));
    expect(silent.text).toContain('"responseCode":"0010"');
    const nobody = await wallet({ username: 'nobody' }).notify(gateway.notificationUrl('1'));
    expect(nobody.text).toContain('"responseCode":"0010"');
  });

  it('is told again with 503 when the gateway does not answer', async () => {
    const missing = await wallet().notify(gateway.notificationUrl('no-such-order'));
    expect(missing).toMatchObject({ status: 503 });
    expect(missing.text).toContain('"responseCode":"0001"');
  });

  it.each([
    ['a redirect', 302, ''],
    ['too long', 200, 'x'.repeat(20_000)],
    ['no envelope', 200, '{"transaction_status":"PAID"}'],
    ['signed by nobody', 200, makeEnvelope('response', paidDocument(), rsa().privateKey)],
    [
      'of another store',
      200,
      makeEnvelope('response', { ...paidDocument(), store_id: '642' }, theirs.privateKey),
    ],
    [
      'of a wrong amount',
      200,
      makeEnvelope('response', { ...paidDocument(), transaction_amount: '-1' }, theirs.privateKey),
    ],
  ])('posts nothing when what is fetched is %s', async (_what, status, body) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { location: gateway.origin }).end(body);
    });
    const origin = await listening(server);
    const settings = { ...(easypaisa.settings['easypaisa'] as object), ipn: { origin } };
    Object.assign(easypaisa, { settings: { easypaisa: settings } });
    const told = await wallet().notify(`${origin}/ipn`);
    expect(told.text).not.toContain('"responseCode":"0000"');
    expect(rig.engine.requests).toEqual([]);
    await closed(server);
  });

  it('may be plain where the participant’s settings say so', async () => {
    const document = JSON.stringify(paidDocument(), null, 2);
    const server = createServer((_request, response) => response.end(document));
    const origin = await listening(server);
    const ipn = { origin, signed: false };
    const settings = { ...(easypaisa.settings['easypaisa'] as object), ipn };
    Object.assign(easypaisa, { settings: { easypaisa: settings } });
    expect((await wallet().notify(`${origin}/ipn`)).text).toContain('"responseCode":"0000"');
    expect(rig.engine.standing).toBe(1);
    await closed(server);
  });
});

function paidDocument(): Record<string, string> {
  return {
    order_id: `${PSID}417`,
    store_id: '641',
    transaction_amount: '1869.0',
    transaction_id: '261123000417',
    transaction_status: 'PAID',
  };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

describe('malformed requests', () => {
  const corpus = JSON.parse(
    readFileSync(path.join(packageRoot, 'tests/corpus/easypaisa/refused-bodies.json'), 'utf8'),
  ) as { why: string; body: string }[];
  const operations = ['bill-inquiry', 'bill-payment', 'bill-reversal'];

  it('get 0002 or 0010 with a well-formed body, one by one of the corpus', async () => {
    const long = JSON.stringify({ request: { x: 'x'.repeat(9_000) }, signature: '' });
    for (const body of [...corpus.map((each) => each.body), long]) {
      for (const operation of operations) {
        const { text, status } = await wallet().sendRaw(operation, body);
        expect(status).toBe(200);
        expect(text).toMatch(/^\{"response":\{"responseCode":"(0002|0010)".*"signature":""\}$/);
      }
    }
    expect(rig.engine.requests).toEqual([]);
  });

  it('of any fields under a right signature never crash the channel and never get a 500', async () => {
    const name = fc.constantFrom(
      ...Object.keys(wallet().fieldsOf('INQ', PSID)),
      'transactionAmount',
    );
    const value = fc.string({ unit: 'grapheme', maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, value),
        fc.constantFrom(...operations),
        async (change, operation) => {
          const body = wallet().sign({ ...wallet().fieldsOf('INQ', PSID), ...change });
          const { text, status } = await wallet().sendRaw(operation, body);
          expect(status).toBe(200);
          expect(text).toContain('"responseCode"');
        },
      ),
      { numRuns: 100 },
    );
    expect(rig.engine.standing).toBe(0);
  });
});

it('refuses a signing key that is not RSA of 2,048 bits', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  expect(() => easypaisaChannel({ signingKey: privateKey } as never)).toThrow('2,048');
});

it('the simulator throws on an answer that the switch did not sign', async () => {
  const switchKey = theirs.publicKey;
  await expect(wallet({ switchKey }).inquire(PSID)).rejects.toThrow(EasypaisaDeviation);
});
