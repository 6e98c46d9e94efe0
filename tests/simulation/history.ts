/** One history: a beginning, some seconds of trade under faults, a calm end, and the judgement. */
import { checkInvariants } from '../../ledger/index.ts';
import type { Backend } from './backend.ts';
import { play } from './bank.ts';
import { makeBanks } from './banks.ts';
import { compareBooks } from './books-check.ts';
import { compareAnswers } from './checker.ts';
import { CALM, drawFaults } from './faults.ts';
import { BankMemory, isDecided, type Asked } from './memory.ts';
import { Model } from './model.ts';
import { Network } from './network.ts';
import { Officials } from './officials.ts';
import type { Plant } from './plants.ts';
import { drawStories, makeChallans, ONEBILL_BANK, registerBanks } from './scenario.ts';
import { Seeded } from './seeded.ts';
import { SimulatedServer } from './server.ts';
import { Site } from './site.ts';
import type { Signatures } from './statement-reader.ts';
import { Vendor } from './vendor.ts';
import { World } from './world.ts';

export interface HistoryParts {
  readonly backend: Backend;
  readonly signatures: Signatures;
  readonly seed: string;
  readonly number: number;
  readonly plant: Plant | undefined;
}

export interface HistoryReport {
  readonly number: number;
  /** SHA-256 of the trace: the same for the same seed and code. */
  readonly digest: string;
  readonly problems: readonly string[];
  readonly trace: readonly string[];
  readonly requests: number;
  /** Faults injected, by kind. */
  readonly faults: ReadonlyMap<string, number>;
  /** Answers given, by code. */
  readonly answers: ReadonlyMap<string, number>;
}

/** The longest that a history's trade and its end may take, in simulated time. */
const LIMIT_MS = 30 * 60_000;
const PROBLEMS_MAX = 40;
/** Differences of the tables to the model that are told. */
const BOOKS_MAX = 10;
const SHARDS = 100;

