// Starts one real PostgreSQL for the integration tests and a migrated template database that each test file
// clones; with DATABASE_URL (or SANAD_TEST_DATABASE_URL) set, each file makes its database on that server instead.
import { importSource } from '../bundle.js';

export default async function globalSetup() {
  const given = process.env['SANAD_TEST_DATABASE_URL'] ?? process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') {
    process.env['SANAD_TEST_DATABASE_URL'] = given;
    return;
  }
  const { startTemplate } = await importSource('tests/support/database-server.ts');
  const server = await startTemplate();
  process.env['SANAD_TEST_TEMPLATE_URL'] = server.url;
  globalThis.sanadTestServer = server;
}
