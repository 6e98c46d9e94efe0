import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LatencyRecorder } from './latency.ts';

/** The definition: the smallest sample that at least this share of all samples does not exceed. */
function byDefinition(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted.find(
    (each) => sorted.filter((other) => other <= each).length / sorted.length >= share - 1e-12,
  )!;
}

describe('the latency recorder', () => {
  it('reads percentiles exactly as a sorted array has them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5_000_000 }), { minLength: 1, maxLength: 400 }),
        fc.constantFrom(0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1),
        (micros, share) => {
          const recorder = new LatencyRecorder();
          for (const each of micros) recorder.record(each / 1_000);
          expect(recorder.percentile(share)).toBe(byDefinition(micros, share) / 1_000);
        },
      ),
    );
  });

  it('keeps every sample beyond its first block and takes more after it was read', () => {
    const recorder = new LatencyRecorder();
    for (let index = 100_000; index > 0; index -= 1) recorder.record(index / 1_000);
    expect(recorder.summary()).toEqual({ count: 100_000, p50: 50, p99: 99, p999: 99.9, max: 100 });
    recorder.record(500);
    expect(recorder.summary()).toMatchObject({ count: 100_001, max: 500 });
  });

  it('holds its ground at the ends: nothing, below nothing, more than an hour', () => {
    const recorder = new LatencyRecorder();
    expect(recorder.percentile(0.99)).toBe(0);
    recorder.record(-1);
    expect(recorder.percentile(1)).toBe(0);
    recorder.record(10_000_000);
    expect(recorder.percentile(1)).toBe(3_600_000);
  });

  it.each([0, -1, 1.01, Number.NaN])('refuses the share %p', (share) => {
    expect(() => new LatencyRecorder().percentile(share)).toThrow('share above 0');
  });
});
