/** Randomness that a seed decides: the same label under the same seed gives the same numbers on every machine. */
import { createHash } from 'node:crypto';
import type { Random } from '../../kernel/ids.ts';

/** A stream of random numbers (sfc32, 128 bits of state, seeded by SHA-256 of its label). Never for secrets. */
export class Seeded implements Random {
  readonly #label: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(label: string) {
    this.#label = label;
    const hash = createHash('sha256').update(label).digest();
    this.#a = hash.readInt32LE(0);
    this.#b = hash.readInt32LE(4);
    this.#c = hash.readInt32LE(8);
    this.#counter = 1;
    for (let round = 0; round < 12; round += 1) this.#next();
  }

  /** A stream of its own for one purpose, so that more draws for one do not move the others. */
  stream(purpose: string): Seeded {
    return new Seeded(`${this.#label}/${purpose}`);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + (this.#next() % (high - low + 1));
  }

  /** True in `perMille` of a thousand cases. */
  chance(perMille: number): boolean {
    return this.#next() % 1_000 < perMille;
  }

  /** One of the list, each as likely as any other. */
  pick<T>(list: readonly T[]): T {
    const chosen = list[this.#next() % list.length];
    if (chosen === undefined) throw new Error('Nothing can be picked from an empty list.');
    return chosen;
  }

  /** One of the words, each as likely as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let rest = this.#next() % entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [word, weight] of entries) {
      if (rest < weight) return word;
      rest -= weight;
    }
    throw new Error('The weights sum to nothing.');
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => String(this.#next() % 10)).join('');
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.#next() & 255));
  }

  /** The next 31 bits. */
  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 1;
  }
}
