/**
 * `sanad bench duty`: import of a valuation table of 250,000 rates (time and memory), and full calculations a second
 * on one thread against that table in PostgreSQL: rates from memory with the state of the reference data asked for
 * before each calculation, localities loaded when they are first needed, every step in both languages.
 */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { systemClock } from '../kernel/clock.ts';
import { sql, type Database } from '../kernel/database.ts';
import {
  assessDuty,
  decideDcTable,
  diskSource,
  DutyBooks,
  dutyInputSchema,
  importDcTable,
  type DutyInput,
} from '../ledger/index.ts';
import { figure, type BenchDocument, type Figure } from './document.ts';
import { makeFolder, openBenchBooks, removeFolder } from './harness/books.ts';
import { machineFacts } from './harness/machine.ts';

export interface DutyBenchOptions {
  /** Folder on the disk that the product's data would be on. */
  readonly parent: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly keep: boolean;
  readonly say: (line: string) => void;
  /** Rates of the table; 250,000 for the figure that is asked for. */
  readonly rows: number;
  /** Measured seconds of each kind of calculation. */
  readonly seconds: number;
  /** Calculations that wait at the same time. */
  readonly inFlight: number;
}

const TEHSILS = ['LHR-CITY', 'LHR-CANTT', 'LHR-MODEL-TOWN', 'LHR-SHALIMAR', 'LHR-RAIWIND'] as const;
const DATE = '2027-11-23';
/** Rates of each locality: land and structures of two classes. */
const RATES = [
  ['land', 'residential', 'any', 'marla'],
  ['land', 'commercial', 'any', 'marla'],
  ['structure', 'residential', 'any', 'sq-ft'],
  ['structure', 'commercial', 'ground', 'sq-ft'],
  ['structure', 'commercial', 'upper', 'sq-ft'],
] as const;

function rateRow(at: number): string {
  const locality = (at - (at % RATES.length)) / RATES.length;
  const [part, landClass, storey, unit] = RATES[at % RATES.length] ?? RATES[0];
  const rate = part === 'land' ? 500_000 + (locality % 9_000) * 100 : 900 + (locality % 2_000);
  const tehsil = TEHSILS[locality % TEHSILS.length] ?? TEHSILS[0];
  const place = `block-${String(locality)},"Block ${String(locality)}, Lahore",urban`;
  return `LHR,2027-28,2027-07-01,2028-06-30,${tehsil},${place},${part},${landClass},${storey},${unit},225,${String(rate)},"Notification of the Collector, made up for the benchmark",yes\n`;
}

async function writeTable(file: string, rows: number): Promise<void> {
  const out = createWriteStream(file);
  out.write(
    'district,fiscal_year,from,to,tehsil,locality,locality_name,setting,part,land_class,storey,unit,marla_sq_ft,rate,source,assumed\n',
  );
  for (let at = 0; at < rows; at += 1) {
    if (!out.write(rateRow(at))) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}

/** Runs work and watches the largest memory of the process meanwhile. */
async function watched<T>(
  work: () => Promise<T>,
): Promise<{ result: T; seconds: number; peakBytes: number }> {
  let peakBytes = process.memoryUsage.rss();
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  }, 20);
  const began = performance.now();
  try {
    const result = await work();
    return { result, seconds: (performance.now() - began) / 1_000, peakBytes };
  } finally {
    clearInterval(watch);
  }
}

/** The same rates written by one statement of SQL into a table with the same constraints: what the server alone takes. */
async function copyInServer(database: Database): Promise<number> {
  await database.script('create table bench_rate (like dc_rate including all)');
  const began = performance.now();
  await database.query(
    sql`insert into bench_rate select * from dc_rate where fiscal_year = '2027-28'`,
  );
  const seconds = (performance.now() - began) / 1_000;
  await database.script('drop table bench_rate');
  return seconds;
}

