/**
 * `npm run test:simulation -- [--histories 2000] [--seed S] [--history N] [--plant BUG] [--jobs 2] [--json]`:
 * seeded histories of trade under faults against a real PostgreSQL of its own. README.md says what is checked.
 */
import { randomBytes } from 'node:crypto';
import { commandArguments } from '../../bin/arguments.ts';
import { Fault } from '../../kernel/fault.ts';
import type { HistoryReport } from './history.ts';
import { PLANTS, type Plant } from './plants.ts';
import { PostgresForSimulation } from './postgres.ts';
import { runHistories, type RunSummary } from './runner.ts';

interface Settings {
  readonly seed: string;
  readonly numbers: readonly number[];
  readonly plant: Plant | undefined;
  readonly jobs: number;
  readonly json: boolean;
}

const HISTORIES = 2_000;
const JOBS = 2;
const PROGRESS_EVERY = 100;

function readSettings(argv: readonly string[]): Settings {
  const given = commandArguments(argv, {
    histories: 'number',
    seed: 'string',
    history: 'number',
    plant: 'string',
    jobs: 'number',
    json: 'boolean',
  });
  const plant = PLANTS.find((each) => each === given.plant);
  if (given.plant !== undefined && plant === undefined)
    throw new Fault('bad-input', `A planted bug is one of ${PLANTS.join(', ')}.`);
  const count = given.histories ?? HISTORIES;
  return {
    seed: given.seed ?? randomBytes(6).toString('hex'),
    numbers:
      given.history === undefined
        ? Array.from({ length: count }, (_, index) => index + 1)
        : [given.history],
    plant,
    jobs: given.history === undefined ? (given.jobs ?? JOBS) : 1,
    json: given.json,
  };
}

const say = (line: string): boolean => process.stderr.write(`${line}\n`);

function explain(report: HistoryReport, { seed, plant }: Settings): void {
  say(`\nHistory ${String(report.number)} of seed ${seed} failed:`);
  for (const problem of report.problems) say(`  - ${problem}`);
  say('Its steps:');
  for (const line of report.trace) say(`  ${line}`);
  say(
    `Replay: npm run test:simulation -- --seed ${seed} --history ${String(report.number)}${plant === undefined ? '' : ` --plant ${plant}`}`,
  );
}

function print(summary: RunSummary, settings: Settings, seconds: number): void {
  const { histories, requests, faults, answers, failed, digest } = summary;
  const failures = failed.map(({ number, problems }) => ({ history: number, problems }));
  if (settings.json) {
    const { seed, plant } = settings;
    const result = { seed, plant, histories, requests, faults, answers, failures, digest, seconds };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', ');
  say(`${String(histories)} histories, ${String(requests)} requests in ${seconds.toFixed(1)} s`);
  say(`Faults: ${list(faults)}`);
  say(`Answers: ${list(answers)}`);
  say(`Digest: ${digest}`);
  say(
    failed.length === 0
      ? 'Every answer agrees with the books.'
      : `FAILED: ${failures.map(({ history }) => String(history)).join(', ')}`,
  );
}

/** Runs the command; true when every history held. */
export async function main(argv: readonly string[]): Promise<boolean> {
  const settings = readSettings(argv);
  const { seed, numbers, plant } = settings;
  say(
    `Seed ${seed}, ${String(numbers.length)} histories${plant === undefined ? '' : `, with the planted bug ${plant}`}`,
  );
  const postgres = await PostgresForSimulation.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The server runs in a group of its own and would outlive us.
    process.once(signal, () => void postgres.stop().finally(() => process.exit(130)));
  }
  let ended = 0;
  try {
    const urls: string[] = [];
    for (let job = 0; job < settings.jobs; job += 1) urls.push(await postgres.database(plant));
    const start = performance.now();
    const summary = await runHistories({
      urls,
      seed,
      numbers,
      plant,
      ended: (report) => {
        ended += 1;
        if (report.problems.length > 0) explain(report, settings);
        if (ended % PROGRESS_EVERY === 0)
          say(
            `${String(ended)} histories after ${((performance.now() - start) / 1_000).toFixed(0)} s`,
          );
      },
    });
    print(summary, settings, (performance.now() - start) / 1_000);
    return summary.failed.length === 0;
  } finally {
    await postgres.stop();
  }
}
