/** Participants as an administrator keeps them: from their files to what the channels believe, and keys that change. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { readdir, writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ManualClock } from '../kernel/clock.ts';
import { sql } from '../kernel/database.ts';
import { IdMaker, secureRandom } from '../kernel/ids.ts';
import { packageRoot } from '../kernel/package-root.ts';
import { openAccount, settlementAccount } from '../ledger/index.ts';
import {
  hasTrialPayments,
  keysValidAt,
  listParticipants,
  makeParticipantDirectory,
  makeSecretBox,
  parseEasypaisaSettings,
  parseJazzCashSettings,
  parseLineSettings,
  registerParticipant,
  registerTill,
  reviseParticipant,
  type ListedParticipant,
} from '../switch/index.ts';
import { LaneRig } from '../tests/support/lane-rig.ts';
import { rotateKey } from './key-rotation.ts';
import {
  checkChannelSettings,
  prepareParticipant,
  readParticipantFile,
} from './participant-draft.ts';

const EXAMPLES = path.join(packageRoot, 'switch', 'participants', 'examples');
const DAY_MS = 86_400_000;
const box = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }], secureRandom);
const clock = new ManualClock(new Date('2026-11-24T05:00:00Z'));
const random = secureRandom;
const ids = new IdMaker(clock, 3);
let rig: LaneRig;
let folder: string;

const deps = () => {
  const { database } = rig.test;
  return {
    database,
    clock,
    random,
    checkSettings: checkChannelSettings(box),
    openAccounts: async (tx: Parameters<typeof openAccount>[0], code: string) => {
      await openAccount(tx, settlementAccount(0, code), ids);
    },
  };
};

async function add(file: string, sandbox = false): Promise<string | undefined> {
  const given = await readParticipantFile(file);
  const { draft, tills, madePassword } = prepareParticipant(given, { box, random, sandbox });
  await registerParticipant(draft, deps());
  for (const till of tills)
    await registerTill(rig.test.database, { participant: draft.code, ...till }, clock);
  return madePassword;
}

async function addJson(participant: object, sandbox = false): Promise<string | undefined> {
  const file = path.join(folder, 'participant.json');
  await writeFile(file, JSON.stringify(participant));
  return add(file, sandbox);
}

async function find(code: string): Promise<ListedParticipant> {
  return (await listParticipants(rig.test.database)).find((each) => each.code === code)!;
}

beforeAll(async () => {
  rig = await LaneRig.open();
  folder = await mkdtemp(path.join(tmpdir(), 'sanad-participants-'));
});
afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a participant’s file', () => {
  it('registers each of the examples, which the channels can read', async () => {
    const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.json'));
    expect(names).toHaveLength(8);
    for (const name of names) {
      const password = await add(path.join(EXAMPLES, name));
      expect([name, password === undefined]).toEqual([name, name === 'atm-switch.json']);
    }
    const omni = await find('UBLOMNI');
    expect(omni).toMatchObject({
      channel: 'onebill',
      limitPerTransaction: 50_000_000_000n,
      limitPerDay: 5_000_000_000_000n,
      netDebitCap: 2_000_000_000_000n,
      sandbox: false,
    });
    const tills = await rig.test.database.query(sql`select till from otc_till order by till`);
    expect(tills).toEqual([{ till: 'T1' }, { till: 'T2' }]);
  });

  it('makes a password that opens the door, and keeps no secret in plain', async () => {
    const password = (await addJson({
      code: 'WALLET',
      name: 'Wallet',
      channel: 'jazzcash',
      allowedAddresses: ['127.0.0.1'],
      username: 'MCWALLET',
      secrets: { jazzcashSalt: 'salt-of-the-wallet' },
    }))!;
    const directory = makeParticipantDirectory(rig.test.database, { clock });
    const found = await directory.findByCredentials('MCWALLET', password, '127.0.0.1');
    expect(found?.code).toBe('WALLET');
    const [row] = await rig.test.database.query<{ text: string }>(
      sql`select p::text as text from participant p where code = 'WALLET'`,
    );
    expect(row?.text).not.toContain('salt-of-the-wallet');
    expect(row?.text).not.toContain(password);
    const { salts } = parseJazzCashSettings(found!, box);
    expect(salts.map(({ key }) => key.toString())).toEqual(['salt-of-the-wallet']);
  });

  it.each<[string, object, object]>([
    ['an unknown member', { colour: 'red' }, { code: 'bad-input' }],
    ['a limit that is no paisa', { limitPerDayPaisa: '1.5' }, { code: 'bad-input' }],
    ['a JazzCash row without a salt', { channel: 'jazzcash' }, { code: 'config-invalid' }],
    [
      'an answer code that reads as success',
      { answerCodes: { expired: '00' } },
      { code: 'config-invalid' },
    ],
    ['nobody’s address', { allowedAddresses: [] }, { code: 'bad-input' }],
    [
      'an ISO 8583 row whose key does not fit',
      { channel: 'iso8583', secrets: { mac: { algorithm: 'retail', key: '00'.repeat(16) } } },
      { code: 'config-invalid' },
    ],
  ])('is refused with %s, and nothing is stored', async (_what, change, expected) => {
    const right = { code: 'WRONG', name: 'W', channel: 'onebill', allowedAddresses: ['10.0.0.1'] };
    await expect(addJson({ ...right, ...change })).rejects.toMatchObject(expected);
    expect(await find('WRONG')).toBeUndefined();
  });
});

describe('a change', () => {
  it('switches a participant off and on again', async () => {
    await reviseParticipant('UBLOMNI', { active: false }, deps());
    expect((await find('UBLOMNI')).active).toBe(false);
    await reviseParticipant(
      'UBLOMNI',
      { active: true, limitPerDay: (await find('HBLKONNECT')).limitPerTransaction! },
      deps(),
    );
    expect(await find('UBLOMNI')).toMatchObject({ active: true, limitPerDay: 50_000_000_000n });
  });

  it('refuses an unknown participant, nobody’s address and settings that the channel cannot read', async () => {
    const nobody = reviseParticipant('NOBODY', { active: true }, deps());
    await expect(nobody).rejects.toMatchObject({ code: 'not-found' });
    const nowhere = reviseParticipant('UBLOMNI', { allowedAddresses: [] }, deps());
    await expect(nowhere).rejects.toMatchObject({ code: 'bad-input' });
    const settings = { jazzcash: { salts: [] } };
    const empty = reviseParticipant('JAZZCASH', { settings }, deps());
    await expect(empty).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

describe('a key that changes', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const idsAt = (keys: Parameters<typeof keysValidAt>[0], days: number): number =>
    keysValidAt(keys, clock.now().getTime() + days * DAY_MS).length;

  it.each<[string, string, (of: ListedParticipant) => Parameters<typeof keysValidAt>[0]]>([
    ['JAZZCASH', 'another-salt-of-theirs', (of) => parseJazzCashSettings(of, box).salts],
    ['EASYPAISA', pem, (of) => parseEasypaisaSettings(of, box).keys],
    [
      'EXBANKATM',
      'ffeeddccbbaa99887766554433221100',
      (of) => parseLineSettings(of.code, of.settings, box).mac!.keys,
    ],
  ])('of %s is valid at once beside the old one, which ends', async (code, key, keysOf) => {
    const rotation = { key, now: clock.now(), overlapDays: 7 };
    const settings = rotateKey(await find(code), rotation, box);
    await reviseParticipant(code, { settings }, deps());
    const keys = keysOf(await find(code));
    expect([0, 6, 8].map((days) => idsAt(keys, days))).toEqual([2, 2, 1]);
    // What has ended is dropped at the next change.
    const later = { ...rotation, now: new Date(clock.now().getTime() + 10 * DAY_MS) };
    const again = { ...(await find(code)), settings: rotateKey(await find(code), later, box) };
    expect(keysOf(again)).toHaveLength(2);
  });

  it('is refused where there is none', async () => {
    const omni = await find('UBLOMNI');
    const rotation = { key: 'x', now: clock.now(), overlapDays: 7 };
    expect(() => rotateKey(omni, rotation, box)).toThrow('no key');
  });
});

describe('participants of a sandbox', () => {
  const SANDBOX = {
    code: 'PLAY',
    name: 'Play',
    channel: 'onebill',
    allowedAddresses: ['127.0.0.1'],
  };

  it('are shut out as soon as a real one is registered, switched off or not', async () => {
    const { database } = rig.test;
    const password = (await addJson({ ...SANDBOX, username: 'play' }, true))!;
    // A new directory reads the table anew.
    const ask = async () => {
      const directory = makeParticipantDirectory(database, { clock });
      const found = await directory.findByCredentials('play', password, '127.0.0.1');
      return [found?.code, await directory.isSandbox('PLAY')];
    };
    expect(await ask()).toEqual([undefined, false]);
    await database.query(sql`update participant set settings = settings || '{"sandbox": true}'`);
    expect(await ask()).toEqual(['PLAY', true]);
    const isReal = sql`update participant set settings = settings - 'sandbox', active = false where code = 'UPAISA'`;
    await database.query(isReal);
    expect(await ask()).toEqual([undefined, false]);
    await database.query(
      sql`update participant set settings = settings - 'sandbox' where code <> 'PLAY'`,
    );
  });

  it('are known by their payments', async () => {
    expect(await hasTrialPayments(rig.test.database)).toBe(false);
    const psid = await rig.challan();
    expect(await rig.engine.pay(rig.payment(psid, 'one'))).toMatchObject({ result: 'approved' });
    expect(await hasTrialPayments(rig.test.database)).toBe(false);
    await rig.test.database.query(
      sql`update participant set settings = settings || '{"sandbox": true}'
          where code = (select participant_code from payment where psid = ${psid})`,
    );
    expect(await hasTrialPayments(rig.test.database)).toBe(true);
  });
});
