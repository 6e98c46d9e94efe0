/**
 * Rates: the only place where an amount meets a fraction. decimal.js with 40 digits; every call names its
 * rounding, and the result is whole paisa again.
 */
import { Decimal } from 'decimal.js';
import { Fault } from './fault.ts';
import { paisa, type Paisa } from './money.ts';

const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_EVEN });

/** How a computed amount becomes whole: to the next rupee up, to the nearest paisa (half up), or paisa down. */
export type Rounding = 'rupee-up' | 'paisa-nearest' | 'paisa-down';

/** Reads a decimal number written with digits and one point; refuses exponents, signs, NaN and infinity. */
export function parseDecimal(text: string): Decimal {
  if (!/^\d{1,18}(\.\d{1,12})?$/.test(text)) {
    throw new Fault('bad-input', 'A number must be digits with at most one decimal point.');
  }
  return new Exact(text);
}

/** An exact decimal from a whole amount of paisa. */
export function decimalOf(amount: Paisa): Decimal {
  return new Exact(amount.toString());
}

/** Rounds an exact number of paisa to a whole amount by the named rule. */
export function roundToPaisa(exact: Decimal, rounding: Rounding): Paisa {
  switch (rounding) {
    case 'rupee-up':
      return paisa(BigInt(exact.div(100).ceil().toFixed(0)) * 100n);
    case 'paisa-nearest':
      return paisa(BigInt(exact.toDecimalPlaces(0, Decimal.ROUND_HALF_UP).toFixed(0)));
    case 'paisa-down':
      return paisa(BigInt(exact.floor().toFixed(0)));
  }
}

/** `percent` per cent of an amount (`"1"` is one per cent), rounded by the named rule. */
export function percentOf(amount: Paisa, percent: string, rounding: Rounding): Paisa {
  return roundToPaisa(decimalOf(amount).mul(parseDecimal(percent)).div(100), rounding);
}
