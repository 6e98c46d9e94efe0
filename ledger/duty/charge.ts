/** How one row of the Schedule or of the levies turns a value into an amount. */
import type { Paisa } from '../../kernel/money.ts';
import { percentOf } from '../../kernel/rate.ts';
import { holdsValue, type DatedRow, type RateVersion, type Setting } from './duty-book.ts';
import { rupeesText } from './trace.ts';

/** True when the row is for this setting and its limits hold the value; a row with limits needs one. */
export function matches(
  row: DatedRow,
  setting: Setting | undefined,
  value: Paisa | undefined,
): boolean {
  return (
    (row.setting === 'any' || row.setting === setting) &&
    (value === undefined
      ? row.valueAbove === 0n && row.valueUpTo === undefined
      : holdsValue(row, value))
  );
}

/** The amount of a row on a value; undefined when it is a percentage and there is no value. */
export function charge(row: DatedRow, value: Paisa | undefined): Paisa | undefined {
  const { charge: rule } = row;
  if (rule.kind === 'fixed') return rule.amount;
  if (value === undefined) return undefined;
  let amount = percentOf(value, rule.rate, row.rounding);
  if (rule.minimum !== undefined && amount < rule.minimum) amount = rule.minimum;
  if (rule.maximum !== undefined && amount > rule.maximum) amount = rule.maximum;
  return amount;
}

/** The reckoning of `charge` in words. */
export function chargeText(row: DatedRow, value: Paisa | undefined, amount: Paisa): string {
  const { charge: rule } = row;
  if (rule.kind === 'fixed' || value === undefined) return `fixed amount ${rupeesText(amount)}`;
  const rounding = row.rounding === 'rupee-up' ? 'rounded up to the next rupee' : 'to the paisa';
  let limit = '';
  if (amount === rule.minimum) limit = ', the least that is charged';
  else if (amount === rule.maximum) limit = ', the most that is charged';
  return `${rule.rate} per cent of ${rupeesText(value)}, ${rounding}, is ${rupeesText(amount)}${limit}`;
}

/** The reckoning of `charge` in figures, with the row and the version of its file. */
export function chargeFigures(
  row: DatedRow,
  version: RateVersion,
  amount: Paisa,
): Readonly<Record<string, string>> {
  const { charge: rule } = row;
  return {
    ...(rule.kind === 'percent' ? { ratePercent: rule.rate, rounding: row.rounding } : {}),
    ...(rule.kind === 'percent' && rule.minimum !== undefined
      ? { minimum: rule.minimum.toString() }
      : {}),
    ...(rule.kind === 'percent' && rule.maximum !== undefined
      ? { maximum: rule.maximum.toString() }
      : {}),
    amount: amount.toString(),
    head: row.headCode,
    version: version.version.toString(),
    line: row.line.toString(),
  };
}
