/**
 * `npm run test:crash -- --rounds 50 [--seed S] [--report FILE] [--json]`: kills the switch, PostgreSQL or the
 * anchoring worker with SIGKILL at random moments under load, and holds what the banks were told against the books:
 * every acknowledged payment exactly once, every unacknowledged one answered on repeat as if it had been asked once.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify, parseArgs } from 'node:util';
import { openDatabase, sql, type Database } from '../../kernel/database.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import { compareBooks } from './books-check.ts';
import { contradictions, type Challan, type Deal } from './customer.ts';
import { ProductProcesses, type Victim } from './product-processes.ts';
import { runRound, type RoundReport } from './round.ts';

const VICTIMS: readonly Victim[] = ['switch', 'postgres', 'anchoring'];
const DEALS_A_ROUND = 120;

/** Numbers from 0 to 1 from a seed (mulberry32): the plan of a run can be had again, its timing cannot. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PARTY = {
  name: 'Muhammad Akram',
  cnic: '35202-1234567-1',
  contact: '03001234567',
  address: '12-B Gulberg III, Lahore',
};

async function apply(product: ProductProcesses, key: string): Promise<Challan> {
  const response = await fetch(`${product.ready.http}/v1/stamp-applications`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({
      instrument: 'affidavit',
      district: 'RWP',
      applicant: PARTY,
      firstParties: [PARTY],
      secondParties: [],
      purpose: 'Crash test',
    }),
  });
  if (!response.ok) throw new Error(`an application was refused: ${await response.text()}`);
  // The answer of our own API.
  const { psid, amount } = (await response.json()) as { psid: string; amount: string };
  return { psid, amount: BigInt(amount) };
}

async function applyMany(product: ProductProcesses, round: number): Promise<Challan[]> {
  const made: Challan[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < DEALS_A_ROUND) {
        next += 1;
        made.push(
          await apply(
            product,
            `crash-${String(round)}-${String(next)}-${String(Math.floor(performance.now()))}`,
          ),
        );
      }
    }),
  );
  return made;
}

/** Waits until every stamp is in the log; says so when it is not after two minutes. */
async function drained(db: Database): Promise<string[]> {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline;) {
    const [row] = await db.query<{ left: bigint }>(sql`select count(*) as left from outbox`);
    if (row?.left === 0n) return [];
    await sleep(200);
  }
  return ['stamps were left out of the log'];
}

async function audit(dataFolder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(packageRoot, 'bin', 'sanad.js'), 'audit', '--json'],
    { env: { PATH: process.env['PATH'], SANAD_DATA_DIR: dataFolder }, maxBuffer: 1 << 26 },
  ).catch((error: unknown) => error as { stdout: string }); // It exits 1 with its report when it found something.
  const report = JSON.parse(stdout) as { ok: boolean };
  return report.ok ? [] : [`the audit found: ${stdout.slice(0, 2_000)}`];
}

interface Result {
  readonly seed: number;
  readonly rounds: readonly RoundReport[];
  readonly faults: readonly string[];
}

/** Waits until the database answers again after its death; two minutes at most. */
async function answering(db: Database): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    try {
      await db.query(sql`select 1`);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

async function checkRound(
  product: ProductProcesses,
  deals: readonly Deal[],
  whole: boolean,
): Promise<string[]> {
  const db = openDatabase({ url: await product.databaseUrl(), connectionsMax: 1 });
  try {
    await answering(db);
    return [...(await compareBooks(db, deals, whole)), ...(whole ? await drained(db) : [])];
  } finally {
    await db.close();
  }
}

/** Runs the rounds on a fresh data folder, which is kept when something was found. */
export async function crash(rounds: number, seed: number): Promise<Result> {
  const random = dice(seed);
  const dataFolder = await mkdtemp(path.join(os.tmpdir(), 'sanad-crash-'));
  const product = await ProductProcesses.start(dataFolder);
  const reports: RoundReport[] = [];
  const faults: string[] = [];
  const everyDeal: Deal[] = [];
  try {
    for (let round = 1; round <= rounds && faults.length === 0; round += 1) {
      const challans = await applyMany(product, round);
      const { report, deals } = await runRound(product, {
        round,
        victim: VICTIMS[(round - 1) % VICTIMS.length] ?? 'switch',
        killAfterDeals: Math.floor(random() * (DEALS_A_ROUND - 40)),
        challans,
        dice: challans.map(() => random()),
      });
      reports.push(report);
      everyDeal.push(...deals);
      const last = round === rounds;
      faults.push(
        ...(await checkRound(product, last ? everyDeal : deals, last || round % 10 === 0)),
      );
      faults.push(...contradictions.splice(0));
      process.stderr.write(
        `round ${String(round)}/${String(rounds)}: ${report.victim} killed after ${String(report.killedAfterMs)} ms, ${String(report.acknowledgedBefore)} of ${String(report.sent)} acknowledged, ${String(report.open)} open, back after ${String(report.recoveryMs)} ms\n`,
      );
    }
    faults.push(...(await audit(dataFolder)));
  } finally {
    await product.stop();
  }
  if (faults.length === 0) await rm(dataFolder, { recursive: true });
  else process.stderr.write(`the data folder is kept: ${dataFolder}\n`);
  return { seed, rounds: reports, faults };
}

function markdown({ seed, rounds, faults }: Result): string {
  const sum = (pick: (round: RoundReport) => number): string =>
    String(rounds.reduce((total, round) => total + pick(round), 0));
  return [
    '# Crash test',
    '',
    `${String(rounds.length)} rounds, seed ${String(seed)}, ${os.cpus().length.toString()} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}. Made by \`npm run test:crash -- --rounds ${String(rounds.length)} --seed ${String(seed)} --report tests/crash/REPORT.md\`.`,
    '',
    `Payments and reversals sent: ${sum((round) => round.sent)}. Known to the banks before the kill: ${sum((round) => round.acknowledgedBefore)}. On the way at the kill: ${sum((round) => round.open)}. Lost, doubled or answered otherwise on repeat: ${String(faults.length)}. After the last round every deal of every round was compared again, every invariant held and the audit of books, register and log found nothing.`,
    '',
    '| round | killed | after ms of load | acknowledged before | on the way | answers again after ms |',
    '| ----: | ------ | ---------------: | ------------------: | ---------: | ---------------------: |',
    ...rounds.map(
      (each) =>
        `| ${String(each.round)} | ${each.victim} | ${String(each.killedAfterMs)} | ${String(each.acknowledgedBefore)} | ${String(each.open)} | ${String(each.recoveryMs)} |`,
    ),
    '',
  ].join('\n');
}

/** The command. True when nothing was lost, doubled or answered otherwise. */
export async function main(argv: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '12' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      report: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
  if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed))
    throw new Error('usage: npm run test:crash -- --rounds N [--seed N] [--report FILE] [--json]');
  process.stderr.write(`crash test: ${String(rounds)} rounds, seed ${String(seed)}\n`);
  const result = await crash(rounds, seed);
  for (const fault of result.faults) process.stderr.write(`FOUND ${fault}\n`);
  if (values.report !== undefined) await writeFile(values.report, markdown(result));
  if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else
    process.stdout.write(
      result.faults.length === 0 ? 'nothing lost, nothing doubled\n' : 'NOT OK\n',
    );
  return result.faults.length === 0;
}
