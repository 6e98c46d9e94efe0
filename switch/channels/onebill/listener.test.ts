/** The 1BILL routes over real HTTP, with an honest engine in memory at the port. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import Fastify, { type FastifyInstance } from 'fastify';
import { Fault } from '../../../kernel/fault.ts';
import { makeLog } from '../../../kernel/log.ts';
import { makeMetrics } from '../../../kernel/metrics.ts';
import { paisa, type Paisa } from '../../../kernel/money.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant, ParticipantDirectory } from '../../participants/index.ts';
import type { Bill, PaymentAnswer, PaymentEngine, PaymentRequest } from '../../payment/index.ts';
import { makeOneBillClient, OneBillDeviation } from '../../simulators/onebill/index.ts';
import { oneBillChannel } from './index.ts';

const PSID = '10100482911930272';
const UNKNOWN_PSID = '10100000000000000';
const PASSWORD = 'correct-horse-battery';

/** Does what the lane does for one challan after another, in memory. */
class MemoryEngine implements PaymentEngine {
  readonly bills = new Map<string, Bill>();
  readonly answers = new Map<string, { request: PaymentRequest; answer: PaymentAnswer }>();
  posted = 0;
  failure: Error | undefined;
  refusal: ResultCode | undefined;

  inquire({ psid }: { psid: string }): ReturnType<PaymentEngine['inquire']> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const bill = this.bills.get(psid);
    return Promise.resolve(
      bill === undefined ? { ok: false, result: 'unknown-consumer' } : { ok: true, bill },
    );
  }

  pay(request: PaymentRequest): Promise<PaymentAnswer> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.refusal !== undefined) {
      return Promise.resolve({ result: this.refusal, repeated: false, stampIds: [] });
    }
    const key = `${request.participant}/${request.requestKey}`;
    const before = this.answers.get(key);
    if (before !== undefined) {
      const isSame =
        before.request.psid === request.psid && before.request.amount === request.amount;
      return Promise.resolve(
        isSame
          ? { ...before.answer, repeated: true }
          : { result: 'key-reused', repeated: true, stampIds: [] },
      );
    }
    const answer = this.#post(request);
    this.answers.set(key, { request, answer });
    return Promise.resolve(answer);
  }

  reverse(): ReturnType<PaymentEngine['reverse']> {
    return Promise.resolve({ result: 'original-not-found', repeated: false });
  }

  #post(request: PaymentRequest): PaymentAnswer {
    const refuse = (result: ResultCode): PaymentAnswer => ({
      result,
      repeated: false,
      stampIds: [],
    });
    const bill = this.bills.get(request.psid);
    if (bill === undefined) return refuse('unknown-consumer');
    if (bill.status === 'paid') return refuse('already-paid');
    if (bill.status !== 'unpaid') return refuse(bill.status);
    if (bill.amount !== request.amount) return refuse('amount-mismatch');
    this.posted += 1;
    const paid = { on: '2026-11-23', amount: bill.amount, authorisation: '000417' };
    this.bills.set(request.psid, { ...bill, status: 'paid', paid });
    return { result: 'approved', repeated: false, authorisation: '000417', stampIds: [] };
  }
}

const HBL: Participant = {
  code: 'HBL',
  name: 'Habib Bank',
  channel: 'onebill',
  active: true,
  bankMnemonic: 'HBL',
  answerCodes: new Map(),
  settings: {},
};
const ONELINK: Participant = {
  code: 'ONELINK',
  name: '1LINK',
  channel: 'onebill',
  active: true,
  answerCodes: new Map(),
  settings: {},
};

const directory: ParticipantDirectory = {
  findByInstitution: () => Promise.resolve(undefined),
  findByCredentials(username, password) {
    if (password !== PASSWORD) return Promise.resolve(undefined);
    const users: Record<string, Participant> = {
      hbl: HBL,
      onelink: ONELINK,
      otc: { ...HBL, channel: 'otc' },
      dialect: { ...HBL, answerCodes: new Map([['amount-mismatch', '04']] as const) },
    };
    if (username === 'storm') return Promise.reject(new Fault('overloaded', 'Too many.'));
    return Promise.resolve(users[username]);
  },
};

