/**
 * A database of its own for one test file: cloned in milliseconds from the migrated template of the server that the
 * tests started, or made on the server that DATABASE_URL names (spread over its nodes when that is a Citus coordinator).
 */
import { randomBytes } from 'node:crypto';
import { openDatabase, type Database } from '../../kernel/database.ts';
import { createClusterDatabase } from './cluster-database.ts';

export interface TestDatabase {
  readonly database: Database;
  readonly url: string;
  drop(): Promise<void>;
}

async function cloneTemplate(
  template: string,
  name: string,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const adminUrl = new URL(template);
  adminUrl.pathname = '/postgres';
  const admin = openDatabase({ url: adminUrl.href, connectionsMax: 1 });
  await admin.script(`create database ${name} template sanad`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await admin.script(`drop database ${name} with (force)`);
      await admin.close();
    },
  };
}

/** Makes the database. Call in `beforeAll`, and `drop()` in `afterAll`. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const template = process.env['SANAD_TEST_TEMPLATE_URL'];
  const server = process.env['SANAD_TEST_DATABASE_URL'];
  const name = `test_${randomBytes(6).toString('hex')}`;
  if (template === undefined && server === undefined)
    throw new Error('Integration tests run through `npm run test:integration`.');
  const made = await (template === undefined
    ? createClusterDatabase(server!, name)
    : cloneTemplate(template, name));
  const database = openDatabase({ url: made.url });
  return {
    database,
    url: made.url,
    async drop() {
      await database.close();
      await made.drop();
    },
  };
}
