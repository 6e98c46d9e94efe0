/** Who may speak on the line: MACs and their keys, sign-on, what an outsider can learn, what is never kept. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BankSwitch } from '../../simulators/bank-switch/index.ts';
import { pack, unpack } from './codec.ts';
import { FrameReader, frameMessages } from './framing.ts';
import { makeSecretBox } from './key-sealing.ts';
import {
  AMOUNT,
  INSTITUTION,
  LineHarness,
  OTHER,
  UNKNOWN,
  UNPAID,
  answered,
  until,
} from './line-harness.ts';
import type { MacKey, MacSettings } from './line-settings.ts';
import type { MacAlgorithm } from './mac.ts';
import { packWithMac } from './message-mac.ts';
import type { IsoMessage } from './message.ts';
import { DEFAULT_PROFILE } from './profile.ts';
import { loadProfile } from './profile-file.ts';
import { SPECS } from './specs/index.ts';

const OLD = Buffer.from('7ca110454a1a6e570131d9619dc1376e', 'hex');
const NEW = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
const macKey = (key: Buffer): MacKey => ({
  id: 'k',
  key,
  fromMs: Number.NEGATIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
});
const macOf = (algorithm: MacAlgorithm, ...keys: Buffer[]): MacSettings => ({
  algorithm,
  keys: keys.map(macKey),
});

/** The next message that comes, matched or not. */
function nextAnswer(bank: BankSwitch): Promise<IsoMessage> {
  const reader = new FrameReader();
  return new Promise((resolve) => {
    bank.onBytes((chunk) => {
      for (const frame of reader.push(chunk)) resolve(unpack(SPECS['iso87-ascii'], frame));
    });
  });
}

let line: LineHarness;

beforeEach(() => {
  line = new LineHarness();
});
afterEach(() => line.stop());

describe.each(['retail', 'aes-cmac'] as const)('a line with MACs: %s', (algorithm) => {
  const start = async (spec = SPECS['iso87-ascii']): Promise<void> => {
    line.setSettings({ mac: { algorithm, keys: [{ id: '1', sealed: line.sealedKey(OLD) }] } });
    await line.start({ profile: { ...DEFAULT_PROFILE, spec } });
  };

  it.each(['iso87-ascii', 'iso87-ascii-hex', 'iso87-bcd', 'iso87-ebcdic'] as const)(
    'takes a payment and a reversal with right MACs and answers with one: %s',
    async (name) => {
      const spec = SPECS[name];
      await start(spec);
      const bank = await line.bank({ spec, mac: macOf(algorithm, OLD) });
      expect(answered(await bank.signOn()).code).toBe('00');
      const payment = answered(await bank.pay(UNPAID, AMOUNT));
      expect(payment.code).toBe('00');
      // DE 121 in the answer: its MAC is DE 128.
      expect(payment.message.fields.has(128)).toBe(true);
      const reversal = answered(await bank.reverse(payment.sent));
      expect(reversal.code).toBe('00');
      expect(answered(await bank.repeat(reversal.sent)).message.fields.get(39)).toBe('00');
      expect(bank.unmatched).toBe(0);
    },
  );

  it('refuses a payment without a MAC, with a wrong one and with a changed amount; counts and raises an alarm', async () => {
    await start();
    const bank = await line.bank({ mac: macOf(algorithm, OLD) });
    expect(answered(await bank.signOn()).code).toBe('00');
    const thief = await line.bank({ mac: macOf(algorithm, NEW) });
    // The sign-on of the honest bank is on its own connection: the thief has none and learns nothing.
    expect(answered(await thief.signOn()).code).toBe('91');
    expect(answered(await thief.pay(UNPAID, AMOUNT)).code).toBe('91');
    const { sent } = answered(await bank.inquire(OTHER));
    const plain = await line.bank();
    expect(answered(await plain.send(sent)).code).toBe('91');
    expect(await line.refusals('mac')).toBe(1);
    expect(line.logged).toContain('A message with a wrong MAC was refused.');
    expect(line.engine.standing).toBe(0);
  });

  it('refuses 63 on a signed-on connection: no MAC, a wrong one, a message changed under its MAC', async () => {
    await start();
    const bank = await line.bank({ mac: macOf(algorithm, OLD) });
    expect(answered(await bank.signOn()).code).toBe('00');
    const { sent } = answered(await bank.inquire(UNPAID));
    const spec = SPECS['iso87-ascii'];
    const key = macKey(OLD);
    const right = packWithMac(spec, sent, { algorithm, key });
    const changed = Buffer.from(right);
    // The amount's place in an inquiry is empty, so its local time: one second later.
    const at = changed.indexOf(sent.fields.get(12)!) + 5;
    changed[at] = changed[at] === 0x39 ? 0x38 : changed[at]! + 1;
    const wrong = packWithMac(spec, sent, { algorithm, key: macKey(NEW) });
    for (const bytes of [pack(spec, sent), changed, wrong]) {
      const answer = nextAnswer(bank);
      bank.sendRaw(frameMessages([bytes]));
      expect((await answer).fields.get(39)).toBe('63');
    }
    expect(await line.refusals('mac')).toBe(3);
    expect(answered(await bank.inquire(UNPAID)).code).toBe('00');
  });

  it('takes two keys while they are changed, and neither one before or after its time', async () => {
    line.setSettings({
      mac: {
        algorithm,
        keys: [
          { id: 'old', sealed: line.sealedKey(OLD), until: '2026-11-23T21:00:00Z' },
          { id: 'new', sealed: line.sealedKey(NEW), from: '2026-11-23T20:30:00Z' },
        ],
      },
    });
    await line.start({ limits: { idleMs: 1e9, echoMs: 1e9 } });
    const bank = await line.bank({ mac: macOf(algorithm, OLD) });
    const changed = await line.bank({ mac: macOf(algorithm, NEW) });
    expect(answered(await bank.signOn()).code).toBe('00');
    expect(answered(await changed.signOn()).code).toBe('00');
    // Each is answered under the key that it used.
    expect(answered(await bank.inquire(UNPAID)).code).toBe('00');
    expect(answered(await changed.inquire(UNPAID)).code).toBe('00');
    line.clock.set(new Date('2026-11-23T21:00:00Z'));
    expect(answered(await bank.inquire(UNPAID)).code).toBe('63');
    expect(answered(await changed.inquire(UNPAID)).code).toBe('00');
    line.clock.set(new Date('2026-11-23T20:29:59Z'));
    expect(answered(await bank.inquire(UNPAID)).code).toBe('00');
    expect(answered(await changed.inquire(UNPAID)).code).toBe('63');
  });

  it('shuts a participant out whose key was sealed for another, and says so', async () => {
    const sealed = line.box.seal(OLD, 'HBL/iso8583-mac');
    line.setSettings({ mac: { algorithm, keys: [{ id: '1', sealed }] } });
    await line.start();
    const bank = await line.bank({ mac: macOf(algorithm, OLD) });
    expect(answered(await bank.signOn()).code).toBe('91');
    expect(line.logged).toContain('its ISO 8583 settings are wrong');
  });
});

