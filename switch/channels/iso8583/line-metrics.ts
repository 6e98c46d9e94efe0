/** What the line counts beside its answers. Lines of one process share the counters. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface LineMetrics {
  readonly connections: Gauge;
  readonly inFlight: Gauge;
  /** What was refused before it was a request: by reason. */
  readonly refusals: Counter<'reason'>;
  /** Answers to our own requests that came after these were given up. */
  readonly lateAnswers: Counter;
}

/** The counters of a registry, made when they are first asked for. */
export function lineMetrics(registry: Registry): LineMetrics {
  const registers = [registry];
  const made = <T>(name: string, make: () => T): T =>
    // A metric of this name was made here, with this type.
    (registry.getSingleMetric(name) as T | undefined) ?? make();
  return {
    connections: made(
      'sanad_iso8583_connections',
      () =>
        new Gauge({
          name: 'sanad_iso8583_connections',
          help: 'Open ISO 8583 connections',
          registers,
        }),
    ),
    inFlight: made(
      'sanad_iso8583_in_flight',
      () =>
        new Gauge({
          name: 'sanad_iso8583_in_flight',
          help: 'ISO 8583 requests under way',
          registers,
        }),
    ),
    refusals: made(
      'sanad_iso8583_refusals_total',
      () =>
        new Counter({
          name: 'sanad_iso8583_refusals_total',
          help: 'Sign-ons, messages and connections refused',
          labelNames: ['reason'],
          registers,
        }),
    ),
    lateAnswers: made(
      'sanad_iso8583_late_answers_total',
      () =>
        new Counter({
          name: 'sanad_iso8583_late_answers_total',
          help: 'Answers that came after their request was given up',
          registers,
        }),
    ),
  };
}