const logged: string[] = [];
const destination = new Writable({
  write(chunk: Buffer, _encoding, done) {
    logged.push(chunk.toString());
    done();
  },
});
const engine = new MemoryEngine();
const metrics = makeMetrics(false);
let app: FastifyInstance;
let baseUrl: string;

beforeAll(async () => {
  app = Fastify();
  const log = makeLog({ level: 'info', destination });
  await app.register(oneBillChannel({ engine, participants: directory, log, metrics }));
  baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

beforeEach(() => {
  logged.length = 0;
  engine.bills.clear();
  engine.answers.clear();
  engine.posted = 0;
  engine.failure = undefined;
  engine.refusal = undefined;
  engine.bills.set(PSID, bill(paisa(186_900n)));
});

function bill(amount: Paisa, status: Bill['status'] = 'unpaid'): Bill {
  return {
    psid: PSID,
    consumerName: 'محمد اسلم',
    status,
    amount,
    dueDate: '2026-12-08',
    billedOn: '2026-11-23',
  };
}

const bank = (options: { username?: string; password?: string; bankMnemonic?: string } = {}) =>
  makeOneBillClient({
    baseUrl,
    username: 'hbl',
    password: PASSWORD,
    bankMnemonic: 'HBL',
    ...options,
  });

const PAYMENT = {
  psid: PSID,
  amountPaisa: 186_900n,
  tranAuthId: '482913',
  tranDate: '20261123',
  tranTime: '101500',
};

async function post(
  operation: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${baseUrl}/onebill/${operation}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      username: 'hbl',
      password: PASSWORD,
      ...headers,
    },
    body,
  });
}

describe('BillInquiry', () => {
  it('answers an unpaid bill with exactly the keys and widths of the specification', async () => {
    const body = { consumer_number: PSID, bank_mnemonic: 'HBL', reserved: '' };
    const response = await post('BillInquiry', JSON.stringify(body));
    expect(response.status).toBe(200);
    expect(JSON.parse(await response.text())).toStrictEqual({
      response_Code: '00',
      consumer_Detail: 'محمد اسلم'.padEnd(30),
      bill_status: 'U',
      due_date: '20261208',
      amount_within_dueDate: '+0000000186900',
      amount_after_dueDate: '+0000000186900',
      email_address: '',
      contact_number: '',
      billing_month: '2611',
      date_paid: ' '.repeat(8),
      amount_paid: ' '.repeat(12),
      tran_auth_Id: ' '.repeat(6),
      reserved: '',
    });
  });

  it('shows when and how much was paid', async () => {
    await bank().pay(PAYMENT);
    expect(await bank().inquire(PSID)).toMatchObject({
      responseCode: '00',
      billStatus: 'P',
      paid: { date: '20261123', amountPaisa: 186_900n, tranAuthId: '000417' },
    });
  });

  it.each(['blocked', 'expired'] as const)('shows a bill that is %s as blocked', async (status) => {
    engine.bills.set(PSID, bill(paisa(186_900n), status));
    expect(await bank().inquire(PSID)).toMatchObject({ responseCode: '00', billStatus: 'B' });
  });

  it('answers 01 for an unknown PSID, a wrong check digit and a number that is no PSID', async () => {
    for (const psid of [UNKNOWN_PSID, '10100482911930271', '1', 'ABC', '1'.repeat(24)]) {
      expect(await bank().inquire(psid)).toMatchObject({ responseCode: '01', billStatus: 'B' });
    }
  });

  it('refuses a bill whose amount the fields cannot carry', async () => {
    engine.bills.set(PSID, bill(paisa(1_000_000_000_000n)));
    expect(await bank().inquire(PSID)).toMatchObject({ responseCode: '02' });
  });
});

