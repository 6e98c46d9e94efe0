/**
 * Time as a port. Business time is Asia/Karachi (UTC+5, no daylight saving since 2009); instants are
 * stored as UTC. Nothing but `systemClock` reads the machine's clock, so a day can be simulated.
 */

/** A source of the present instant. */
export interface Clock {
  now(): Date;
}

/**
 * Waiting as a port. Who waits through it can be run by a simulation, which decides when each wait ends.
 * `elapsedMs` measures spans (it never steps back, as a clock may) and has no meaning as a time of day.
 */
export interface Timers {
  /** Resolves after `ms` milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Does `work` every `ms` milliseconds until the returned function is called; keeps no process alive. */
  every(ms: number, work: () => void): () => void;
  /** Resolves when everything that is ready now has had its turn. */
  turn(): Promise<void>;
  /** Milliseconds since some fixed point. */
  elapsedMs(): number;
}

/** A calendar day in Karachi, written `YYYY-MM-DD`. */
export type BusinessDate = string;

export const systemClock: Clock = { now: () => new Date() };

export const systemTimers: Timers = {
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  every(ms, work) {
    const timer = setInterval(work, ms).unref();
    return () => clearInterval(timer);
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  elapsedMs: () => performance.now(),
};

/** A clock that stands still until it is set; for tests and simulations. */
export class ManualClock implements Clock {
  #instant: Date;

  constructor(instant: Date) {
    this.#instant = instant;
  }

  now(): Date {
    return new Date(this.#instant);
  }

  /** Moves the clock to `instant`, which may lie before or after the present one. */
  set(instant: Date): void {
    this.#instant = instant;
  }

  /** Moves the clock on by `milliseconds`. */
  advance(milliseconds: number): void {
    this.#instant = new Date(this.#instant.getTime() + milliseconds);
  }
}

const karachiParts = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Karachi',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** The parts of an instant as a clock on a Karachi wall shows them, each zero-padded. */
export interface KarachiTime {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
}

/** Splits an instant into Karachi wall-clock parts. */
export function karachiTime(instant: Date): KarachiTime {
  const parts = new Map(karachiParts.formatToParts(instant).map((part) => [part.type, part.value]));
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? '';
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  };
}

/** The Karachi calendar day of an instant. */
export function businessDate(instant: Date): BusinessDate {
  const { year, month, day } = karachiTime(instant);
  return `${year}-${month}-${day}`;
}

/** An instant as `YYYYMMDDHHMMSS` of Karachi, as messages of banks and wallets carry it. */
export function compactTime(instant: Date): string {
  const { year, month, day, hour, minute, second } = karachiTime(instant);
  return year + month + day + hour + minute + second;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Reads `YYYYMMDDHHMMSS` of Karachi, from 2000 to 2099: there every fourth year is a leap year. */
export function parseCompactTime(text: string): Date | undefined {
  const match = /^(20\d{2})(\d{2})(\d{2})([01]\d|2[0-3])([0-5]\d)([0-5]\d)$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number);
  const last = month === 2 && year % 4 === 0 ? 29 : DAYS[month - 1];
  if (last === undefined || day < 1 || day > last) return undefined;
  return new Date(Date.UTC(year, month - 1, day, hour - 5, minute, second));
}

/** The fiscal year of an instant, 1 July to 30 June, written `2026-27`. */
export function fiscalYear(instant: Date): string {
  const { year, month } = karachiTime(instant);
  const first = month >= '07' ? Number(year) : Number(year) - 1;
  return `${String(first)}-${String((first + 1) % 100).padStart(2, '0')}`;
}

/** An instant as printed on challans and stamps: `23-11-2026 20:05:09 PKT`. */
export function printedTime(instant: Date): string {
  const { year, month, day, hour, minute, second } = karachiTime(instant);
  return `${day}-${month}-${year} ${hour}:${minute}:${second} PKT`;
}

/** A calendar day as printed: `23-11-2026`. */
export function printedDate(date: BusinessDate): string {
  return date.split('-').reverse().join('-');
}
