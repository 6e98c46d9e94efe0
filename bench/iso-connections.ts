/**
 * `sanad bench iso8583-connections`: what the ISO 8583 line bears. The line and its lane run in this process, on fresh
 * durable books; every client in processes of their own. First 200 connections that pay at a fixed rate, then the
 * same beside 10,000 connections that are signed on and silent, then by turns with and without a slowloris and a flood
 * beside them, so that a disturbance of the machine meets both.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../kernel/clock.ts';
import { sql, type Database } from '../kernel/database.ts';
import { Fault } from '../kernel/fault.ts';
import { makeLog } from '../kernel/log.ts';
import { packageRoot } from '../kernel/package-root.ts';
import { makeEngine } from '../reconciliation/index.ts';
import {
  makeParticipantDirectory,
  startIso8583Listener,
  type Iso8583Listener,
} from '../switch/index.ts';
import { figure, type BenchDocument, type Figure, type Measure } from './document.ts';
import {
  SHARD,
  invariantsOf,
  makeFolder,
  openBenchBooks,
  registerBank,
  removeFolder,
} from './harness/books.ts';
import { makeChallanMaker } from './harness/challans.ts';
import { startLoad } from './harness/load-process.ts';
import { machineFacts } from './harness/machine.ts';
import { writePayables } from './harness/payables.ts';
import { startLane } from './lane.ts';
import type { LoadReport } from './programs/protocol.ts';

export interface ConnectionsBenchOptions {
  /** Where the books are made; removed at the end. */
  readonly parent: string;
  readonly idle: number;
  readonly active: number;
  /** Payments a second over all active connections. */
  readonly rate: number;
  /** Seconds of each phase. */
  readonly seconds: number;
  /** How often the phases with and without strain take turns; the median round counts. */
  readonly rounds: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

const HOST = '127.0.0.1';
const BANK = { code: 'BENCHBANK', institutionId: '586777' } as const;
const SLOW = 500;
const FLOODING = 10;
const STRAIN_RAMP_MS = 2_000;

interface Strain {
  stop(): Promise<Readonly<Record<string, number>>>;
}