describe('BillPayment', () => {
  it('answers 00 with the authorisation padded to 20', async () => {
    const response = await post(
      'BillPayment',
      JSON.stringify({
        consumer_number: PSID,
        tran_auth_id: '482913',
        transaction_amount: '00000000186900',
        tran_date: '20261123',
        tran_time: '101500',
        bank_mnemonic: 'HBL',
        reserved: '',
      }),
    );
    expect(JSON.parse(await response.text())).toStrictEqual({
      response_Code: '00',
      Identification_parameter: '000417'.padEnd(20),
      reserved: '',
    });
    expect(engine.posted).toBe(1);
  });

  it('answers a repeat as before and posts once', async () => {
    const client = bank();
    const first = await client.pay(PAYMENT);
    expect(await client.repeat()).toEqual(first);
    expect(await client.pay({ ...PAYMENT, tranTime: '101501' })).toEqual(first);
    expect(engine.posted).toBe(1);
  });

  it('answers 03 to another request for a paid bill and to a key used for another amount', async () => {
    await bank().pay(PAYMENT);
    const others = [
      { ...PAYMENT, tranAuthId: '482914' },
      { ...PAYMENT, tranDate: '20261124' },
      { ...PAYMENT, amountPaisa: 100n },
    ];
    for (const payment of others) {
      expect((await bank().pay(payment)).responseCode).toBe('03');
    }
    const other = bank({ username: 'onelink', bankMnemonic: 'UBL' });
    expect((await other.pay(PAYMENT)).responseCode).toBe('03');
    expect(engine.posted).toBe(1);
  });

  it('answers 02 to a wrong amount, and in the participant’s own code when it has one', async () => {
    const payment = { ...PAYMENT, amountPaisa: 186_800n };
    expect((await bank().pay(payment)).responseCode).toBe('02');
    const dialect = bank({ username: 'dialect' });
    expect((await dialect.pay({ ...payment, tranAuthId: '482999' })).responseCode).toBe('04');
    const dear = { ...PAYMENT, amountPaisa: 1_000_000_000_000n };
    expect((await bank().pay(dear)).responseCode).toBe('02');
  });

  it('answers 01 to a wrong check digit', async () => {
    expect((await bank().pay({ ...PAYMENT, psid: '10100482911930271' })).responseCode).toBe('01');
  });

  it('answers 05 with 503 when the engine is busy, so that the bank asks again', async () => {
    engine.refusal = 'busy';
    expect(await bank().pay(PAYMENT)).toMatchObject({ responseCode: '05', httpStatus: 503 });
    engine.refusal = undefined;
    engine.failure = new Fault('overloaded', 'Full.');
    expect(await bank().pay(PAYMENT)).toMatchObject({ responseCode: '05', httpStatus: 503 });
    expect(await bank({ username: 'storm' }).inquire(PSID)).toMatchObject({
      responseCode: '05',
      httpStatus: 503,
    });
  });

  it('answers 05 when the engine throws, says nothing of why, and logs it', async () => {
    engine.failure = new Error('relation "secret_table" does not exist');
    expect(await bank().pay(PAYMENT)).toMatchObject({ responseCode: '05', httpStatus: 200 });
    const response = await post('BillPayment', '{}', { username: 'hbl' });
    expect(await response.text()).not.toContain('secret_table');
    expect(logged.join('')).toContain('A 1BILL request failed.');
  });
});

describe('authentication', () => {
  it('answers 04 alike whether or not the PSID exists', async () => {
    const wrong = [
      { username: 'hbl', password: 'wrong-wrong-wrong' },
      { username: 'nobody', password: PASSWORD },
      { username: 'otc', password: PASSWORD },
    ];
    for (const credentials of wrong) {
      const known = await bank(credentials).inquire(PSID);
      expect(known.responseCode).toBe('04');
      expect(await bank(credentials).inquire(UNKNOWN_PSID)).toEqual(known);
      expect((await bank(credentials).pay(PAYMENT)).responseCode).toBe('04');
    }
    expect(engine.posted).toBe(0);
  });

  it('answers 04 to missing and over-long credentials', async () => {
    for (const headers of [{ username: '' }, { password: '' }, { password: 'x'.repeat(129) }]) {
      const response = await post('BillInquiry', '{}', headers);
      expect(JSON.parse(await response.text())).toMatchObject({ response_Code: '04' });
    }
  });

  it('lets a bank speak for itself only and an aggregator for many', async () => {
    expect((await bank({ bankMnemonic: 'UBL' }).inquire(PSID)).responseCode).toBe('04');
    expect((await bank({ bankMnemonic: 'UBL' }).pay(PAYMENT)).responseCode).toBe('04');
    const aggregator = bank({ username: 'onelink', bankMnemonic: 'UBL' });
    expect((await aggregator.inquire(PSID)).responseCode).toBe('00');
  });

  it('never logs a password', async () => {
    await bank({ password: 'wrong-wrong-wrong' }).pay(PAYMENT);
    await bank().pay(PAYMENT);
    expect(logged.join('')).not.toMatch(/wrong-wrong-wrong|correct-horse/);
    expect(logged).toHaveLength(2);
  });
});