async function importFigures(
  database: Database,
  file: string,
  options: DutyBenchOptions,
): Promise<{ readonly figures: readonly Figure[]; readonly broken: readonly string[] }> {
  const { result, seconds, peakBytes } = await watched(() =>
    importDcTable(database, diskSource(file), {
      clock: systemClock,
      proposedBy: 'bench-maker',
      allowGap: true,
      allowMissingLocalities: true,
    }),
  );
  if (!result.ok || result.version === undefined) {
    return { figures: [], broken: [`the import was refused: ${JSON.stringify(result)}`] };
  }
  await decideDcTable(
    database,
    {
      district: 'LHR',
      fiscalYear: '2027-28',
      version: result.version,
      decision: 'approved',
      by: 'bench-checker',
    },
    systemClock,
  );
  const [row] = await database.query<{ n: bigint }>(
    sql`select count(*) as n from dc_rate where fiscal_year = '2027-28'`,
  );
  const broken = row?.n === BigInt(options.rows) ? [] : [`${String(row?.n)} rates arrived`];
  const baseline = {
    name: 'the same rows copied inside the server',
    value: await copyInServer(database),
    unit: 's',
  };
  return {
    broken,
    figures: [
      figure(
        { name: `import of ${String(options.rows)} rates`, value: seconds, unit: 's' },
        { baseline, goal: { below: 20 } },
      ),
      figure(
        {
          name: 'largest memory of the process in the import (RSS)',
          value: peakBytes / 1e6,
          unit: 'MB',
        },
        { goal: { below: 300 } },
      ),
    ],
  };
}

function saleOf(locality: number): DutyInput {
  return dutyInputSchema.parse({
    instrument: 'conveyance',
    date: DATE,
    declaredValue: '900000000',
    seller: 'filer',
    purchaser: 'late-filer',
    property: {
      district: 'LHR',
      tehsil: TEHSILS[locality % TEHSILS.length],
      locality: `block-${String(locality)}`,
      landClass: 'residential',
      area: { value: '7.5', unit: 'marla' },
      coveredArea: '1800',
    },
  });
}

interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** Calculates for some seconds, so many at a time; a refusal stops the run. */
async function calculate(
  from: Database | DutyBooks,
  inputs: readonly DutyInput[],
  options: { readonly seconds: number; readonly inFlight: number },
): Promise<Rate> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const until = began + options.seconds * 1_000;
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const input = inputs[count % inputs.length];
      count += 1;
      if (input === undefined) return;
      const result = await assessDuty(from, input, systemClock);
      if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  const used = process.cpuUsage(cpu);
  return {
    perSecond: (count * 1_000) / (performance.now() - began),
    perCpuSecond: (count * 1e6) / (used.user + used.system),
  };
}

async function calculationFigures(
  database: Database,
  options: DutyBenchOptions,
): Promise<readonly Figure[]> {
  const localities = Math.max(1, (options.rows - (options.rows % RATES.length)) / RATES.length);
  // A step that shares no factor with the number of localities visits all of them, far from one another.
  const inputs = Array.from({ length: Math.min(localities, 20_000) }, (_, at) =>
    saleOf((at * 7_919) % localities),
  );
  const { seconds, inFlight } = options;
  const plain = await calculate(database, inputs, { seconds: Math.min(seconds, 5), inFlight: 8 });
  const books = new DutyBooks(database);
  const first = await calculate(books, inputs, { seconds: 2, inFlight });
  const warm = await calculate(books, inputs, { seconds, inFlight });
  const baseline = {
    name: 'without kept books, every rate asked for',
    value: plain.perSecond,
    unit: 'calculations/s',
  };
  return [
    figure(
      { name: 'calculations from empty books', value: first.perSecond, unit: 'calculations/s' },
      { baseline },
    ),
    figure(
      { name: 'calculations', value: warm.perSecond, unit: 'calculations/s' },
      { baseline, goal: { atLeast: 20_000 } },
    ),
    figure({
      name: 'calculations for a second of CPU',
      value: warm.perCpuSecond,
      unit: 'calculations/s',
    }),
  ];
}

/** Runs the benchmark. */
export async function benchDuty(options: DutyBenchOptions): Promise<BenchDocument> {
  const folder = await makeFolder(options.parent);
  try {
    const books = await openBenchBooks(folder, { settings: options.settings });
    try {
      const { database } = books;
      const machine = await machineFacts(database, folder);
      const file = path.join(folder, 'table.csv');
      options.say(`writing a table of ${String(options.rows)} rates`);
      await writeTable(file, options.rows);
      options.say('importing it');
      const imported = await importFigures(database, file, options);
      await database.script('analyze');
      options.say('calculating');
      const calculated = await calculationFigures(database, options);
      return {
        bench: 'duty',
        machine,
        notes: [
          `${String(options.inFlight)} calculations wait at the same time; each asks for the state of the reference data`,
        ],
        figures: [...imported.figures, ...calculated],
        invariants: imported.broken.length === 0 ? 'ok' : imported.broken,
      };
    } finally {
      await books.close();
    }
  } finally {
    if (!options.keep) await removeFolder(folder);
  }
}