class History {
  readonly #parts: HistoryParts;
  readonly #random: Seeded;
  readonly #world: World;
  readonly #model: Model;
  readonly #memory = new BankMemory();
  readonly #problems: string[] = [];
  readonly #faults = new Map<string, number>();
  readonly #server: SimulatedServer;
  readonly #site: Site;
  readonly #network: Network;
  readonly #shard: number;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.#shard = parts.number % SHARDS;
    this.#random = new Seeded(`${parts.seed}/${String(parts.number)}`);
    // A quarter begins shortly before midnight in Karachi, so that the business day changes under way.
    const begin = this.#random.chance(250) ? '2026-11-23T18:59:40Z' : '2026-11-23T09:00:00Z';
    this.#world = new World(new Date(begin));
    this.#model = new Model(parts.signatures);
    const world = this.#world;
    const report = (problem: string): void => this.#report(problem);
    const count = (fault: string): void => this.#count(fault);
    this.#server = new SimulatedServer({
      world,
      backend: parts.backend,
      model: this.#model,
      random: this.#random.stream('server'),
      plant: parts.plant,
      report,
      count,
    });
    const settings = this.#random.stream('settings');
    this.#site = new Site({
      world,
      server: this.#server,
      random: this.#random.stream('site'),
      shard: this.#shard,
      settings: {
        queueMax: settings.pick([3, 20, 20_000]),
        batchMax: settings.pick([1, 4, 1_000]),
        patienceMs: settings.pick([50, 2_000, 30_000]),
        leaseMs: 10_000,
      },
      report,
      count,
    });
    this.#network = new Network({
      world,
      random: this.#random.stream('network'),
      route: () => this.#site.route(),
      count,
      report,
    });
  }

  async run(): Promise<HistoryReport> {
    const { backend, number } = this.#parts;
    await this.#trade();
    await this.#comeToRest();
    const { database } = backend;
    for (const { invariant, rule, rows } of await checkInvariants(database))
      this.#report(`invariant ${invariant} (${rule}) is broken: ${JSON.stringify(rows)}`);
    for (const problem of (await compareBooks(database, this.#model.books)).slice(0, BOOKS_MAX))
      this.#report(problem);
    for (const problem of await compareAnswers(database, this.#memory.asked)) this.#report(problem);
    return {
      number,
      digest: this.#world.digest(),
      problems: this.#problems,
      trace: this.#world.trace,
      requests: this.#memory.asked.length,
      faults: this.#faults,
      answers: this.#memory.codes,
    };
  }

  /** Some ten seconds in which the banks' stories run and the weather changes every second. */
  async #trade(): Promise<void> {
    const world = this.#world;
    const random = this.#random.stream('scenario');
    const { database } = this.#parts.backend;
    const setup = { database, world, books: this.#model.books, random, shard: this.#shard };
    await registerBanks(setup);
    const psids = await makeChallans(setup, random.between(5, 10));
    const faults = drawFaults(random);
    world.note(`the faults are ${faults.name}`);
    this.#site.start(0);
    await world.runUntil(() => this.#site.leader !== undefined, LIMIT_MS);
    this.#server.faults = faults;
    this.#network.faults = faults;
    const officials = new Officials({
      world,
      server: this.#server,
      model: this.#model,
      random: this.#random.stream('officials'),
      shard: this.#shard,
    });
    let isOver = false;
    const vendor = new Vendor({
      world,
      network: this.#network,
      memory: this.#memory,
      random: this.#random.stream('vendor'),
      shard: this.#shard,
      report: (problem) => {
        this.#report(problem);
      },
    });
    const tick = (): void => {
      if (isOver) return;
      this.#site.weather(faults);
      officials.tick();
      if (random.chance(200)) void vendor.sweep();
      world.after(1_000_000, tick);
    };
    tick();
    const banks = makeBanks({
      world,
      network: this.#network,
      memory: this.#memory,
      random: this.#random,
    });
    const stories = drawStories(setup, banks, psids, random.between(15, 45));
    const parts = {
      world,
      random: this.#random.stream('customers'),
      useStamps: (psid: string) => officials.useStamps(psid),
    };
    const sales = Array.from({ length: random.between(0, 6) }, () => {
      const psid = random.pick(psids);
      const amount = this.#model.books.challans.get(psid)?.amount ?? 0n;
      return vendor.buy(psid, amount, random.between(0, 30_000));
    });
    if (random.chance(600)) sales.push(vendor.fund(ONEBILL_BANK, random.between(0, 30_000)));
    const all = Promise.all([...stories.map((story) => play(story, parts)), ...sales]).then(() => {
      isOver = true;
    });
    if (!(await world.runUntil(() => isOver, LIMIT_MS)))
      this.#report('the trade did not come to its end');
    else await all;
    isOver = true;
    officials.reopen();
  }

  /** The faults end; every request is repeated until it is decided, and once at least. */
  async #comeToRest(): Promise<void> {
    const world = this.#world;
    world.note('the faults are over');
    this.#server.faults = CALM;
    this.#network.faults = CALM;
    this.#server.awayUntil = 0;
    await this.#server.settle();
    for (let attempt = 0; attempt < 120 && this.#site.leader === undefined; attempt += 1) {
      this.#site.heal();
      await world.runUntil(() => this.#site.leader !== undefined, 500);
    }
    this.#site.heal();
    const asked = [...this.#memory.asked];
    let open = asked.length;
    for (const each of asked)
      void this.#settle(each).then(() => {
        open -= 1;
      });
    if (!(await world.runUntil(() => open === 0, LIMIT_MS)))
      this.#report('the repeats did not come to their end');
    let living = 0;
    for (const process of this.#site.processes.filter((each) => each.alive)) {
      living += 1;
      void this.#site.stop(process).then(() => {
        living -= 1;
      });
    }
    if (!(await world.runUntil(() => living === 0, LIMIT_MS)))
      this.#report('a process could not be stopped');
  }

  async #settle(asked: Asked): Promise<void> {
    for (let attempt = 0; attempt < 60; attempt += 1) {
      await asked.repeat();
      if (isDecided(asked)) return;
      await this.#world.sleep(1_000);
    }
  }

  #report(problem: string): void {
    if (this.#problems.length >= PROBLEMS_MAX) return;
    this.#problems.push(problem);
    this.#world.note(`PROBLEM: ${problem}`);
  }

  #count(fault: string): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }
}

/** Runs one history on a database that holds nothing of another. */
export function runHistory(parts: HistoryParts): Promise<HistoryReport> {
  return new History(parts).run();
}
