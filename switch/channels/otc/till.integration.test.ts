/** Tills over real HTTP, real books and a real lane. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { sql } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import { secureRandom } from '../../../kernel/ids.ts';
import { makeLog } from '../../../kernel/log.ts';
import { makeMetrics } from '../../../kernel/metrics.ts';
import { paisa } from '../../../kernel/money.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import { checkInvariants, openAccount, settlementAccount } from '../../../ledger/index.ts';
import { CHALLAN_AMOUNT, LaneRig } from '../../../tests/support/lane-rig.ts';
import { useStamps } from '../books-harness.ts';
import { makeParticipantDirectory, registerParticipant } from '../../participants/index.ts';
import type { PaymentEngine } from '../../payment/index.ts';
import { OtcTill, type OtcOptions } from '../../simulators/otc/index.ts';
import { otcChannel, registerTill } from './index.ts';

const PASSWORD = 'correct-horse-battery';
const DAY_MS = 86_400_000;
let rig: LaneRig;
let app: FastifyInstance;
let baseUrl: string;
let tills = 0;
/** What the engine does before it does its work. */
let trouble: Partial<Record<'pay' | 'reverse', () => void>> = {};
/** What the engine does after it did its work, when the answer is on its way. */
let lost: (() => void) | undefined;

const engine: PaymentEngine = {
  inquire: (inquiry) => rig.engine.inquire(inquiry),
  async pay(request) {
    trouble.pay?.();
    const answer = await rig.engine.pay(request);
    lost?.();
    return answer;
  },
  async reverse(request) {
    trouble.reverse?.();
    return rig.engine.reverse(request);
  },
};

async function register(code: string, username: string, limit: bigint): Promise<void> {
  await registerParticipant(
    {
      code,
      name: code,
      channel: 'otc',
      allowedAddresses: ['127.0.0.1'],
      credentials: { username, password: PASSWORD },
      limitPerTransaction: paisa(limit),
    },
    {
      database: rig.test.database,
      clock: rig.clock,
      random: secureRandom,
      openAccounts: async (tx, participant) => {
        await openAccount(tx, settlementAccount(0, participant), rig.ids);
      },
    },
  );
}

beforeAll(async () => {
  rig = await LaneRig.open();
  await register('BOPOTC', 'bop-otc', CHALLAN_AMOUNT);
  await register('SMALL', 'small-otc', CHALLAN_AMOUNT - 1n);
  app = Fastify();
  await app.register(
    otcChannel({
      engine,
      participants: makeParticipantDirectory(rig.test.database, { clock: rig.clock, cacheMs: 0 }),
      database: rig.test.database,
      clock: rig.clock,
      random: secureRandom,
      ids: rig.ids,
      log: makeLog({ level: 'silent' }),
      metrics: makeMetrics(false),
    }),
  );
  baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  const broken = await checkInvariants(rig.test.database);
  await rig.close();
  expect(broken).toEqual([]);
});
beforeEach(() => {
  trouble = {};
  lost = undefined;
});

/** A signed-in teller at a till of his own. */
async function teller(options: Partial<OtcOptions> = {}): Promise<OtcTill> {
  tills += 1;
  const till = options.till ?? `T${String(tills)}`;
  const participant = options.username === 'small-otc' ? 'SMALL' : 'BOPOTC';
  await registerTill(rig.test.database, { participant, branch: '0042', till }, rig.clock);
  const made = clientAt(till, options);
  expect((await made.signIn()).responseCode).toBe('00');
  return made;
}

function clientAt(till: string, options: Partial<OtcOptions> = {}): OtcTill {
  return new OtcTill({
    baseUrl,
    username: 'bop-otc',
    password: PASSWORD,
    branch: '0042',
    till,
    teller: 'a.khan',
    random: secureRandom,
    ...options,
  });
}

async function payments(psid: string): Promise<string[]> {
  const rows = await rig.test.database.query<{ state: string }>(
    sql`select state from payment where psid = ${psid} order by payment_id`,
  );
  return rows.map(({ state }) => state);
}

