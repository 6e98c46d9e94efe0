/**
 * Closing a batch. No new entry comes in, entries whose answer was lost are asked again, then what the teller counted
 * is set against what was posted. A difference leaves the batch open, unless the teller says to close with it.
 */
import type { Teller } from './authentication.ts';
import {
  beginClosing,
  closeBatch,
  reopenBatch,
  type BatchKey,
  type Totals,
} from './batch-store.ts';
import { parseControl, type Control } from './codec.ts';
import { entriesOf, totalsOf } from './entry-store.ts';
import { finishVoid, settle } from './payments.ts';
import type { OtcResult } from './result-codes.ts';
import { refused, type Outcome, type TillDeps } from './till.ts';
import { resultFields } from './to-payment.ts';

const isOpen = (result: OtcResult): boolean => result === 'busy' || result === 'system-malfunction';

/** Asks again for every entry without an answer; false when one still has none. */
async function settleAll(batch: BatchKey, deps: TillDeps): Promise<boolean> {
  for (const entry of await entriesOf(deps.database, batch)) {
    // A void that is refused leaves the entry as it was before, perhaps still to be asked for.
    if (entry.state === 'voiding' && isOpen(await finishVoid(entry, deps))) return false;
  }
  for (const entry of await entriesOf(deps.database, batch)) {
    if (entry.state === 'pending' && isOpen((await settle(entry, deps)).result)) return false;
  }
  return true;
}

function totalFields(totals: Totals | Control): Readonly<Record<string, string>> {
  return {
    count: String(totals.count),
    cash: totals.cash.toString(),
    cheque: totals.cheque.toString(),
  };
}

/** Closes the teller's batch and ends his sign-in. A difference is answered with both totals, and told to the log. */
export async function closeTill(body: string, teller: Teller, deps: TillDeps): Promise<Outcome> {
  const { participant, batch } = teller;
  const declared = parseControl(body);
  if ('malformed' in declared) return refused('format-error', participant, declared.malformed);
  if (!(await beginClosing(deps.database, batch))) return refused('batch-closed', participant);
  if (!(await settleAll(batch, deps))) {
    // The batch goes on closing: the next call finishes it.
    return refused('busy', participant);
  }
  const posted = await totalsOf(deps.database, batch);
  const agrees =
    posted.count === declared.count &&
    posted.cash === declared.cash &&
    posted.cheque === declared.cheque;
  const totals = { declared: totalFields(declared), posted: totalFields(posted) };
  if (!agrees && !declared.acceptDifference) {
    await reopenBatch(deps.database, batch);
    const answer = { ...resultFields('control-mismatch', participant), ...totals };
    return { result: 'control-mismatch', answer };
  }
  await closeBatch(deps.database, batch, { declared, posted, at: deps.clock.now() });
  return {
    result: 'approved',
    answer: {
      ...resultFields('approved', participant),
      ...totals,
      difference: agrees ? 'no' : 'yes',
    },
  };
}
