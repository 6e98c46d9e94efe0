/**
 * The books as they should be, kept in memory and written from the rules (docstrings of the engine and the
 * ledger, comments of the migration), not from their code. `model.ts` applies committed statements to it.
 */
import { createHash } from 'node:crypto';
import { checkDigit } from '../../kernel/check-digit.ts';

export interface ModelParticipant {
  readonly code: string;
  active: boolean;
  readonly perTransaction: bigint | undefined;
  readonly perDay: bigint | undefined;
  readonly netDebitCap: bigint | undefined;
}

export interface ModelChallan {
  readonly psid: string;
  readonly amount: bigint;
  readonly payableUntil: string;
  readonly lines: readonly {
    readonly no: number;
    readonly path: string;
    readonly amount: bigint;
    readonly stamped: boolean;
  }[];
  state: 'payable' | 'paid' | 'cancelled';
  paymentId?: bigint | undefined;
}

export interface ModelPayment {
  readonly id: bigint;
  readonly psid: string;
  readonly participant: string;
  readonly key: string;
  readonly amount: bigint;
  readonly at: Date;
  readonly payer: string;
  readonly stamps: { readonly id: string; readonly line: number; state: string }[];
  state: 'posted' | 'reversed';
}

export interface ModelSuspense {
  readonly id: bigint;
  readonly amount: bigint;
  readonly payer: string;
  state: 'open' | 'returned';
}

export interface ModelRecord {
  readonly kind: 'payment' | 'reversal' | 'tombstone' | 'entry' | 'hold';
  readonly psid: string;
  readonly amount: bigint;
  readonly original: string;
  readonly result: string;
  readonly rowId: bigint | undefined;
}

export interface ModelHold {
  readonly id: bigint;
  readonly path: string;
  readonly amount: bigint;
  readonly expiresAt: number;
  state: 'reserved' | 'posted' | 'voided' | 'expired';
}

export interface Totals {
  debits: bigint;
  credits: bigint;
  postings: bigint;
}

export const SUSPENSE = 'suspense:unmatched';
export const settlement = (participant: string): string => `participant:${participant}:settlement`;
export const prefunding = (participant: string): string => `participant:${participant}:prefunding`;

/** The Karachi day of an instant: UTC and five hours. */
export function dayOf(at: Date): string {
  return new Date(at.getTime() + 5 * 3_600_000).toISOString().slice(0, 10);
}

/** The six digits by which a payment is named: the end of its row id. */
export function authorisationOf(paymentId: bigint): string {
  return (paymentId % 1_000_000n).toString().padStart(6, '0');
}

/** The id of the stamp of a line, from the payment's seed (docs/spec/stamp-id.md). */
export function stampIdOf(seed: Buffer, line: number): string {
  const number = Buffer.alloc(2);
  number.writeInt16BE(line);
  const hash = createHash('sha256')
    .update(Buffer.concat([seed, Buffer.of(0), number]))
    .digest();
  const body = (hash.readBigUInt64BE(0) & 0x7fff_ffff_ffff_ffffn) % 1_000_000_000_000_000n;
  const digits = body.toString().padStart(15, '0');
  return digits + checkDigit(digits);
}

export class ModelBooks {
  readonly participants = new Map<string, ModelParticipant>();
  readonly challans = new Map<string, ModelChallan>();
  readonly payments = new Map<bigint, ModelPayment>();
  readonly suspense = new Map<bigint, ModelSuspense>();
  readonly holds = new Map<bigint, ModelHold>();
  readonly #records = new Map<string, ModelRecord>();
  readonly #balances = new Map<string, Totals>();
  readonly #days = new Map<string, Totals>();
  /** Accounts that may never pay out, nor reserve, more than they hold. */
  readonly guarded = new Set<string>();

  record(participant: string, key: string): ModelRecord | undefined {
    return this.#records.get(`${participant} ${key}`);
  }

  keep(participant: string, key: string, record: ModelRecord): void {
    this.#records.set(`${participant} ${key}`, record);
  }

  balance(path: string): Totals {
    return totalsIn(this.#balances, path);
  }

  day(path: string, day: string): Totals {
    return totalsIn(this.#days, `${path} ${day}`);
  }

  /** Every account that was ever moved, with its running totals. */
  get balances(): ReadonlyMap<string, Totals> {
    return this.#balances;
  }

  /** What living holds reserve on an account. */
  held(path: string): bigint {
    let sum = 0n;
    for (const hold of this.holds.values())
      if (hold.path === path && hold.state === 'reserved') sum += hold.amount;
    return sum;
  }

  move(day: string, path: string, side: 'D' | 'C', amount: bigint): void {
    for (const totals of [this.balance(path), this.day(path, day)]) {
      if (side === 'D') totals.debits += amount;
      else totals.credits += amount;
      totals.postings += 1n;
    }
  }

  /** What a participant may still debit today; undefined when nothing limits it. */
  allowance(participant: ModelParticipant, day: string): bigint | undefined {
    const path = settlement(participant.code);
    const { debits, credits } = this.balance(path);
    const funded = this.balance(prefunding(participant.code));
    const limits: bigint[] = [];
    if (participant.perDay !== undefined)
      limits.push(participant.perDay - this.day(path, day).debits);
    if (participant.netDebitCap !== undefined) {
      const owed = debits - credits + this.held(path);
      limits.push(participant.netDebitCap - owed + funded.credits - funded.debits);
    }
    return limits.length === 0 ? undefined : limits.reduce((a, b) => (a < b ? a : b));
  }

  stampsOf(paymentId: bigint | undefined): string[] {
    const payment = paymentId === undefined ? undefined : this.payments.get(paymentId);
    return payment?.stamps.map((stamp) => stamp.id) ?? [];
  }
}

function totalsIn(map: Map<string, Totals>, key: string): Totals {
  let totals = map.get(key);
  if (totals === undefined) {
    totals = { debits: 0n, credits: 0n, postings: 0n };
    map.set(key, totals);
  }
  return totals;
}
