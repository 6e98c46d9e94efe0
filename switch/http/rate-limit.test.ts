import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { RateLimit } from './rate-limit.ts';

const at = (text: string): ManualClock => new ManualClock(new Date(text));

describe('the rate limit', () => {
  it('refuses the one too many, with the seconds that are left, and starts anew each minute', () => {
    const clock = at('2026-11-23T10:00:15Z');
    const limit = new RateLimit(clock, 3);
    const counts = [1, 2, 3, 4].map(() => limit.count('192.0.2.7'));
    expect(counts).toEqual([undefined, undefined, undefined, 45]);
    expect(limit.count('192.0.2.8')).toBeUndefined();
    clock.advance(45_000);
    expect(limit.count('192.0.2.7')).toBeUndefined();
  });

  it('counts a mapped address as the IPv4 one, and IPv6 by its /64', () => {
    const same = [
      ['192.0.2.7', '::ffff:192.0.2.7'],
      ['2001:db8:0:1::1', '2001:0DB8:0:1:ffff::2'],
      ['2001:db8::1', '2001:db8:0:0:9::'],
      ['::1', '::2'],
    ] as const;
    for (const [first, second] of same) {
      const limit = new RateLimit(at('2026-11-23T10:00:00Z'), 1);
      expect(limit.count(first)).toBeUndefined();
      expect(limit.count(second)).toBe(60);
    }
    const limit = new RateLimit(at('2026-11-23T10:00:00Z'), 1);
    expect(limit.count('2001:db8:0:1::1')).toBeUndefined();
    expect(limit.count('2001:db8:0:2::1')).toBeUndefined();
  });

  it('lets a flood of addresses share one count', () => {
    const limit = new RateLimit(at('2026-11-23T10:00:00Z'), 1);
    const address = (index: number): string =>
      `10.${String(index >> 16)}.${String((index >> 8) & 255)}.${String(index & 255)}`;
    for (let index = 0; index < 50_000; index += 1) limit.count(address(index));
    expect(limit.count(address(60_000))).toBeUndefined();
    expect(limit.count(address(60_001))).toBe(60);
  });
});
