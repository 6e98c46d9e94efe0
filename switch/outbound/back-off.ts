/** When to try again: twice as long each time up to a bound, less a random part so that many do not come at once. */
import type { Random } from '../../kernel/ids.ts';

export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Milliseconds until the next attempt after `attempts` failed ones: half to all of the doubled time. */
export function backOffMs(
  attempts: number,
  { firstMs, longestMs }: BackOff,
  random: Random,
): number {
  const doublings = Math.min(Math.max(attempts, 1) - 1, 40);
  const whole = Math.min(firstMs * 2 ** doublings, longestMs);
  return Math.floor(whole / 2 + (whole / 2) * (random.bytes(2).readUInt16BE() / 65_536));
}
