import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRightToLeft, printable, visualRuns } from './text-runs.ts';

/** Runs as one string, Naskh in square brackets. */
const shown = (line: string): string =>
  visualRuns(line)
    .map(({ text, script }) => (script === 'urdu' ? `[${text}]` : text))
    .join('|');

describe('lines of two scripts', () => {
  it.each([
    ['Latin only', 'House 14-B, Lahore', 'House 14-B, Lahore'],
    ['Urdu only', 'محمد اسلم', '[محمد اسلم]'],
    ['a number inside Urdu stands as written', 'گلی 12,500 تک', '[ تک]|12,500|[گلی ]'],
    ['a CNIC inside Urdu is not turned round', 'نمبر 35202-1234567-1', '35202-1234567-1|[نمبر ]'],
    ['a house number with a letter stays whole', 'مکان 14-B لاہور', '[ لاہور]|14-B|[مکان ]'],
    ['brackets around Urdu are mirrored', '(لاہور)', '(|[لاہور]|)'],
    ['Urdu inside Latin keeps its place', 'Mr محمد اسلم here', 'Mr |[محمد اسلم]| here'],
    ['Urdu digits keep their order', 'گلی ۱۲', '[۱۲]|[گلی ]'],
  ])('%s', (_name, line, expected) => {
    expect(shown(line)).toBe(expected);
  });

  it('loses no character and adds none', () => {
    const letters = fc.constantFrom(...Array.from('aB7۴ سمپ(),-/ًٰ'));
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 40 }), (characters) => {
        const line = characters.join('');
        const sorted = (text: string): string =>
          Array.from(text.replaceAll('(', ')')).sort().join('');
        const runs = visualRuns(line);
        expect(sorted(runs.map(({ text }) => text).join(''))).toBe(sorted(line));
      }),
    );
  });

  it('begins at the side of its first letter', () => {
    expect(isRightToLeft('12 محمد B')).toBe(true);
    expect(isRightToLeft('12 B محمد')).toBe(false);
    expect(isRightToLeft('12')).toBe(false);
  });

  it('prints no character that turns text round or hides in it', () => {
    expect(printable(' a\u202E\u2066b\u200B\u0000c\n\td ')).toBe('abc d');
    expect(printable('کہ\u200Cکر')).toBe('کہ\u200Cکر');
  });
});
