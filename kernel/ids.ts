/**
 * Identifiers. Everything is made by the application, never by a database sequence, so that the same schema
 * runs on several shards (MEASURED §6, rule 5). Specs: docs/spec/psid.md and docs/spec/stamp-id.md.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { checkDigit, hasValidCheckDigit } from './check-digit.ts';
import type { Clock } from './clock.ts';
import { Fault } from './fault.ts';

/** A source of randomness; the product uses `secureRandom`, a simulation a seeded one. */
export interface Random {
  /** `count` random decimal digits. */
  digits(count: number): string;
  /** `count` random bytes. */
  bytes(count: number): Buffer;
}

export const secureRandom: Random = {
  digits: (count) => Array.from({ length: count }, () => String(randomInt(10))).join(''),
  bytes: (count) => randomBytes(count),
};

/** 17 digits: biller (3), shard (2), random (11), check digit (1). */
export type Psid = string;
/** 16 digits: random (15), check digit (1). */
export type StampId = string;

/**
 * The biller of the fixed PSIDs of a sandbox, which force answers and are paid to nobody: no department has it
 * (docs/spec/psid.md).
 */
export const SANDBOX_BILLER = '999';

/** Makes a PSID for a biller (3 digits) whose rows live on `shard` (0 to 99). */
export function newPsid(biller: string, shard: number, random: Random): Psid {
  if (!/^\d{3}$/.test(biller) || !Number.isInteger(shard) || shard < 0 || shard > 99) {
    throw new Fault('bad-input', 'A PSID needs a biller of three digits and a shard from 0 to 99.');
  }
  const body = `${biller}${String(shard).padStart(2, '0')}${random.digits(11)}`;
  return body + checkDigit(body);
}

/** True for 17 digits with a right check digit. */
export function isPsid(text: string): text is Psid {
  return /^\d{17}$/.test(text) && hasValidCheckDigit(text);
}

/** The shard that a PSID's rows live on. */
export function shardOfPsid(psid: Psid): number {
  return Number(psid.slice(3, 5));
}

/** True for 16 digits with a right check digit. */
export function isStampId(text: string): text is StampId {
  return /^\d{16}$/.test(text) && hasValidCheckDigit(text);
}

/** An e-stamp id as printed, in groups of four. */
export function printedStampId(id: StampId): string {
  return id.replace(/(\d{4})(?=\d)/g, '$1-');
}

/** Milliseconds at the start of the epoch of `IdMaker`: 1 January 2020 UTC. */
const EPOCH_MS = 1_577_836_800_000n;

/** The lowest id that an `IdMaker` can make at an instant: bounds a search by time through the primary key. */
export function lowestIdAt(instant: Date): bigint {
  return (BigInt(instant.getTime()) - EPOCH_MS) << 15n;
}

/**
 * Makes 56-bit row ids that grow with time: 41 bits of milliseconds since 2020, 5 bits of node, 10 bits of
 * counter. 56 bits leave room for `id * 128 + line` in a bigint. When a millisecond's 1,024 ids are used, or
 * the clock steps back, it goes on counting from the last id, so ids of one maker never repeat and never fall.
 */
export class IdMaker {
  readonly #clock: Clock;
  readonly #node: bigint;
  #lastMs = 0n;
  #counter = 0n;

  constructor(clock: Clock, node: number) {
    if (!Number.isInteger(node) || node < 0 || node > 31) {
      throw new Fault('bad-input', 'A node number is a whole number from 0 to 31.');
    }
    this.#clock = clock;
    this.#node = BigInt(node);
  }

  next(): bigint {
    const now = BigInt(this.#clock.now().getTime()) - EPOCH_MS;
    if (now > this.#lastMs) {
      this.#lastMs = now;
      this.#counter = 0n;
    } else {
      this.#counter += 1n;
      if (this.#counter > 1023n) {
        this.#lastMs += 1n;
        this.#counter = 0n;
      }
    }
    return (this.#lastMs << 15n) | (this.#node << 10n) | this.#counter;
  }
}
