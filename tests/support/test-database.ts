/** A database of its own for one test file, cloned from the migrated template in milliseconds. */
import { randomBytes } from 'node:crypto';
import { openDatabase, type Database } from '../../kernel/database.ts';

export interface TestDatabase {
  readonly database: Database;
  readonly url: string;
  drop(): Promise<void>;
}

/** Clones the template. Call in `beforeAll`, and `drop()` in `afterAll`. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const template = process.env['SANAD_TEST_DATABASE_URL'];
  if (template === undefined)
    throw new Error('Integration tests run through `npm run test:integration`.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const adminUrl = new URL(template);
  adminUrl.pathname = '/postgres';
  const admin = openDatabase({ url: adminUrl.href, connectionsMax: 1 });
  await admin.script(`create database ${name} template sanad`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  const database = openDatabase({ url: url.href });
  return {
    database,
    url: url.href,
    async drop() {
      await database.close();
      await admin.script(`drop database ${name} with (force)`);
      await admin.close();
    },
  };
}
