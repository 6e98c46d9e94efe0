/**
 * A history of stamps made through the product's own path, spread over the days of a year: challans in bulk,
 * payments through the lane, leaves through the anchoring worker. Used to fill books before they are measured,
 * and to measure how long each stage takes.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { ManualClock, systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { IdMaker } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { paisa } from '../../kernel/money.ts';
import { makeAnchoringWorker, openEmbeddedChain } from '../../reconciliation/index.ts';
import { laneStep, refusals, startLane, type LaneStand } from '../lane.ts';
import { PayableFile } from '../programs/protocol.ts';
import { diskUse, type BenchBooks } from './books.ts';
import { makeChallanMaker } from './challans.ts';
import { writePayables } from './payables.ts';
import { MemoryWatch, treeCpuSeconds } from './process-usage.ts';

/** What a stage of work took. */
export interface StageCost {
  readonly name: string;
  readonly seconds: number;
  readonly diskBytes: number;
  readonly walBytes: number;
  readonly nodeCpuSeconds: number;
  readonly postgresCpuSeconds: number;
  /** Resident memory of this process at its highest. */
  readonly rssBytes: number;
}

/** Does `work` and measures what it took. */
export async function stage(
  books: BenchBooks,
  name: string,
  work: () => Promise<void>,
): Promise<StageCost> {
  const { database, postgres } = books;
  const before = await diskUse(database);
  const [cpuBefore, postgresBefore] = [process.cpuUsage(), treeCpuSeconds(postgres.pid)];
  const watch = new MemoryWatch(process.pid);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const postgresCpuSeconds = treeCpuSeconds(postgres.pid) - postgresBefore;
  const after = await diskUse(database);
  return {
    name,
    seconds,
    diskBytes: Number(after.bytes - before.bytes),
    walBytes: Number(after.walPosition - before.walPosition),
    nodeCpuSeconds: (cpu.user + cpu.system) / 1e6,
    postgresCpuSeconds,
    rssBytes: watch.stop().highest,
  };
}

const DAY_MS = 86_400_000;
/** Payments of a filled history lie in the year that ends yesterday. */
const HISTORY_DAYS = 365;

/** Payments of one day; a short history has fewer days rather than tiny ones. */
function paymentsOfDay(total: number): number {
  return Math.max(Math.ceil(total / HISTORY_DAYS), 2_000);
}

/** The first day of a filled history. */
export function historyBegin(): Date {
  return new Date(systemClock.now().getTime() - (HISTORY_DAYS + 1) * DAY_MS);
}

export const LOG_ORIGIN = 'sanad.example/bench';

/** Makes a history in books that were opened from `historyBegin` on. */
export class HistoryMaker {
  readonly #books: BenchBooks;
  readonly #file: string;
  readonly #say: (line: string) => void;
  readonly #clock = new ManualClock(historyBegin());
  readonly #logKey = generateKeyPairSync('ed25519');
  #lane: LaneStand | undefined;

  constructor(books: BenchBooks, say: (line: string) => void) {
    this.#books = books;
    this.#file = path.join(books.folder, 'history-payables');
    this.#say = say;
  }

  get logPublicKey(): KeyObject {
    return this.#logKey.publicKey;
  }

  #setDay(share: number): void {
    this.#clock.set(new Date(historyBegin().getTime() + Math.floor(share * HISTORY_DAYS) * DAY_MS));
  }

  /** Makes the challans `from` to `to` of `total`, dated in order over the year, into a file for `pay`. */
  async load(from: number, to: number, total: number): Promise<void> {
    const { database, ids } = this.#books;
    await rm(this.#file, { force: true });
    const maker = await makeChallanMaker({ database, clock: this.#clock, ids });
    const perDay = paymentsOfDay(total);
    for (let made = from; made < to;) {
      this.#setDay(made / total);
      const count = Math.min(perDay, to - made);
      await writePayables(maker, this.#file, count);
      made += count;
      if (Math.floor(made / 100_000) !== Math.floor((made - count) / 100_000))
        this.#say(`${String(made)} challans`);
    }
  }

  /** Pays what `load` made last, day by day, many at a time. */
  async pay(from: number, to: number, total: number): Promise<void> {
    const stand = await this.#openLane();
    const perDay = paymentsOfDay(total);
    for (let paid = from; paid < to;) {
      this.#setDay(paid / total);
      const available = Math.min(perDay, to - paid);
      const step = await laneStep(stand, {
        first: paid - from,
        available,
        inFlight: 2_000,
        seconds: 3_600,
      });
      const [refusal] = refusals('history', step.load);
      if (refusal !== undefined)
        throw new Fault('internal', 'A payment of the history was refused.', {
          fields: { refusal },
        });
      paid += available;
      if (Math.floor(paid / 100_000) !== Math.floor((paid - available) / 100_000))
        this.#say(`${String(paid)} payments`);
    }
    await stand.lane.stop();
    this.#lane = undefined;
  }

  async #openLane(): Promise<LaneStand> {
    if (this.#lane !== undefined) return this.#lane;
    const { database, postgres } = this.#books;
    // A node number of its own: its clock goes through the same year a second time.
    const ids = new IdMaker(this.#clock, 30);
    const opened = await startLane(database, ids, { clock: this.#clock, batchMax: 2_000 });
    const file = new PayableFile(this.#file);
    const payables = {
      at(index: number) {
        const { psid, amount } = file.at(index);
        return { psid, amount: paisa(BigInt(amount)) };
      },
    };
    this.#lane = { database, postgresPid: postgres.pid, payables, ...opened };
    return this.#lane;
  }

  /** Brings everything that waits into the log of the embedded chain. */
  async anchor(): Promise<void> {
    const { database } = this.#books;
    const chain = await openEmbeddedChain({
      database,
      signingKey: this.#logKey.privateKey,
      origin: LOG_ORIGIN,
      clock: systemClock,
    });
    const worker = makeAnchoringWorker({
      database,
      chain,
      clock: systemClock,
      log: makeLog({ level: 'warn' }),
      metrics: makeMetrics(false),
    });
    while ((await worker.runOnce()) > 0);
    await worker.stop();
  }
}