const today = '2026-11-23';
const cash = (count: number): { count: number; cashPaisa: bigint; chequePaisa: bigint } => ({
  count,
  cashPaisa: BigInt(count) * CHALLAN_AMOUNT,
  chequePaisa: 0n,
});

describe('a payment at a till', () => {
  it('is scanned, taken and receipted, and the e-stamp is issued with it', async () => {
    const till = await teller();
    const psid = await rig.challan();
    const printed = psid.replace(/^(\d{5})(\d{4})(\d{4})(\d{4})$/, '$1-$2-$3-$4');
    const bill = await till.inquire(`]Q1${psid}\r\n`);
    expect(bill.members.get('amount')).toBe(CHALLAN_AMOUNT.toString());
    expect(bill.members.get('status')).toBe('unpaid');
    const paid = await till.pay({ code: printed, amountPaisa: CHALLAN_AMOUNT });
    expect(paid.responseCode).toBe('00');
    expect(paid.members.get('stampIds')).toHaveLength(1);
    expect(paid.members.get('receiptNumber')).toMatch(/^0042-T\d+-20261123-1-0001$/);
    expect((await till.inquire(psid)).members.get('status')).toBe('paid');
  });

  it('repeated gives the same receipt; with other content the key is refused', async () => {
    const till = await teller();
    const psid = await rig.challan();
    const first = await till.pay({ code: psid, amountPaisa: CHALLAN_AMOUNT });
    expect((await till.repeat()).members).toEqual(first.members);
    const idempotencyKey = till.lastKey;
    const cheque = { number: '1', bank: 'BOP', date: '2026-11-20' };
    const others = [
      { code: await rig.challan(), amountPaisa: CHALLAN_AMOUNT, idempotencyKey },
      { code: psid, amountPaisa: 100n, idempotencyKey },
      { code: psid, amountPaisa: CHALLAN_AMOUNT, cheque, idempotencyKey },
    ];
    for (const other of others) expect((await till.pay(other)).responseCode).toBe('94');
    expect(await payments(psid)).toEqual(['posted']);
  });

  it('sent twice at the same time is taken once', async () => {
    const till = await teller();
    const psid = await rig.challan();
    const payment = { code: psid, amountPaisa: CHALLAN_AMOUNT, idempotencyKey: 'at-once-0001' };
    const answers = await Promise.all([1, 2, 3, 4].map(() => till.pay(payment)));
    const receipts = new Set(answers.map(({ members }) => members.get('receiptNumber')));
    expect(receipts.size).toBe(1);
    expect(await payments(psid)).toEqual(['posted']);
  });

  it('whose answer was lost is answered by the repeat', async () => {
    const till = await teller();
    const psid = await rig.challan();
    lost = () => {
      throw new Error('the process died');
    };
    const unknown = await till.pay({ code: psid, amountPaisa: CHALLAN_AMOUNT });
    expect(unknown).toMatchObject({ responseCode: '96', httpStatus: 503 });
    lost = undefined;
    expect(await till.repeat()).toMatchObject({ responseCode: '00' });
    expect(await payments(psid)).toEqual(['posted']);
  });

  it.each<[string, () => Promise<string>, bigint, string]>([
    ['a wrong amount', () => rig.challan(), CHALLAN_AMOUNT - 100n, '13'],
    ['an unknown PSID', () => Promise.resolve('10100000000000000'), CHALLAN_AMOUNT, '14'],
    ['a misread code', () => Promise.resolve('10100482911930271'), CHALLAN_AMOUNT, '14'],
  ])('is refused for %s', async (_what, psid, amountPaisa, code) => {
    const till = await teller();
    expect((await till.pay({ code: await psid(), amountPaisa })).responseCode).toBe(code);
  });

  it('is refused above the limit, for a paid challan, and for an expired one', async () => {
    const small = await teller({ username: 'small-otc' });
    const psid = await rig.challan();
    const payment = { code: psid, amountPaisa: CHALLAN_AMOUNT };
    expect((await small.pay(payment)).responseCode).toBe('61');
    expect((await (await teller()).pay(payment)).responseCode).toBe('00');
    expect((await (await teller()).pay(payment)).responseCode).toBe('93');
    const late = await rig.challan();
    rig.clock.advance(17 * DAY_MS);
    try {
      const till = await teller();
      expect((await till.inquire(late)).members.get('status')).toBe('expired');
      expect((await till.pay({ ...payment, code: late })).responseCode).toBe('54');
    } finally {
      rig.clock.advance(-17 * DAY_MS);
    }
  });

  it('is told to come again with 503 while the switch is busy, and taken then', async () => {
    const till = await teller();
    const psid = await rig.challan();
    trouble.pay = () => {
      throw new Fault('overloaded', 'Full.');
    };
    const busy = await till.pay({ code: psid, amountPaisa: CHALLAN_AMOUNT });
    expect(busy).toMatchObject({ responseCode: '91', httpStatus: 503 });
    trouble = {};
    expect((await till.repeat()).responseCode).toBe('00');
  });
});

