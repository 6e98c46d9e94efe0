/**
 * Replay protection for signed requests: a request tells when it was made and bears a number that its sender uses
 * once. One that is too old or from the future is stale; one whose number came before, within the time in which it
 * could come, was seen. The numbers are kept in memory and bounded: what moves money has its durable guard in the
 * engine's request records, this one keeps a captured inquiry from being asked again.
 */
import type { Clock } from '../../kernel/clock.ts';

/** How long after it was made a request is taken. [A] */
const PAST_MS = 15 * 60_000;
/** How far a sender's clock may run ahead. [A] */
const FUTURE_MS = 5 * 60_000;
/** About 100 bytes each; when it is full the oldest are forgotten first, and counted. */
const KEPT_MAX = 200_000;

export interface ReplayWindow {
  readonly pastMs: number;
  readonly futureMs: number;
}

export class ReplayGuard {
  readonly #clock: Clock;
  readonly #window: ReplayWindow;
  readonly #keptMax: number;
  /** Number of a sender to the instant after which it may be forgotten; a Map keeps the order of insertion. */
  readonly #seen = new Map<string, number>();

  constructor(
    clock: Clock,
    window: ReplayWindow = { pastMs: PAST_MS, futureMs: FUTURE_MS },
    keptMax = KEPT_MAX,
  ) {
    this.#clock = clock;
    this.#window = window;
    this.#keptMax = keptMax;
  }

  /** How many numbers are remembered. */
  get kept(): number {
    return this.#seen.size;
  }

  /** True when a request made at this instant is still (and already) to be taken. */
  isTimely(madeAt: Date): boolean {
    const age = this.#clock.now().getTime() - madeAt.getTime();
    return age <= this.#window.pastMs && age >= -this.#window.futureMs;
  }

  /** Takes note of a number of a timely request; false when it came before. */
  isFirst(sender: string, number: string, madeAt: Date): boolean {
    const nowMs = this.#clock.now().getTime();
    const key = `${sender}\0${number}`;
    const until = this.#seen.get(key);
    if (until !== undefined && nowMs <= until) return false;
    this.#seen.delete(key);
    this.#forget(nowMs);
    this.#seen.set(key, madeAt.getTime() + this.#window.pastMs);
    return true;
  }

  #forget(nowMs: number): void {
    for (const [key, until] of this.#seen) {
      // The order is that of arrival, which is that of ending but for the clocks of the senders.
      if (until >= nowMs && this.#seen.size < this.#keptMax) return;
      this.#seen.delete(key);
    }
  }
}
