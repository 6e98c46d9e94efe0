import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { sql, type Queryable, type Sql } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { paisa } from '../../kernel/money.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import {
  listParticipants,
  makeParticipantDirectory,
  registerParticipant,
  type ParticipantDraft,
} from './index.ts';

const PASSWORD = 'correct-horse-battery';
const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
let test: TestDatabase;
const opened: string[] = [];

const HBL: ParticipantDraft = {
  code: 'HBL',
  name: 'Habib Bank',
  channel: 'onebill',
  bankMnemonic: 'HBL',
  allowedAddresses: ['10.1.0.0/16'],
  credentials: { username: 'hbl', password: PASSWORD },
  settings: { answerCodes: { expired: '03' } },
  limitPerTransaction: paisa(500_000_000n),
};
const BOP: ParticipantDraft = {
  code: 'BOP',
  name: 'Bank of Punjab',
  channel: 'iso8583',
  institutionId: '627100',
  allowedAddresses: ['192.0.2.7', '::1'],
};

const register = (draft: ParticipantDraft): Promise<void> =>
  registerParticipant(draft, {
    database: test.database,
    clock,
    random: secureRandom,
    openAccounts: (_tx, code) => {
      opened.push(code);
      return Promise.resolve();
    },
  });

beforeAll(async () => {
  test = await openTestDatabase();
  await register(HBL);
  await register(BOP);
});
afterAll(() => test.drop());

/** Counts the queries that go through. */
function counting(): { database: Queryable; queries: () => number } {
  let queries = 0;
  return {
    database: {
      query(statement: Sql) {
        queries += 1;
        return test.database.query(statement);
      },
    },
    queries: () => queries,
  };
}

describe('registration', () => {
  it('writes the profile, opens the accounts and keeps no password', async () => {
    expect(opened).toEqual(['HBL', 'BOP']);
    const listed = await listParticipants(test.database);
    expect(listed.map(({ code }) => code)).toEqual(['BOP', 'HBL']);
    expect(listed[1]).toMatchObject({
      channel: 'onebill',
      active: true,
      username: 'hbl',
      bankMnemonic: 'HBL',
      limitPerTransaction: 500_000_000n,
    });
    expect(JSON.stringify(listed, (_key, value: unknown) => String(value))).not.toContain('scrypt');
    const rows = await test.database.query(sql`select to_jsonb(p)::text as row from participant p`);
    expect(JSON.stringify(rows)).not.toContain(PASSWORD);
  });

  it.each<[string, ParticipantDraft, string]>([
    ['a code that is taken', { ...BOP, institutionId: '627101' }, 'conflict'],
    ['an institution that is taken', { ...BOP, code: 'BOP2' }, 'conflict'],
    ['no address', { ...BOP, code: 'X1', allowedAddresses: [] }, 'bad-input'],
    ['a wrong address', { ...BOP, code: 'X1', allowedAddresses: ['10.0.0.0/99'] }, 'bad-input'],
    ['a malformed code', { ...BOP, code: 'lower' }, 'bad-input'],
    [
      'a weak password',
      { ...HBL, code: 'X1', credentials: { username: 'x', password: 'x' } },
      'bad-input',
    ],
    [
      'success for a refusal',
      { ...HBL, code: 'X1', settings: { answerCodes: { expired: '00' } } },
      'config-invalid',
    ],
  ])('refuses %s', async (_what, draft, code) => {
    await expect(register(draft)).rejects.toMatchObject({ code });
  });

  it('leaves nothing behind when the accounts cannot be opened', async () => {
    const failing = registerParticipant(
      { ...BOP, code: 'FAIL', institutionId: '1' },
      {
        database: test.database,
        clock,
        random: secureRandom,
        openAccounts: () => Promise.reject(new Error('no accounts')),
      },
    );
    await expect(failing).rejects.toThrow('no accounts');
    const codes = (await listParticipants(test.database)).map(({ code }) => code);
    expect(codes).not.toContain('FAIL');
  });
});

