/** The lease of the lane as it should be: one holder at a time, every taking under a higher epoch. */
import type { Row } from '../../kernel/database.ts';
import type { LeaseStatement } from './statement-reader.ts';

export class ModelLease {
  #epoch = 0n;
  #holder = '';
  #expiresAt = Number.NEGATIVE_INFINITY;

  /** True for the epoch under which alone the lane may post. */
  isCurrent(epoch: bigint): boolean {
    return this.#epoch > 0n && epoch === this.#epoch;
  }

  /** Applies a statement of the lease that ended at `now` (ms of the database's clock); says what is wrong. */
  apply(
    kind: LeaseStatement,
    values: readonly unknown[],
    rows: readonly Row[],
    now: number,
  ): string[] {
    switch (kind) {
      case 'take':
        return this.#take(values, rows, now);
      case 'renew': {
        const [ttl, , epoch] = values;
        const isOurs = epoch === this.#epoch;
        if (isOurs) this.#expiresAt = now + Number(ttl);
        return rows.length === (isOurs ? 1 : 0) ? [] : ['a lease was renewed by the wrong lane'];
      }
      case 'release': {
        if (values[1] === this.#epoch) this.#expiresAt = now;
        return [];
      }
    }
  }

  #take(values: readonly unknown[], rows: readonly Row[], now: number): string[] {
    const [, holder, ttl] = values;
    const isFree = this.#expiresAt < now || holder === this.#holder;
    const epoch = rows[0]?.['epoch'] ?? undefined;
    if (!isFree) return epoch === undefined ? [] : ['a lease was taken that another lane holds'];
    if (epoch !== this.#epoch + 1n)
      return ['a free lease was not given, or not under the next epoch'];
    this.#epoch = epoch;
    this.#holder = String(holder);
    this.#expiresAt = now + Number(ttl);
    return [];
  }
}