describe('a void', () => {
  it('gives the money back before the stamp is used, once, and the challan can be paid again', async () => {
    const till = await teller();
    const psid = await rig.challan();
    const payment = { code: psid, amountPaisa: CHALLAN_AMOUNT };
    const serial = String((await till.pay(payment)).members.get('serial'));
    expect((await till.void(serial)).responseCode).toBe('00');
    expect((await till.void(serial)).responseCode).toBe('00');
    expect((await till.repeat()).responseCode).toBe('68');
    expect((await till.pay(payment)).responseCode).toBe('00');
    expect(await payments(psid)).toEqual(['reversed', 'posted']);
  });

  it('is refused once the stamp is used, and the entry stands', async () => {
    const till = await teller();
    const psid = await rig.challan();
    const paid = await till.pay({ code: psid, amountPaisa: CHALLAN_AMOUNT });
    await useStamps(psid, { database: rig.test.database, clock: rig.clock, ids: rig.ids });
    expect((await till.void(String(paid.members.get('serial')))).responseCode).toBe('P1');
    expect((await till.close(cash(1))).responseCode).toBe('00');
  });

  it('of an entry whose payment never arrived keeps it from ever posting', async () => {
    const till = await teller();
    const psid = await rig.challan();
    trouble.pay = () => {
      throw new Error('the process died');
    };
    await till.pay({ code: psid, amountPaisa: CHALLAN_AMOUNT });
    trouble = {};
    expect((await till.void('1')).responseCode).toBe('00');
    expect((await till.repeat()).responseCode).toBe('68');
    expect(await payments(psid)).toEqual([]);
    expect((await till.close(cash(0))).responseCode).toBe('00');
  });

  it('knows no other till’s entries and no refused ones', async () => {
    const till = await teller();
    await till.pay({ code: await rig.challan(), amountPaisa: 100n });
    expect((await till.void('1')).responseCode).toBe('25');
    expect((await till.void('2')).responseCode).toBe('25');
  });
});