describe('sealed keys', () => {
  const random = {
    digits: (count: number) => '7'.repeat(count),
    bytes: (count: number) => Buffer.alloc(count, 3),
  };
  const older = { id: 'a', key: Buffer.alloc(32, 1) };
  const newer = { id: 'b', key: Buffer.alloc(32, 2) };

  it('open for their context only, under any of the keys, and not when anything is changed', () => {
    const sealed = makeSecretBox([older], random).seal(OLD, 'BOP/iso8583-mac');
    const box = makeSecretBox([newer, older], random);
    expect(box.open(sealed, 'BOP/iso8583-mac')).toEqual(OLD);
    expect(sealed).not.toContain(OLD.toString('base64url'));
    expect(() => box.open(sealed, 'HBL/iso8583-mac')).toThrow('cannot be opened');
    expect(() => makeSecretBox([newer], random).open(sealed, 'BOP/iso8583-mac')).toThrow();
    const parts = sealed.split('.');
    for (const index of [0, 1, 2, 3]) {
      const changed = [...parts];
      const part = changed[index]!;
      changed[index] = (part.startsWith('A') ? 'B' : 'A') + part.slice(1);
      expect(() => box.open(changed.join('.'), 'BOP/iso8583-mac')).toThrow('cannot be opened');
    }
    for (const bad of ['', 'v1', 'v1.b..', `${sealed}.x`, sealed.slice(0, -8)])
      expect(() => box.open(bad, 'BOP/iso8583-mac')).toThrow('cannot be opened');
    expect(() => makeSecretBox([], random)).toThrow();
    expect(() => makeSecretBox([{ id: 'a', key: Buffer.alloc(16) }], random)).toThrow();
  });
});

