/**
 * `sanad bench growth`: what becomes of speed when the books are full. The lane is measured on empty books, the
 * books are filled with stamps through the product's own path, and the same is measured again; then stamps,
 * PSIDs and account statements are looked up at random.
 */
import { businessDate, systemClock } from '../kernel/clock.ts';
import { sql } from '../kernel/database.ts';
import { invariant } from '../kernel/fault.ts';
import { accountStatement, findStamp } from '../ledger/index.ts';
import { makeEngine } from '../reconciliation/index.ts';
import { figure, type BenchDocument, type Figure } from './document.ts';
import {
  SHARD,
  diskUse,
  invariantsOf,
  makeFolder,
  openBenchBooks,
  registerBank,
  removeFolder,
  type BenchBooks,
} from './harness/books.ts';
import { makeChallanMaker, type Payable } from './harness/challans.ts';
import { LatencyRecorder } from './harness/latency.ts';
import { machineFacts } from './harness/machine.ts';
import { HistoryMaker, historyBegin } from './harness/stages.ts';
import { BANK, laneFigures, laneStep, refusals, startLane, type LaneStep } from './lane.ts';

export interface GrowthBenchOptions {
  readonly parent: string;
  /** Stamps to fill the books with. */
  readonly stamps: number;
  readonly inFlight: number;
  /** Seconds of each of the rounds; the middle one of three counts. */
  readonly seconds: number;
  readonly paymentsPerSecondMax: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

const ROUNDS = 3;
/** Filled piece by piece, so that what waits for the log and for payment stays small. */
const PIECE = 200_000;
const LOOK_UPS = 3_000;

async function measureLane(
  books: BenchBooks,
  options: GrowthBenchOptions,
  broken: string[],
): Promise<LaneStep> {
  const { database, postgres, ids } = books;
  const { inFlight, seconds } = options;
  const maker = await makeChallanMaker({ database, clock: systemClock, ids });
  const warmUp = 5_000;
  const perRound = Math.ceil(options.paymentsPerSecondMax * seconds);
  const payables: Payable[] = [];
  await maker.make(warmUp + ROUNDS * perRound, (batch) => payables.push(...batch));
  const opened = await startLane(database, ids);
  const stand = { database, postgresPid: postgres.pid, payables, ...opened };
  await laneStep(stand, { first: 0, available: warmUp, inFlight, seconds: 60 });
  await database.script('vacuum analyze');
  const steps: LaneStep[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await database.script('checkpoint');
    const first = warmUp + round * perRound;
    const step = await laneStep(stand, { first, available: perRound, inFlight, seconds });
    options.say(`  ${step.perSecond.toFixed(0)}/s`);
    broken.push(...refusals('growth', step.load));
    steps.push(step);
  }
  await opened.lane.stop();
  steps.sort((left, right) => left.perSecond - right.perSecond);
  const middle = steps[ROUNDS >> 1];
  invariant(middle !== undefined, 'no round was run');
  return middle;
}

async function fill(books: BenchBooks, options: GrowthBenchOptions): Promise<Figure[]> {
  const { stamps, say } = options;
  const before = await diskUse(books.database);
  const began = performance.now();
  // Every challan of the benchmark bears one stamp.
  const history = new HistoryMaker(books, say);
  for (let from = 0; from < stamps; from += PIECE) {
    const to = Math.min(from + PIECE, stamps);
    await history.load(from, to, stamps);
    await history.pay(from, to, stamps);
    await history.anchor();
  }
  const seconds = (performance.now() - began) / 1_000;
  const after = await diskUse(books.database);
  return [
    figure({ name: 'stamps filled in', value: stamps, unit: 'stamps' }),
    figure({ name: 'filling', value: stamps / seconds, unit: 'stamps/s' }),
    figure({
      name: 'disk of a filled stamp, all of its rows',
      value: Number(after.bytes - before.bytes) / stamps,
      unit: 'bytes',
    }),
  ];
}

async function timed(
  name: string,
  count: number,
  lookUp: (index: number) => Promise<boolean>,
): Promise<Figure[]> {
  const recorder = new LatencyRecorder();
  let missing = 0;
  for (let index = 0; index < count; index += 1) {
    const began = performance.now();
    const found = await lookUp(index);
    recorder.record(performance.now() - began);
    if (!found) missing += 1;
  }
  const { p50, p99, p999 } = recorder.summary();
  return [
    figure({ name: `${name}: p50`, value: p50, unit: 'ms' }),
    figure({ name: `${name}: p99`, value: p99, unit: 'ms' }, { goal: { below: 5 } }),
    figure({ name: `${name}: p99.9`, value: p999, unit: 'ms' }),
    ...(missing === 0
      ? []
      : [
          figure(
            { name: `${name}: not found`, value: missing, unit: 'look-ups' },
            { goal: { below: 1 } },
          ),
        ]),
  ];
}

async function lookUps(books: BenchBooks): Promise<Figure[]> {
  const { database } = books;
  const [stamps, challans, accounts] = await Promise.all([
    database.query<{ id: string }>(
      sql`select stamp_id as id from stamp order by sha256(stamp_id::bytea) limit ${LOOK_UPS}`,
    ),
    database.query<{ id: string }>(
      sql`select psid as id from challan order by sha256(psid::bytea) limit ${LOOK_UPS}`,
    ),
    database.query<{ id: string }>(
      sql`select path as id from account join account_balance using (shard_id, account_id) where shard_id = ${SHARD} and postings > 0 order by path`,
    ),
  ]);
  const { lane } = await startLane(database, books.ids);
  const engine = makeEngine({ database, clock: systemClock, lanes: new Map([[SHARD, lane]]) });
  const at = (rows: readonly { id: string }[], index: number): string =>
    rows[index % Math.max(rows.length, 1)]?.id ?? '';
  const figures = [
    ...(await timed('look-up of a stamp', LOOK_UPS, async (index) => {
      return (await findStamp(database, at(stamps, index))) !== undefined;
    })),
    ...(await timed('look-up of a PSID', LOOK_UPS, async (index) => {
      const psid = at(challans, index);
      return (await engine.inquire({ channel: 'iso8583', participant: BANK.code, psid })).ok;
    })),
    ...(await timed('statement of an account, 50 lines of any day', LOOK_UPS, async (index) => {
      const day = historyBegin().getTime() + ((index * 7_919) % 366) * 86_400_000;
      const path = at(accounts, index);
      const page = await accountStatement(database, {
        shard: SHARD,
        path,
        from: businessDate(new Date(day)),
        to: businessDate(systemClock.now()),
        limit: 50,
      });
      return page.path === path;
    })),
  ];
  await lane.stop();
  return figures;
}

/** Runs the benchmark. */
export async function benchGrowth(options: GrowthBenchOptions): Promise<BenchDocument> {
  const { stamps, inFlight, say } = options;
  const folder = await makeFolder(options.parent);
  try {
    const books = await openBenchBooks(folder, {
      settings: options.settings,
      from: historyBegin(),
    });
    try {
      const { database } = books;
      const machine = await machineFacts(database, folder);
      await registerBank(database, books.ids, BANK);
      const broken: string[] = [];
      say('measuring the lane on empty books …');
      const empty = await measureLane(books, options, broken);
      say(`filling in ${String(stamps)} stamps …`);
      const filled = await fill(books, options);
      await database.script('vacuum analyze');
      say('measuring the lane on full books …');
      const full = await measureLane(books, options, broken);
      const lane = laneFigures(`full books, ${String(inFlight)} in flight`, full);
      say('looking up …');
      const looked = await lookUps(books);
      say('checking the invariants …');
      const checked = await invariantsOf(database);
      if (checked !== 'ok') broken.push(...checked);
      return {
        bench: 'growth',
        machine,
        notes: [
          `the middle of ${String(ROUNDS)} rounds of ${String(options.seconds)} s, before and after; filled through bulk challans, the lane and the anchoring worker, dated over a year`,
          'look-ups one after another through the stores that the API uses, at random over all rows',
        ],
        figures: [
          ...laneFigures(`empty books, ${String(inFlight)} in flight`, empty),
          ...filled,
          figure(
            {
              name: `speed with ${String(stamps)} stamps in the books`,
              value: full.perSecond,
              unit: '1/s',
            },
            {
              baseline: { name: 'the same on empty books', value: empty.perSecond, unit: '1/s' },
              goal: { ratioAtLeast: 0.9 },
            },
          ),
          ...lane,
          ...looked,
        ],
        invariants: broken.length === 0 ? 'ok' : broken,
      };
    } finally {
      await books.close();
    }
  } finally {
    if (!options.keep) await removeFolder(folder);
  }
}