describe('the directory', () => {
  it('finds an institution from its addresses only', async () => {
    const directory = makeParticipantDirectory(test.database, { clock });
    expect(await directory.findByInstitution('627100', '::ffff:192.0.2.7')).toMatchObject({
      code: 'BOP',
    });
    expect(await directory.findByInstitution('627100', '192.0.2.8')).toBeUndefined();
    expect(await directory.findByInstitution('999999', '192.0.2.7')).toBeUndefined();
  });

  it('finds a signer by user name, of its channel and from its addresses only', async () => {
    const directory = makeParticipantDirectory(test.database, { clock });
    expect(await directory.findSigner('onebill', 'hbl', '10.1.2.3')).toMatchObject({ code: 'HBL' });
    expect(await directory.findSigner('otc', 'hbl', '10.1.2.3')).toBeUndefined();
    expect(await directory.findSigner('onebill', 'hbl', '10.2.2.3')).toBeUndefined();
    expect(await directory.findSigner('onebill', 'nobody', '10.1.2.3')).toBeUndefined();
  });

  it('finds by credentials, and gives one answer for every refusal', async () => {
    const directory = makeParticipantDirectory(test.database, { clock });
    const found = await directory.findByCredentials('hbl', PASSWORD, '10.1.2.3');
    expect(found).toMatchObject({ code: 'HBL' });
    expect(found?.answerCodes.get('expired')).toBe('03');
    expect(
      await directory.findByCredentials('hbl', 'wrong-wrong-wrong', '10.1.2.3'),
    ).toBeUndefined();
    expect(await directory.findByCredentials('nobody', PASSWORD, '10.1.2.3')).toBeUndefined();
    expect(await directory.findByCredentials('hbl', PASSWORD, '10.2.2.3')).toBeUndefined();
  });

  it('asks the database once for many payments, and again when its copy is old', async () => {
    const { database, queries } = counting();
    const directory = makeParticipantDirectory(database, { clock, cacheMs: 5_000 });
    await Promise.all(
      Array.from({ length: 50 }, () => directory.findByCredentials('hbl', PASSWORD, '10.1.2.3')),
    );
    expect(queries()).toBe(1);
    clock.advance(5_000);
    await directory.findByCredentials('hbl', PASSWORD, '10.1.2.3');
    expect(queries()).toBe(2);
  });

  it('forgets a participant that was switched off and a password that was changed', async () => {
    const directory = makeParticipantDirectory(test.database, { clock });
    const ask = () => directory.findByCredentials('hbl', PASSWORD, '10.1.2.3');
    expect(await ask()).toBeDefined();
    await test.database.query(sql`update participant set active = false where code = 'HBL'`);
    clock.advance(5_000);
    expect(await ask()).toBeUndefined();
    await test.database.query(sql`
      update participant set active = true, password_hash = 'scrypt$15$8$changed' where code = 'HBL'`);
    clock.advance(5_000);
    expect(await ask()).toBeUndefined();
  });

  it('shuts out a row whose profile is wrong, says so, and serves the others', async () => {
    const lines: string[] = [];
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    await register({ ...BOP, code: 'ODD', institutionId: '627199' });
    await test.database.query(sql`
      update participant set settings = '{"answerCodes": {"expired": "00"}}' where code = 'ODD'`);
    const log = makeLog({ level: 'error', destination });
    const directory = makeParticipantDirectory(test.database, { clock, log });
    expect(await directory.findByInstitution('627199', '192.0.2.7')).toBeUndefined();
    expect(await directory.findByInstitution('627100', '192.0.2.7')).toBeDefined();
    expect(lines.join('')).toContain('ODD');
  });

  it('sheds a storm of different credentials', async () => {
    const directory = makeParticipantDirectory(test.database, { clock });
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        directory.findByCredentials('nobody', `guess-${String(index)}`, '10.1.2.3'),
      ),
    );
    const shed = answers.filter(({ status }) => status === 'rejected');
    expect(shed).toHaveLength(24);
    expect(shed[0]).toMatchObject({ reason: { code: 'overloaded' } });
  });
});
