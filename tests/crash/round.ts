/** One round: load, a kill at a random moment under it, recovery, and every open question asked again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BankSwitch } from '../../switch/simulators/index.ts';
import {
  advance,
  connectBank,
  contradictions,
  newDeal,
  type Challan,
  type Deal,
} from './customer.ts';
import type { ProductProcesses, Victim } from './product-processes.ts';

export interface RoundReport {
  readonly round: number;
  readonly victim: Victim;
  /** Milliseconds of load before the kill. */
  readonly killedAfterMs: number;
  readonly sent: number;
  /** Deals whose end the banks knew when the process died. */
  readonly acknowledgedBefore: number;
  /** Deals that were on the way then. */
  readonly open: number;
  /** From the kill to the first deal that was begun and ended after it; 0 when none was left to begin. */
  readonly recoveryMs: number;
}

const IN_FLIGHT = 16;
const RECOVERY_MS_MAX = 120_000;
const LOAD_MS_MAX = 5_000;

export interface RoundPlan {
  readonly round: number;
  readonly victim: Victim;
  /** The kill comes when so many deals have ended, or after some seconds. */
  readonly killAfterDeals: number;
  readonly challans: readonly Challan[];
  /** 0 to 1 for each challan: which channel, and whether it is reversed. */
  readonly dice: readonly number[];
}

function dealsOf(plan: RoundPlan): Deal[] {
  return plan.challans.map((challan, index) => {
    const dice = plan.dice[index] ?? 0;
    return newDeal(challan, dice < 0.7 ? 'iso8583' : 'onebill', dice < 0.15);
  });
}

/** A line that is connected again whenever it broke. */
class Line {
  readonly #product: ProductProcesses;
  #bank: BankSwitch | undefined;
  #connecting: Promise<BankSwitch> | undefined;

  constructor(product: ProductProcesses) {
    this.#product = product;
  }

  async bank(): Promise<BankSwitch> {
    if (this.#bank !== undefined) return this.#bank;
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  drop(bank: BankSwitch): void {
    if (this.#bank !== bank) return;
    this.#bank = undefined;
    void bank.close().catch(() => undefined);
  }

  async #connect(): Promise<BankSwitch> {
    const deadline = performance.now() + RECOVERY_MS_MAX;
    for (;;) {
      const bank = await connectBank(this.#product);
      if (bank !== undefined) {
        this.#bank = bank;
        this.#connecting = undefined;
        return bank;
      }
      if (performance.now() > deadline) throw new Error('the switch did not come back');
      await sleep(50);
    }
  }

  async close(): Promise<void> {
    await this.#bank?.close();
    this.#bank = undefined;
  }
}

/** Brings a deal to its end, however often the line breaks. */
async function settle(deal: Deal, product: ProductProcesses, line: Line): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS_MAX;
  for (;;) {
    const bank = await line.bank();
    if (await advance(deal, product, bank)) return;
    if (performance.now() > deadline)
      throw new Error(
        `${deal.challan.psid} (${deal.channel}) was never answered; ${contradictions.join('; ')}`,
      );
    line.drop(bank);
    await sleep(20);
  }
}

/** Runs a round. Every deal is brought to its end; the caller compares them with the books. */
export async function runRound(
  product: ProductProcesses,
  plan: RoundPlan,
): Promise<{ report: RoundReport; deals: Deal[] }> {
  const deals = dealsOf(plan);
  const line = new Line(product);
  await line.bank();
  const queue = [...deals];
  let [killedAt, answeredAfter] = [Infinity, Infinity];
  const ends = { before: 0 };
  const workers = Array.from({ length: IN_FLIGHT }, async () => {
    for (let deal = queue.shift(); deal !== undefined; deal = queue.shift()) {
      const begun = performance.now();
      await settle(deal, product, line);
      const now = performance.now();
      if (now < killedAt) ends.before += 1;
      else if (begun > killedAt) answeredAfter = Math.min(answeredAfter, now);
    }
  });
  const started = performance.now();
  while (ends.before < plan.killAfterDeals && performance.now() - started < LOAD_MS_MAX)
    await sleep(1);
  const open = deals.filter((deal) => deal.pending !== undefined).length;
  killedAt = performance.now();
  await product.kill(plan.victim);
  await product.restart(plan.victim);
  await Promise.all(workers);
  await line.close();
  return {
    deals,
    report: {
      round: plan.round,
      victim: plan.victim,
      killedAfterMs: Math.round(killedAt - started),
      sent: deals.length,
      acknowledgedBefore: ends.before,
      open,
      recoveryMs: Number.isFinite(answeredAfter) ? Math.round(answeredAfter - killedAt) : 0,
    },
  };
}