describe('a batch', () => {
  it('closes with the counted totals, and takes nothing afterwards', async () => {
    const till = await teller();
    const cheque = { number: '004417', bank: 'BOP', date: '2026-11-20' };
    const codes = [await rig.challan(), await rig.challan(), await rig.challan()];
    for (const [index, code] of codes.entries()) {
      const means = index === 2 ? { cheque } : {};
      await till.pay({ code, amountPaisa: CHALLAN_AMOUNT, ...means });
    }
    await till.void('1');
    const wrong = await till.close(cash(2));
    expect(wrong.responseCode).toBe('95');
    const totals = { count: '2', cash: '150000', cheque: '150000' };
    expect(wrong.members.get('posted')).toEqual(totals);
    const right = { count: 2, cashPaisa: CHALLAN_AMOUNT, chequePaisa: CHALLAN_AMOUNT };
    const closed = await till.close(right);
    expect(closed.responseCode).toBe('00');
    expect(closed.members.get('difference')).toBe('no');
    expect(await till.inquire(codes[0]!)).toMatchObject({ responseCode: '63', httpStatus: 401 });
  });

  it('closes with a difference when the teller says so, and keeps both totals', async () => {
    const till = await teller({ till: 'DIFF' });
    await till.pay({ code: await rig.challan(), amountPaisa: CHALLAN_AMOUNT });
    const closed = await till.close(cash(0), true);
    expect(closed.members.get('difference')).toBe('yes');
    const rows = await rig.test.database.query(
      sql`select declared_cash_paisa, posted_cash_paisa from otc_batch where till = 'DIFF'`,
    );
    expect(rows).toEqual([{ declared_cash_paisa: 0n, posted_cash_paisa: CHALLAN_AMOUNT }]);
  });

  it('asks again for what had no answer before it closes, payments and voids', async () => {
    const till = await teller();
    const [first, second] = [await rig.challan(), await rig.challan()];
    lost = () => {
      throw new Error('the process died');
    };
    await till.pay({ code: first, amountPaisa: CHALLAN_AMOUNT });
    lost = undefined;
    await till.pay({ code: second, amountPaisa: CHALLAN_AMOUNT });
    trouble.reverse = () => {
      throw new Error('the process died');
    };
    expect((await till.void('2')).responseCode).toBe('96');
    expect((await till.close(cash(1))).httpStatus).toBe(503);
    trouble = {};
    expect((await till.pay({ code: second, amountPaisa: CHALLAN_AMOUNT })).responseCode).toBe('77');
    expect((await till.close(cash(1))).responseCode).toBe('00');
    expect(await payments(first)).toEqual(['posted']);
    expect(await payments(second)).toEqual(['reversed']);
  });

  it('goes on at the next sign-in of its teller, and belongs to nobody else', async () => {
    const till = await teller();
    const name = `T${String(tills)}`;
    expect((await till.signOut()).responseCode).toBe('00');
    expect((await till.inquire('1')).responseCode).toBe('63');
    expect((await clientAt(name, { teller: 'b.malik' }).signIn()).responseCode).toBe('57');
    const again = clientAt(name);
    expect((await again.signIn()).members.get('batch')).toMatchObject({
      batch: '1',
      mustClose: 'no',
    });
    const second = clientAt(name);
    await second.signIn();
    expect((await again.inquire('1')).responseCode).toBe('63');
    expect((await second.close(cash(0))).responseCode).toBe('00');
    const other = clientAt(name, { teller: 'b.malik' });
    expect((await other.signIn()).members.get('batch')).toMatchObject({ batch: '2' });
  });

  it('of an earlier day takes no payment, only its closing', async () => {
    const till = await teller();
    const psid = await rig.challan();
    rig.clock.advance(11 * 3_600_000);
    try {
      expect((await till.pay({ code: psid, amountPaisa: CHALLAN_AMOUNT })).responseCode).toBe('97');
      expect((await till.close(cash(0))).responseCode).toBe('00');
    } finally {
      rig.clock.advance(-11 * 3_600_000);
    }
  });

  it('ends its session after twelve hours', async () => {
    const till = await teller();
    rig.clock.advance(12 * 3_600_000 + 1);
    try {
      expect(await till.inquire('1')).toMatchObject({ responseCode: '63', httpStatus: 401 });
    } finally {
      rig.clock.advance(-12 * 3_600_000 - 1);
    }
  });
});

