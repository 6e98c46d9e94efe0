/** Amounts in Urdu words, in the numbers of the subcontinent: hazar, lakh, crore, arab, kharab. */
import type { Paisa } from '../../kernel/money.ts';

/** Urdu has a word of its own for every number below a hundred. */
const BELOW_HUNDRED =
  'صفر ایک دو تین چار پانچ چھ سات آٹھ نو دس گیارہ بارہ تیرہ چودہ پندرہ سولہ سترہ اٹھارہ انیس بیس اکیس بائیس تئیس چوبیس پچیس چھبیس ستائیس اٹھائیس انتیس تیس اکتیس بتیس تینتیس چونتیس پینتیس چھتیس سینتیس اڑتیس انتالیس چالیس اکتالیس بیالیس تینتالیس چوالیس پینتالیس چھیالیس سینتالیس اڑتالیس انچاس پچاس اکیاون باون ترپن چون پچپن چھپن ستاون اٹھاون انسٹھ ساٹھ اکسٹھ باسٹھ تریسٹھ چونسٹھ پینسٹھ چھیاسٹھ سڑسٹھ اڑسٹھ انہتر ستر اکہتر بہتر تہتر چوہتر پچہتر چھہتر ستتر اٹھہتر اناسی اسی اکیاسی بیاسی تراسی چوراسی پچاسی چھیاسی ستاسی اٹھاسی نواسی نوے اکانوے بانوے ترانوے چورانوے پچانوے چھیانوے ستانوے اٹھانوے ننانوے'.split(
    ' ',
  );

const SCALES: readonly (readonly [bigint, string])[] = [
  [100_000_000_000n, 'کھرب'],
  [1_000_000_000n, 'ارب'],
  [10_000_000n, 'کروڑ'],
  [100_000n, 'لاکھ'],
  [1_000n, 'ہزار'],
  [100n, 'سو'],
];

function words(number: bigint): string[] {
  const parts: string[] = [];
  let rest = number;
  for (const [scale, name] of SCALES) {
    if (rest < scale) continue;
    parts.push(...words(rest / scale), name);
    rest %= scale;
  }
  if (rest > 0n || parts.length === 0) parts.push(BELOW_HUNDRED[Number(rest)] ?? '');
  return parts;
}

/** `ایک لاکھ چھیاسی ہزار نو سو روپے صرف`; with paisa where there are any. */
export function amountInUrduWords(amount: Paisa): string {
  const paise = amount % 100n;
  const rupees = `${words(amount / 100n).join(' ')} روپے`;
  return paise === 0n ? `${rupees} صرف` : `${rupees} اور ${words(paise).join(' ')} پیسے صرف`;
}
