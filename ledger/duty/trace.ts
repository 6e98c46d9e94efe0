/**
 * The steps of a calculation, written so that an officer can follow it with a pocket calculator, in English and
 * in Urdu.
 */
import { formatRupees, type Paisa } from '../../kernel/money.ts';

export interface TraceStep {
  /** Stable name of the kind of step: `dc-land`, `chargeable-value`, `stamp-duty`, `levy:registration-fee`. */
  readonly step: string;
  /** Plain English with the figures in it. */
  readonly text: string;
  /** The same sentence in Urdu. Names of places and codes stay as the tables write them. */
  readonly textUrdu: string;
  /** The same figures for a program: money as paisa digits, rates and areas as decimals, names as they are. */
  readonly figures: Readonly<Record<string, string>>;
  /** Where the rule or rate comes from, when the step applies one. */
  readonly source?: string;
  /** True when the rule or rate is an assumption. */
  readonly assumed: boolean;
}

/** A phrase in both languages. */
export interface Phrase {
  readonly en: string;
  readonly ur: string;
}

/** A calculation says the same few amounts over and over, in two languages: each is written once. */
const written = new Map<Paisa, string>();
const WRITTEN_MAX = 128;

/** As `formatRupees` writes an amount from nothing up, by its digits alone: this is done a dozen times a calculation. */
function groupedDigits(digits: string): string {
  const paisas = digits.length < 3 ? digits.padStart(3, '0') : digits;
  const fraction = paisas.slice(-2);
  let rest = paisas.slice(0, -2);
  if (rest.length <= 3) return `${rest}.${fraction}`;
  let text = rest.slice(-3);
  rest = rest.slice(0, -3);
  while (rest.length > 2) {
    text = `${rest.slice(-2)},${text}`;
    rest = rest.slice(0, -2);
  }
  return `${rest},${text}.${fraction}`;
}

function grouped(amount: Paisa): string {
  const known = written.get(amount);
  if (known !== undefined) return known;
  const text = amount < 0n ? formatRupees(amount) : groupedDigits(amount.toString());
  if (written.size >= WRITTEN_MAX) written.clear();
  written.set(amount, text);
  return text;
}

/** `Rs 12,34,567.00` */
export function rupeesText(amount: Paisa): string {
  return `Rs ${grouped(amount)}`;
}

/** `12,34,567.00 روپے` */
export function rupeesUrdu(amount: Paisa): string {
  return `${grouped(amount)} روپے`;
}
