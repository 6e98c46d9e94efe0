/** Used by `global-setup.js` only: a server in a temporary folder with the template database `sanad`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase } from '../../kernel/database.ts';
import { startEmbeddedPostgres } from '../../kernel/embedded-postgres.ts';
import { migrate } from '../../kernel/migrate.ts';

export async function startTemplate(): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sanad-test-'));
  const server = await startEmbeddedPostgres(path.join(folder, 'postgres'), {
    fsync: 'off',
    shared_buffers: '256MB',
  });
  const database = openDatabase({ url: server.url, connectionsMax: 1 });
  await migrate(database);
  await database.close();
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
