/** The JazzCash routes over real HTTP, with an honest engine in memory at the port. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { secureRandom } from '../../../kernel/ids.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import type { Participant } from '../../participants/index.ts';
import { gatewayHash, JazzCashDeviation, JazzCashWallet } from '../../simulators/jazzcash/index.ts';
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
import { jazzCashChannel, parseJazzCashSettings, voucherFields } from './index.ts';

const SALT = '0F5DD14AE2';
const NEXT_SALT = 'next-salt-77';
const OLD_SALT = 'old-salt-55';
const OUR_PASSWORD = 'our-own-password';

const JAZZCASH: Participant = {
  code: 'JAZZCASH',
  name: 'JazzCash',
  channel: 'jazzcash',
  active: true,
  answerCodes: new Map(),
  settings: {
    jazzcash: {
      salts: [
        { id: 'old', sealed: `JAZZCASH/jazzcash-salt:${OLD_SALT}`, until: '2026-11-01T00:00:00Z' },
        { id: 'now', sealed: `JAZZCASH/jazzcash-salt:${SALT}` },
        { id: 'next', sealed: `JAZZCASH/jazzcash-salt:${NEXT_SALT}`, from: '2026-11-20T00:00:00Z' },
      ],
      merchantPassword: { sealed: `JAZZCASH/jazzcash-password:${OUR_PASSWORD}` },
    },
  },
};
const participants = directoryOf({
  MC12345: JAZZCASH,
  MCOTHER: { ...JAZZCASH, code: 'OTHER', channel: 'onebill' },
  MCBROKEN: { ...JAZZCASH, code: 'BROKEN', settings: { jazzcash: { salts: [] } } },
});

let rig: ChannelRig;

beforeEach(async () => {
  rig = await startChannel(({ engine, clock, metrics, log }) =>
    jazzCashChannel({ engine, clock, metrics, log, participants, secrets: plainOpener }),
  );
});
afterEach(() => rig.close());

const wallet = (
  options: { merchantId?: string; password?: string; salt?: string } = {},
): JazzCashWallet =>
  new JazzCashWallet({
    baseUrl: rig.baseUrl,
    merchantId: 'MC12345',
    password: PASSWORD,
    // The newest valid salt signs the answers.
    salt: NEXT_SALT,
    clock: rig.clock,
    random: secureRandom,
    ...options,
  });

const PAYMENT = { psid: PSID, amountPaisa: AMOUNT };

describe('BillInquiry', () => {
  it('answers what a bill costs, signed, and nothing that would break the hash', async () => {
    const answer = await wallet().inquire(PSID);
    expect(answer.responseCode).toBe('000');
    expect(Object.fromEntries(answer.fields)).toMatchObject({
      pp_Amount: '186900',
      pp_BillStatus: 'U',
      pp_DueDate: '20261208',
      pp_ConsumerName: 'محمد اسلم   Sons',
    });
  });

  it('shows a paid, an expired and a blocked bill as what they are', async () => {
    await wallet().pay(PAYMENT);
    const paid = await wallet().inquire(PSID);
    expect(paid.fields.get('pp_BillStatus')).toBe('P');
    expect(paid.fields.get('pp_AuthCode')).toMatch(/^\d{6}$/);
    expect((await wallet().inquire(EXPIRED_PSID)).fields.get('pp_BillStatus')).toBe('B');
  });

  it('answers 109 for an unknown PSID, a wrong check digit and what is no PSID', async () => {
    for (const psid of [UNKNOWN_PSID, '10100482911930271', '1', 'ABC']) {
      expect(await wallet().inquire(psid)).toMatchObject({ responseCode: '109', signed: true });
    }
  });

  it('refuses a captured inquiry that is sent again', async () => {
    const fields = wallet().fieldsOf('INQ', PSID);
    const signed = { ...fields, pp_SecureHash: gatewayHash(fields, NEXT_SALT) };
    expect((await wallet().send('BillInquiry', signed)).responseCode).toBe('000');
    expect((await wallet().send('BillInquiry', signed)).responseCode).toBe('110');
  });
});

describe('BillPayment', () => {
  it('posts once, and answers the repeat after a timeout as before', async () => {
    const client = wallet();
    const first = await client.pay(PAYMENT);
    expect(first.responseCode).toBe('000');
    rig.clock.advance(3_600_000);
    const again = await client.repeat();
    expect(again.fields.get('pp_AuthCode')).toBe(first.fields.get('pp_AuthCode'));
    expect(rig.engine.standing).toBe(1);
  });

  it('refuses the same pp_TxnRefNo with another amount, and a second payer', async () => {
    const client = wallet();
    await client.pay(PAYMENT);
    expect((await client.repeat({ pp_Amount: '186901' })).responseCode).toBe('144');
    expect((await wallet().pay(PAYMENT)).responseCode).toBe('142');
    expect(rig.engine.standing).toBe(1);
  });

  it.each([
    ['a wrong amount', { ...PAYMENT, amountPaisa: AMOUNT - 1n }, '141'],
    ['an unknown PSID', { ...PAYMENT, psid: UNKNOWN_PSID }, '109'],
    ['an expired bill', { ...PAYMENT, psid: EXPIRED_PSID }, '116'],
    ['more than the limit', { psid: DEAR_PSID, amountPaisa: LIMIT + 1n }, '105'],
  ])('refuses %s', async (_what, payment, code) => {
    expect((await wallet().pay(payment)).responseCode).toBe(code);
    expect(rig.engine.standing).toBe(0);
  });

  it('answers 118 with 503 when the engine is busy and 199 when it fails, saying nothing of why', async () => {
    rig.engine.mood = 'busy';
    expect(await wallet().pay(PAYMENT)).toMatchObject({ responseCode: '118', httpStatus: 503 });
    rig.engine.mood = 'throws';
    const failed = await wallet().pay(PAYMENT);
    expect(failed).toMatchObject({ responseCode: '199', httpStatus: 200 });
    expect(failed.responseMessage).not.toContain('broke');
    expect(rig.logged.join('')).toContain('A JazzCash request failed.');
  });
});

describe('BillReversal', () => {
  it('takes a payment back once, and the bill can be paid again', async () => {
    const { txnRefNo } = await wallet().pay(PAYMENT);
    const reversal = { ...PAYMENT, txnRefNo };
    expect((await wallet().reverse(reversal)).responseCode).toBe('000');
    expect((await wallet().reverse(reversal)).responseCode).toBe('000');
    expect(rig.engine.standing).toBe(0);
    expect((await wallet().pay(PAYMENT)).responseCode).toBe('000');
  });

  it('refuses it once the stamp is used, for another amount and for an unknown payment', async () => {
    const { txnRefNo } = await wallet().pay(PAYMENT);
    const other = { ...PAYMENT, txnRefNo, amountPaisa: 100n };
    expect((await wallet().reverse(other)).responseCode).toBe('146');
    rig.engine.used.add(PSID);
    expect((await wallet().reverse({ ...PAYMENT, txnRefNo })).responseCode).toBe('147');
    const unknown = { ...PAYMENT, txnRefNo: 'T1' };
    expect((await wallet().reverse(unknown)).responseCode).toBe('109');
    expect(rig.engine.standing).toBe(1);
  });

  it('that comes before its payment keeps it from ever posting', async () => {
    const client = wallet();
    const txnRefNo = client.newReference();
    expect((await client.reverse({ ...PAYMENT, txnRefNo })).responseCode).toBe('109');
    expect((await client.pay({ ...PAYMENT, txnRefNo })).responseCode).toBe('145');
    expect(rig.engine.standing).toBe(0);
  });
});

describe('authentication', () => {
  it('answers the same bytes whatever was wrong and whether or not the PSID exists', async () => {
    const wrong = [
      { password: 'wrong-wrong-wrong' },
      { merchantId: 'MCNOBODY' },
      { merchantId: 'MCOTHER' },
      { salt: 'another-salt' },
      { salt: OLD_SALT },
    ];
    const answers = new Set<string>();
    for (const options of wrong) {
      const client = wallet(options);
      for (const psid of [PSID, UNKNOWN_PSID, EXPIRED_PSID]) {
        const fields = client.fieldsOf('INQ', psid);
        const pp_SecureHash = gatewayHash(fields, options.salt ?? NEXT_SALT);
        const body = JSON.stringify({ ...fields, pp_SecureHash });
        const { text, status } = await client.sendRaw('BillInquiry', body);
        answers.add(`${String(status)} ${text}`);
      }
      expect((await client.pay(PAYMENT)).responseCode).toBe('110');
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('"pp_ResponseCode":"110"');
    expect(rig.engine.requests).toEqual([]);
  });

  it('takes either of two valid salts, so that both sides can change over', async () => {
    const fields = wallet().fieldsOf('INQ', PSID);
    const signed = { ...fields, pp_SecureHash: gatewayHash(fields, SALT) };
    expect((await wallet().send('BillInquiry', signed)).responseCode).toBe('000');
  });

  it('refuses every single changed field of a signed payment', async () => {
    const client = wallet();
    const fields = {
      ...client.fieldsOf('MWALLET', PSID),
      pp_Amount: '186900',
      pp_TxnCurrency: 'PKR',
      pp_RetreivalReferenceNo: '261123000417',
    };
    const signed: Record<string, string> = {
      ...fields,
      pp_SecureHash: gatewayHash(fields, NEXT_SALT),
    };
    for (const name of Object.keys(fields)) {
      const changed = { ...signed, [name]: `${signed[name]!}1` };
      expect((await client.send('BillPayment', changed)).signed).toBe(false);
    }
    expect(rig.engine.requests).toEqual([]);
  });

  it('refuses a request from the past or the future, and one for another operation', async () => {
    const client = wallet();
    const fields = {
      ...client.fieldsOf('MWALLET', PSID),
      pp_Amount: '186900',
      pp_TxnCurrency: 'PKR',
      pp_RetreivalReferenceNo: '261123000417',
    };
    const signed = { ...fields, pp_SecureHash: gatewayHash(fields, NEXT_SALT) };
    expect((await client.send('BillReversal', signed)).responseCode).toBe('110');
    expect((await client.send('IPN/MC12345', signed)).responseCode).toBe('110');
    rig.clock.advance(16 * 60_000);
    expect((await client.send('BillPayment', signed)).responseCode).toBe('110');
    rig.clock.advance(-22 * 60_000);
    expect((await client.send('BillPayment', signed)).responseCode).toBe('110');
    expect(rig.engine.standing).toBe(0);
    expect(rig.logged.join('')).toContain('"reason":"stale"');
  });

  it('never logs a password, a salt or a hash, and counts what it refuses', async () => {
    await wallet({ salt: 'another-salt' }).pay(PAYMENT);
    await wallet().pay(PAYMENT);
    expect(rig.logged.join('')).not.toMatch(/correct-horse|salt-77|another-salt|[0-9A-F]{64}/);
    const text = await rig.metrics.registry.metrics();
    expect(text).toMatch(/sanad_answers_total\{channel="jazzcash",result="unauthorised"\} 1/);
  });

  it('answers 199 when the participant’s own settings are wrong', async () => {
    const answer = await wallet({ merchantId: 'MCBROKEN' }).inquire(PSID);
    expect(answer).toMatchObject({ responseCode: '199', signed: false });
  });
});

describe('the voucher form', () => {
  const voucher = (): Record<string, string> =>
    voucherFields(bill(PSID, AMOUNT), {
      participant: JAZZCASH,
      settings: parseJazzCashSettings(JAZZCASH, plainOpener),
      merchantId: 'MC12345',
      returnUrl: 'https://pay.example/return',
      clock: rig.clock,
      random: secureRandom,
    });

  it('is believed by the gateway, and its payment is posted by the notification, once', async () => {
    const fields = voucher();
    expect(fields).toMatchObject({ pp_TxnType: 'OTC', pp_Amount: '186900' });
    expect(wallet().sellVoucher(fields).responseCode).toBe('124');
    const changed = { ...fields, pp_Amount: '1' };
    expect(wallet().sellVoucher(changed).responseCode).toBe('110');
    const reference = fields['pp_TxnRefNo']!;
    for (let time = 0; time < 3; time += 1) {
      const told = await wallet().notify(reference, { pp_Password: OUR_PASSWORD });
      expect(told).toMatchObject({ responseCode: '000', signed: true });
    }
    expect(rig.engine.standing).toBe(1);
    expect((await wallet().inquire(PSID)).fields.get('pp_BillStatus')).toBe('P');
  });

  it('posts nothing while the voucher is pending or when it failed', async () => {
    for (const pp_ResponseCode of ['124', '199', '999']) {
      const told = await wallet().notify(voucher()['pp_TxnRefNo']!, { pp_ResponseCode });
      expect(told.responseCode).toBe('000');
    }
    expect(rig.engine.requests).toEqual([]);
  });

  it('keeps money in suspense that no challan can take, and acknowledges it', async () => {
    await wallet().pay(PAYMENT);
    const told = await wallet().notify(voucher()['pp_TxnRefNo']!);
    expect(told.responseCode).toBe('000');
    const other = { pp_Amount: '500', pp_BillReference: UNKNOWN_PSID };
    expect((await wallet().notify('T1', other)).responseCode).toBe('000');
    expect(rig.engine.requests.slice(-2)).toMatchObject([{ advice: true }, { advice: true }]);
  });

  it('tells a person of a payment for a voucher that is not ours', async () => {
    expect((await wallet().notify('T20240418145702')).responseCode).toBe('109');
    expect(rig.logged.join('')).toContain('a voucher that is not ours');
  });

  it('refuses a notification with a wrong hash, password or merchant', async () => {
    const reference = voucher()['pp_TxnRefNo']!;
    const wrong = [
      wallet({ salt: 'another-salt' }).notify(reference),
      wallet({ merchantId: 'MCNOBODY' }).notify(reference),
      wallet().notify(reference, { pp_Password: 'another-password' }),
      wallet().notify(reference, { pp_MerchantID: 'MCOTHER' }),
    ];
    for (const answer of await Promise.all(wrong)) {
      expect(answer).toMatchObject({ responseCode: '110', signed: false });
    }
    expect(rig.engine.requests).toEqual([]);
  });

  it('is not made for a bill that cannot be paid, nor without our password', () => {
    const deps = {
      participant: JAZZCASH,
      settings: parseJazzCashSettings(JAZZCASH, plainOpener),
      merchantId: 'MC12345',
      returnUrl: 'https://pay.example/return',
      clock: rig.clock,
      random: secureRandom,
    };
    expect(() => voucherFields(bill(PSID, AMOUNT, 'expired'), deps)).toThrow('cannot be paid');
    const settings = { salts: deps.settings.salts };
    expect(() => voucherFields(bill(PSID, AMOUNT), { ...deps, settings })).toThrow('no salt');
  });
});

describe('malformed requests', () => {
  const corpus = JSON.parse(
    readFileSync(path.join(packageRoot, 'tests/corpus/jazzcash/refused-bodies.json'), 'utf8'),
  ) as { why: string; body: string }[];
  const operations = ['BillInquiry', 'BillPayment', 'BillReversal', 'IPN/MC12345'];

  it('get 110 with a well-formed body, one by one of the corpus', async () => {
    for (const { body } of corpus) {
      for (const operation of operations) {
        const { text, status } = await wallet().sendRaw(operation, body);
        expect(status).toBe(200);
        expect(JSON.parse(text)).toMatchObject({ pp_ResponseCode: '110', pp_SecureHash: '' });
      }
    }
    expect(rig.engine.requests).toEqual([]);
  });

  it('get 110 when they are too long', async () => {
    const { text, status } = await wallet().sendRaw(
      'BillPayment',
      `{"pp_X":"${'x'.repeat(9_000)}"}`,
    );
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ pp_ResponseCode: '110' });
  });

  it('of any fields under a right hash never crash the channel and never get a 500', async () => {
    const name = fc.constantFrom(
      ...Object.keys(wallet().fieldsOf('INQ', PSID)),
      'pp_Amount',
      'ppmpf_1',
    );
    const value = fc.string({ unit: 'grapheme', maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, value),
        fc.constantFrom(...operations),
        async (change, operation) => {
          const fields = { ...wallet().fieldsOf('INQ', PSID), ...change };
          const given = Object.fromEntries(Object.entries(fields));
          const pp_SecureHash = gatewayHash(given, NEXT_SALT);
          const body = JSON.stringify({ ...given, pp_SecureHash });
          const { text, status } = await wallet().sendRaw(operation, body);
          expect(status).toBe(200);
          expect(JSON.parse(text)).toHaveProperty('pp_ResponseCode');
        },
      ),
      { numRuns: 200 },
    );
    expect(rig.engine.standing).toBe(0);
  });
});

it('the simulator throws on an answer whose hash is wrong', async () => {
  await expect(wallet({ salt: SALT }).inquire(PSID)).rejects.toThrow(JazzCashDeviation);
});
