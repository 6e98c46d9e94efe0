/**
 * What the contract answers when it refuses. The chaincode imports nothing of the house, so it has an error
 * class of its own; a code never changes its meaning, because a refusal is replayed by auditors years later.
 */

/** Every refusal with its constant sentence, in the order in which the contract checks. */
const REFUSALS = {
  'batch-malformed':
    'The packed entries are not a whole number of entries, or the root is not a hash.',
  'batch-empty': 'A batch has at least one entry.',
  'batch-too-large': 'The batch has more entries than one transaction may carry.',
  'state-corrupt': 'The stored head or batch is not in the form that the contract writes.',
  'batch-gap': 'The batch starts after the end of the log.',
  'batch-overlap': 'The batch starts before the end of the log.',
  'version-unknown': 'The entry has a version that the contract does not know.',
  'type-unknown': 'The entry has a type that the contract does not know.',
  'reserved-bit-set':
    'The top bit of a time, an amount or a reference is reserved and must be zero.',
  'amount-invalid': 'The amount is not allowed for this type of entry.',
  'ref-invalid': 'The reference is not allowed for this type of entry.',
  'issue-without-payment':
    'An ISSUE must follow its own PAYMENT of the same amount in the same batch.',
  'issue-ref-ahead': 'An ISSUE cannot be born after a log size that the log has not reached.',
  'issue-batches-wrong': 'The starts of the issue batches do not match the entries that need them.',
  'issue-batches-too-many': 'The entries of the batch name stamps of too many older batches.',
  'not-an-issue': 'The entry names an index that holds no ISSUE.',
  'amount-differs': 'The amount is not that of the stamp.',
  'stamp-ended': 'The life of this stamp has already ended by LOCK, CANCEL or REFUND.',
  'stamp-spoiled': 'A spoiled stamp can only be refunded.',
  'root-mismatch': 'The root that the contract computes is not the expected one.',
} as const;

export type ContractErrorCode = keyof typeof REFUSALS;

/** All codes, in order of precedence. */
export const CONTRACT_ERROR_CODES: readonly ContractErrorCode[] = Object.freeze(
  // Object.keys is typed as strings; these are exactly the keys of the table above.
  Object.keys(REFUSALS) as ContractErrorCode[],
);

/** A refusal: nothing was written. `entry` is the position in the batch, when one entry is to blame. */
export class ContractError extends Error {
  readonly code: ContractErrorCode;
  readonly entry: number | undefined;

  constructor(code: ContractErrorCode, entry?: number) {
    super(`${code}: ${REFUSALS[code]}`);
    this.name = 'ContractError';
    this.code = code;
    this.entry = entry;
  }
}
