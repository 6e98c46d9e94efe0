/** `responseCode` of every result of the teller interface; a participant's own where it differs. */
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';

/** The words of ISO 8583 DE 39 that tellers' systems know; [A] where the standard has none. */
export const OTC_CODES: Readonly<Record<ResultCode, string>> = {
  approved: '00',
  // Tellers send no advices.
  'in-suspense': '96',
  'unknown-consumer': '14',
  'amount-mismatch': '13',
  'already-paid': '93', // [A]
  expired: '54',
  blocked: '62',
  'limit-exceeded': '61',
  'hold-unavailable': '51',
  'key-reused': '94',
  'reversed-before': '68',
  'original-not-found': '25',
  'reversal-mismatch': '77',
  'stamp-used': 'P1', // [A]
  'participant-unavailable': '91',
  unauthorised: '63',
  'invalid-transaction': '12',
  'format-error': '30',
  busy: '91',
  'system-malfunction': '96',
};

/** What only a till knows. */
export type TillResult =
  'till-unknown' | 'till-in-use' | 'batch-closed' | 'batch-of-earlier-day' | 'control-mismatch';

/** Reconciliation answers of the standard (95, 97) and our own [A]. */
export const TILL_CODES: Readonly<Record<TillResult, string>> = {
  'till-unknown': '58',
  'till-in-use': '57',
  'batch-closed': '77',
  'batch-of-earlier-day': '97',
  'control-mismatch': '95',
};

export type OtcResult = ResultCode | TillResult;

/** The code that this participant is answered with. */
export function codeFor(result: OtcResult, participant: Participant | undefined): string {
  if (result in TILL_CODES) return TILL_CODES[result as TillResult]; // `in` just proved it
  const code = result as ResultCode; // the only other members of the union
  return participant?.answerCodes.get(code) ?? OTC_CODES[code];
}