describe('malformed requests', () => {
  const corpus = JSON.parse(
    readFileSync(path.join(packageRoot, 'tests/corpus/onebill/refused-bodies.json'), 'utf8'),
  ) as { why: string; body: string }[];

  it('get 04 with a well-formed body, one by one of the corpus', async () => {
    for (const { body } of corpus) {
      for (const operation of ['BillPayment', 'BillInquiry']) {
        const response = await post(operation, body);
        expect(response.status).toBe(200);
        expect(JSON.parse(await response.text())).toMatchObject({ response_Code: '04' });
      }
    }
    expect(engine.posted).toBe(0);
  });

  it('get 04 when they are too long or of another media type', async () => {
    const long = JSON.stringify({ consumer_number: PSID, reserved: 'x'.repeat(5_000) });
    const pay = await post('BillPayment', long);
    expect(JSON.parse(await pay.text())).toStrictEqual({
      response_Code: '04',
      Identification_parameter: ' '.repeat(20),
      reserved: '',
    });
    const inquiry = await post('BillInquiry', long);
    expect(JSON.parse(await inquiry.text())).toMatchObject({
      response_Code: '04',
      consumer_Detail: ' '.repeat(30),
    });
    const xml = await post('BillInquiry', '<a/>', { 'content-type': 'text/xml' });
    expect(JSON.parse(await xml.text())).toMatchObject({ response_Code: '04' });
  });

  it('of any bytes never crash the channel, never post and never get a 500', async () => {
    const field = fc.oneof(fc.string(), fc.constant(null), fc.integer(), fc.array(fc.string()));
    const keys = fc.constantFrom(
      'consumer_number',
      'bank_mnemonic',
      'tran_auth_id',
      'transaction_amount',
      'tran_date',
      'tran_time',
      'reserved',
      '__proto__',
    );
    const bodies = fc.oneof(
      fc.dictionary(keys, field).map((body) => Buffer.from(JSON.stringify(body))),
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom('BillInquiry', 'BillPayment'), async (body, to) => {
        const response = await post(to, Uint8Array.from(body));
        const answer = JSON.parse(await response.text());
        expect(response.status).toBe(200);
        expect(['01', '04']).toContain(answer.response_Code);
      }),
      { numRuns: 300 },
    );
    expect(engine.posted).toBe(0);
  });
});

describe('the simulator of a bank', () => {
  it('throws on any deviation from the field table', async () => {
    const good = {
      response_Code: '00',
      Identification_parameter: '000417'.padEnd(20),
      reserved: '',
    };
    const broken = [
      { ...good, Identification_parameter: '000417' },
      { ...good, response_Code: '0' },
      { ...good, extra: '' },
      { response_Code: '00', reserved: '' },
      { ...good, response_Code: '02' },
      [],
    ];
    const biller = Fastify();
    let answer: unknown = good;
    biller.post('/onebill/BillPayment', () => answer);
    const url = await biller.listen({ host: '127.0.0.1', port: 0 });
    try {
      const client = makeOneBillClient({
        baseUrl: url,
        username: 'hbl',
        password: PASSWORD,
        bankMnemonic: 'HBL',
      });
      await expect(client.pay(PAYMENT)).resolves.toMatchObject({ responseCode: '00' });
      for (answer of broken) {
        await expect(client.pay(PAYMENT)).rejects.toThrow(OneBillDeviation);
      }
    } finally {
      await biller.close();
    }
  });
});

it('counts answers by result', async () => {
  await bank().inquire(PSID);
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/sanad_answers_total\{channel="onebill",result="approved"\} \d+/);
});
