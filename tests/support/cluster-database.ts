/**
 * A database for one test file on a server that the tests did not start: made, migrated and, when the database of the
 * given address has Citus and its nodes, spread over them. The given database itself is only read.
 */
import { distributeOnCitus } from '../../bin/distribute.ts';
import { openDatabase, sql, type Database } from '../../kernel/database.ts';
import { migrate } from '../../kernel/migrate.ts';

/** Few, so that a test file starts soon; still more than there are nodes. */
const SHARDS = 4;

interface Node {
  readonly host: string;
  readonly port: number;
  readonly coordinator: boolean;
}

async function clusterNodes(admin: Database): Promise<Node[]> {
  const [citus] = await admin.query(sql`select 1 from pg_extension where extname = 'citus'`);
  if (citus === undefined) return [];
  return admin.query<Node & Record<string, unknown>>(
    sql`select nodename as host, nodeport as port, groupid = 0 as coordinator from pg_dist_node order by groupid`,
  );
}

function urlOf(base: string, database: string, node?: Node): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  if (node !== undefined) {
    url.hostname = node.host;
    url.port = String(node.port);
  }
  return url.href;
}

/** Runs `work` with one connection to a database, and closes it. */
async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({ url, connectionsMax: 1 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function joinNodes(database: Database, nodes: readonly Node[]): Promise<void> {
  for (const { host, port, coordinator } of nodes) {
    await database.query(
      coordinator
        ? sql`select citus_set_coordinator_host(${host}, ${port}::integer)`
        : sql`select citus_add_node(${host}, ${port}::integer)`,
    );
  }
}

async function createOnServers(servers: readonly string[], name: string): Promise<void> {
  for (const server of servers)
    await withDatabase(server, (admin) => admin.script(`create database ${name}`));
}

async function makeBooks(
  url: string,
  workers: readonly string[],
  nodes: readonly Node[],
): Promise<void> {
  for (const worker of workers)
    await withDatabase(worker, (db) => db.script('create extension citus'));
  await withDatabase(url, async (database) => {
    if (nodes.length > 0) {
      await database.script('create extension citus');
      await joinNodes(database, nodes);
    }
    await migrate(database);
    if (nodes.length > 0) await distributeOnCitus(database, { shards: SHARDS });
  });
}

/** Makes the database `name` on the server of `serverUrl` and on every node that its Citus knows. */
export async function createClusterDatabase(
  serverUrl: string,
  name: string,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const nodes = await withDatabase(serverUrl, clusterNodes);
  const workers = nodes.filter((node) => !node.coordinator);
  const servers = [serverUrl, ...workers.map((node) => urlOf(serverUrl, 'postgres', node))];
  const url = urlOf(serverUrl, name);
  const workerUrls = workers.map((node) => urlOf(serverUrl, name, node));
  await withDatabase(serverUrl, (admin) =>
    admin.session(async (session) => {
      // Citus writes roles, which are the whole server's: two databases made at the same time trip over each other.
      await session.query(sql`select pg_advisory_lock(8583)`);
      await createOnServers(servers, name);
      await makeBooks(url, workerUrls, nodes);
    }),
  );
  return {
    url,
    async drop() {
      for (const server of servers)
        await withDatabase(server, (admin) => admin.script(`drop database ${name} with (force)`));
    },
  };
}
