/**
 * Khasra numbers of a table's row: `12`, `12/3`, a range `101-180`, several with spaces between. A number with a
 * part (`145/2`) is inside a range when its whole number is (145), and a number without parts covers its parts.
 * A square (murabba) is written before a colon: `14:1-25` is killas 1 to 25 of square 14.
 */

const KHASRA = /^(?:(\d{1,4}):)?(\d{1,6})(?:\/(\d{1,4}))?$/;
const RANGE = /^(?:(\d{1,4}):)?(\d{1,6})-(\d{1,6})$/;
const LIST_MAX = 400;

interface Span {
  readonly square: string;
  readonly first: number;
  readonly last: number;
  /** Set when one part of one number is meant. */
  readonly part?: string;
}

function parseOne(text: string): Span | undefined {
  const single = KHASRA.exec(text);
  if (single !== null) {
    const [, square, number, part] = single;
    const first = Number(number);
    const span = { square: square ?? '', first, last: first };
    return part === undefined ? span : { ...span, part };
  }
  const range = RANGE.exec(text);
  if (range === null) return undefined;
  const [, square, from, to] = range;
  const span = { square: square ?? '', first: Number(from), last: Number(to) };
  return span.first < span.last ? span : undefined;
}

/** True for one khasra number as an applicant states it. */
export function isKhasra(text: string): boolean {
  return KHASRA.test(text);
}

/** What is wrong with a list of khasras, in words; undefined when it is right. An empty list is right. */
export function khasraListProblem(list: string): string | undefined {
  if (list === '') return undefined;
  if (list.length > LIST_MAX) return `is longer than ${String(LIST_MAX)} characters`;
  const wrong = list.split(' ').find((each) => parseOne(each) === undefined);
  return wrong === undefined
    ? undefined
    : `"${wrong}" is not a khasra such as 12, 12/3, 101-180 or 14:1-25`;
}

function spans(list: string): Span[] {
  return list === ''
    ? []
    : list.split(' ').flatMap((each) => {
        const span = parseOne(each);
        return span === undefined ? [] : [span];
      });
}

function meet(a: Span, b: Span): boolean {
  if (a.square !== b.square || a.last < b.first || b.last < a.first) return false;
  return a.part === undefined || b.part === undefined || a.part === b.part;
}

/** True when some land would stand in both lists. Two empty lists are the same land. */
export function khasrasOverlap(a: string, b: string): boolean {
  if (a === '' || b === '') return a === b;
  const right = spans(b);
  return spans(a).some((left) => right.some((other) => meet(left, other)));
}

/** True when the list names the khasra; an empty list names none. */
export function holdsKhasra(list: string, khasra: string): boolean {
  const wanted = parseOne(khasra);
  if (wanted === undefined) return false;
  return spans(list).some(
    (span) => meet(span, wanted) && (span.part === undefined || span.part === wanted.part),
  );
}