async function startStrain(mode: string, port: number, count: number): Promise<Strain> {
  const program = path.join(packageRoot, 'dist', 'bench', 'programs', 'iso8583-strain.js');
  const args = [program, mode, HOST, String(port), BANK.institutionId, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  const first = await lines.next();
  if (first.done === true) throw new Fault('internal', 'A client of the benchmark did not start.');
  return {
    async stop() {
      child.stdin.end();
      const said = await lines.next();
      await exited;
      // Printed by our own program.
      return JSON.parse(said.done === true ? '{}' : said.value) as Record<string, number>;
    },
  };
}

/** Resident memory of this process after a while without work. */
async function settledBytes(): Promise<number> {
  await sleep(1_000);
  return process.memoryUsage().rss;
}

/** Lets one bank have as many connections as the benchmark opens. */
async function widen(database: Database, connectionsMax: number): Promise<void> {
  const settings = JSON.stringify({ iso8583: { connectionsMax } });
  await database.query(
    sql`update participant set settings = ${settings}::jsonb where code = ${BANK.code}`,
  );
}

async function refusedBy(
  listener: Iso8583Listener,
  metrics: ReturnType<typeof startLane>,
): Promise<string> {
  const { metrics: all } = await metrics;
  const metric = all.registry.getSingleMetric('sanad_iso8583_refusals_total');
  const values = (await metric?.get())?.values ?? [];
  const said = values.map(({ labels, value }) => `${String(labels['reason'])} ${String(value)}`);
  return `${String(listener.line.connections)} connections at the end; refused: ${said.join(', ') || 'nothing'}`;
}

/** The round with the median p99. */
function median(reports: readonly LoadReport[]): LoadReport {
  const sorted = [...reports].sort((left, right) => left.latency.p99 - right.latency.p99);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Fault('bad-input', 'At least one round is needed.');
  return middle;
}

/** The figures of a phase; with a baseline its p99 must stay below twice that. */
function phaseFigures(name: string, report: LoadReport, baseline?: Measure): Figure[] {
  const { p50, p99, p999, count } = report.latency;
  const plain = (what: string, value: number, unit: string): Figure =>
    figure({ name: `${name}: ${what}`, value, unit });
  return [
    plain('payments', count / report.seconds, '1/s'),
    plain('p50', p50, 'ms'),
    figure(
      { name: `${name}: p99`, value: p99, unit: 'ms' },
      baseline === undefined ? {} : { baseline, goal: { below: 2 * baseline.value } },
    ),
    plain('p99.9', p999, 'ms'),
  ];
}

/** Runs the benchmark. */
export async function benchConnections(options: ConnectionsBenchOptions): Promise<BenchDocument> {
  const { idle, active, rate, seconds, rounds, say } = options;
  const folder = await makeFolder(options.parent);
  const books = await openBenchBooks(folder, { settings: options.settings });
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const { database, ids } = books;
    const machine = await machineFacts(database, folder);
    await registerBank(database, ids, BANK);
    await widen(database, idle + active + FLOODING);
    const perPhase = Math.ceil(rate * seconds);
    const maker = await makeChallanMaker({ database, clock: systemClock, ids });
    const file = path.join(folder, 'payables');
    const phases = 2 + 2 * rounds;
    say(`making ${String(phases * perPhase)} challans …`);
    await writePayables(maker, file, phases * perPhase);
    await database.script('vacuum analyze');
    const started = startLane(database, ids);
    const { lane, metrics } = await started;
    stops.push(() => lane.stop());
    const log = makeLog({ level: 'fatal' });
    const listener = await startIso8583Listener({
      host: HOST,
      port: 0,
      engine: makeEngine({ database, clock: systemClock, lanes: new Map([[SHARD, lane]]) }),
      participants: makeParticipantDirectory(database, { clock: systemClock, log }),
      clock: systemClock,
      log,
      metrics,
      limits: { connectionsPerAddressMax: 12_000 },
    });
    stops.push(() => listener.stop());
    const load = startLoad('iso8583-load', [
      HOST,
      String(listener.port),
      BANK.institutionId,
      String(active),
      file,
    ]);
    stops.push(() => load.stop());
    const figures: Figure[] = [];
    const broken: string[] = [];
    let first = 0;
    const phase = async (name: string): Promise<LoadReport> => {
      const report = await load.run({ first, available: perPhase, seconds, rate });
      first += perPhase;
      say(
        `${name}: p50 ${report.latency.p50.toFixed(1)} ms, p99 ${report.latency.p99.toFixed(1)} ms`,
      );
      for (const [reason, count] of Object.entries(report.refused))
        broken.push(`${name}: ${String(count)} payments were answered ${reason}`);
      return report;
    };
    await phase('warm-up');
    const alone = await phase(`${String(active)} active`);
    const before = await settledBytes();
    const sleeping = await startStrain('idle', listener.port, idle);
    stops.push(() => sleeping.stop());
    const withIdle = await settledBytes();
    say(`${String(listener.line.connections)} connections open`);
    if (listener.line.connections !== idle + active)
      broken.push(`${String(listener.line.connections)} connections are open`);
    const quiet: LoadReport[] = [];
    const strained: LoadReport[] = [];
    const did: string[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      quiet.push(await phase(`beside ${String(idle)} idle, round ${String(round)}`));
      const slow = await startStrain('slowloris', listener.port, SLOW);
      const flood = await startStrain('flood', listener.port, FLOODING);
      // Two processes that start take a core for themselves; what is measured is the strain.
      await sleep(STRAIN_RAMP_MS);
      strained.push(await phase(`with slowloris and flood, round ${String(round)}`));
      did.push(JSON.stringify({ slowloris: await slow.stop(), flood: await flood.stop() }));
    }
    if (listener.line.connections < idle + active)
      broken.push('honest connections were closed while others strained the line');
    const idleName = `${String(active)} active beside ${String(idle)} idle`;
    const resting = median(quiet);
    figures.push(
      ...phaseFigures(`${String(active)} active alone`, alone),
      ...phaseFigures(idleName, resting),
      ...phaseFigures('the same with slowloris and flood', median(strained), {
        name: `${idleName}: p99`,
        value: resting.latency.p99,
        unit: 'ms',
      }),
    );
    figures.push(
      figure({ name: 'memory before the idle connections', value: before / 1e6, unit: 'MB' }),
      figure({ name: 'memory with them', value: withIdle / 1e6, unit: 'MB' }),
      figure({
        name: 'memory of an idle connection',
        value: (withIdle - before) / idle / 1e3,
        unit: 'kB',
      }),
      figure({
        name: 'memory after slowloris and flood',
        value: process.memoryUsage().rss / 1e6,
        unit: 'MB',
      }),
    );
    const refused = await refusedBy(listener, started);
    while (stops.length > 0) await stops.pop()?.();
    const checked = await invariantsOf(database);
    if (checked !== 'ok') broken.push(...checked);
    return {
      bench: 'iso8583-connections',
      machine,
      notes: [
        `open loop of ${String(rate)} payments/s over ${String(active)} connections, ${String(seconds)} s a phase; line, lane and clients share the machine`,
        `slowloris: ${String(SLOW)} connections, flood: ${String(FLOODING)}; the rounds: ${did.join(' ')}`,
        `a phase with strain begins ${String(STRAIN_RAMP_MS / 1_000)} s after the clients that strain were started`,
        'of several rounds the one with the median p99 counts',
        refused,
      ],
      figures,
      invariants: broken.length === 0 ? 'ok' : broken,
    };
  } finally {
    while (stops.length > 0) await stops.pop()?.();
    await books.close();
    if (!options.keep) await removeFolder(folder);
  }
}
