import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatRupees, paisa } from '../../kernel/money.ts';
import { rupeesText, rupeesUrdu } from './trace.ts';
import { amountInUrdu } from './urdu.ts';

describe('amounts in the trace', () => {
  it('are written as everywhere else', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (value) => {
        const amount = paisa(value);
        expect(rupeesText(amount)).toBe(`Rs ${formatRupees(amount)}`);
        expect(rupeesUrdu(amount)).toBe(`${formatRupees(amount)} روپے`);
      }),
    );
  });

  it.each([
    [0n, 'صفر روپے صرف'],
    [105n, 'ایک روپے اور پانچ پیسے صرف'],
    [125_000_000n, 'بارہ لاکھ پچاس ہزار روپے صرف'],
    [1_234_567_800n, 'ایک کروڑ تئیس لاکھ پینتالیس ہزار چھ سو اٹھہتر روپے صرف'],
    [999_999_999_900n, 'نو ارب ننانوے کروڑ ننانوے لاکھ ننانوے ہزار نو سو ننانوے روپے صرف'],
  ])('of %s paisa have Urdu words', (value, words) => {
    expect(amountInUrdu(paisa(value))).toBe(words);
  });

  it('that are negative have no words', () => {
    expect(() => amountInUrdu(paisa(-1n))).toThrow('no words');
  });
});
