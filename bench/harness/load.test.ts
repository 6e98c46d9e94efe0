import { describe, expect, it } from '@jest/globals';
import { closedLoop, dueAt, openLoop } from './load.ts';

describe('the open-loop schedule', () => {
  it('is due at once and then evenly, whatever was answered', () => {
    expect([-1, 0, 0.99, 1, 1.5, 10].map((ms) => dueAt(ms, 1_000))).toEqual([0, 1, 1, 2, 2, 11]);
    expect(dueAt(60_000, 5_000)).toBe(300_001);
  });

  it('sends everything that is due even while no answer comes', async () => {
    const open: (() => void)[] = [];
    const run = openLoop({
      send: () =>
        new Promise((resolve) => {
          open.push(() => resolve(undefined));
          // Nobody is answered before the last request has left.
          if (open.length === 50) for (const settle of open) settle();
        }),
      first: 0,
      available: 50,
      seconds: 0.05,
      rate: 1_000,
    });
    const result = await run;
    expect(result.inFlightMax).toBe(50);
    expect(result.latency.count).toBe(50);
    expect(result.exhausted).toBe(false);
  });

  it('counts a latency from the instant at which the request was due, not from when it left', async () => {
    // A clock that stands still but for one stall of 1,000 ms inside the first send.
    let now = 0;
    const result = await openLoop({
      send: (index) => {
        if (index === 0) now += 1_000;
        return Promise.resolve(undefined);
      },
      first: 0,
      available: 100,
      seconds: 1,
      rate: 100,
      now: () => now,
    });
    // The request due at 0 ms waited 1,000, the one due at 990 ms waited 10, and so on between.
    expect(result.latency.summary()).toMatchObject({ count: 100, p50: 500, p99: 990, max: 1_000 });
  });

  it('says which answers were none', async () => {
    const result = await openLoop({
      send: (index) =>
        index === 1
          ? Promise.reject(new Error('broken'))
          : Promise.resolve(index === 2 ? '91' : undefined),
      first: 0,
      available: 4,
      seconds: 0.004,
      rate: 1_000,
    });
    expect(Object.fromEntries(result.refused)).toEqual({ broken: 1, '91': 1 });
    expect(result.latency.count).toBe(2);
  });
});

describe('the closed loop', () => {
  it('keeps so many in flight and no more, and sends each number once', async () => {
    let [underWay, most] = [0, 0];
    const sent: number[] = [];
    const result = await closedLoop({
      send: async (index) => {
        sent.push(index);
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return undefined;
      },
      first: 7,
      available: 100,
      seconds: 3_600,
      inFlight: 8,
    });
    expect(most).toBe(8);
    expect(sent).toEqual(Array.from({ length: 100 }, (_, index) => index + 7));
    expect(result).toMatchObject({ exhausted: true, inFlightMax: 8 });
    expect(result.latency.count).toBe(100);
  });

  it('ends at its time', async () => {
    let now = 0;
    const result = await closedLoop({
      send: () => {
        now += 100;
        return Promise.resolve(undefined);
      },
      first: 0,
      available: 1_000,
      seconds: 1,
      inFlight: 1,
      now: () => now,
    });
    expect(result.latency.count).toBe(10);
    expect(result).toMatchObject({ exhausted: false, seconds: 1 });
  });
});
