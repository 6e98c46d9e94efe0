/**
 * A fixed-window limit per remote address with bounded memory, so that ids cannot be tried one after another.
 * An IPv6 host owns at least a /64, so that is what is counted. When too many addresses come in one window,
 * the new ones share one count: memory is bounded, and a flood of addresses gains nothing.
 */
import { isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import { unmapAddress } from '../participants/index.ts';
import { HttpProblem } from './problem.ts';

const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 50_000;
const OTHERS = 'others';

/** The first 64 bits of an IPv6 address, an IPv4 address as it is. */
function counted(address: string): string {
  const plain = unmapAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = (plain.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after];
  return all
    .slice(0, 4)
    .map((group) => group.padStart(4, '0').toLowerCase())
    .join(':');
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #counts = new Map<string, number>();
  #window = -1;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Counts one request; returns the seconds to wait when it is one too many, else undefined. */
  count(address: string): number | undefined {
    const nowMs = this.#clock.now().getTime();
    const window = Math.floor(nowMs / WINDOW_MS);
    if (window !== this.#window) {
      this.#window = window;
      this.#counts.clear();
    }
    const own = counted(address);
    const key = this.#counts.has(own) || this.#counts.size < ADDRESSES_MAX ? own : OTHERS;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= this.#perMinute
      ? undefined
      : Math.ceil(((window + 1) * WINDOW_MS - nowMs) / 1000);
  }

  /** Counts one request; an HttpProblem `rate-limited` when it is one too many. */
  admit(address: string): void {
    const waitSeconds = this.count(address);
    if (waitSeconds !== undefined)
      throw new HttpProblem('rate-limited', { retryAfterSeconds: waitSeconds });
  }
}

/** A hook for routes that look something up by an id. */
export function limitRate(
  limit: RateLimit,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request) => {
    limit.admit(request.ip);
    await Promise.resolve();
  };
}
