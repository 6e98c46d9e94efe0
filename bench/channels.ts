/**
 * `sanad bench iso8583-e2e` and `http-e2e`: the whole product under load. `sanad up` runs in a process of its
 * own on a fresh durable data folder, the load generator in another, both on this machine; each payment comes
 * over a real connection and its answer is counted when it arrives. Every run is made twice: with the
 * anchoring worker at work, and with its work put off and done afterwards.
 */
import path from 'node:path';
import { systemClock } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import { figure, type BenchDocument, type Figure, type Goal, type Measure } from './document.ts';
import {
  diskUse,
  invariantsOf,
  makeFolder,
  openBenchBooks,
  removeFolder,
  type BenchBooks,
} from './harness/books.ts';
import { makeChallanMaker } from './harness/challans.ts';
import { startLoad, type LoadProcess } from './harness/load-process.ts';
import { machineFacts } from './harness/machine.ts';
import { writePayables } from './harness/payables.ts';
import { runPgbench } from './harness/pgbench.ts';
import { MemoryWatch, cpuByKind } from './harness/process-usage.ts';
import {
  drainOutbox,
  holdAnchoring,
  laneBatches,
  releaseAnchoring,
  startProductProcess,
  type RunningProduct,
} from './harness/product.ts';
import type { LoadCommand, LoadReport } from './programs/protocol.ts';

export interface ChannelBenchOptions {
  readonly channel: 'iso8583' | 'http';
  readonly parent: string;
  readonly inFlight: readonly number[];
  /** Measured seconds of each closed-loop step. */
  readonly seconds: number;
  /** Payments a second of the steady run; 0 leaves it out. */
  readonly rate: number;
  readonly steadySeconds: number;
  readonly paymentsPerSecondMax: number;
  readonly pgbenchSeconds: number;
  /** Leaves the data folder where it is. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

const CONNECTIONS = 8;
const WARM_UP = { seconds: 5, inFlight: 64 } as const;
const RSS_MAX_MB = 400;

type Channel = ChannelBenchOptions['channel'];

function startGenerator(channel: Channel, product: RunningProduct, file: string): LoadProcess {
  const { onebill, iso8583 } = product.trial;
  return channel === 'iso8583'
    ? startLoad('iso8583-load', [
        product.iso8583.host,
        product.iso8583.port,
        iso8583.institutionId,
        String(CONNECTIONS),
        file,
      ])
    : startLoad('http-load', [
        product.http.host,
        product.http.port,
        onebill.username,
        onebill.password,
        onebill.bankMnemonic,
        file,
      ]);
}

interface Step {
  readonly name: string;
  readonly report: LoadReport;
  readonly perSecond: number;
  readonly nodeMicros: number;
  readonly postgresMicros: number;
  readonly walBytes: number;
  /** Payments in one batch of the lane, on average. */
  readonly batchMean: number;
  readonly memory: { readonly highest: number; readonly growthPerMinute: number };
}

/** Runs the steps one after another over one product, each on challans of its own. */
class Stand {
  readonly broken: string[] = [];
  readonly figures: Figure[] = [];
  readonly #database: Database;
  readonly #product: RunningProduct;
  readonly #perSecondMax: number;
  readonly #say: (line: string) => void;
  #first = 0;

  constructor(books: BenchBooks, product: RunningProduct, options: ChannelBenchOptions) {
    this.#database = books.database;
    this.#product = product;
    this.#perSecondMax = options.paymentsPerSecondMax;
    this.#say = options.say;
  }

