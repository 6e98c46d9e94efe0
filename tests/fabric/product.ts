/**
 * The product over the network: payments go on, its anchoring worker is killed and started again, and the audit of the
 * product compares register, ledger and the chain's own batches.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openBenchBooks, registerBank } from '../../bench/harness/books.ts';
import { makeChallanMaker, type Payable } from '../../bench/harness/challans.ts';
import { openLoop } from '../../bench/harness/load.ts';
import { BANK, startLane } from '../../bench/lane.ts';
import { systemClock } from '../../kernel/clock.ts';
import { sql, type Queryable } from '../../kernel/database.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import { makeEngine } from '../../reconciliation/index.ts';

const run = promisify(execFile);
const DRAIN_MS = 180_000;

export interface ProductReport {
  readonly payments: number;
  readonly kills: number;
  /** How long a stamp waited from its issue to the confirmed commit, in ms, the first seconds left out. */
  readonly p99Ms: number;
  readonly slowestMs: number;
}

/** The worker needs some seconds to start, and stamps wait for it meanwhile. */
const START_SECONDS = 5;

async function waits(db: Queryable): Promise<{ p99Ms: number; slowestMs: number }> {
  const [row] = await db.query<{ p99: number | null; slowest: number | null }>(sql`
    with issued as (
      select s.issued_at, b.anchored_at
      from stamp s
      join log_leaf g on g.shard_id = s.shard_id and g.stamp_id = s.stamp_id and g.kind = 'issue'
      join lateral (select q.anchored_at from anchor_batch q where q.batch_start <= g.leaf_index order by q.batch_start desc limit 1) b on true
      where s.issued_at > (select min(issued_at) from stamp) + ${START_SECONDS} * interval '1 second'
    )
    select percentile_cont(0.99) within group (order by extract(epoch from anchored_at - issued_at) * 1000)::float8 as p99,
      max(extract(epoch from anchored_at - issued_at) * 1000)::float8 as slowest
    from issued`);
  return { p99Ms: row?.p99 ?? 0, slowestMs: row?.slowest ?? 0 };
}

/** Runs payments at a fixed rate, anchored on Fabric by a worker process that is killed `kills` times. */
export async function runProduct(options: {
  readonly folder: string;
  readonly fabric: Record<string, string>;
  readonly rate: number;
  readonly seconds: number;
  readonly kills: number;
}): Promise<ProductReport> {
  const { folder, fabric, rate, seconds, kills } = options;
  const books = await openBenchBooks(folder);
  const { database } = books;
  let worker: ChildProcess | undefined;
  let stopLane = (): Promise<void> => Promise.resolve();
  const environment = {
    PATH: process.env['PATH'],
    DATABASE_URL: database.url,
    SANAD_DATA_DIR: path.join(folder, 'worker'),
    SANAD_LOG_LEVEL: 'error',
    ...fabric,
  };
  const sanad = path.join(packageRoot, 'bin/sanad.js');
  const startWorker = (): ChildProcess =>
    spawn(process.execPath, [sanad, 'up', '--only', 'anchoring'], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const waiting = async (): Promise<number> => {
    const [row] = await database.query<{ count: bigint }>(sql`
      select (select count(*) from outbox) + (select count(*) from anchor_batch where state = 'planned') as count`);
    return Number(row?.count ?? 0n);
  };
  try {
    await registerBank(database, books.ids, BANK);
    const maker = await makeChallanMaker({ database, clock: systemClock, ids: books.ids });
    const payables: Payable[] = [];
    await maker.make(rate * seconds, (batch) => payables.push(...batch));
    const { lane } = await startLane(database, books.ids);
    stopLane = () => lane.stop();
    const engine = makeEngine({ database, clock: systemClock, lanes: new Map([[0, lane]]) });
    worker = startWorker();
    const paying = openLoop({
      first: 0,
      available: payables.length,
      seconds,
      rate,
      send: async (index) => {
        const payable = payables[index];
        if (payable === undefined) return 'no challan';
        const { result } = await engine.pay({
          ...payable,
          channel: 'iso8583',
          participant: BANK.code,
          requestKey: `fabric/${String(index)}`,
          reference: String(index).padStart(12, '0'),
        });
        return result === 'approved' ? undefined : result;
      },
    });
    for (let round = 0; round < kills; round += 1) {
      await sleep((seconds * 1_000) / (kills + 1));
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      worker = startWorker();
    }
    const paid = await paying;
    if (paid.refused.size > 0)
      throw new Error(`payments were refused: ${[...paid.refused.keys()].join(', ')}`);
    const deadline = performance.now() + DRAIN_MS;
    while ((await waiting()) > 0) {
      if (performance.now() > deadline) throw new Error('stamps still wait for the log');
      await sleep(200);
    }
    worker.kill('SIGTERM');
    await once(worker, 'exit');
    worker = undefined;
    await run(process.execPath, [sanad, 'audit'], { env: environment });
    return { payments: payables.length, kills, ...(await waits(database)) };
  } finally {
    worker?.kill('SIGKILL');
    await stopLane();
    await books.close();
  }
}
