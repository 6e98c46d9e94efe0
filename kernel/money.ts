/**
 * Money is integer paisa (1 rupee = 100 paisa) in a branded `bigint`, so that the compiler refuses to mix
 * an amount with a count or a float. Outside the process an amount is a string of digits in paisa.
 */
import { Fault } from './fault.ts';

declare const paisaBrand: unique symbol;
/** An amount in paisa. Made only by the functions of this file. */
export type Paisa = bigint & { readonly [paisaBrand]: true };

/** The largest amount the books take in one figure: 10^15 paisa (PKR 10 trillion). */
const LARGEST = 10n ** 15n;

/** Brands a whole number of paisa; refuses one outside ±10^15. */
export function paisa(value: bigint): Paisa {
  if (value > LARGEST || value < -LARGEST) {
    throw new Fault('bad-input', 'An amount is outside the range of the books.');
  }
  return value as Paisa;
}

export const ZERO: Paisa = paisa(0n);

/** Whole rupees as paisa. */
export function rupees(value: bigint): Paisa {
  return paisa(value * 100n);
}

/** Reads an amount in paisa from digits only (`"186900"`); refuses signs, points, spaces and leading zeros. */
export function parsePaisa(text: string): Paisa {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) {
    throw new Fault('bad-input', 'An amount must be a whole number of paisa, digits only.');
  }
  return paisa(BigInt(text));
}

/** Reads rupees with at most two decimals (`"1869"`, `"1869.5"`, `"1869.00"`) into paisa. */
export function parseRupees(text: string): Paisa {
  const match = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(text);
  if (match === null) {
    throw new Fault('bad-input', 'An amount in rupees has digits and at most two decimals.');
  }
  return paisa(BigInt(match[1] ?? '0') * 100n + BigInt((match[2] ?? '').padEnd(2, '0')));
}

/** Sums amounts. */
export function sumPaisa(amounts: Iterable<Paisa>): Paisa {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return paisa(total);
}

/** Rupees with South Asian grouping and two decimals: `12,34,567.00`. */
export function formatRupees(amount: Paisa): string {
  const sign = amount < 0n ? '-' : '';
  const magnitude = amount < 0n ? 0n - amount : amount;
  const whole = (magnitude / 100n).toString();
  const fraction = (magnitude % 100n).toString().padStart(2, '0');
  const lastThree = whole.slice(-3);
  const rest = whole.slice(0, -3).replace(/\B(?=(\d{2})+(?!\d))/g, ',');
  return `${sign}${rest === '' ? '' : `${rest},`}${lastThree}.${fraction}`;
}

const ONES = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
] as const;
const TENS = [
  '',
  '',
  'twenty',
  'thirty',
  'forty',
  'fifty',
  'sixty',
  'seventy',
  'eighty',
  'ninety',
] as const;
const SCALES: readonly (readonly [bigint, string])[] = [
  [10_000_000n, 'crore'],
  [100_000n, 'lakh'],
  [1_000n, 'thousand'],
  [100n, 'hundred'],
];

function wholeInWords(value: bigint): string {
  for (const [scale, name] of SCALES) {
    if (value >= scale) {
      const rest = value % scale;
      const head = `${wholeInWords(value / scale)} ${name}`;
      return rest === 0n ? head : `${head} ${wholeInWords(rest)}`;
    }
  }
  const small = Number(value);
  if (small < 20) return ONES[small] ?? '';
  const unit = small % 10;
  const ten = TENS[Math.floor(small / 10)] ?? '';
  return unit === 0 ? ten : `${ten}-${ONES[unit] ?? ''}`;
}

/** An amount in English words with lakh and crore: `Rupees twelve lakh fifty thousand only`. Refuses a negative one. */
export function amountInWords(amount: Paisa): string {
  if (amount < 0n) throw new Fault('bad-input', 'A negative amount has no words.');
  const fraction = amount % 100n;
  const whole = wholeInWords(amount / 100n);
  return fraction === 0n
    ? `Rupees ${whole} only`
    : `Rupees ${whole} and paisa ${wholeInWords(fraction)} only`;
}
