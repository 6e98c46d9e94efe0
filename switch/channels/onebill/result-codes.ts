/** The 1BILL answer code of every business result (DOMAIN: 00 to 05), and a participant's own where it differs. */
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';

/**
 * 00 success · 01 unknown consumer number · 02 wrong amount, or the bill cannot be paid · 03 duplicate or
 * already paid · 04 invalid credentials or data · 05 processing failed, the outcome is unknown to the bank.
 */
export const ONEBILL_CODES: Readonly<Record<ResultCode, string>> = {
  approved: '00',
  'unknown-consumer': '01',
  'amount-mismatch': '02',
  expired: '02',
  blocked: '02',
  'limit-exceeded': '02',
  'hold-unavailable': '02',
  'already-paid': '03',
  'key-reused': '03',
  'reversed-before': '03',
  'participant-unavailable': '04',
  unauthorised: '04',
  'invalid-transaction': '04',
  'format-error': '04',
  // 1BILL has no advices, so nothing of it goes to suspense.
  'in-suspense': '05',
  'original-not-found': '05',
  'reversal-mismatch': '05',
  'stamp-used': '05',
  busy: '05',
  'system-malfunction': '05',
};

/** The code that this participant is answered with. */
export function codeFor(result: ResultCode, participant: Participant | undefined): string {
  return participant?.answerCodes.get(result) ?? ONEBILL_CODES[result];
}
