import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { keyPeriodSchema, keysValidAt, ReplayGuard, validKey } from './index.ts';

const at = (text: string): number => Date.parse(text);

describe('keys that are valid for a time', () => {
  const old = validKey({ id: 'old', until: '2026-11-10T00:00:00Z' }, 'a');
  const next = validKey({ id: 'next', from: '2026-11-01T00:00:00Z' }, 'b');
  const ids = (text: string): string[] => keysValidAt([old, next], at(text)).map(({ id }) => id);

  it('overlap, the newest first, so that both sides can change over', () => {
    expect(ids('2026-10-31T23:59:59Z')).toEqual(['old']);
    expect(ids('2026-11-01T00:00:00Z')).toEqual(['next', 'old']);
    expect(ids('2026-11-10T00:00:00Z')).toEqual(['next']);
  });

  it('have a plain name and instants', () => {
    expect(keyPeriodSchema.safeParse({ id: 'a/b' }).success).toBe(false);
    expect(keyPeriodSchema.safeParse({ id: 'a', from: 'tomorrow' }).success).toBe(false);
    expect(keyPeriodSchema.safeParse({ id: 'a', until: '2026-11-01T00:00:00Z' }).success).toBe(
      true,
    );
  });
});

describe('the replay guard', () => {
  const now = new Date('2026-11-23T05:15:00Z');
  const later = (ms: number): Date => new Date(now.getTime() + ms);
  const window = { pastMs: 1_000, futureMs: 100 };

  it('takes what was made within its window, ends included', () => {
    const guard = new ReplayGuard(new ManualClock(now), window);
    expect([-1_001, -1_000, 0, 100, 101].map((ms) => guard.isTimely(later(ms)))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  it('takes a number of a sender once for as long as it is timely', () => {
    const clock = new ManualClock(now);
    const guard = new ReplayGuard(clock, window);
    expect(guard.isFirst('A', '1', now)).toBe(true);
    expect(guard.isFirst('A', '1', now)).toBe(false);
    expect(guard.isFirst('B', '1', now)).toBe(true);
    clock.advance(1_000);
    expect(guard.isFirst('A', '1', now)).toBe(false);
    expect(guard.isTimely(now)).toBe(true);
    clock.advance(1);
    expect(guard.isTimely(now)).toBe(false);
    expect(guard.isFirst('A', '1', later(1_001))).toBe(true);
  });

  it('forgets what can come no more, and never keeps more than its bound', () => {
    const clock = new ManualClock(now);
    const guard = new ReplayGuard(clock, window, 100);
    for (let number = 0; number < 1_000; number += 1) {
      guard.isFirst('A', String(number), now);
      expect(guard.kept).toBeLessThanOrEqual(100);
    }
    clock.advance(5_000);
    guard.isFirst('A', 'x', later(5_000));
    expect(guard.kept).toBe(1);
  });
});
