/** Warnings that an outsider can cause: so many of a kind a minute are written, the rest counted and told later. */
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';

const WINDOW_MS = 60_000;
const PER_WINDOW = 10;

interface Window {
  beganMs: number;
  written: number;
  suppressed: number;
}

export class LimitedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Warns, at most ten times a minute for each message; the first of the next minute says how many were left out. */
  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#write('warn', fields, message);
  }

  /** The same for what a person must look at. */
  error(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#write('error', fields, message);
  }

  #write(
    level: 'warn' | 'error',
    fields: Readonly<Record<string, unknown>>,
    message: string,
  ): void {
    const nowMs = this.#clock.now().getTime();
    let window = this.#windows.get(message);
    let suppressed = 0;
    if (window === undefined || nowMs - window.beganMs >= WINDOW_MS || nowMs < window.beganMs) {
      suppressed = window?.suppressed ?? 0;
      window = { beganMs: nowMs, written: 0, suppressed: 0 };
      // Messages are constants of the code, so there are as many windows as there are of them.
      this.#windows.set(message, window);
    }
    if (window.written >= PER_WINDOW) {
      window.suppressed += 1;
      return;
    }
    window.written += 1;
    this.#log[level](suppressed === 0 ? fields : { ...fields, suppressed }, message);
  }
}
