/**
 * How far the log is behind the register, as metrics and as an alarm. Issuing never waits for the chain, so the lag is
 * the only sign that the chain is away: it must reach a person before it matters.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { findLag } from './anchoring-store.ts';

/** Counting a long outbox is work too. */
const LOOK_EVERY_MS = 1_000;

export interface LagWatchOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'anchorLag' | 'anchorLagSeconds' | 'anchorAlarm'>;
  /** Age in ms of the oldest stamp outside the log at which the alarm is raised. */
  readonly alarmMs: number;
}

/** Tells the lag; raises the alarm once when it grows old, and ends it when it is young again. */
export class LagWatch {
  readonly #options: LagWatchOptions;
  #lookedAtMs = -Infinity;
  #raised = false;

  constructor(options: LagWatchOptions) {
    this.#options = options;
  }

  /** True while the alarm is raised. */
  get raised(): boolean {
    return this.#raised;
  }

  /** Counts the stamps that are issued and not yet in the log, and tells metrics and alarm. */
  async look(): Promise<number> {
    const { database, clock, log, metrics, alarmMs } = this.#options;
    const { stamps, oldest } = await findLag(database);
    const ageMs = oldest === undefined ? 0 : Math.max(0, clock.now().getTime() - oldest.getTime());
    metrics.anchorLag.set(stamps);
    metrics.anchorLagSeconds.set(ageMs / 1_000);
    const isOld = ageMs > alarmMs;
    metrics.anchorAlarm.set({ alarm: 'lag' }, isOld ? 1 : 0);
    const fields = { stamps, ageSeconds: Math.round(ageMs / 1_000) };
    if (isOld && !this.#raised) log.error(fields, 'the log falls behind the register');
    if (!isOld && this.#raised) log.info(fields, 'the log has caught up with the register');
    this.#raised = isOld;
    return stamps;
  }

  /** Looks at most once a second. */
  async lookSometimes(): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = now;
    await this.look();
  }
}
