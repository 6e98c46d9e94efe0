/**
 * The watch: while the product runs it looks every minute whether the books still hold together, over what is
 * new, and frees the holds whose time has passed. What it finds is an alarm: a metric, and one error line in
 * the log with the rule and the rows.
 */
import { businessDate, type Clock, type Timers } from '../../kernel/clock.ts';
import { sql, type Database } from '../../kernel/database.ts';
import { lowestIdAt } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import {
  checkInvariants,
  expireHolds,
  onlineInvariants,
  type BrokenInvariant,
} from '../../ledger/index.ts';

export interface WatchOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The shards whose holds are swept. */
  readonly shards: readonly number[];
  /** Time between two looks, in ms; 60,000 when absent. */
  readonly everyMs?: number;
}

export interface Watch {
  /** Looks once, now; returns what is broken. */
  look(): Promise<BrokenInvariant[]>;
  /** Ends the watch after the look that is under way. */
  stop(): Promise<void>;
}

/** How far back the first look goes, in ms. */
const FIRST_LOOK_BACK_MS = 5 * 60_000;
/** Rows carry the instant at which their request came; a batch is tried for thirty seconds and may commit as late. */
const OVERLAP_MS = 35_000;

/** Looks once over what was made since `from`; what is broken becomes an alarm. */
async function lookSince(from: Date, options: WatchOptions): Promise<BrokenInvariant[]> {
  const { database, log, metrics } = options;
  const broken = await database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
    // The watch takes one core at most; payments need the others.
    await tx.query(sql`select set_config('max_parallel_workers_per_gather', '0', true)`);
    return checkInvariants(tx, { id: lowestIdAt(from), businessDate: businessDate(from) });
  });
  for (const invariant of await onlineInvariants()) {
    const holds = broken.every((each) => each.invariant !== invariant);
    metrics.brokenInvariants.set({ invariant }, holds ? 0 : 1);
  }
  for (const { invariant, rule, rows } of broken)
    log.error({ invariant, rule, rows }, 'the books do not hold together');
  return broken;
}

/** Starts the watch. A look that fails (the database is away) is logged, and the next one comes in its time. */
export function startWatch(options: WatchOptions): Watch {
  const { database, clock, timers, log, shards, everyMs = 60_000 } = options;
  // Everything made before this instant was found good. It moves on only after a look that found nothing broken, so
  // that an alarm stands until its cause is gone.
  let goodUntil = clock.now().getTime() - FIRST_LOOK_BACK_MS + OVERLAP_MS;
  const look = async (): Promise<BrokenInvariant[]> => {
    const now = clock.now().getTime();
    const broken = await lookSince(new Date(goodUntil - OVERLAP_MS), options);
    if (broken.length === 0) goodUntil = Math.max(goodUntil, now);
    return broken;
  };
  let running: Promise<unknown> = Promise.resolve();
  const round = async (): Promise<void> => {
    try {
      for (const shard of shards) await expireHolds(database, shard, clock.now());
      await look();
    } catch (error) {
      log.warn({ err: error }, 'the watch could not look at the books');
    }
  };
  const end = timers.every(everyMs, () => {
    running = running.then(round);
  });
  return {
    look,
    async stop() {
      end();
      await running;
    },
  };
}
