import { expect, it } from '@jest/globals';
import { handTimers } from '../tests/support/hand-timers.ts';
import { systemTimers } from './clock.ts';
import { everyRound } from './rounds.ts';

it('never runs two rounds at once, and ends after the one under way', async () => {
  const { timers, tick, ended } = handTimers();
  let begun = 0;
  let finished = 0;
  let release: () => void = () => undefined;
  const stop = everyRound(
    timers,
    1,
    async () => {
      begun += 1;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      finished += 1;
    },
    () => undefined,
  );
  tick();
  tick();
  expect(begun).toBe(1);
  release();
  await systemTimers.turn();
  tick();
  expect(begun).toBe(2);
  const stopped = stop();
  expect(ended()).toBe(true);
  expect(finished).toBe(1);
  release();
  await stopped;
  expect(finished).toBe(2);
});

it('tells of a round that failed and makes the next', async () => {
  const { timers, tick } = handTimers();
  const errors: unknown[] = [];
  const stop = everyRound(
    timers,
    1,
    () => Promise.reject(new Error('away')),
    (error) => errors.push(error),
  );
  tick();
  await systemTimers.turn();
  tick();
  await stop();
  expect(errors).toHaveLength(2);
});
