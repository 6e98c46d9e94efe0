/**
 * What stamps below Rs 500 are sold in. Assumed: the notified list was not found in a public source; these are the
 * values that notices of e-stamping Phase II and printed stamp papers of the province show.
 */
import { rupees, type Paisa } from '../../kernel/money.ts';

export const LOW_DENOMINATIONS: readonly Paisa[] = [
  5n,
  10n,
  20n,
  25n,
  30n,
  50n,
  75n,
  100n,
  150n,
  200n,
  250n,
  300n,
  400n,
].map(rupees);
