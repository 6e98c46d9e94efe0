/** Spreading the books: refused plainly where there is no Citus, finished and repeatable where there is. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { distributeOnCitus, readPlacement } from '../../bin/distribute.ts';
import { sql } from '../../kernel/database.ts';
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts';

let test: TestDatabase;
/** The server can have Citus: then the books can be spread, at the least over itself. */
let clustered: boolean;

beforeAll(async () => {
  test = await openTestDatabase();
  const rows = await test.database.query(
    sql`select 1 from pg_available_extensions where name = 'citus'`,
  );
  clustered = rows.length > 0;
});
afterAll(() => test.drop());

describe('spreading the books', () => {
  it('is refused without Citus and changes nothing; with it, a second run finds all in place', async () => {
    const spread = () => distributeOnCitus(test.database, { shards: 4 });
    if (clustered) {
      await spread();
      expect(await spread()).toMatchObject({ done: [] });
      return;
    }
    await expect(spread()).rejects.toMatchObject({ code: 'config-invalid' });
    const made = await test.database.query(
      sql`select nspname from pg_namespace where nspname in ('scale_out', 'inside')`,
    );
    expect(made).toEqual([]);
  });

  it('leaves every table where its list says', async () => {
    const { distributed, reference, local } = await readPlacement();
    const placed = clustered
      ? await test.database.query<{ name: string; method: string }>(
          sql`select p.logicalrelid::text as name, p.partmethod::text as method from pg_dist_partition p
              join pg_class c on c.oid = p.logicalrelid and not c.relispartition`,
        )
      : [];
    const where = new Map(placed.map(({ name, method }) => [name, method]));
    for (const table of distributed) expect(where.get(table)).toBe(clustered ? 'h' : undefined);
    for (const table of reference) expect(where.get(table)).toBe(clustered ? 'n' : undefined);
    for (const table of local) expect(where.get(table)).toBeUndefined();
  });
});