describe('the end-of-day scroll', () => {
  it('has every serial of the day, whatever became of it, and totals of what was posted', async () => {
    const branch = '0077';
    await registerTill(rig.test.database, { participant: 'BOPOTC', branch, till: 'T1' }, rig.clock);
    const till = clientAt('T1', { branch });
    await till.signIn();
    const codes = [await rig.challan(), await rig.challan(), await rig.challan()];
    for (const code of codes) await till.pay({ code, amountPaisa: CHALLAN_AMOUNT });
    await till.pay({ code: await rig.challan(), amountPaisa: 100n });
    await till.void('2', '=HYPERLINK("x")');
    const before = JSON.parse((await till.scroll(today, 'json')).text);
    expect(before).toMatchObject({ responseCode: '00', final: false, branch });
    await till.close(cash(2));
    const { text } = await till.scroll(today, 'json');
    const scroll = JSON.parse(text);
    expect(scroll).toMatchObject({
      final: true,
      totals: { count: '2', cash: '300000', cheque: '0', amount: '300000' },
    });
    const lines = scroll.lines as { serial: string; state: string; result: string }[];
    expect(lines.map(({ serial, state }) => `${serial} ${state}`)).toEqual([
      '1 posted',
      '2 void',
      '3 posted',
      '4 refused',
    ]);
    const csv = (await till.scroll(today, 'csv')).text.split('\r\n');
    expect(csv).toHaveLength(7);
    expect(csv[2]).toContain(`"'=HYPERLINK(""x"")"`);
    expect(csv[5]).toMatch(/^TOTAL POSTED,,,2,,,,300000,/);
  });

  it('is for the branch’s own participant, for a day and a branch that are named', async () => {
    const till = await teller();
    expect((await till.scroll('2026-02-30', 'json')).status).toBe(400);
    expect((await clientAt('T1', { branch: 'x' }).scroll(today, 'json')).status).toBe(400);
    const stranger = clientAt('T1', { password: 'wrong-wrong-wrong' });
    expect((await stranger.scroll(today, 'json')).status).toBe(401);
    const other = clientAt('T1', { username: 'small-otc', branch: '0077' });
    expect(JSON.parse((await other.scroll(today, 'json')).text)).toMatchObject({ lines: [] });
  });
});

describe('authentication', () => {
  it('is the same answer for every wrong sign-in and token, whether or not the PSID exists', async () => {
    const psid = await rig.challan();
    const wrong = [{ password: 'wrong-wrong-wrong' }, { username: 'nobody' }, { username: 'x y' }];
    const answers = new Set<string>();
    for (const options of wrong) {
      const { username = 'bop-otc', password = PASSWORD } = { ...options } as Partial<OtcOptions>;
      const { text, status } = await clientAt('T1').sendRaw(
        'sign-in',
        JSON.stringify({ branch: '0042', till: 'T1', teller: 'a.khan' }),
        { username, password },
      );
      answers.add(`${String(status)} ${text}`);
    }
    for (const code of [psid, '10100000000000000']) {
      for (const token of ['A'.repeat(43), 'x', '']) {
        for (const operation of ['inquiry', 'payment', 'void', 'close', 'sign-out']) {
          const { text, status } = await clientAt('T1').sendRaw(
            operation,
            JSON.stringify({ code, amount: '1', means: 'cash' }),
            { authorization: `Bearer ${token}` },
          );
          answers.add(`${String(status)} ${text}`);
        }
      }
    }
    expect([...answers]).toEqual(['401 {"responseCode":"63","result":"unauthorised"}']);
  });

  it('ends when the participant is switched off, and knows registered tills only', async () => {
    const till = await teller({ username: 'small-otc' });
    expect((await clientAt('NOTILL').signIn()).responseCode).toBe('58');
    const set = (active: boolean): Promise<unknown> =>
      rig.test.database.query(sql`update participant set active = ${active} where code = 'SMALL'`);
    await set(false);
    expect((await till.inquire('1')).responseCode).toBe('63');
    await set(true);
    expect((await till.inquire('1')).responseCode).toBe('14');
    await expect(
      registerTill(rig.test.database, { participant: 'SMALL', branch: 'x', till: 'T' }, rig.clock),
    ).rejects.toMatchObject({ code: 'bad-input' });
  });
});

it('refuses every body of the corpus, the too long and a missing key with 400, and writes no entry', async () => {
  const till = await teller();
  const corpus = JSON.parse(
    readFileSync(path.join(packageRoot, 'tests/corpus/otc/refused-bodies.json'), 'utf8'),
  ) as { body: string }[];
  const long = JSON.stringify({ code: 'x'.repeat(5_000) });
  for (const body of [...corpus.map((each) => each.body), long]) {
    const { text, status } = await till.sendRaw('payment', body);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ responseCode: '30', result: 'format-error' });
  }
  const payment = { code: await rig.challan(), amountPaisa: CHALLAN_AMOUNT };
  expect((await till.pay({ ...payment, idempotencyKey: 'short' })).responseCode).toBe('30');
  const closed = await till.close(cash(0));
  expect(closed.responseCode).toBe('00');
});
