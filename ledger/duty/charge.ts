/** How one row of the Schedule or of the levies turns a value into an amount. */
import { paisa, type Paisa } from '../../kernel/money.ts';
import { decimalOf, parseDecimal, percentOf, roundToPaisa } from '../../kernel/rate.ts';
import type { Charge, DatedRow, RateVersion } from './duty-book.ts';
import { rupeesText, rupeesUrdu, type Phrase } from './trace.ts';

/** What a row is applied to. */
export interface ChargeBase {
  readonly value?: Paisa | undefined;
  /** Persons, pages or copies, for a row that charges each. */
  readonly count?: number | undefined;
}

/** Rates as a part of ten thousand, so that an amount in paisa times one is an amount in rupees. */
const rateParts = new Map<string, ReturnType<typeof parseDecimal>>();
const RATES_MAX = 1_000;

function partOfTenThousand(rate: string): ReturnType<typeof parseDecimal> {
  const known = rateParts.get(rate);
  if (known !== undefined) return known;
  const part = parseDecimal(rate).div(10_000);
  if (rateParts.size < RATES_MAX) rateParts.set(rate, part);
  return part;
}

/** `rate` per cent of a value, rounded. The rounding of nearly every row has a short way. */
export function percentOfValue(value: Paisa, rate: string, rounding: DatedRow['rounding']): Paisa {
  if (rounding !== 'rupee-up') return percentOf(value, rate, rounding);
  const exact = decimalOf(value).mul(partOfTenThousand(rate));
  return paisa(BigInt(exact.ceil().toFixed(0)) * 100n);
}

function slabs(value: Paisa, slab: Paisa): bigint {
  return (value + slab - 1n) / slab;
}

function unlimited(row: DatedRow, base: ChargeBase): Paisa | undefined {
  const { charge: rule } = row;
  if (rule.kind === 'fixed') return rule.amount;
  if (rule.kind === 'per-head') {
    return base.count === undefined ? undefined : paisa(rule.amount * BigInt(base.count));
  }
  const { value } = base;
  if (value === undefined) return undefined;
  switch (rule.kind) {
    case 'percent':
      return percentOfValue(value, rule.rate, row.rounding);
    case 'slab':
      return paisa(rule.amount * slabs(value, rule.slab));
    case 'excess': {
      const over = decimalOf(paisa(value - row.valueAbove));
      const exact = over.mul(parseDecimal(rule.rate)).div(100).add(decimalOf(rule.amount));
      return roundToPaisa(exact, row.rounding);
    }
  }
}

function minimumOf(rule: Charge): Paisa | undefined {
  return rule.kind === 'fixed' ? undefined : rule.minimum;
}

function maximumOf(rule: Charge): Paisa | undefined {
  return rule.kind === 'fixed' ? undefined : rule.maximum;
}

/** The amount of a row; undefined when it depends on a value or a count that is not there. */
export function charge(row: DatedRow, base: ChargeBase): Paisa | undefined {
  const amount = unlimited(row, base);
  if (amount === undefined) return undefined;
  const minimum = minimumOf(row.charge);
  const maximum = maximumOf(row.charge);
  if (minimum !== undefined && amount < minimum) return minimum;
  return maximum !== undefined && amount > maximum ? maximum : amount;
}

const NO_LIMIT: Phrase = { en: '', ur: '' };

/** The limit that decided the amount, in words; empty when none did. */
function limitText(row: DatedRow, base: ChargeBase): Phrase {
  const minimum = minimumOf(row.charge);
  const maximum = maximumOf(row.charge);
  if (minimum === undefined && maximum === undefined) return NO_LIMIT;
  const amount = unlimited(row, base);
  if (amount !== undefined && minimum !== undefined && amount < minimum) {
    return { en: ', the least that is charged', ur: '، جو کم از کم وصولی ہے' };
  }
  if (amount !== undefined && maximum !== undefined && amount > maximum) {
    return { en: ', the most that is charged', ur: '، جو زیادہ سے زیادہ وصولی ہے' };
  }
  return NO_LIMIT;
}

