/**
 * The one table of business answers to a payment, an inquiry or a reversal. Channels map it with a total
 * `Record<ResultCode, string>`, so that a new code does not compile until every channel has an answer.
 * The database function `post_payments` returns the same words.
 */
export const RESULT_CODES = [
  /** Posted now, or (on a repeat of the same request) posted before with this very answer. */
  'approved',
  /** An advice that no challan could be paid with: the money is kept in suspense until it is applied or returned. */
  'in-suspense',
  /** No challan has this PSID. */
  'unknown-consumer',
  /** The amount is not the amount of the challan. */
  'amount-mismatch',
  /** The challan was paid by another request. */
  'already-paid',
  /** The challan's last day has passed. */
  'expired',
  /** The challan was cancelled or is blocked by an officer. */
  'blocked',
  /** The participant's limit per transaction, per day or its net debit cap would be exceeded. */
  'limit-exceeded',
  /** The hold that should pay is unknown, too small, spent, freed or expired. */
  'hold-unavailable',
  /** The same request key came before with other content. */
  'key-reused',
  /** A reversal for this payment arrived before the payment itself; it will never post. */
  'reversed-before',
  /** A reversal names a payment that the switch does not know. */
  'original-not-found',
  /** A reversal's amount or PSID is not that of the original. */
  'reversal-mismatch',
  /** A reversal names a payment whose stamp was already used; it is refused and becomes an exception. */
  'stamp-used',
  /** The participant is unknown, switched off or not signed on. */
  'participant-unavailable',
  /** The credentials, signature or message authentication code are wrong. */
  'unauthorised',
  /** The kind of transaction is not one that the switch offers. */
  'invalid-transaction',
  /** A field is missing or malformed. */
  'format-error',
  /** The queue is full; nothing was done and the request may be repeated. */
  'busy',
  /** The switch failed; the state is unknown to the caller, who must repeat or reverse. */
  'system-malfunction',
] as const;

export type ResultCode = (typeof RESULT_CODES)[number];

/** True for a word of the table; used where a code comes back from the database. */
export function isResultCode(value: string): value is ResultCode {
  return (RESULT_CODES as readonly string[]).includes(value);
}
