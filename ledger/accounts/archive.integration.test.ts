import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sql } from '../../kernel/database.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { checkInvariants } from '../invariants.ts';
import { archiveMonth } from './archive.ts';
import { accountStatement } from './statement.ts';

let rig: LaneRig;
let folder: string;

beforeAll(async () => {
  rig = await LaneRig.open();
  folder = await mkdtemp(path.join(os.tmpdir(), 'sanad-archive-'));
});

afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true });
});

const archive = (month: string) => archiveMonth(rig.test.database, { month, folder }, rig.clock);

describe('the archive of a month', () => {
  it('is refused while the month is young, unknown or misspelt', async () => {
    await expect(archive('2026-11')).rejects.toMatchObject({ code: 'conflict' });
    await expect(archive('2026-13')).rejects.toMatchObject({ code: 'bad-input' });
    await expect(archive('2001-01')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('keeps every row in its files, and every balance and later statement in the books', async () => {
    const first = await rig.challan();
    await rig.engine.pay(rig.payment(first, 'a1'));
    await rig.engine.reverse(rig.reversal(first, 'a1'));
    await rig.engine.pay(rig.payment(await rig.challan(), 'a2'));
    rig.clock.set(new Date('2026-12-02T09:00:00.000Z'));
    await rig.engine.pay(rig.payment(await rig.challan(), 'a3'));
    const later = {
      shard: 0,
      path: 'participant:BOP:settlement',
      from: '2026-12-01',
      to: '2026-12-31',
    };
    const before = await accountStatement(rig.test.database, later);
    const balance = await rig.balance(later.path);

    rig.clock.set(new Date('2028-01-15T09:00:00.000Z'));
    const files = await archive('2026-11');
    expect(files).toMatchObject([
      { table: 'posting', rows: 9n },
      { table: 'journal_entry', rows: 3n },
    ]);
    for (const { file, rows, sha256 } of files) {
      const bytes = await readFile(file);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      const lines = gunzipSync(bytes).toString().trimEnd().split('\n');
      expect(BigInt(lines.length)).toBe(rows);
      for (const line of lines) expect(JSON.parse(line)).toHaveProperty('journal_id');
    }
    expect(await accountStatement(rig.test.database, later)).toEqual(before);
    expect(await rig.balance(later.path)).toEqual(balance);
    expect(await checkInvariants(rig.test.database)).toEqual([]);
    await expect(archive('2026-11')).rejects.toMatchObject({ code: 'conflict' });
    const kept = await rig.test.database.query(
      sql`select table_name, row_count from archived_month order by table_name desc`,
    );
    expect(kept).toEqual([
      { table_name: 'posting', row_count: 9n },
      { table_name: 'journal_entry', row_count: 3n },
    ]);
  });

  it('is refused, and nothing is dropped, when the postings are not those that the days count', async () => {
    rig.clock.set(new Date('2028-02-15T09:00:00.000Z'));
    await rig.test.database.query(
      sql`update account_day set postings = postings + 1 where business_date = '2026-12-02'`,
    );
    await expect(archive('2026-12')).rejects.toMatchObject({
      code: 'conflict',
      message: 'The postings of the month are not those that its days count.',
    });
    const [row] = await rig.test.database.query<{ count: bigint }>(
      sql`select count(*) as count from posting_2026_12`,
    );
    expect(row?.count).toBe(3n);
  });
});
