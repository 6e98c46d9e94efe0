/** Runs the product as its users do: `sanad up` in a process of its own, on a data folder of the benchmark's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { packageRoot } from '../../kernel/package-root.ts';

export interface RunningProduct {
  readonly pid: number;
  readonly http: { readonly host: string; readonly port: string };
  readonly iso8583: { readonly host: string; readonly port: string };
  readonly trial: {
    readonly iso8583: { readonly institutionId: string };
    readonly onebill: {
      readonly username: string;
      readonly password: string;
      readonly bankMnemonic: string;
    };
  };
  stop(): Promise<void>;
}

interface Ready {
  readonly http: string;
  readonly iso8583: string;
  readonly trial: RunningProduct['trial'] | null;
}

const START_MS = 120_000;

function parsed(text: string): Ready | undefined {
  try {
    // Printed by our own `up --json`.
    return JSON.parse(text) as Ready;
  } catch {
    return undefined; // The document is not whole yet.
  }
}

/** Starts the product on free ports and waits until it is ready. */
export async function startProductProcess(folder: string): Promise<RunningProduct> {
  // `env` adds to the environment that we ourselves were given.
  const child = spawn(
    'env',
    [
      `SANAD_DATA_DIR=${folder}`,
      'SANAD_HTTP_PORT=0',
      'SANAD_ISO8583_PORT=0',
      'DATABASE_URL=',
      process.execPath,
      path.join(packageRoot, 'bin', 'sanad.js'),
      'up',
      '--json',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const deadline = performance.now() + START_MS;
  let ready = parsed(output);
  while (ready === undefined) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Fault('internal', 'The product did not start; its message is above.');
    }
    await sleep(50);
    ready = parsed(output);
  }
  if (ready.trial === null)
    throw new Fault('internal', 'The product has no trial participants to pay with.');
  const url = new URL(ready.http);
  const [host = '', port = ''] = ready.iso8583.split(':');
  return {
    pid: child.pid ?? 0,
    http: { host: url.hostname, port: url.port },
    iso8583: { host, port },
    trial: ready.trial,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Keeps the product's anchoring worker from working, by holding its lease for a day. */
export async function holdAnchoring(database: Database): Promise<void> {
  await database.query(
    sql`update anchor_lease set epoch = epoch + 1, holder = 'bench', expires_at = now() + interval '1 day'`,
  );
}

/** Lets the worker go on. */
export async function releaseAnchoring(database: Database): Promise<void> {
  await database.query(sql`update anchor_lease set expires_at = now() where holder = 'bench'`);
}

/** Leaves in the log and items that wait for it. */
async function anchoringState(
  database: Database,
): Promise<{ readonly leaves: bigint; readonly waiting: bigint }> {
  const [row] = await database.query<{ leaves: bigint; waiting: bigint }>(sql`
    select (select size from anchor_head) as leaves,
      (select count(*) from outbox) + (select coalesce(sum(entry_count), 0)::bigint from anchor_batch where state = 'planned') as waiting`);
  return { leaves: row?.leaves ?? 0n, waiting: row?.waiting ?? 0n };
}

/** Waits until everything that waits is in the log; returns how many leaves that were and how long it took. */
export async function drainOutbox(
  database: Database,
): Promise<{ readonly leaves: number; readonly seconds: number }> {
  const before = await anchoringState(database);
  const began = performance.now();
  for (;;) {
    const now = await anchoringState(database);
    if (now.waiting === 0n)
      return {
        leaves: Number(now.leaves - before.leaves),
        seconds: (performance.now() - began) / 1_000,
      };
    await sleep(100);
  }
}

/** The lane's batches so far, by the product's own metrics. */
export async function laneBatches(
  product: Pick<RunningProduct, 'http'>,
): Promise<{ readonly count: number; readonly payments: number }> {
  const { host, port } = product.http;
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    count: read('sanad_lane_batch_size_count'),
    payments: read('sanad_lane_batch_size_sum'),
  };
}
