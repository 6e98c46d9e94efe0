// Starts one real PostgreSQL for the integration tests and a migrated template database that each test file
// clones; with DATABASE_URL (or SANAD_TEST_DATABASE_URL) set, each file makes its database on that server instead.
// The sources are bundled on the spot, so that tests never run against an old build.
import { build } from 'esbuild';
import path from 'node:path';

export default async function globalSetup() {
  const given = process.env['SANAD_TEST_DATABASE_URL'] ?? process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') {
    process.env['SANAD_TEST_DATABASE_URL'] = given;
    return;
  }
  const outfile = path.resolve('node_modules/.cache/sanad/database-server.mjs');
  await build({
    entryPoints: ['tests/support/database-server.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  const { startTemplate } = await import(outfile);
  const server = await startTemplate();
  process.env['SANAD_TEST_TEMPLATE_URL'] = server.url;
  globalThis.sanadTestServer = server;
}
