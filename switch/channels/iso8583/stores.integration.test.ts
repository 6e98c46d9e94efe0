/** What the line keeps in PostgreSQL: messages to forward, and cutovers; over restarts. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../kernel/clock.ts';
import { sql } from '../../../kernel/database.ts';
import { makeLog } from '../../../kernel/log.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/support/test-database.ts';
import { makeCutovers } from './cutovers.ts';
import { makeForwardStore } from './forward-store.ts';
import { Forwarder, type ForwardStore } from './forwarder.ts';
import { until } from './line-harness.ts';
import type { IsoMessage } from './message.ts';

let test: TestDatabase;
let store: ForwardStore;
const at = new Date('2026-11-23T20:45:00Z');
const later = new Date('2026-11-23T20:46:00Z');
const message: IsoMessage = {
  mti: '0420',
  fields: new Map([
    [4, '000000186900'],
    [11, '000001'],
    [48, 'SANAD   10100000000000013       '],
  ]),
};
const forward = (id: bigint, matchKey: string, participant = 'BOP') => ({
  id,
  participant,
  matchKey,
  message,
  attempts: 0,
});

beforeAll(async () => {
  test = await openTestDatabase();
  for (const code of ['BOP', 'HBL'])
    await test.database.query(
      sql`insert into participant (code, name, channel) values (${code}, ${code}, 'iso8583')`,
    );
});
afterAll(() => test.drop());
beforeEach(async () => {
  await test.database.query(sql`delete from iso_forward`);
  store = makeForwardStore(test.database);
});

describe('messages to forward', () => {
  it('are kept once for each participant, and come back as they were', async () => {
    expect(await store.add(forward(1n, 'a'), at)).toBe(true);
    expect(await store.add(forward(2n, 'a'), at)).toBe(false);
    expect(await store.add(forward(3n, 'a', 'HBL'), at)).toBe(true);
    expect(await store.due(at, 10)).toEqual([forward(1n, 'a'), forward(3n, 'a', 'HBL')]);
    expect(await store.due(at, 1)).toHaveLength(1);
  });

  it('come when they are due, and no more when they are settled', async () => {
    await store.add(forward(1n, 'a'), at);
    expect(await store.attempted(forward(1n, 'a'), later)).toBe(true);
    // Read before that attempt, and noted after it.
    expect(await store.attempted(forward(1n, 'a'), later)).toBe(false);
    expect(await store.due(at, 10)).toEqual([]);
    expect(await makeForwardStore(test.database).due(later, 10)).toEqual([
      { ...forward(1n, 'a'), attempts: 1 },
    ]);
    await store.settle(forward(1n, 'a'), later, '00');
    await store.settle(forward(1n, 'a'), later, '96');
    expect(await store.attempted({ ...forward(1n, 'a'), attempts: 1 }, later)).toBe(false);
    expect(await store.due(new Date('2027-01-01'), 10)).toEqual([]);
    const [row] = await test.database.query<{ answer_code: string }>(
      sql`select answer_code from iso_forward`,
    );
    expect(row?.answer_code).toBe('00');
    expect(await store.add(forward(2n, 'a'), later)).toBe(false);
  });

  it('are sent once by a look that was made before the last attempt was noted', async () => {
    await store.add(forward(1n, 'a'), at);
    const stale = await store.due(at, 10);
    let sent = 0;
    let looks = 0;
    const forwarder = new Forwarder({
      store: {
        ...store,
        due: () => {
          looks += 1;
          return Promise.resolve(stale);
        },
      },
      send: () => {
        sent += 1;
        return Promise.resolve('closed');
      },
      nextId: () => 2n,
      clock: new ManualClock(at),
      log: makeLog({ level: 'silent' }),
      pollMs: 1,
    });
    forwarder.start();
    await until(() => looks > 20);
    await forwarder.stop();
    expect(sent).toBe(1);
  });

  it('are sent after a restart as repeats until they are answered', async () => {
    const clock = new ManualClock(at);
    const sent: string[] = [];
    const forwarderWith = (answer: IsoMessage | 'closed'): Forwarder =>
      new Forwarder({
        store: makeForwardStore(test.database),
        send: (participant, { mti }) => {
          sent.push(`${participant} ${mti}`);
          return Promise.resolve(answer);
        },
        nextId: () => BigInt(sent.length + 10),
        clock,
        log: makeLog({ level: 'silent' }),
        waitMs: 1_000,
        pollMs: 10,
      });
    const first = forwarderWith('closed');
    first.start();
    await first.add('BOP', message);
    await until(() => sent.length === 1);
    await first.stop();
    const second = forwarderWith({ mti: '0430', fields: new Map([[39, '00']]) });
    second.start();
    clock.advance(2_000);
    await until(() => sent.length === 2);
    await second.stop();
    clock.advance(3_600_000);
    const third = forwarderWith('closed');
    third.start();
    await third.stop();
    expect(sent).toEqual(['BOP 0420', 'BOP 0421']);
  });
});

describe('cutovers', () => {
  it('are kept once for each participant and day, with their first announcement', async () => {
    const cutovers = makeCutovers(test.database);
    const cutover = {
      participant: 'BOP',
      businessDate: '2026-11-24',
      announcedAt: at,
      stan: '000001',
    };
    await cutovers.record(cutover);
    await cutovers.record({ ...cutover, announcedAt: later, stan: '000002' });
    await cutovers.record({ ...cutover, businessDate: '2026-11-25', announcedAt: later });
    const rows = await test.database.query<{ business_date: string; stan: string }>(
      sql`select business_date, stan from participant_cutover order by business_date`,
    );
    expect(rows).toEqual([
      { business_date: '2026-11-24', stan: '000001' },
      { business_date: '2026-11-25', stan: '000001' },
    ]);
  });
});
