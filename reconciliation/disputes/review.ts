/** Looks at the open disputes while the product runs, and raises the alarm for those that have passed their time. */
import type { Timers } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { everyRound } from '../../kernel/rounds.ts';
import type { DisputeDesk } from './dispute-desk.ts';

export interface ReviewOptions {
  readonly desk: DisputeDesk;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'overdueDisputes'>;
  readonly shards: readonly number[];
  /** Time between two looks, in ms; 60,000 when absent. */
  readonly everyMs?: number;
}

/** Starts the review; the returned function ends it after the look that is under way. */
export function startDisputeReview(options: ReviewOptions): () => Promise<void> {
  const { desk, timers, log, metrics, shards, everyMs = 60_000 } = options;
  const look = async (): Promise<void> => {
    for (const shard of shards) {
      await desk.review(shard);
      const overdue = await desk.countOverdue(shard);
      metrics.overdueDisputes.set({ shard: String(shard) }, overdue);
      if (overdue > 0) log.error({ shard, overdue }, 'Disputes have passed their time.');
    }
  };
  return everyRound(timers, everyMs, look, (error) =>
    log.warn({ err: error }, 'The disputes could not be looked at.'),
  );
}
