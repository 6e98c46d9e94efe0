/**
 * Lines of mixed Urdu and Latin text: which font draws each part and in which order the parts stand from left to
 * right. A reduced form of the Unicode bidirectional algorithm (UAX 9) without explicit embeddings, whose
 * control characters are removed: a name must not be able to turn the text around it.
 */

export type Script = 'latin' | 'urdu';

/** A piece of a line in one font. Right-to-left Urdu is in logical order: the font engine turns it round. */
export interface TextRun {
  readonly text: string;
  readonly script: Script;
}

/** Control characters, bidi controls and invisible marks; the joiners of Urdu (U+200C, U+200D) stay. */
const HIDDEN =
  /[\p{Cc}\u00AD\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]/gu;
const MIRRORED: Readonly<Record<string, string>> = {
  '(': ')',
  ')': '(',
  '[': ']',
  ']': '[',
  '{': '}',
  '}': '{',
  '<': '>',
  '>': '<',
};

/** Text as it may be printed: NFC, without hidden characters, white space as single blanks. */
export function printable(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').replaceAll(HIDDEN, '').trim();
}

/** True when the first letter of the text is Arabic: the line then begins at the right. */
export function isRightToLeft(text: string): boolean {
  for (const character of text) {
    const kind = kindOf(character);
    if (kind === 'R') return true;
    if (kind === 'L') return false;
  }
  return false;
}

/** Lines kept: the fixed text of the documents comes again with every one of them. */
const LINES_MAX = 4_000;
const lines = new Map<string, readonly TextRun[]>();

/** The runs of one line in the order in which they stand from left to right. */
export function visualRuns(line: string): readonly TextRun[] {
  const known = lines.get(line);
  if (known !== undefined) return known;
  const runs = orderedRuns(line);
  if (lines.size >= LINES_MAX) lines.clear();
  lines.set(line, runs);
  return runs;
}

function orderedRuns(line: string): TextRun[] {
  if (!/[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/.test(line)) {
    return line === '' ? [] : [{ text: line, script: 'latin' }];
  }
  return reorder(levelRuns(line)).map(({ text, script, level }) => ({
    text: script === 'latin' && level % 2 === 1 ? mirror(text) : text,
    script,
  }));
}

type Kind = 'L' | 'R' | 'digit' | 'mark' | 'neutral';

interface LevelRun extends TextRun {
  readonly level: number;
}

function kindOf(character: string): Kind {
  if (/[0-9\u0660-\u0669\u06F0-\u06F9]/.test(character)) return 'digit';
  if (/[\p{M}\u200C\u200D]/u.test(character)) return 'mark';
  if (/[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/.test(character)) return 'R';
  return /\p{L}/u.test(character) ? 'L' : 'neutral';
}

function levelRuns(line: string): LevelRun[] {
  const base = isRightToLeft(line) ? 1 : 0;
  const characters = Array.from(line);
  const levels = resolveLevels(characters, base);
  const runs: LevelRun[] = [];
  characters.forEach((character, index) => {
    const level = levels[index] ?? base;
    const last = runs.at(-1);
    const script = scriptOf(character, level, last);
    if (last?.level === level && last.script === script) {
      runs[runs.length - 1] = { ...last, text: last.text + character };
    } else {
      runs.push({ text: character, script, level });
    }
  });
  return runs;
}

/** Letters decide; a blank, a mark or a comma of a right-to-left stretch stays in its font, so that words join. */
function scriptOf(character: string, level: number, last: LevelRun | undefined): Script {
  const kind = kindOf(character);
  if (kind === 'R' || /[\u0660-\u0669\u06F0-\u06F9]/.test(character)) return 'urdu';
  if (kind === 'mark') return last?.script ?? 'latin';
  return character === ' ' && level % 2 === 1 ? 'urdu' : 'latin';
}

function resolveLevels(characters: readonly string[], base: number): number[] {
  const kinds = numbersJoined(characters);
  const levels: (number | undefined)[] = [];
  const directions: ('L' | 'R' | undefined)[] = [];
  let strong: 'L' | 'R' = base === 1 ? 'R' : 'L';
  kinds.forEach((kind, index) => {
    if (kind === 'L' || kind === 'R') strong = kind;
    if (kind === 'L') levels[index] = base === 1 ? 2 : 0;
    else if (kind === 'R') levels[index] = 1;
    else if (kind === 'digit') levels[index] = base === 0 && strong === 'L' ? 0 : 2;
    else if (kind === 'mark') levels[index] = levels[index - 1] ?? base;
    if (kind === 'digit') directions[index] = strong;
    else if (kind !== 'neutral') directions[index] = strong;
  });
  return kinds.map((_, index) => levels[index] ?? neutralLevel(directions, index, base));
}

/**
 * A separator between two digits belongs to the number, so that 12,500 and 35202-1234567-1 are not turned round.
 * A token with Latin letters stays whole too (`14-B` of an address), which UAX 9 would print as `B-14`.
 */
function numbersJoined(characters: readonly string[]): Kind[] {
  const kinds = characters.map(kindOf);
  let index = 0;
  for (const [token] of characters.join('').matchAll(/[0-9A-Za-z]+(?:[-./][0-9A-Za-z]+)*|[^]/gu)) {
    const length = Array.from(token).length;
    if (/[0-9]/.test(token) && /[A-Za-z]/.test(token)) kinds.fill('L', index, index + length);
    index += length;
  }
  return kinds.map((kind, index) =>
    kind === 'neutral' &&
    kinds[index - 1] === 'digit' &&
    kinds[index + 1] === 'digit' &&
    /[-.,:/]/.test(characters[index] ?? '')
      ? 'digit'
      : kind,
  );
}

function neutralLevel(
  directions: readonly ('L' | 'R' | undefined)[],
  index: number,
  base: number,
): number {
  const before = directions.slice(0, index).findLast((each) => each !== undefined);
  const after = directions.slice(index + 1).find((each) => each !== undefined);
  if (before !== after || before === undefined) return base;
  if (before === 'R') return 1;
  return base === 1 ? 2 : 0;
}

/** Rule L2: every stretch of runs at or above a level is turned round, from the highest level down. */
function reorder(runs: readonly LevelRun[]): LevelRun[] {
  let ordered = [...runs];
  for (const level of [2, 1]) {
    const next: LevelRun[] = [];
    let stretch: LevelRun[] = [];
    for (const run of ordered) {
      if (run.level >= level) {
        stretch.unshift(run);
      } else {
        next.push(...stretch, run);
        stretch = [];
      }
    }
    ordered = [...next, ...stretch];
  }
  return ordered;
}

function mirror(text: string): string {
  return Array.from(text, (character) => MIRRORED[character] ?? character)
    .reverse()
    .join('');
}
