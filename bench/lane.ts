/**
 * `sanad bench lane`: how many full payments a second the posting lane commits, with nothing in front of it.
 * A closed loop straight into `PostingLane` on fresh durable books: each payment matches its challan, posts
 * its lines, issues its stamp with salt and commitment, fills the outbox and records its answer.
 */
import { systemClock, type Clock } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import { secureRandom, type IdMaker } from '../kernel/ids.ts';
import { makeLog } from '../kernel/log.ts';
import { makeMetrics, type Metrics } from '../kernel/metrics.ts';
import { PostingLane } from '../reconciliation/index.ts';
import { figure, type BenchDocument, type Figure, type Measure } from './document.ts';
import {
  SHARD,
  diskUse,
  invariantsOf,
  makeFolder,
  openBenchBooks,
  registerBank,
  removeFolder,
} from './harness/books.ts';
import { makeChallanMaker, type Payable } from './harness/challans.ts';
import { closedLoop, type LoadResult } from './harness/load.ts';
import { machineFacts } from './harness/machine.ts';
import { runPgbench } from './harness/pgbench.ts';
import { treeCpuSeconds } from './harness/process-usage.ts';

export interface LaneBenchOptions {
  /** Where the books are made; removed at the end. */
  readonly parent: string;
  /** Payments in flight, one step each. */
  readonly inFlight: readonly number[];
  /** Measured seconds of each step. */
  readonly seconds: number;
  /** Challans per step and second of measuring: more than the lane can pay. */
  readonly paymentsPerSecondMax: number;
  readonly batchMax?: number;
  /** Settings added to the server's own. */
  readonly settings: Readonly<Record<string, string>>;
  /** Seconds of each pgbench step; 0 leaves pgbench out. */
  readonly pgbenchSeconds: number;
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

export const BANK = { code: 'BENCHBANK', institutionId: '586777' } as const;

export interface LaneStep {
  readonly load: LoadResult;
  readonly perSecond: number;
  readonly batchMean: number;
  readonly nodeMicros: number;
  readonly postgresMicros: number;
  readonly walBytes: number;
  readonly diskBytes: number;
}

/** What a step needs: a lane that runs, the books below it, and unpaid challans. */
export interface LaneStand {
  readonly database: Database;
  readonly postgresPid: number;
  readonly lane: PostingLane;
  readonly metrics: Metrics;
  readonly payables: { at(index: number): Payable | undefined };
}

/** Makes and starts a lane over a database. */
export async function startLane(
  database: Database,
  ids: IdMaker,
  options: { readonly batchMax?: number; readonly clock?: Clock } = {},
): Promise<{ readonly lane: PostingLane; readonly metrics: Metrics }> {
  const { batchMax, clock = systemClock } = options;
  const metrics = makeMetrics(false);
  const lane = new PostingLane({
    shard: SHARD,
    database,
    clock,
    ids,
    random: secureRandom,
    log: makeLog({ level: 'warn' }),
    metrics,
    holder: `bench/${String(process.pid)}`,
    ...(batchMax === undefined ? {} : { batchMax }),
  });
  await lane.start();
  return { lane, metrics };
}

async function batches(metrics: Metrics): Promise<{ count: number; sum: number }> {
  const { values } = await metrics.laneBatch.get();
  const of = (suffix: string): number =>
    values.find((each) => each.metricName?.endsWith(suffix) === true)?.value ?? 0;
  return { count: of('_count'), sum: of('_sum') };
}

let keys = 0;

/** Pays `available` challans from `first` on, `inFlight` at a time, for at most `seconds`. */
export async function laneStep(
  stand: LaneStand,
  step: { first: number; available: number; inFlight: number; seconds: number },
): Promise<LaneStep> {
  const { database, lane, payables } = stand;
  const send = async (index: number): Promise<string | undefined> => {
    const payable = payables.at(index);
    if (payable === undefined) return 'no challan left';
    keys += 1;
    const answer = await lane.pay({
      channel: 'iso8583',
      participant: BANK.code,
      requestKey: `${BANK.code}/000001/260001${String(keys)}/ATM00001/1123090000`,
      psid: payable.psid,
      amount: payable.amount,
      reference: String(keys).padStart(12, '0'),
    });
    return answer.result === 'approved' ? undefined : answer.result;
  };
  const [diskBefore, batchBefore] = [await diskUse(database), await batches(stand.metrics)];
  const [cpuBefore, postgresBefore] = [process.cpuUsage(), treeCpuSeconds(stand.postgresPid)];
  const load = await closedLoop({ send, ...step });
  const cpu = process.cpuUsage(cpuBefore);
  const postgresSeconds = treeCpuSeconds(stand.postgresPid) - postgresBefore;
  const [diskAfter, batchAfter] = [await diskUse(database), await batches(stand.metrics)];
  const paid = Math.max(load.latency.count, 1);
  return {
    load,
    perSecond: load.latency.count / load.seconds,
    batchMean:
      (batchAfter.sum - batchBefore.sum) / Math.max(batchAfter.count - batchBefore.count, 1),
    nodeMicros: (cpu.user + cpu.system) / paid,
    postgresMicros: (postgresSeconds * 1e6) / paid,
    walBytes: Number(diskAfter.walPosition - diskBefore.walPosition) / paid,
    diskBytes: Number(diskAfter.bytes - diskBefore.bytes) / paid,
  };
}

/** The figures of one step. */
export function laneFigures(name: string, step: LaneStep, baseline?: Measure): Figure[] {
  const latency = step.load.latency.summary();
  const plain = (what: string, value: number, unit: string): Figure =>
    figure({ name: `${name}: ${what}`, value, unit });
  return [
    figure(
      { name: `${name}: payments`, value: step.perSecond, unit: '1/s' },
      baseline === undefined ? {} : { baseline },
    ),
    plain('p50', latency.p50, 'ms'),
    plain('p99', latency.p99, 'ms'),
    plain('p99.9', latency.p999, 'ms'),
    plain('batch, mean', step.batchMean, 'payments'),
    plain('CPU of Node, load included', step.nodeMicros, 'µs/payment'),
    plain('CPU of PostgreSQL', step.postgresMicros, 'µs/payment'),
    plain('write-ahead log', step.walBytes, 'bytes/payment'),
    plain('disk', step.diskBytes, 'bytes/payment'),
  ];
}

/** What a step refused, as lines for the invariants: a benchmark in which payments fail measures nothing. */
export function refusals(name: string, load: LoadResult): string[] {
  return [...load.refused].map(
    ([reason, count]) => `${name}: ${String(count)} payments were answered ${reason}`,
  );
}

/** Runs the benchmark. */
export async function benchLane(options: LaneBenchOptions): Promise<BenchDocument> {
  const { inFlight, seconds, say } = options;
  const folder = await makeFolder(options.parent);
  const books = await openBenchBooks(folder, { settings: options.settings });
  try {
    const { database, postgres, ids } = books;
    const machine = await machineFacts(database, folder);
    const pgbench =
      options.pgbenchSeconds === 0
        ? undefined
        : await runPgbench(database.url, { seconds: options.pgbenchSeconds, say });
    await registerBank(database, ids, BANK);
    const maker = await makeChallanMaker({ database, clock: systemClock, ids });
    const payables: Payable[] = [];
    const perStep = Math.ceil(options.paymentsPerSecondMax * seconds);
    const warmUp = 5_000;
    say(`making ${String(warmUp + perStep * inFlight.length)} challans …`);
    await maker.make(warmUp + perStep * inFlight.length, (batch) => payables.push(...batch));
    const { lane, metrics } = await startLane(
      database,
      ids,
      options.batchMax === undefined ? {} : { batchMax: options.batchMax },
    );
    const stand = { database, postgresPid: postgres.pid, lane, metrics, payables };
    await laneStep(stand, { first: 0, available: warmUp, inFlight: 64, seconds: 60 });
    // Plans that were made over empty tables are thrown away: what autovacuum does a minute after the start.
    await database.script('vacuum analyze');
    const figures: Figure[] = [...(pgbench?.figures ?? [])];
    const broken: string[] = [];
    let first = warmUp;
    for (const each of inFlight) {
      await database.script('checkpoint');
      const step = await laneStep(stand, { first, available: perStep, inFlight: each, seconds });
      const name = `${String(each)} in flight`;
      say(
        `${name}: ${step.perSecond.toFixed(0)}/s, p99 ${step.load.latency.percentile(0.99).toFixed(1)} ms`,
      );
      figures.push(...laneFigures(name, step, pgbench?.best));
      broken.push(...refusals(name, step.load));
      first += perStep;
    }
    await lane.stop();
    say('checking the invariants …');
    const checked = await invariantsOf(database);
    if (checked !== 'ok') broken.push(...checked);
    return {
      bench: 'lane',
      machine,
      notes: [
        `closed loop in the lane's own process, ${String(seconds)} s a step after a checkpoint; ${maker.linesMean.toString()} lines a challan on average`,
        ...(pgbench?.notes ?? ['pgbench was left out of this run']),
      ],
      figures,
      invariants: broken.length === 0 ? 'ok' : broken,
    };
  } finally {
    await books.close();
    if (!options.keep) await removeFolder(folder);
  }
}
