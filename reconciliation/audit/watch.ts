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

/** How far back a look goes, in ms: five looks see each row, and no batch takes that long to commit. */
const LOOK_BACK_MS = 5 * 60_000;

async function look(options: WatchOptions): Promise<BrokenInvariant[]> {
  const { database, clock, log, metrics } = options;
  const from = new Date(clock.now().getTime() - LOOK_BACK_MS);
  const broken = await database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
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
  let running: Promise<unknown> = Promise.resolve();
  const round = async (): Promise<void> => {
    try {
      for (const shard of shards) await expireHolds(database, shard, clock.now());
      await look(options);
    } catch (error) {
      log.warn({ err: error }, 'the watch could not look at the books');
    }
  };
  const end = timers.every(everyMs, () => {
    running = running.then(round);
  });
  return {
    look: () => look(options),
    async stop() {
      end();
      await running;
    },
  };
}
