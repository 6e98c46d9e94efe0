/** A line of a challan before it has a PSID. */
import type { Paisa } from '../../kernel/money.ts';
import type { StampKind } from '../../kernel/stamp.ts';

export interface ChallanLineDraft {
  readonly headCode: string;
  readonly description: string;
  readonly amount: Paisa;
  readonly assumed: boolean;
  /** Present on a line that bears an e-stamp. */
  readonly stamp?: {
    readonly kind: StampKind;
    readonly article: string;
    readonly description: string;
  };
}
