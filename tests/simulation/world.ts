/**
 * Simulated time. Everything that waits (a statement on its way, a message, a timer, an actor's patience) is an
 * event here; the earliest one runs next, alone, until all that it made ready has had its turn. What happens
 * therefore follows from the seed, however fast the machine or the database is.
 */
import { createHash, type Hash } from 'node:crypto';
import { setImmediate as allReady } from 'node:timers/promises';
import type { Clock, Timers } from '../../kernel/clock.ts';

/** Whose event it is: an event of the dead never runs, one of the stalled runs when the stall is over. */
export interface Owner {
  readonly alive: boolean;
  /** Microseconds of the world until which nothing of this owner runs. */
  readonly stalledUntil: number;
}

interface Event {
  at: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  readonly run: () => void | Promise<void>;
  cancelled: boolean;
}

const MICROSECONDS = 1_000;

export class World {
  readonly clock: Clock;
  readonly trace: string[] = [];
  readonly #start: number;
  readonly #hash: Hash = createHash('sha256');
  #events: Event[] = [];
  #now = 0;
  #order = 0;

  constructor(start: Date) {
    this.#start = start.getTime();
    this.clock = { now: () => new Date(this.#start + this.nowMs) };
  }

  /** Microseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** Whole milliseconds since the start. */
  get nowMs(): number {
    return (this.#now - (this.#now % MICROSECONDS)) / MICROSECONDS;
  }

  /** Adds a line to the trace, which is also the history's digest. */
  note(line: string): void {
    const stamped = `${(this.#now / MICROSECONDS).toFixed(3).padStart(12)} ms  ${line}`;
    this.trace.push(stamped);
    this.#hash.update(`${stamped}\n`);
  }

  /** SHA-256 of the trace so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Runs `run` after some microseconds. The returned function takes it back. */
  after(microseconds: number, run: () => void | Promise<void>, owner?: Owner): () => void {
    const event: Event = {
      at: this.#now + microseconds,
      order: (this.#order += 1),
      owner,
      run,
      cancelled: false,
    };
    this.#insert(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Resolves after some milliseconds, unless its owner dies before. */
  sleep(ms: number, owner?: Owner): Promise<void> {
    return new Promise((resolve) => this.after(ms * MICROSECONDS, resolve, owner));
  }

  /** The timers of one process; they end with it. */
  timersOf(owner: Owner): Timers {
    return {
      sleep: (ms) => this.sleep(ms, owner),
      every: (ms, work) => {
        let cancel = (): void => undefined;
        const arm = (): void => {
          cancel = this.after(
            ms * MICROSECONDS,
            () => {
              arm();
              work();
            },
            owner,
          );
        };
        arm();
        return () => {
          cancel();
        };
      },
      turn: () => new Promise((resolve) => this.after(20, resolve, owner)),
      elapsedMs: () => this.nowMs,
    };
  }

  /** Runs events until `isDone`; false when there is none left or `limitMs` of simulated time have passed before that. */
  async runUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.#now + limitMs * MICROSECONDS;
    await allReady();
    while (!isDone()) {
      const event = this.#events.shift();
      if (event === undefined || event.at > end) {
        if (event !== undefined) this.#events.unshift(event);
        return false;
      }
      await this.#runOne(event);
    }
    return true;
  }

  async #runOne(event: Event): Promise<void> {
    const { owner } = event;
    if (event.cancelled || owner?.alive === false) return;
    if (owner !== undefined && owner.stalledUntil > event.at) {
      event.at = owner.stalledUntil;
      this.#insert(event);
      return;
    }
    this.#now = event.at;
    await event.run();
    await allReady();
  }

  /** Keeps the events by time, and those of one instant in the order in which they were made. */
  #insert(event: Event): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle];
      if (
        other !== undefined &&
        (other.at < event.at || (other.at === event.at && other.order < event.order))
      )
        low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }
}
