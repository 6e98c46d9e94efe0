/** What an e-stamp is and where it is in its life: words that the register, the API, the paper and the seal share. */

/** The place of each in this list is its number in the seal (docs/spec/seal.md): append only. */
export const STAMP_KINDS = ['non-judicial', 'judicial', 'low-denomination'] as const;
export type StampKind = (typeof STAMP_KINDS)[number];

/** The life of an e-stamp (DOMAIN.md §3); the moves between them are in ledger/stamps and in the database. */
export const STAMP_STATES = [
  'issued',
  'delisted',
  'spoiled',
  'refund-requested',
  'refunded',
  'cancelled',
] as const;
export type StampState = (typeof STAMP_STATES)[number];
