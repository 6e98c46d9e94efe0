import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PLANTS } from './plants.ts';
import { PostgresForSimulation } from './postgres.ts';
import { runHistories } from './runner.ts';
import { Seeded } from './seeded.ts';

const SEED = 'integration';
/** Within so many histories each planted bug must be found. */
const HISTORIES_TO_FIND_A_BUG = 200;
const LONG_MS = 600_000;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
let postgres: PostgresForSimulation;

beforeAll(async () => {
  postgres = await PostgresForSimulation.start();
}, LONG_MS);

afterAll(() => postgres.stop());

describe('the simulation', () => {
  it(
    'finds every answer in the books under faults of every kind, and the same twice for one seed',
    async () => {
      const [one, two] = [await postgres.database(), await postgres.database()];
      const options = { seed: SEED, numbers: numbers(60) };
      const digests = new Map<number, string>();
      const first = await runHistories({
        ...options,
        urls: [one, two],
        ended: ({ number, digest }) => digests.set(number, digest),
      });
      expect(first.failed.map(({ number, problems }) => ({ number, problems }))).toEqual([]);
      expect(first.histories).toBe(60);
      expect(Object.keys(first.faults)).toEqual(
        expect.arrayContaining([
          'clock-jump',
          'commits-late',
          'crash',
          'deadlock',
          'lost-after-commit',
          'lost-before-commit',
          'message-doubled',
          'message-lost',
          'outage',
          'serialization-failure',
          'stall',
          'statement-timeout',
          'takeover',
        ]),
      );
      // On one database, in another order of work: what a history does is decided by its seed and number alone.
      const again = await runHistories({
        seed: SEED,
        numbers: [12, 3, 7, 1, 5, 11, 2, 9],
        urls: [one],
        ended: ({ number, digest }) => {
          expect(digest).toBe(digests.get(number));
        },
      });
      expect(again.histories).toBe(8);
      const other = await runHistories({
        seed: 'another',
        numbers: [1],
        urls: [one],
        ended: ({ digest }) => {
          expect(digest).not.toBe(digests.get(1));
        },
      });
      expect(other.histories).toBe(1);
    },
    LONG_MS,
  );

  it.each(PLANTS)(
    'finds the planted bug %s',
    async (plant) => {
      const urls = [await postgres.database(plant)];
      const summary = await runHistories({
        urls,
        seed: SEED,
        numbers: numbers(HISTORIES_TO_FIND_A_BUG),
        plant,
      });
      expect(summary.failed.length).toBeGreaterThan(0);
      const [found] = summary.failed;
      expect(found?.trace.length).toBeGreaterThan(10);
      // The same history alone shows it again.
      const replay = await runHistories({ urls, seed: SEED, numbers: [found?.number ?? 0], plant });
      expect(replay.failed[0]?.problems).toEqual(found?.problems);
    },
    LONG_MS,
  );
});

describe('seeded randomness', () => {
  it('gives the same numbers for the same label, others for another, and reaches both ends of a range', () => {
    const draw = (label: string): number[] => {
      const random = new Seeded(label);
      return Array.from({ length: 50 }, () => random.between(3, 7));
    };
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
    expect(new Set(draw('a'))).toEqual(new Set([3, 4, 5, 6, 7]));
  });
});
