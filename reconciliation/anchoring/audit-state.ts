/**
 * The world state of the audit: built only from blocks that were replayed, so that nothing of the stored state is
 * trusted. A byte per leaf holds the lives; older batches are read back from the chain.
 */
import type { WorldState } from '../../chaincode/src/registry.ts';

const CHUNK = 65_536n;
const INDEX = /^(batch|life):(\d{20})$/;

export class AuditState implements WorldState {
  readonly #entriesOf: (position: number, start: bigint) => Promise<Uint8Array | undefined>;
  readonly #lives = new Map<bigint, Uint8Array>();
  /** Starts of the batches in order. */
  readonly #starts: bigint[] = [];
  #head: Uint8Array | undefined;
  #livesCount = 0n;
  #writes: [string, Uint8Array][] = [];

  /** `entriesOf` gives the entries of the batch at a position, which starts at an index. */
  constructor(entriesOf: (position: number, start: bigint) => Promise<Uint8Array | undefined>) {
    this.#entriesOf = entriesOf;
  }

  /** Keys that the store should hold by now. */
  get keyCount(): bigint {
    return (this.#head === undefined ? 0n : 1n) + BigInt(this.#starts.length) + this.#livesCount;
  }

  get batchCount(): number {
    return this.#starts.length;
  }

  get livesCount(): bigint {
    return this.#livesCount;
  }

  get headValue(): Uint8Array | undefined {
    return this.#head;
  }

  /** What was written since the last call, in order. */
  takeWrites(): [string, Uint8Array][] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    if (key === 'head') return this.#head;
    const match = INDEX.exec(key);
    const index = BigInt(match?.[2] ?? -1);
    return match?.[1] === 'life' ? this.life(index) : this.#batch(index);
  }

  put(key: string, value: Uint8Array): Promise<void> {
    this.#writes.push([key, value]);
    const match = INDEX.exec(key);
    const index = BigInt(match?.[2] ?? -1);
    if (match?.[1] === 'life') this.#setLife(index, value);
    else if (match?.[1] === 'batch') this.#starts.push(index);
    else this.#head = value;
    return Promise.resolve();
  }

  /** The life that the blocks lead to, in the form in which the contract stores it. */
  life(index: bigint): Uint8Array | undefined {
    const byte = this.#lives.get(index / CHUNK)?.[Number(index % CHUNK)] ?? 0;
    return byte === 0 ? undefined : Uint8Array.of(byte & 1, byte >> 1);
  }

  #setLife(index: bigint, value: Uint8Array): void {
    let chunk = this.#lives.get(index / CHUNK);
    if (chunk === undefined) {
      chunk = new Uint8Array(Number(CHUNK));
      this.#lives.set(index / CHUNK, chunk);
    }
    const at = Number(index % CHUNK);
    if (chunk[at] === 0) this.#livesCount += 1n;
    chunk[at] = (value[0] ?? 0) | ((value[1] ?? 0) << 1);
  }

  /** The entries of the batch that starts at this index, as the chain holds them. */
  async #batch(start: bigint): Promise<Uint8Array | undefined> {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0n) < start) low = middle + 1;
      else high = middle;
    }
    if (this.#starts[low] !== start) return undefined;
    return this.#entriesOf(low, start);
  }
}