  async step(
    generator: LoadProcess,
    name: string,
    load: Omit<LoadCommand, 'first' | 'available'>,
  ): Promise<Step> {
    const available = challansFor(load, this.#perSecondMax);
    const batchesBefore = await laneBatches(this.#product);
    const [cpuBefore, diskBefore] = [cpuByKind(this.#product.pid), await diskUse(this.#database)];
    const watch = new MemoryWatch(this.#product.pid);
    const report = await generator.run({ ...load, first: this.#first, available });
    const memory = watch.stop();
    const [cpu, disk] = [cpuByKind(this.#product.pid), await diskUse(this.#database)];
    const batches = await laneBatches(this.#product);
    this.#first += available;
    const paid = Math.max(report.latency.count, 1);
    for (const [reason, count] of Object.entries(report.refused))
      this.broken.push(`${name}: ${String(count)} payments were answered ${reason}`);
    const step: Step = {
      name,
      report,
      memory,
      perSecond: report.latency.count / report.seconds,
      nodeMicros: ((cpu.node - cpuBefore.node) * 1e6) / paid,
      postgresMicros: ((cpu.others - cpuBefore.others) * 1e6) / paid,
      walBytes: Number(disk.walPosition - diskBefore.walPosition) / paid,
      batchMean:
        (batches.payments - batchesBefore.payments) /
        Math.max(batches.count - batchesBefore.count, 1),
    };
    this.#say(
      `${name}: ${step.perSecond.toFixed(0)}/s, p99 ${report.latency.p99.toFixed(1)} ms, RSS ${(memory.highest / 1e6).toFixed(0)} MB`,
    );
    return step;
  }

  /** Adds the figures of a step, with its goals. */
  add(
    step: Step,
    goals: { readonly rate?: Goal; readonly p99?: Goal; readonly rss?: Goal },
    baseline?: Measure,
  ): void {
    const { latency, cpuSeconds, inFlightMax } = step.report;
    const one = (
      what: string,
      value: number,
      unit: string,
      options: Parameters<typeof figure>[1] = {},
    ): void => {
      this.figures.push(figure({ name: `${step.name}: ${what}`, value, unit }, options));
    };
    one('payments', step.perSecond, '1/s', {
      ...(baseline === undefined ? {} : { baseline }),
      ...(goals.rate === undefined ? {} : { goal: goals.rate }),
    });
    one('p50', latency.p50, 'ms');
    one('p99', latency.p99, 'ms', goals.p99 === undefined ? {} : { goal: goals.p99 });
    one('p99.9', latency.p999, 'ms');
    one('slowest', latency.max, 'ms');
    one('most in flight', inFlightMax, 'requests');
    one('CPU of the product (Node)', step.nodeMicros, 'µs/payment');
    one('CPU of PostgreSQL', step.postgresMicros, 'µs/payment');
    one('CPU of the load generator', (cpuSeconds * 1e6) / Math.max(latency.count, 1), 'µs/payment');
    one('payments in a batch of the lane, mean', step.batchMean, 'payments');
    one('write-ahead log', step.walBytes, 'bytes/payment');
    one(
      'largest memory of a Node process (RSS)',
      step.memory.highest / 1e6,
      'MB',
      goals.rss === undefined ? {} : { goal: goals.rss },
    );
    if (step.report.seconds >= 60)
      one('growth of that memory in the second half', step.memory.growthPerMinute / 1e6, 'MB/min');
  }
}

function challansFor(
  load: { readonly seconds: number; readonly rate?: number },
  perSecondMax: number,
): number {
  return Math.ceil((load.rate ?? perSecondMax) * load.seconds);
}

/** The closed-loop steps and the steady run, with the worker at work or held. */
async function runVariant(
  stand: Stand,
  generator: LoadProcess,
  options: ChannelBenchOptions,
  variant: { readonly name: string; readonly baseline: Measure | undefined; readonly goal: Goal },
): Promise<void> {
  const { inFlight, seconds, rate, steadySeconds } = options;
  for (const [index, each] of inFlight.entries()) {
    const step = await stand.step(generator, `${String(each)} in flight, ${variant.name}`, {
      inFlight: each,
      seconds,
    });
    stand.add(
      step,
      index === 0 ? { rate: variant.goal, p99: { below: 25 } } : {},
      variant.baseline,
    );
  }
  if (rate > 0) {
    const step = await stand.step(
      generator,
      `steady ${String(rate)}/s for ${String(steadySeconds)} s, ${variant.name}`,
      { rate, seconds: steadySeconds },
    );
    stand.add(step, {
      rate: { atLeast: rate * 0.99 },
      p99: { below: 15 },
      rss: { below: RSS_MAX_MB },
    });
  }
}

function challansNeeded(options: ChannelBenchOptions): number {
  const { inFlight, seconds, rate, steadySeconds, paymentsPerSecondMax: most } = options;
  const variant =
    inFlight.length * challansFor({ seconds }, most) +
    challansFor({ seconds: steadySeconds, rate }, most);
  const isoReference = options.channel === 'http' ? challansFor({ seconds }, most) : 0;
  return 2 * challansFor(WARM_UP, most) + 2 * variant + isoReference;
}

/** What the first step is compared with: pgbench for the ISO 8583 line, and that line for HTTP. */
async function isoReference(
  stand: Stand,
  product: RunningProduct,
  file: string,
  options: ChannelBenchOptions,
): Promise<Measure> {
  const generator = startGenerator('iso8583', product, file);
  try {
    const [inFlight = 64] = options.inFlight;
    const step = await stand.step(generator, `ISO 8583, ${String(inFlight)} in flight`, {
      inFlight,
      seconds: options.seconds,
    });
    stand.add(step, {});
    return { name: step.name, value: step.perSecond, unit: '1/s' };
  } finally {
    await generator.stop();
  }
}

async function measure(
  books: BenchBooks,
  product: RunningProduct,
  options: ChannelBenchOptions,
): Promise<BenchDocument> {
  const { channel, say } = options;
  const { database, folder } = books;
  const machine = await machineFacts(database, folder);
  const pgbench =
    options.pgbenchSeconds === 0
      ? undefined
      : await runPgbench(database.url, { seconds: options.pgbenchSeconds, say });
  const count = challansNeeded(options);
  say(`making ${String(count)} challans …`);
  const file = path.join(folder, 'payables');
  const maker = await makeChallanMaker({ database, clock: systemClock, ids: books.ids });
  await writePayables(maker, file, count);
  const stand = new Stand(books, product, options);
  stand.figures.push(...(pgbench?.figures ?? []));
  const generator = startGenerator(channel, product, file);
  await stand.step(generator, 'warm-up', WARM_UP);
  // What autovacuum does within minutes of the start: plans made over empty tables are thrown away.
  await database.script('vacuum analyze');
  await stand.step(generator, 'warm-up', WARM_UP);
  const reference =
    channel === 'http' ? await isoReference(stand, product, file, options) : undefined;
  const goal: Goal = channel === 'http' ? { ratioAtLeast: 0.5 } : isoGoal(pgbench?.best);
  const baseline = reference ?? pgbench?.best;
  await runVariant(stand, generator, options, { name: 'anchoring at work', baseline, goal });
  await drainOutbox(database);
  await holdAnchoring(database);
  await runVariant(stand, generator, options, { name: 'anchoring put off', baseline, goal });
  await generator.stop();
  await releaseAnchoring(database);
  say('anchoring what was put off …');
  const drained = await drainOutbox(database);
  if (drained.leaves > 0)
    stand.figures.push(
      figure({
        name: 'anchoring what was put off',
        value: drained.leaves / drained.seconds,
        unit: 'leaves/s',
      }),
    );
  say('checking the invariants …');
  const checked = await invariantsOf(database);
  if (checked !== 'ok') stand.broken.push(...checked);
  return {
    bench: channel === 'http' ? 'http-e2e' : 'iso8583-e2e',
    machine,
    notes: [
      `product and load generator are processes of their own on this machine; ${String(options.seconds)} s a closed-loop step; ${maker.linesMean.toString()} lines a challan on average; checkpoints as the server makes them`,
      'steady: open loop, each latency counted from the instant at which the request was due',
      ...(pgbench?.notes ?? ['pgbench was left out of this run']),
    ],
    figures: stand.figures,
    invariants: stand.broken.length === 0 ? 'ok' : stand.broken,
  };
}

function isoGoal(pgbench: Measure | undefined): Goal {
  return pgbench === undefined ? { atLeast: 8_000 } : { atLeast: 8_000, ratioAtLeast: 3 };
}

/** Runs the benchmark of one channel. */
export async function benchChannel(options: ChannelBenchOptions): Promise<BenchDocument> {
  const folder = await makeFolder(options.parent);
  try {
    const product = await startProductProcess(folder);
    try {
      // Attaches to the product's own server.
      const books = await openBenchBooks(folder);
      try {
        return await measure(books, product, options);
      } finally {
        await books.close();
      }
    } finally {
      await product.stop();
    }
  } finally {
    if (!options.keep) await removeFolder(folder);
  }
}
