/**
 * What keeps a slow or dead biller from harming anybody else: only so many questions to it at once, and after several
 * failures in a row none at all for a time; then one is let through to see whether it answers again.
 */
import type { Clock } from '../../kernel/clock.ts';

export interface CircuitSettings {
  /** Questions at once; one more is refused at once. */
  readonly inFlightMax: number;
  /** Failures in a row that open the circuit. [A] */
  readonly failuresMax: number;
  /** How long it stays open the first time; doubled up to `longestMs`. [A] */
  readonly firstMs: number;
  readonly longestMs: number;
}

export class Circuit {
  readonly #clock: Clock;
  readonly #settings: CircuitSettings;
  #inFlight = 0;
  #failures = 0;
  #openings = 0;
  #openUntil = 0;
  #probing = false;

  constructor(clock: Clock, settings: CircuitSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** True while no question is let through. */
  get isOpen(): boolean {
    return this.#openings > 0 && (this.#probing || this.#clock.now().getTime() < this.#openUntil);
  }

  /**
   * Asks, unless the circuit is open or too many questions are out: then undefined, and nothing was sent. `failed`
   * says whether an answer counts as a failure of the biller.
   */
  async ask<Answer>(
    question: () => Promise<Answer>,
    failed: (answer: Answer) => boolean,
  ): Promise<Answer | undefined> {
    if (this.isOpen || this.#inFlight >= this.#settings.inFlightMax) return undefined;
    const isProbe = this.#openings > 0;
    this.#probing = isProbe;
    this.#inFlight += 1;
    let isFailure = true;
    try {
      const answer = await question();
      isFailure = failed(answer);
      return answer;
    } finally {
      this.#inFlight -= 1;
      if (isProbe) this.#probing = false;
      this.#note(isFailure, isProbe);
    }
  }

  #note(isFailure: boolean, isProbe: boolean): void {
    if (!isFailure) {
      this.#failures = 0;
      // What was sent before the circuit opened does not close it; the probe does.
      if (isProbe) this.#openings = 0;
      return;
    }
    this.#failures += 1;
    const opens = isProbe || (this.#openings === 0 && this.#failures >= this.#settings.failuresMax);
    if (!opens) return;
    const { firstMs, longestMs } = this.#settings;
    this.#openUntil =
      this.#clock.now().getTime() +
      Math.min(firstMs * 2 ** Math.min(this.#openings, 30), longestMs);
    this.#openings += 1;
  }
}
