/**
 * Areas of land in the units of the Punjab's revenue records. A marla has no size of its own: it is 225 square
 * feet in most urban schemes and 272.25 in revenue land, so every conversion names its basis. With the basis
 * stated, each unit is a finite decimal of square feet (acre = 8 kanal, kanal = 20 marla, marla = 9 sarsai),
 * hence square feet are the common measure and conversion into them is exact.
 */
import type { Decimal } from 'decimal.js';
import { Fault } from './fault.ts';
import { decimalOf, parseDecimal } from './rate.ts';
import type { Paisa } from './money.ts';

export const AREA_UNITS = ['sarsai', 'marla', 'kanal', 'acre', 'sq-ft'] as const;
export type AreaUnit = (typeof AREA_UNITS)[number];

/** Square feet in one marla: 225 in urban schemes, 272.25 in revenue land. */
export const MARLA_BASES = ['225', '272.25'] as const;
export type MarlaBasis = (typeof MARLA_BASES)[number];

/** A measured area as it was stated: digits with at most six decimals, and the unit. */
export interface Area {
  readonly value: string;
  readonly unit: AreaUnit;
}

/** Sarsai in one unit of land. */
const SARSAI: Readonly<Record<Exclude<AreaUnit, 'sq-ft'>, string>> = {
  sarsai: '1',
  marla: '9',
  kanal: '180',
  acre: '1440',
};

/** Square feet in one `unit` on the stated basis; exact. */
export function squareFeetPer(unit: AreaUnit, basis: MarlaBasis): Decimal {
  return unit === 'sq-ft'
    ? parseDecimal('1')
    : parseDecimal(basis).mul(parseDecimal(SARSAI[unit])).div(9);
}

/** An area in square feet; exact. Refuses what is not digits with at most six decimals (`bad-input`). */
export function squareFeet(area: Area, basis: MarlaBasis): Decimal {
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(area.value)) {
    throw new Fault('bad-input', 'An area is digits with at most six decimals.');
  }
  return parseDecimal(area.value).mul(squareFeetPer(area.unit, basis));
}

/** Square feet in another unit, rounded to six decimals when it does not come out even; for showing. */
export function areaText(sqFt: Decimal, unit: AreaUnit, basis: MarlaBasis): string {
  return sqFt.div(squareFeetPer(unit, basis)).toDecimalPlaces(6).toFixed();
}

/**
 * What an area costs in paisa at `rate` per `unit`. Multiplies before it divides, so a result that is a finite
 * decimal is exact; the caller rounds.
 */
export function priceOfArea(
  sqFt: Decimal,
  rate: Paisa,
  per: { readonly unit: AreaUnit; readonly basis: MarlaBasis },
): Decimal {
  return sqFt.mul(decimalOf(rate)).div(squareFeetPer(per.unit, per.basis));
}
