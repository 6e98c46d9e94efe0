/**
 * What the contract answers when it refuses. The chaincode imports nothing of the house, so it has an error
 * class of its own; a code never changes its meaning, because a refusal is replayed by auditors years later.
 */

/** Every refusal of a batch with its constant sentence, in the order in which the contract checks. */
const BATCH_REFUSALS = {
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

/** Every refusal of a call on Fabric that is not about a batch. */
const CALL_REFUSALS = {
  'argument-malformed': 'An argument of the call is not in the form that the function takes.',
  'organisation-unknown': 'The organisation of the caller has no part in this log.',
  'role-missing': 'The certificate of the caller does not carry the role that the call needs.',
  'function-unknown': 'The contract has no such function.',
  'tree-range': 'The log has no such leaf, or had no tree of that size.',
  'version-gap': 'The version does not follow the last one of this record.',
  'version-exists': 'This version was registered before; a version is never changed.',
  'key-known': 'A seal key of this id was registered before; an id is never used twice.',
  'key-unknown': 'No seal key of this id is registered.',
  'key-revoked': 'This seal key was revoked before.',
} as const;

const REFUSALS = { ...BATCH_REFUSALS, ...CALL_REFUSALS };

export type ContractErrorCode = keyof typeof REFUSALS;

/** All codes with which a batch can be refused, in order of precedence. */
export const CONTRACT_ERROR_CODES: readonly ContractErrorCode[] = Object.freeze(
  // Object.keys is typed as strings; these are exactly the keys of the table above.
  Object.keys(BATCH_REFUSALS) as ContractErrorCode[],
);

/** What a refusal looks like in the message of a Fabric peer, which carries text only. */
const WIRE_PATTERN = /\brefused ([a-z-]{1,40})(?: at entry (\d{1,6}))?: /;

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

/** A refusal as text, for the message of a chaincode response; `refusalIn` reads it back. */
export function refusalText(error: ContractError): string {
  const at = error.entry === undefined ? '' : ` at entry ${error.entry.toString()}`;
  return `refused ${error.code}${at}: ${REFUSALS[error.code]}`;
}

/** The refusal that a peer's message carries, or undefined when it carries none that this version knows. */
export function refusalIn(message: string): ContractError | undefined {
  const match = WIRE_PATTERN.exec(message);
  const code = match?.[1];
  if (code === undefined || !Object.hasOwn(REFUSALS, code)) return undefined;
  const entry = match?.[2];
  // The line above has just found the code among the keys of the table.
  return new ContractError(
    code as ContractErrorCode,
    entry === undefined ? undefined : Number(entry),
  );
}
