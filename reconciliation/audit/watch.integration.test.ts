import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from '../../kernel/database.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { onlineInvariants } from '../../ledger/index.ts';
import { handTimers } from '../../tests/support/hand-timers.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { startWatch } from './watch.ts';

let rig: LaneRig;
const metrics = makeMetrics(false);

beforeAll(async () => {
  rig = await LaneRig.open();
});

afterAll(() => rig.close());

const alarms = async (): Promise<string[]> =>
  (await metrics.brokenInvariants.get()).values
    .filter((each) => each.value === 1)
    .map((each) => String(each.labels.invariant));

describe('the watch over the running books', () => {
  it('finds nothing in good books, and names each rule that it looks at', async () => {
    const { timers } = handTimers();
    await rig.engine.pay(rig.payment(await rig.challan(), 'w1'));
    const watch = startWatch({
      database: rig.test.database,
      clock: rig.clock,
      timers,
      log: makeLog({ level: 'silent' }),
      metrics,
      shards: [0],
    });
    expect(await watch.look()).toEqual([]);
    expect((await metrics.brokenInvariants.get()).values).toHaveLength(
      (await onlineInvariants()).length,
    );
    expect(await alarms()).toEqual([]);
    await watch.stop();
  });

  it('raises the alarm for a balance and a stamp that were tampered with, at its own time', async () => {
    const { timers, tick } = handTimers();
    const paid = await rig.engine.pay(rig.payment(await rig.challan(), 'w2'));
    const watch = startWatch({
      database: rig.test.database,
      clock: rig.clock,
      timers,
      log: makeLog({ level: 'silent' }),
      metrics,
      shards: [0],
    });
    await rig.test.database.query(
      sql`update account_balance set debits_paisa = debits_paisa + 1 where account_id =
          (select account_id from account where path = 'participant:BOP:settlement')`,
    );
    await rig.test.database.query(sql`delete from outbox where stamp_id = ${paid.stampIds[0]}`);
    tick();
    await watch.stop();
    expect((await alarms()).sort()).toEqual([
      'balances-equal-days',
      'books-sum-to-zero',
      'outbox-complete',
    ]);
  });
});