describe('before the sign-on', () => {
  it('every answer is the same, whether or not the bill exists', async () => {
    await line.start();
    const bank = await line.bank();
    const answers = [];
    for (const psid of [UNPAID, UNKNOWN]) {
      const inquiry = answered(await bank.inquire(psid));
      const payment = answered(await bank.pay(psid, AMOUNT));
      const reversal = answered(await bank.reverse(payment.sent));
      answers.push(
        [inquiry, payment, reversal].map(({ message }) => {
          const own = new Set([7, 11, 37, 48, 90]);
          return [message.mti, [...message.fields].filter(([number]) => !own.has(number))];
        }),
      );
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(line.engine.requests).toHaveLength(0);
  });

  it('too many requests close the connection', async () => {
    await line.start({ limits: { strangeMax: 3 } });
    const bank = await line.bank();
    for (let count = 0; count < 3; count += 1)
      expect(answered(await bank.inquire(UNPAID)).code).toBe('91');
    expect(await bank.inquire(UNPAID)).toMatchObject({ answered: false, reason: 'closed' });
    expect(await line.refusals('not-signed-on')).toBe(1);
  });

  it('nobody may wait for ever', async () => {
    await line.start({ limits: { signOnMs: 60_000 } });
    const stranger = await line.bank();
    const bank = await line.bank();
    expect(answered(await bank.signOn()).code).toBe('00');
    line.clock.advance(61_000);
    await stranger.closed;
    expect(answered(await bank.echo()).code).toBe('00');
  });

  it('refused sign-ons fill no log: ten a minute are written, the others counted', async () => {
    await line.start();
    const bank = await line.bank({ institutionId: '999999' });
    for (let count = 0; count < 25; count += 1)
      expect(answered(await bank.signOn()).code).toBe('91');
    const lines = (): number => line.logged.split('An institution was refused.').length - 1;
    expect(lines()).toBe(10);
    line.clock.advance(60_000);
    expect(answered(await bank.signOn()).code).toBe('91');
    expect(lines()).toBe(11);
    expect(line.logged).toContain('"suppressed":15');
    expect(await line.refusals('unknown')).toBe(26);
  });
});

describe('PIN data', () => {
  it('is dropped when the profile says so: paid, not echoed, in no log', async () => {
    await line.start({ profile: { ...DEFAULT_PROFILE, pinData: 'discard' } });
    const bank = await line.bank();
    await bank.signOn();
    const { sent } = answered(await bank.inquire(UNPAID));
    const answer = answered(
      await bank.send({ mti: '0200', fields: new Map([...sent.fields, [52, 'AABBCCDDEEFF0011']]) }),
    );
    expect(answer.code).toBe('00');
    expect(answer.message.fields.has(52)).toBe(false);
    expect(line.logged).not.toContain('AABBCCDDEEFF0011');
  });
});

describe('what a participant may have of its own', () => {
  it('answer codes', async () => {
    line.register.set(INSTITUTION, {
      code: 'BOP',
      name: 'Bank of Punjab',
      active: true,
      answerCodes: new Map([['unknown-consumer', '56']]),
    });
    await line.start();
    const bank = await line.bank();
    await bank.signOn();
    expect(answered(await bank.inquire(UNKNOWN)).code).toBe('56');
    expect(answered(await bank.inquire(UNPAID)).code).toBe('00');
  });

  it('a limit of connections on which it is signed on', async () => {
    line.setSettings({ connectionsMax: 2 });
    await line.start();
    const [first, second, third] = [await line.bank(), await line.bank(), await line.bank()];
    expect(answered(await first.signOn()).code).toBe('00');
    expect(answered(await second.signOn()).code).toBe('00');
    expect(answered(await second.signOn()).code).toBe('00');
    expect(answered(await third.signOn()).code).toBe('91');
    expect(answered(await first.signOff()).code).toBe('00');
    expect(answered(await third.signOn()).code).toBe('00');
    await second.close();
    await until(() => line.logged.length > 0);
    const fourth = await line.bank();
    let code = '91';
    while (code !== '00') code = answered(await fourth.signOn()).code;
  });

  it('a dialect with a TPDU, whose addresses the answer exchanges', async () => {
    const base = loadProfile('iso87-bcd');
    const framing = {
      length: 'bcd-2' as const,
      countsItself: false,
      header: Buffer.from('6000010002', 'hex'),
      answer: 'tpdu' as const,
    };
    await line.start({ profile: { ...base, framing } });
    const bank = await line.bank({ spec: base.spec, framing });
    let received = Buffer.alloc(0);
    bank.onBytes((chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    expect(answered(await bank.signOn()).code).toBe('00');
    expect(received.subarray(2, 7).toString('hex')).toBe('6000020001');
    expect(answered(await bank.pay(UNPAID, AMOUNT)).code).toBe('00');
  });
});