function ruleText(row: DatedRow, base: ChargeBase, amount: Paisa): Phrase {
  const { charge: rule } = row;
  const value = base.value ?? paisa(0n);
  const en = rupeesText;
  const ur = rupeesUrdu;
  const rounded: Phrase =
    row.rounding === 'rupee-up'
      ? { en: 'rounded up to the next rupee', ur: 'اگلے پورے روپے تک' }
      : { en: 'to the paisa', ur: 'پیسے تک' };
  switch (rule.kind) {
    case 'fixed':
      return { en: `fixed amount ${en(amount)}`, ur: `مقررہ رقم ${ur(amount)}` };
    case 'percent':
      return {
        en: `${rule.rate} per cent of ${en(value)}, ${rounded.en}, is ${en(amount)}`,
        ur: `${ur(value)} کا ${rule.rate} فیصد، ${rounded.ur}، ${ur(amount)}`,
      };
    case 'per-head': {
      const count = String(base.count ?? 0);
      return {
        en: `${en(rule.amount)} for each of ${count} is ${en(amount)}`,
        ur: `${count} میں سے ہر ایک کے لیے ${ur(rule.amount)}، کل ${ur(amount)}`,
      };
    }
    case 'slab': {
      const count = String(slabs(value, rule.slab));
      return {
        en: `${en(rule.amount)} for every ${en(rule.slab)} or part of it, ${count} in ${en(value)}, is ${en(amount)}`,
        ur: `ہر ${ur(rule.slab)} یا اس کے جزو پر ${ur(rule.amount)}، ${ur(value)} میں ${count}، کل ${ur(amount)}`,
      };
    }
    case 'excess': {
      const over = paisa(value - row.valueAbove);
      return {
        en: `${en(rule.amount)} and ${rule.rate} per cent of the ${en(over)} above ${en(row.valueAbove)}, ${rounded.en}, is ${en(amount)}`,
        ur: `${ur(rule.amount)} اور ${ur(row.valueAbove)} سے زائد ${ur(over)} کا ${rule.rate} فیصد، ${rounded.ur}، ${ur(amount)}`,
      };
    }
  }
}

/** The reckoning of `charge` in words. */
export function chargeText(row: DatedRow, base: ChargeBase, amount: Paisa): Phrase {
  const rule = ruleText(row, base, amount);
  const limit = limitText(row, base);
  return { en: rule.en + limit.en, ur: rule.ur + limit.ur };
}

/** The reckoning of `charge` in figures, with the row and the version of its file. */
export function chargeFigures(
  row: DatedRow,
  base: ChargeBase,
  context: {
    readonly version: RateVersion;
    readonly amount: Paisa;
    /** What else the step tells, first. */
    readonly also?: readonly [name: string, value: string];
  },
): Readonly<Record<string, string>> {
  const { charge: rule } = row;
  const figures: Record<string, string> = {};
  if (context.also !== undefined) figures[context.also[0]] = context.also[1];
  if (base.value !== undefined && rule.kind !== 'fixed' && rule.kind !== 'per-head') {
    figures['value'] = base.value.toString();
  }
  if (rule.kind === 'percent' || rule.kind === 'excess') figures['ratePercent'] = rule.rate;
  if (rule.kind === 'percent' || rule.kind === 'excess') figures['rounding'] = row.rounding;
  if (rule.kind === 'per-head') figures['count'] = String(base.count ?? 0);
  if (rule.kind === 'slab') figures['slab'] = rule.slab.toString();
  if (rule.kind === 'per-head' || rule.kind === 'slab') figures['each'] = rule.amount.toString();
  if (rule.kind === 'excess') figures['above'] = row.valueAbove.toString();
  const minimum = minimumOf(rule);
  const maximum = maximumOf(rule);
  if (minimum !== undefined) figures['minimum'] = minimum.toString();
  if (maximum !== undefined) figures['maximum'] = maximum.toString();
  figures['amount'] = context.amount.toString();
  figures['head'] = row.headCode;
  figures['version'] = context.version.version.toString();
  figures['line'] = row.line.toString();
  return figures;
}
