/** What the channels' tests do to real books as an officer would. */
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import type { IdMaker, Psid } from '../../kernel/ids.ts';
import { moveStamps, stampsOfChallan } from '../../ledger/index.ts';

/** A sub-registrar uses the stamps that the payment of a challan issued. */
export async function useStamps(
  psid: Psid,
  deps: { readonly database: Database; readonly clock: Clock; readonly ids: IdMaker },
): Promise<void> {
  await moveStamps(
    {
      kind: 'lock',
      officer: { id: '1', role: 'sub-registrar', office: 'Sub-Registrar, Model Town' },
      requestKey: `use-${psid}`,
      reason: 'deed 7',
      usedFor: 'deed 7',
      stampIds: await stampsOfChallan(deps.database, psid),
    },
    deps,
  );
}
