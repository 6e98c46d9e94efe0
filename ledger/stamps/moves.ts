/**
 * The life of an e-stamp as a table (DOMAIN.md §3): which move leads from which state to which, whose business it is,
 * and whether the public log has a leaf for it. The database holds the same table a second time
 * (`stamp_state_after`, migrations/0008-stamp-life.sql), and a test compares the two.
 *
 * - `issued`: paid for and good. `delisted`: used once, for a deed. `spoiled`: surrendered as spoiled; it can only be
 *   refunded. `refund-requested`: surrendered by its holder, of no use until the Collector has decided.
 * - `refunded` and `cancelled` (its payment was reversed before it was used) are ends, and so is `delisted`.
 */
import type { StampState } from '../../kernel/stamp.ts';

/** What moves a stamp; `cancel` is the reversal of its payment and no officer's. */
export type StampMoveKind =
  'lock' | 'cancel' | 'spoil' | 'refund-request' | 'refund-refuse' | 'refund';

/** Who acts. `switch` is the posting lane itself. */
export type StampRole = 'switch' | 'sub-registrar' | 'collector';

export interface StampMove {
  readonly kind: StampMoveKind;
  readonly from: readonly StampState[];
  /** `before`: the state that the stamp had before it was asked for. */
  readonly to: StampState | 'before';
  readonly role: StampRole;
  /** False where the log has no type of leaf for it. */
  readonly hasLeaf: boolean;
}

export const STAMP_MOVES: readonly StampMove[] = [
  { kind: 'lock', from: ['issued'], to: 'delisted', role: 'sub-registrar', hasLeaf: true },
  { kind: 'cancel', from: ['issued'], to: 'cancelled', role: 'switch', hasLeaf: true },
  { kind: 'spoil', from: ['issued'], to: 'spoiled', role: 'collector', hasLeaf: true },
  {
    kind: 'refund-request',
    from: ['issued', 'spoiled'],
    to: 'refund-requested',
    role: 'collector',
    hasLeaf: false,
  },
  {
    kind: 'refund-refuse',
    from: ['refund-requested'],
    to: 'before',
    role: 'collector',
    hasLeaf: false,
  },
  { kind: 'refund', from: ['refund-requested'], to: 'refunded', role: 'collector', hasLeaf: true },
];
