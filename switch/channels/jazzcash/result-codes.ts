/** `pp_ResponseCode` of every business result, with the words that go with it; a participant's own where it differs. */
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';

/**
 * From the gateway's published list where it has one that fits (docs/domain/channels.md); what is marked [A] is a
 * number that the list does not use, chosen by us for the biller form.
 */
export const JAZZCASH_CODES: Readonly<Record<ResultCode, string>> = {
  approved: '000',
  // A notification: the money is noted and kept, so the gateway need not tell it again.
  'in-suspense': '000',
  'limit-exceeded': '105',
  // "Transaction does not exist."
  'unknown-consumer': '109',
  'original-not-found': '109',
  // "Invalid value for …": the message names the field. A wrong hash, password or merchant all name the hash.
  unauthorised: '110',
  'format-error': '110',
  // "Transaction not allowed on Merchant/Bank."
  'invalid-transaction': '111',
  'participant-unavailable': '111',
  // "Transaction Expired."
  expired: '116',
  // "Transaction not allowed due to maintenance": nothing was done.
  busy: '118',
  'amount-mismatch': '141', // [A]
  'already-paid': '142', // [A]
  blocked: '143', // [A]
  'key-reused': '144', // [A]
  'reversed-before': '145', // [A]
  'reversal-mismatch': '146', // [A]
  'stamp-used': '147', // [A]
  'hold-unavailable': '148', // [A]
  'system-malfunction': '199',
};

const WORDS: Readonly<Record<ResultCode, string>> = {
  approved: 'Thank you for Using JazzCash, your transaction was successful.',
  'in-suspense': 'The payment is noted and kept in suspense.',
  'limit-exceeded': 'Transaction exceeds merchant per transaction limit.',
  'unknown-consumer': 'Transaction does not exist.',
  'original-not-found': 'Transaction does not exist.',
  unauthorised: 'Please provide a valid value for pp_SecureHash.',
  'format-error': 'Please provide a valid value.',
  'invalid-transaction': 'Transaction not allowed on Merchant/Bank.',
  'participant-unavailable': 'Transaction not allowed on Merchant/Bank.',
  expired: 'Transaction Expired.',
  busy: 'Transaction not allowed due to maintenance.',
  'amount-mismatch': 'The amount is not that of the bill.',
  'already-paid': 'The bill is paid.',
  blocked: 'The bill cannot be paid.',
  'key-reused': 'The pp_TxnRefNo was used for another transaction.',
  'reversed-before': 'The transaction was reversed before.',
  'reversal-mismatch': 'The reversal is not of that transaction.',
  'stamp-used': 'What was paid for is used; the transaction cannot be reversed.',
  'hold-unavailable': 'The reserved amount is not available.',
  'system-malfunction': 'Sorry! Your transaction was not successful.',
};

/** The code that this participant is answered with. */
export function codeFor(result: ResultCode, participant: Participant | undefined): string {
  return participant?.answerCodes.get(result) ?? JAZZCASH_CODES[result];
}

/** The words of `pp_ResponseMessage`; for a format error with the name of the field. */
export function wordsFor(result: ResultCode, field?: string): string {
  if (result !== 'format-error' || field === undefined || !field.startsWith('pp_')) {
    return WORDS[result];
  }
  return `Please provide a valid value for ${field}.`;
}
