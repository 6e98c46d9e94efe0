import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import { IdMaker } from '../../kernel/ids.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import { importReferenceData } from '../../ledger/index.ts';
import { auditAll } from '../../reconciliation/index.ts';
import { openTestDatabase, type TestDatabase } from '../../tests/support/test-database.ts';
import { BANK, laneStep, startLane } from '../lane.ts';
import { invariantsOf, registerBank } from './books.ts';
import { makeChallanMaker, type Payable } from './challans.ts';

const COUNT = 40;

describe('challans made in bulk', () => {
  let test: TestDatabase;
  const ids = new IdMaker(systemClock, 31);
  const payables: Payable[] = [];

  beforeAll(async () => {
    test = await openTestDatabase();
    const data = path.join(packageRoot, 'ledger', 'reference-data');
    await importReferenceData(test.database, data, systemClock);
    await registerBank(test.database, ids, BANK);
    const maker = await makeChallanMaker({ database: test.database, clock: systemClock, ids });
    await maker.make(COUNT, (batch) => payables.push(...batch));
  });
  afterAll(async () => {
    await test.drop();
  });

  it('fill the same columns as those that are made one by one', async () => {
    // The two that were made by createChallan came first; the others have their number as idempotency key.
    const shapes = await test.database.query<{ bulk: boolean; shape: string; lines: string }>(sql`
      select distinct c.idempotency_key = c.challan_number as bulk,
        (select string_agg(e.key || ':' || jsonb_typeof(e.value), ',' order by e.key) from jsonb_each(to_jsonb(c)) e) as shape,
        (select string_agg(l.line_no || ':' || l.head_code || ':' || l.account_id || ':' || l.description || ':' || l.amount_paisa || ':' || l.assumed
          || ':' || coalesce(l.stamp_kind || l.article || l.stamp_description || length(l.facts_root), ''), ',' order by l.line_no)
          from challan_line l where l.shard_id = c.shard_id and l.psid = c.psid) as lines
      from challan c`);
    const of = (bulk: boolean): string[] =>
      shapes
        .filter((each) => each.bulk === bulk)
        .map(({ shape, lines }) => `${shape} ${lines}`)
        .sort();
    expect(of(true)).toHaveLength(2);
    expect(of(true)).toEqual(of(false));
  });

  it('are paid by the lane, and the books, the stamps and their facts hold together', async () => {
    const opened = await startLane(test.database, ids);
    const step = await laneStep(
      { database: test.database, postgresPid: process.pid, payables, ...opened },
      { first: 0, available: COUNT, inFlight: 8, seconds: 3_600 },
    );
    await opened.lane.stop();
    expect(Object.fromEntries(step.load.refused)).toEqual({});
    expect(step.load.latency.count).toBe(COUNT);
    expect(step.batchMean).toBeGreaterThanOrEqual(1);
    expect(step.walBytes).toBeGreaterThan(0);
    expect(await invariantsOf(test.database)).toBe('ok');
    const { publicKey } = generateKeyPairSync('ed25519');
    const report = await auditAll(test.database, {
      logPublicKey: publicKey,
      origin: 'sanad.example/test',
    });
    expect(report.alteredFacts).toEqual([]);
    expect(report.counts).toMatchObject({ payments: String(COUNT), stamps: String(COUNT) });
  });
});
