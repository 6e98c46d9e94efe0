/** Confirmations from real payments to a real SMS gateway over HTTP, and to a mail transport at its port. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { paisa } from '../../kernel/money.ts';
import { checkInvariants } from '../../ledger/index.ts';
import type { PostedEntry } from '../../reconciliation/index.ts';
import { Receiver } from '../../tests/support/http-receiver.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { makeCaller } from '../outbound/index.ts';
import { makeConfirmations, type ConfirmationDeps, type Confirmations } from './confirmations.ts';
import { makeMailGateway, makeSmsGateway, type MailTransport } from './gateway.ts';
import { confirmationOf } from './message.ts';

const HOUR = 3_600_000;

let rig: LaneRig;
let sms: Receiver;
let mails: Parameters<MailTransport['sendMail']>[0][];
let mailFault: { responseCode?: number } | undefined;

beforeAll(async () => {
  rig = await LaneRig.open();
  sms = await Receiver.open();
});
afterAll(async () => {
  await sms.close();
  await rig.close();
});
beforeEach(() => {
  sms.received.length = 0;
  sms.answer = (_request, response) => void response.end();
  mails = [];
  mailFault = undefined;
});

const transport: MailTransport = {
  sendMail(mail) {
    if (mailFault !== undefined) return Promise.reject(Object.assign(new Error('smtp'), mailFault));
    mails.push(mail);
    return Promise.resolve();
  },
};

function confirmations(gateways?: ConfirmationDeps['gateways']): Confirmations {
  const { clock, ids } = rig;
  const call = makeCaller({ allowedHosts: [], allowLoopback: true });
  return makeConfirmations({
    database: rig.test.database,
    clock,
    ids,
    random: secureRandom,
    log: makeLog({ level: 'silent' }),
    shards: [0],
    gateways: gateways ?? {
      sms: makeSmsGateway({ url: sms.url('/sms'), token: 'token-1', sender: 'SANAD', call }),
      email: makeMailGateway(transport, 'Sanad <no-reply@pay.gov.pk>'),
    },
  });
}

async function paidBy(key: string, email?: string): Promise<string> {
  const psid = await rig.challan();
  if (email !== undefined)
    await rig.test.database.query(
      sql`update challan set application = jsonb_set(application, '{applicant,email}', to_jsonb(${email}::text)) where psid = ${psid}`,
    );
  expect((await rig.engine.pay(rig.payment(psid, key))).result).toBe('approved');
  return psid;
}

async function states(psid: string): Promise<string[]> {
  const rows = await rig.test.database.query<{ means: string; state: string }>(
    sql`select means, state from confirmation where psid = ${psid} order by means, message_id`,
  );
  return rows.map(({ means, state }) => `${means} ${state}`);
}

describe('a confirmation', () => {
  it('goes to the number and the address that the payer left, once', async () => {
    const desk = confirmations();
    const psid = await paidBy('both', 'payer@example.org');
    await Promise.all([desk.fill(0), desk.fill(0)]);
    rig.clock.advance(11 * 60_000);
    await desk.fill(0);
    expect(await desk.send('sms')).toBe(1);
    expect(await desk.send('email')).toBe(1);
    expect(await states(psid)).toEqual(['email sent', 'sms sent']);
    const [request] = sms.received;
    expect(request!.headers).toMatchObject({ authorization: 'Bearer token-1' });
    expect(JSON.parse(request!.body)).toMatchObject({
      to: '923001234567',
      from: 'SANAD',
      text: expect.stringMatching(
        new RegExp(`^Received Rs 1,500\\.00 for PSID ${psid}\\. Receipt R-\\d{18}, bank ref RRN`),
      ),
    });
    expect(mails).toMatchObject([
      {
        to: 'payer@example.org',
        subject: `Payment received: ${psid}`,
        messageId: expect.stringMatching(/^<\d+@pay\.gov\.pk>$/),
      },
    ]);
  });

  it('tells of a reversal too', async () => {
    const desk = confirmations();
    const psid = await paidBy('reversed');
    await rig.engine.reverse(rig.reversal(psid, 'reversed'));
    await desk.fill(0);
    await desk.send('sms');
    expect(
      sms.received.map((each) => (JSON.parse(each.body) as { text: string }).text.slice(0, 8)),
    ).toEqual(expect.arrayContaining(['Received', 'Reversed']));
  });

  it('is delayed by a gateway that is down, and the payment is not', async () => {
    const desk = confirmations();
    sms.answer = (_request, response) => void response.writeHead(503).end();
    const psid = await paidBy('down', 'payer@example.org');
    await desk.fill(0);
    expect(await desk.send('sms')).toBe(1);
    expect(await desk.send('sms')).toBe(0);
    // The other means knows nothing of it.
    expect(await desk.send('email')).toBe(1);
    expect(await states(psid)).toEqual(['email sent', 'sms pending']);
    sms.answer = (_request, response) => void response.end();
    rig.clock.advance(15_000);
    await desk.send('sms');
    expect(await states(psid)).toEqual(['email sent', 'sms sent']);
    const ids = sms.received.map((each) => each.headers['idempotency-key']);
    expect(new Set(ids).size).toBe(1);
  });

  it('is dropped when the gateway refuses it for good, or after two days', async () => {
    const desk = confirmations();
    sms.answer = (_request, response) => void response.writeHead(422).end();
    const refused = await paidBy('refused');
    await desk.fill(0);
    await desk.send('sms');
    expect(await states(refused)).toEqual(['sms dead']);
    sms.answer = (_request, response) => void response.writeHead(500).end();
    const late = await paidBy('late');
    await desk.fill(0);
    await desk.send('sms');
    rig.clock.advance(48 * HOUR);
    await desk.send('sms');
    expect(await states(late)).toEqual(['sms dead']);
  });

  it.each([
    [{ responseCode: 550 }, 'email dead'],
    [{ responseCode: 421 }, 'email pending'],
    [{}, 'email pending'],
  ])('by e-mail that fails with %j is %s', async (fault, state) => {
    const desk = confirmations();
    mailFault = fault;
    const psid = await paidBy(`mail-${JSON.stringify(fault)}`, 'payer@example.org');
    await desk.fill(0);
    await desk.send('email');
    expect(await states(psid)).toContain(state);
    mailFault = undefined;
    rig.clock.advance(HOUR);
    await desk.send('email');
  });

  it('is sent again by the next process when the first was killed while sending', async () => {
    const killed = new Error('killed');
    const dying = confirmations({ sms: { send: () => Promise.reject(killed) } });
    const psid = await paidBy('killed');
    await dying.fill(0);
    await expect(dying.send('sms')).rejects.toBe(killed);
    const desk = confirmations();
    rig.clock.advance(60_000);
    await desk.send('sms');
    expect(await states(psid)).toEqual(['sms sent']);
  });

  it('is not written at all where no gateway is configured', async () => {
    const psid = await paidBy('off');
    await confirmations({}).fill(0);
    expect(await states(psid)).toEqual([]);
  });

  it('leaves the books whole', async () => {
    expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
  });
});

describe('the text of an SMS', () => {
  it.each(['payment', 'reversal'] as const)(
    'of a %s fits one message, however large the amount',
    (kind) => {
      const entry: PostedEntry = {
        journalId: 2n ** 56n,
        businessDate: '2026-11-23',
        kind,
        at: new Date(0),
        paymentId: 2n ** 56n,
        psid: '20100482911930277',
        amount: paisa(999_999_999_999_999n),
        participant: 'TRIAL1LINK12',
        reference: 'X'.repeat(40),
        authorisation: '123456',
        paidAt: new Date(0),
      };
      expect(confirmationOf(entry, 'sms').body).toMatch(/^[\x20-\x7e]{1,160}$/);
    },
  );
});
