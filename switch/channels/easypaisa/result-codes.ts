/** `responseCode` of every business result, with its words; a participant's own where it differs. */
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';

/** 0000 to 0017 as published by integrators (docs/domain/channels.md); 01xx is our own range [A]. */
export const EASYPAISA_CODES: Readonly<Record<ResultCode, string>> = {
  approved: '0000',
  // A notification: the money is noted and kept, so it need not be told again.
  'in-suspense': '0000',
  'system-malfunction': '0001',
  'format-error': '0002',
  'unknown-consumer': '0003',
  'participant-unavailable': '0005',
  'invalid-transaction': '0008',
  unauthorised: '0010',
  'amount-mismatch': '0101', // [A]
  'already-paid': '0102', // [A]
  expired: '0103', // [A]
  blocked: '0104', // [A]
  'limit-exceeded': '0105', // [A]
  'key-reused': '0106', // [A]
  'reversed-before': '0107', // [A]
  'original-not-found': '0108', // [A]
  'reversal-mismatch': '0109', // [A]
  'stamp-used': '0110', // [A]
  'hold-unavailable': '0111', // [A]
  busy: '0112', // [A]
};

const WORDS: Readonly<Record<ResultCode, string>> = {
  approved: 'SUCCESS',
  'in-suspense': 'SUCCESS',
  'system-malfunction': 'SYSTEM ERROR',
  'format-error': 'REQUIRED FIELD MISSING',
  'unknown-consumer': 'INVALID ORDER ID',
  'participant-unavailable': 'MERCHANT ACCOUNT NOT ACTIVE',
  'invalid-transaction': 'PAYMENT METHOD NOT ENABLED',
  unauthorised: 'INVALID CREDENTIALS',
  'amount-mismatch': 'AMOUNT IS NOT THAT OF THE BILL',
  'already-paid': 'BILL IS PAID',
  expired: 'BILL EXPIRED',
  blocked: 'BILL CANNOT BE PAID',
  'limit-exceeded': 'LIMIT EXCEEDED',
  'key-reused': 'TRANSACTION ID WAS USED BEFORE',
  'reversed-before': 'TRANSACTION WAS REVERSED BEFORE',
  'original-not-found': 'ORIGINAL TRANSACTION NOT FOUND',
  'reversal-mismatch': 'REVERSAL IS NOT OF THAT TRANSACTION',
  'stamp-used': 'WHAT WAS PAID FOR IS USED',
  'hold-unavailable': 'RESERVED AMOUNT NOT AVAILABLE',
  busy: 'BUSY, TRY AGAIN',
};

/** The code that this participant is answered with. */
export function codeFor(result: ResultCode, participant: Participant | undefined): string {
  return participant?.answerCodes.get(result) ?? EASYPAISA_CODES[result];
}

/** The words of `responseDesc`; for a format error with the name of the field. */
export function wordsFor(result: ResultCode, field?: string): string {
  return result === 'format-error' && field !== undefined && field !== 'body'
    ? `${WORDS[result]}: ${field}`
    : WORDS[result];
}
