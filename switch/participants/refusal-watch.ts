/**
 * The alarm over requests that nobody proved to have sent: wrong credentials, signatures, MACs and certificates, and
 * replays. Each is refused and counted where it comes in; here they are counted up per channel, since a few are
 * somebody's mistake and many are somebody's attempt.
 */
import type { Counter } from 'prom-client';
import type { Timers } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { everyRound } from '../../kernel/rounds.ts';

export interface RefusalWatchOptions {
  readonly metrics: Metrics;
  readonly timers: Timers;
  readonly log: Log;
  /** Refusals of one channel between two looks at which the alarm is raised; 30 when absent. */
  readonly alarmAt?: number;
  /** Time between two looks, in ms; 60,000 when absent. */
  readonly everyMs?: number;
}

/** What an ISO 8583 line refuses for want of proof; its other refusals are about load and time. */
const UNPROVED_ON_A_LINE: ReadonlySet<string> = new Set(['mac', 'certificate', 'unknown', 'tls']);

interface Counted {
  readonly channel: string;
  readonly value: number;
}

async function countedAnswers({ answers }: Metrics): Promise<Counted[]> {
  const { values } = await answers.get();
  return values
    .filter(({ labels }) => labels.result === 'unauthorised' && labels.channel !== 'iso8583')
    .map(({ labels, value }) => ({ channel: String(labels.channel), value }));
}

/** The line counts its refusals by reason, those before a sign-on among them (`sanad_iso8583_refusals_total`). */
async function countedOnLines({ registry }: Metrics): Promise<Counted[]> {
  // A counter of this name is made by the line, with this label.
  const counter = registry.getSingleMetric('sanad_iso8583_refusals_total') as
    Counter<'reason'> | undefined;
  const { values } = (await counter?.get()) ?? { values: [] };
  return values
    .filter(({ labels }) => UNPROVED_ON_A_LINE.has(String(labels.reason)))
    .map(({ value }) => ({ channel: 'iso8583', value }));
}

/**
 * Looks every minute; a channel on which at least `alarmAt` requests were refused since the last look raises
 * `sanad_refusal_alarm{channel}` and writes one error line, until a look finds fewer. The returned function ends it
 * after the look that is under way.
 */
export function startRefusalWatch(options: RefusalWatchOptions): () => Promise<void> {
  const { metrics, timers, log, alarmAt = 30, everyMs = 60_000 } = options;
  const before = new Map<string, number>();
  const look = async (): Promise<void> => {
    const totals = new Map<string, number>();
    for (const { channel, value } of [
      ...(await countedAnswers(metrics)),
      ...(await countedOnLines(metrics)),
    ])
      totals.set(channel, (totals.get(channel) ?? 0) + value);
    for (const [channel, total] of totals) {
      const refused = total - (before.get(channel) ?? 0);
      before.set(channel, total);
      metrics.refusalAlarm.set({ channel }, refused >= alarmAt ? 1 : 0);
      if (refused >= alarmAt)
        log.error({ channel, refused }, 'many requests were refused as unproved');
    }
  };
  return everyRound(timers, everyMs, look, (error) =>
    log.warn({ err: error }, 'the refusals could not be counted'),
  );
}
