/**
 * Two ways to drive a system. Closed loop: a fixed number of senders, each waits for its answer before it sends
 * again; says how much goes through. Open loop: requests leave at a fixed rate whether or not answers come, and
 * a latency counts from the instant at which the request was meant to leave, so that a stall is felt by every
 * request that it delayed (no coordinated omission); says what customers wait at that rate.
 */
import { LatencyRecorder } from './latency.ts';

export interface LoadResult {
  readonly latency: LatencyRecorder;
  /** Sends that were not answered as they should be, by reason. */
  readonly refused: ReadonlyMap<string, number>;
  /** Seconds from the first intended send to the last answer. */
  readonly seconds: number;
  /** Sends that found nothing left to send. */
  readonly exhausted: boolean;
  /** Most requests that were under way at once. */
  readonly inFlightMax: number;
}

/** Sends the request with this number; resolves with undefined when it was answered as it should be, or the reason. */
export type Send = (index: number) => Promise<string | undefined>;

export interface LoadOptions {
  readonly send: Send;
  /** Number of the first request. */
  readonly first: number;
  /** Requests there are from the first on; the run ends when they are used up. */
  readonly available: number;
  readonly seconds: number;
  /** Milliseconds on a clock that never steps back. */
  readonly now?: () => number;
}

function counter(): {
  readonly counts: Map<string, number>;
  readonly add: (reason: string) => void;
} {
  const counts = new Map<string, number>();
  return { counts, add: (reason) => counts.set(reason, (counts.get(reason) ?? 0) + 1) };
}

/** Keeps `inFlight` requests under way for the given time. */
export async function closedLoop(
  options: LoadOptions & { readonly inFlight: number },
): Promise<LoadResult> {
  const { send, first, available, seconds, inFlight, now = () => performance.now() } = options;
  const latency = new LatencyRecorder();
  const refused = counter();
  const began = now();
  const end = began + seconds * 1_000;
  let used = 0;
  let last = began;
  const sender = async (): Promise<void> => {
    for (;;) {
      const sentAt = now();
      if (sentAt >= end || used === available) return;
      used += 1;
      const reason = await send(first + used - 1);
      last = now();
      if (reason === undefined) latency.record(last - sentAt);
      else refused.add(reason);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sender));
  return {
    latency,
    refused: refused.counts,
    seconds: (last - began) / 1_000,
    exhausted: used === available,
    inFlightMax: inFlight,
  };
}

/** How many sends are due `elapsedMs` after the start at a rate per second: the first at once, then evenly. */
export function dueAt(elapsedMs: number, ratePerSecond: number): number {
  return elapsedMs < 0 ? 0 : Math.floor((elapsedMs * ratePerSecond) / 1_000) + 1;
}

/** Sends at `rate` per second for the given time, then waits for the answers. */
export async function openLoop(
  options: LoadOptions & { readonly rate: number },
): Promise<LoadResult> {
  const { send, first, available, seconds, rate, now = () => performance.now() } = options;
  const latency = new LatencyRecorder();
  const refused = counter();
  const total = Math.min(Math.floor(seconds * rate), available);
  const began = now();
  let sent = 0;
  let underWay = 0;
  let inFlightMax = 0;
  let last = began;
  await new Promise<void>((resolve) => {
    const settle = (intended: number, reason: string | undefined): void => {
      last = now();
      if (reason === undefined) latency.record(last - intended);
      else refused.add(reason);
      underWay -= 1;
      if (underWay === 0 && sent === total) resolve();
    };
    const tick = (): void => {
      const due = Math.min(dueAt(now() - began, rate), total);
      while (sent < due) {
        const intended = began + (sent * 1_000) / rate;
        const index = first + sent;
        sent += 1;
        underWay += 1;
        inFlightMax = Math.max(inFlightMax, underWay);
        void send(index).then(
          (reason) => settle(intended, reason),
          (error: unknown) => settle(intended, error instanceof Error ? error.message : 'failed'),
        );
      }
      if (sent < total) {
        const waitMs = began + (sent * 1_000) / rate - now();
        // A timer of the event loop has a grain of a millisecond; sends due within it leave together, each
        // counted from its own instant.
        setTimeout(tick, Math.max(waitMs, 0));
      } else if (underWay === 0) resolve();
    };
    tick();
  });
  return {
    latency,
    refused: refused.counts,
    seconds: (last - began) / 1_000,
    exhausted: total < Math.floor(seconds * rate),
    inFlightMax,
  };
}
