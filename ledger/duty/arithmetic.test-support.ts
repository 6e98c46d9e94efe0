/** Used by tests only: checks lines of plain arithmetic exactly, with fractions of its own and none of ours. */

interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

const of = (top: bigint, bottom = 1n): Fraction =>
  bottom < 0n ? { top: -top, bottom: -bottom } : { top, bottom };
const less = (a: Fraction, b: Fraction): boolean => a.top * b.bottom < b.top * a.bottom;
const floor = (a: Fraction): bigint => {
  const whole = a.top / a.bottom;
  return a.top < 0n && whole * a.bottom !== a.top ? whole - 1n : whole;
};

const FUNCTIONS: Readonly<Record<string, (values: readonly Fraction[]) => Fraction>> = {
  ceil: ([a = of(0n)]) => of(-floor(of(-a.top, a.bottom))),
  max: (values) => values.reduce((a, b) => (less(a, b) ? b : a)),
  min: (values) => values.reduce((a, b) => (less(b, a) ? b : a)),
  // To the paisa, half up.
  round2: ([a = of(0n)]) => of(floor(of(a.top * 200n + a.bottom, a.bottom * 2n)), 100n),
};

/** Reads `+ - * /`, brackets, numbers and the functions above. */
class Reader {
  readonly #tokens: string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(/[a-z]+\d?|\d+(?:\.\d+)?|[-+*/(),]/g) ?? [];
  }

  whole(): Fraction {
    const value = this.sum();
    if (this.#at !== this.#tokens.length) throw new Error('there is more than a sum');
    return value;
  }

  sum(): Fraction {
    let value = this.product();
    while (this.is('+') || this.is('-')) {
      const sign = this.take() === '+' ? 1n : -1n;
      const next = this.product();
      value = of(
        value.top * next.bottom + sign * next.top * value.bottom,
        value.bottom * next.bottom,
      );
    }
    return value;
  }

  product(): Fraction {
    let value = this.term();
    while (this.is('*') || this.is('/')) {
      const times = this.take() === '*';
      const next = this.term();
      value = times
        ? of(value.top * next.top, value.bottom * next.bottom)
        : of(value.top * next.bottom, value.bottom * next.top);
    }
    return value;
  }

  term(): Fraction {
    const token = this.take();
    if (token === '(') return this.closed(this.sum());
    const apply = FUNCTIONS[token];
    if (apply !== undefined) {
      this.take();
      const values = [this.sum()];
      while (this.is(',')) {
        this.take();
        values.push(this.sum());
      }
      return this.closed(apply(values));
    }
    const [whole = '0', part = ''] = token.split('.');
    return of(BigInt(whole + part), 10n ** BigInt(part.length));
  }

  closed(value: Fraction): Fraction {
    if (this.take() !== ')') throw new Error('a bracket is open');
    return value;
  }

  is(token: string): boolean {
    return this.#tokens[this.#at] === token;
  }

  take(): string {
    const token = this.#tokens[this.#at] ?? '';
    this.#at += 1;
    return token;
  }
}

/** True when `left = right` holds; a right side with ten decimals or more may be rounded in the last one. */
export function holds(line: string): boolean {
  const [left = '', right = ''] = line.split(' = ');
  const a = new Reader(left).whole();
  const b = new Reader(right).whole();
  const difference = of(a.top * b.bottom - b.top * a.bottom, a.bottom * b.bottom);
  const size = difference.top < 0n ? of(-difference.top, difference.bottom) : difference;
  const decimals = right.split('.')[1]?.length ?? 0;
  return decimals < 10 ? size.top === 0n : less(size, of(1n, 10n ** BigInt(decimals)));
}

/** The number that a line ends with. */
export function resultOf(line: string): string {
  return line.split(' = ')[1] ?? '';
}
