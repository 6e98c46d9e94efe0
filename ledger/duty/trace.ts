/** The steps of a calculation, written so that an officer can follow it with a pocket calculator. */
import { formatRupees, type Paisa } from '../../kernel/money.ts';

export interface TraceStep {
  /** Stable name of the kind of step: `dc-land`, `chargeable-value`, `stamp-duty`, `levy:registration-fee`. */
  readonly step: string;
  /** Plain English with the figures in it. */
  readonly text: string;
  /** The same figures for a program: money as paisa digits, rates and areas as decimals, names as they are. */
  readonly figures: Readonly<Record<string, string>>;
  /** Where the rule or rate comes from, when the step applies one. */
  readonly source?: string;
  /** True when the rule or rate is an assumption. */
  readonly assumed: boolean;
}

/** `Rs 12,34,567.00` */
export function rupeesText(amount: Paisa): string {
  return `Rs ${formatRupees(amount)}`;
}
