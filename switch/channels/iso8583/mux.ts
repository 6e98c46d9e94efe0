/**
 * Pairs answers with the requests that this side sent over a connection (a MUX): by message class, STAN, RRN,
 * terminal and transmission day. A request that was given up is remembered for a while, so that its late answer is
 * known for what it is.
 */
import type { IsoMessage } from './message.ts';

/** No answer in time, or the connection ended: nobody knows whether the request was done. */
export type Silence = 'timeout' | 'closed';

interface Waiting {
  readonly settle: (answer: IsoMessage | Silence) => void;
  readonly timer: NodeJS.Timeout;
}

/** Requests given up that are remembered. */
const LATE_MAX = 10_000;

/** What pairs an answer with its request. */
export function matchKey(message: IsoMessage): string {
  const field = (number: number): string => (message.fields.get(number) ?? '').trimEnd();
  const day = field(7).slice(0, 4);
  return `${message.mti.slice(0, 2)}/${field(11)}/${field(37)}/${field(41)}/${day}`;
}

export class Mux {
  readonly #waiting = new Map<string, Waiting>();
  readonly #givenUp = new Set<string>();
  #isClosed = false;

  /** Requests sent and not yet answered. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  /** Waits for the answer to a request that is about to be sent. A repeat takes the place of the first. */
  expect(request: IsoMessage, timeoutMs: number): Promise<IsoMessage | Silence> {
    if (this.#isClosed) return Promise.resolve('closed');
    const key = matchKey(request);
    this.#givenUp.delete(key);
    return new Promise((settle) => {
      const earlier = this.#waiting.get(key);
      if (earlier !== undefined) {
        clearTimeout(earlier.timer);
        earlier.settle('timeout');
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        this.#remember(key);
        settle('timeout');
      }, timeoutMs);
      this.#waiting.set(key, { settle, timer });
    });
  }

  /** Gives an answer to who waits for it: `matched`, `late` when its request was given up, `unknown` otherwise. */
  match(answer: IsoMessage): 'matched' | 'late' | 'unknown' {
    const key = matchKey(answer);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return this.#givenUp.delete(key) ? 'late' : 'unknown';
    this.#waiting.delete(key);
    clearTimeout(waiting.timer);
    waiting.settle(answer);
    return 'matched';
  }

  /** The connection ended: whoever waits is told. */
  close(): void {
    this.#isClosed = true;
    for (const { settle, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      settle('closed');
    }
    this.#waiting.clear();
  }

  #remember(key: string): void {
    if (this.#givenUp.size >= LATE_MAX) {
      // A Set keeps the order of insertion: the first is the oldest.
      const oldest = this.#givenUp.values().next();
      if (oldest.done !== true) this.#givenUp.delete(oldest.value);
    }
    this.#givenUp.add(key);
  }
}
