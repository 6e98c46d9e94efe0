/**
 * Records latencies exactly: every sample is kept as whole microseconds and percentiles are read from the
 * sorted samples, so there are no buckets to be wrong about. Three million samples cost 12 MB.
 */
import { Fault } from '../../kernel/fault.ts';

/** Percentiles in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const FIRST_SIZE = 65_536;

export class LatencyRecorder {
  #samples = new Uint32Array(FIRST_SIZE);
  #count = 0;
  #isSorted = true;

  get count(): number {
    return this.#count;
  }

  /** Adds a latency in milliseconds; more than an hour counts as an hour. */
  record(ms: number): void {
    if (this.#count === this.#samples.length) {
      const larger = new Uint32Array(this.#samples.length * 2);
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples[this.#count] = Math.min(Math.max(Math.round(ms * 1_000), 0), 3_600_000_000);
    this.#count += 1;
    this.#isSorted = false;
  }

  /** Adds everything that another recorder holds. */
  add(other: LatencyRecorder): void {
    for (let index = 0; index < other.#count; index += 1)
      this.record((other.#samples[index] ?? 0) / 1_000);
  }

  /** The smallest latency, in ms, that at least `share` (above 0, at most 1) of the samples do not exceed; 0 without samples. */
  percentile(share: number): number {
    if (!(share > 0 && share <= 1))
      throw new Fault('bad-input', 'A percentile is a share above 0 and at most 1.', {
        fields: { share },
      });
    if (!this.#isSorted) {
      this.#samples.subarray(0, this.#count).sort();
      this.#isSorted = true;
    }
    if (this.#count === 0) return 0;
    // 0.999 × 1000 is a little over 999 in binary: the tolerance keeps the rank what it is on paper.
    const rank = Math.max(Math.ceil(share * this.#count - 1e-6), 1);
    return (this.#samples[rank - 1] ?? 0) / 1_000;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      max: this.percentile(1),
    };
  }
}
