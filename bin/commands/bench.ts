/** `sanad bench WHAT`: measures the product on this machine, beside a baseline of the same run (bench/README.md). */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  benchChannel,
  benchCodec,
  benchConnections,
  benchDuty,
  benchGrowth,
  benchHistory,
  benchLane,
  benchLog,
  benchRender,
  parseSettings,
  renderResults,
  succeeded,
  type RecordedDocument,
  type BenchDocument,
} from '../../bench/index.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { commandArguments } from '../arguments.ts';
import { print, printJson, progress } from '../output.ts';

const KINDS = {
  json: 'boolean',
  out: 'string',
  keep: 'boolean',
  data: 'string',
  settings: 'string',
  seconds: 'number',
  'in-flight': 'string',
  'per-second-max': 'number',
  'batch-max': 'number',
  'pgbench-seconds': 'number',
  rate: 'number',
  'steady-seconds': 'number',
  stamps: 'number',
} as const;

type Given = ReturnType<typeof commandArguments<typeof KINDS>>;

function numbers(text: string): number[] {
  return text.split(',').map((each) => {
    if (!/^[1-9]\d{0,5}$/.test(each))
      throw new Fault('bad-input', 'A list of numbers is written 64,512.', {
        fields: { given: text },
      });
    return Number(each);
  });
}

/** What every benchmark is told. */
function common(given: Given): {
  parent: string;
  settings: Readonly<Record<string, string>>;
  keep: boolean;
  say: (line: string) => void;
} {
  return {
    // The disk that the product's data would be on: an fsync in a memory file system measures nothing.
    parent: path.resolve(given.data ?? readConfig().dataFolder),
    settings: parseSettings(given.settings),
    keep: given.keep,
    say: progress,
  };
}

function channel(name: 'iso8583' | 'http', given: Given): Promise<BenchDocument> {
  return benchChannel({
    ...common(given),
    channel: name,
    inFlight: numbers(given['in-flight'] ?? '64,512'),
    seconds: given.seconds ?? 15,
    rate: given.rate ?? (name === 'iso8583' ? 5_000 : 2_500),
    steadySeconds: given['steady-seconds'] ?? 60,
    paymentsPerSecondMax: given['per-second-max'] ?? 20_000,
    pgbenchSeconds: given['pgbench-seconds'] ?? 10,
  });
}

const BENCHES: Readonly<Record<string, (given: Given) => Promise<BenchDocument>>> = {
  lane: (given) =>
    benchLane({
      ...common(given),
      inFlight: numbers(given['in-flight'] ?? '64,512,2000'),
      seconds: given.seconds ?? 10,
      paymentsPerSecondMax: given['per-second-max'] ?? 20_000,
      ...(given['batch-max'] === undefined ? {} : { batchMax: given['batch-max'] }),
      pgbenchSeconds: given['pgbench-seconds'] ?? 10,
    }),
  'iso8583-e2e': (given) => channel('iso8583', given),
  'http-e2e': (given) => channel('http', given),
  iso8583: (given) => benchCodec({ seconds: given.seconds ?? 10, say: progress }),
  'iso8583-connections': (given) =>
    benchConnections({
      ...common(given),
      idle: 10_000,
      active: 200,
      rate: given.rate ?? 500,
      seconds: given.seconds ?? 10,
      rounds: 3,
    }),
  duty: (given) =>
    benchDuty({
      ...common(given),
      rows: given.stamps ?? 250_000,
      seconds: given.seconds ?? 10,
      inFlight: numbers(given['in-flight'] ?? '512')[0] ?? 512,
    }),
  growth: (given) =>
    benchGrowth({
      ...common(given),
      stamps: given.stamps ?? 100_000,
      inFlight: numbers(given['in-flight'] ?? '64')[0] ?? 64,
      seconds: given.seconds ?? 10,
      paymentsPerSecondMax: given['per-second-max'] ?? 15_000,
    }),
  log: (given) =>
    benchLog({
      ...common(given),
      leaves: given.stamps ?? 8_000_000,
      seconds: given.seconds ?? 10,
    }),
  render: (given) =>
    benchRender({ stamps: given.stamps ?? 10_000, seconds: given.seconds ?? 5, say: progress }),
  history: (given) => benchHistory({ ...common(given), stamps: given.stamps ?? 100_000 }),
};

function printTable(document: RecordedDocument): void {
  for (const { name, value, unit, baseline, ratio, goal, met } of document.figures) {
    const beside =
      baseline === null
        ? ''
        : `; ${baseline.name} ${String(baseline.value)}, ratio ${String(ratio)}`;
    const aim = goal === null ? '' : `; goal ${goal}: ${met === true ? 'met' : 'MISSED'}`;
    print(`${name}: ${String(value)} ${unit}${beside}${aim}`);
  }
  print(
    document.invariants === 'ok'
      ? 'invariants: ok'
      : document.invariants.map((each) => `BROKEN ${each}`).join('\n'),
  );
}

/** The arguments that make a run what it is: where its files lay on one machine is not among them. */
function repeatable(argv: readonly string[]): string[] {
  const places = ['--data', '--out'];
  return argv.filter(
    (each, index) =>
      !places.includes(each.split('=')[0] ?? '') && !places.includes(argv[index - 1] ?? ''),
  );
}

/** `bench results FILE…`: the page of documents that earlier runs left with `--out`. */
async function results(files: readonly string[], out: string | undefined): Promise<boolean> {
  if (files.length === 0)
    throw new Fault('bad-input', 'Name the JSON documents to make the page of.');
  const documents = await Promise.all(
    // Written by this command with `--out`.
    files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as RecordedDocument),
  );
  const page = renderResults(documents);
  if (out === undefined) print(page);
  else await writeFile(out, page);
  return true;
}

/** True when every goal was met and every invariant held. */
export async function benchCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, KINDS);
  const [what = '', ...files] = given.words;
  if (what === 'results') return results(files, given.out);
  const bench = Object.hasOwn(BENCHES, what) ? BENCHES[what] : undefined;
  if (bench === undefined)
    throw new Fault('bad-input', 'There is no such benchmark.', {
      fields: { bench: what, known: [...Object.keys(BENCHES), 'results'].join(', ') },
    });
  const result = await bench(given);
  const document: RecordedDocument = {
    ...result,
    arguments: repeatable(argv).filter((each) => each !== what),
  };
  if (given.out !== undefined) await writeFile(given.out, `${JSON.stringify(document, null, 2)}\n`);
  if (given.json) printJson(document);
  else printTable(document);
  return succeeded(document);
}
