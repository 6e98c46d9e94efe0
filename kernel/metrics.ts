/** Metrics in Prometheus' text format. One registry per process part, so that tests do not share counters. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  /** Answers given to channels, by channel and result code. */
  readonly answers: Counter<'channel' | 'result'>;
  /** Milliseconds from a payment's arrival in the lane to its commit. */
  readonly laneMs: Histogram;
  /** Payments in one lane batch. */
  readonly laneBatch: Histogram;
  /** Payments waiting for the lane. */
  readonly laneQueue: Gauge;
  /** Stamps issued and not yet in the log. */
  readonly anchorLag: Gauge;
  /** Seconds since the oldest stamp was issued that is not yet in the log. */
  readonly anchorLagSeconds: Gauge;
  /** 1 while anchoring has stopped for a person, or falls behind for longer than the alarm allows. */
  readonly anchorAlarm: Gauge<'alarm'>;
  /** 1 for an invariant of the books that the last look found broken, 0 for one that held. */
  readonly brokenInvariants: Gauge<'invariant'>;
  /** 1 for a channel on which many requests were refused as unproved in the last minute. */
  readonly refusalAlarm: Gauge<'channel'>;
  /** Disputes of a shard that have passed their time. */
  readonly overdueDisputes: Gauge<'shard'>;
}

/** Makes a registry with the product's metrics; `withProcess` adds memory, event loop and garbage collection. */
export function makeMetrics(withProcess: boolean): Metrics {
  const registry = new Registry();
  if (withProcess) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    answers: new Counter({
      name: 'sanad_answers_total',
      help: 'Answers given to channels',
      labelNames: ['channel', 'result'],
      registers,
    }),
    laneMs: new Histogram({
      name: 'sanad_lane_ms',
      help: 'Milliseconds from arrival in the lane to commit',
      buckets: [1, 2, 5, 10, 15, 25, 50, 100, 250, 1000],
      registers,
    }),
    laneBatch: new Histogram({
      name: 'sanad_lane_batch_size',
      help: 'Requests in one batch of the lane',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
      registers,
    }),
    laneQueue: new Gauge({
      name: 'sanad_lane_queue',
      help: 'Requests waiting for the lane',
      registers,
    }),
    anchorLag: new Gauge({
      name: 'sanad_anchor_lag_stamps',
      help: 'Stamps issued and not yet in the log',
      registers,
    }),
    anchorLagSeconds: new Gauge({
      name: 'sanad_anchor_lag_seconds',
      help: 'Seconds since the oldest stamp was issued that is not yet in the log',
      registers,
    }),
    anchorAlarm: new Gauge({
      name: 'sanad_anchor_alarm',
      help: 'Alarms of the anchoring that need a person: 1 while raised',
      labelNames: ['alarm'],
      registers,
    }),
    brokenInvariants: new Gauge({
      name: 'sanad_invariant_broken',
      help: 'Invariants of the books that the last look found broken (1) or holding (0)',
      labelNames: ['invariant'],
      registers,
    }),
    refusalAlarm: new Gauge({
      name: 'sanad_refusal_alarm',
      help: 'Channels on which many requests were refused as unproved in the last minute: 1',
      labelNames: ['channel'],
      registers,
    }),
    overdueDisputes: new Gauge({
      name: 'sanad_disputes_overdue',
      help: 'Disputes that have passed their time',
      labelNames: ['shard'],
      registers,
    }),
  };
}
