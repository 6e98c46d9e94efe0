/**
 * The fixed PSIDs of a sandbox: biller 999, which no department has (ledger/reference-data/departments.csv), shard 00
 * and a number that says which answer is forced. They have right check digits, so a channel takes them for what they
 * look like. For integrators: docs/integrators/sandbox.md.
 */
import { checkDigit } from '../../kernel/check-digit.ts';
import { SANDBOX_BILLER, type Psid } from '../../kernel/ids.ts';
import type { ResultCode } from '../../kernel/result-code.ts';

/** What happens to whoever asks, pays and takes back under a fixed PSID. */
export interface ForcedAnswer {
  /** Stable: integrators write it down. */
  readonly number: number;
  /** The bill's state, or why there is none. */
  readonly bill: 'unpaid' | 'paid' | 'blocked' | 'expired' | 'unknown-consumer';
  readonly payment: ResultCode;
  readonly reversal: ResultCode;
  /** The answer is given once for each request key; the same request again is approved. */
  readonly once?: true;
  /** Milliseconds before a payment is answered, so that a sender's own timeout runs out first. */
  readonly delayMs?: number;
}

/** Results that a channel gives before it asks an engine: nothing to force. */
type OfTheChannel = 'unauthorised' | 'invalid-transaction' | 'format-error';

/**
 * One PSID for every result that an engine gives, and one that answers late. A total table: a new result code does not
 * compile until it has a PSID or is the channel's own.
 */
export const FORCED_ANSWERS = {
  approved: { number: 1, bill: 'unpaid', payment: 'approved', reversal: 'approved' },
  'already-paid': { number: 2, bill: 'paid', payment: 'already-paid', reversal: 'approved' },
  expired: { number: 3, bill: 'expired', payment: 'expired', reversal: 'approved' },
  blocked: { number: 4, bill: 'blocked', payment: 'blocked', reversal: 'approved' },
  'unknown-consumer': {
    number: 5,
    bill: 'unknown-consumer',
    payment: 'unknown-consumer',
    reversal: 'original-not-found',
  },
  'amount-mismatch': {
    number: 6,
    bill: 'unpaid',
    payment: 'amount-mismatch',
    reversal: 'approved',
  },
  'limit-exceeded': { number: 7, bill: 'unpaid', payment: 'limit-exceeded', reversal: 'approved' },
  'hold-unavailable': {
    number: 8,
    bill: 'unpaid',
    payment: 'hold-unavailable',
    reversal: 'approved',
  },
  'key-reused': { number: 9, bill: 'unpaid', payment: 'key-reused', reversal: 'key-reused' },
  'reversed-before': {
    number: 10,
    bill: 'unpaid',
    payment: 'reversed-before',
    reversal: 'approved',
  },
  'original-not-found': {
    number: 11,
    bill: 'unpaid',
    payment: 'approved',
    reversal: 'original-not-found',
  },
  'reversal-mismatch': {
    number: 12,
    bill: 'unpaid',
    payment: 'approved',
    reversal: 'reversal-mismatch',
  },
  'stamp-used': { number: 13, bill: 'unpaid', payment: 'approved', reversal: 'stamp-used' },
  'participant-unavailable': {
    number: 14,
    bill: 'unpaid',
    payment: 'participant-unavailable',
    reversal: 'participant-unavailable',
  },
  'in-suspense': { number: 15, bill: 'unpaid', payment: 'in-suspense', reversal: 'approved' },
  busy: { number: 16, bill: 'unpaid', payment: 'busy', reversal: 'busy', once: true },
  'system-malfunction': {
    number: 17,
    bill: 'unpaid',
    payment: 'system-malfunction',
    reversal: 'system-malfunction',
    once: true,
  },
  late: { number: 18, bill: 'unpaid', payment: 'approved', reversal: 'approved', delayMs: 30_000 },
} as const satisfies Readonly<Record<Exclude<ResultCode, OfTheChannel> | 'late', ForcedAnswer>>;

export type ForcedName = keyof typeof FORCED_ANSWERS;

/** The PSID that forces an answer. */
export function sandboxPsid(name: ForcedName): Psid {
  const body = `${SANDBOX_BILLER}00${String(FORCED_ANSWERS[name].number).padStart(11, '0')}`;
  return body + checkDigit(body);
}

const BY_PSID: ReadonlyMap<Psid, ForcedAnswer> = new Map(
  // The keys of an object literal are its own.
  (Object.keys(FORCED_ANSWERS) as ForcedName[]).map((name) => [
    sandboxPsid(name),
    FORCED_ANSWERS[name],
  ]),
);

/** What a PSID forces; undefined for every other. */
export function forcedAnswer(psid: Psid): ForcedAnswer | undefined {
  return psid.startsWith(SANDBOX_BILLER) ? BY_PSID.get(psid) : undefined;
}
