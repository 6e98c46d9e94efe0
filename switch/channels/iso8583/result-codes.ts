/** DE 39 for every result of the house (docs/spec/iso8583.md has the reasons; [A] marks our own choices). */
import type { ResultCode } from '../../../kernel/result-code.ts';

export const RESPONSE_CODES: Readonly<Record<ResultCode, string>> = {
  approved: '00',
  // An advice is answered 00: the switch has taken note of the money, and keeps it in suspense.
  'in-suspense': '00',
  'unknown-consumer': '14',
  'amount-mismatch': '13',
  // Paid by another request: to the payer's bank a duplicate; DE 44 tells it from a reused key.
  'already-paid': '94',
  expired: '54',
  // [A] 62 is "restricted" in the standard's list.
  blocked: '62',
  'limit-exceeded': '61',
  'hold-unavailable': '51',
  'key-reused': '94',
  // The payment came after its own reversal: too late.
  'reversed-before': '68',
  'original-not-found': '25',
  // The original was found and the reversal's data differ from it.
  'reversal-mismatch': '77',
  // [A] From the range for private use: the stamp was used, so the money cannot go back on this line.
  'stamp-used': 'P1',
  'participant-unavailable': '91',
  unauthorised: '63',
  'invalid-transaction': '12',
  'format-error': '30',
  busy: '91',
  'system-malfunction': '96',
};

/** DE 44: the result in words, upper case with blanks, at most 25 characters. */
export function responseText(result: ResultCode): string {
  return result.toUpperCase().replaceAll('-', ' ').slice(0, 25);
}
