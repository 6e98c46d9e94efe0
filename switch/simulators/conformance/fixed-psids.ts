/** The fixed PSIDs of a sandbox in the suite's words (docs/integrators/sandbox.md). */
import type { ConformanceSandbox, Forced } from '../../channels/conformance.ts';
import { SANDBOX_AMOUNT, sandboxPsid, type ForcedName } from '../../sandbox/index.ts';

const NAMES: Readonly<Record<Forced, ForcedName>> = {
  'unknown-psid': 'unknown-consumer',
  'wrong-amount': 'amount-mismatch',
  'already-paid': 'already-paid',
  expired: 'expired',
  limit: 'limit-exceeded',
  'key-reused': 'key-reused',
  'reversed-before': 'reversed-before',
  'unknown-payment': 'original-not-found',
  'reversal-mismatch': 'reversal-mismatch',
  'stamp-used': 'stamp-used',
  blocked: 'blocked',
  unavailable: 'participant-unavailable',
  busy: 'busy',
  malfunction: 'system-malfunction',
};

/** What forces an answer on a switch whose books are a sandbox. */
export const forcedByFixedPsids: NonNullable<ConformanceSandbox['forced']> = (answer) => ({
  psid: sandboxPsid(NAMES[answer]),
  amountPaisa: SANDBOX_AMOUNT,
});
