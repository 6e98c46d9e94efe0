/** Urdu for the trace: the words of the tables, and amounts in words with lakh, crore, arab and kharab. */
import type { AreaUnit } from '../../kernel/area.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Paisa } from '../../kernel/money.ts';
import type { LandClass, Setting, Storey } from './duty-book.ts';

/** Urdu has a word of its own for every number below a hundred. */
const BELOW_HUNDRED = (
  'صفر ایک دو تین چار پانچ چھ سات آٹھ نو دس گیارہ بارہ تیرہ چودہ پندرہ سولہ سترہ اٹھارہ انیس ' +
  'بیس اکیس بائیس تئیس چوبیس پچیس چھبیس ستائیس اٹھائیس انتیس تیس اکتیس بتیس تینتیس چونتیس پینتیس چھتیس سینتیس اڑتیس انتالیس ' +
  'چالیس اکتالیس بیالیس تینتالیس چوالیس پینتالیس چھیالیس سینتالیس اڑتالیس انچاس پچاس اکاون باون ترپن چون پچپن چھپن ستاون اٹھاون انسٹھ ' +
  'ساٹھ اکسٹھ باسٹھ تریسٹھ چونسٹھ پینسٹھ چھیاسٹھ سڑسٹھ اڑسٹھ انہتر ستر اکہتر بہتر تہتر چوہتر پچہتر چھہتر ستتر اٹھہتر اناسی ' +
  'اسی اکیاسی بیاسی تراسی چوراسی پچاسی چھیاسی ستاسی اٹھاسی نواسی نوے اکانوے بانوے ترانوے چورانوے پچانوے چھیانوے ستانوے اٹھانوے ننانوے'
).split(' ');

const SCALES: readonly (readonly [bigint, string])[] = [
  [100_000_000_000n, 'کھرب'],
  [1_000_000_000n, 'ارب'],
  [10_000_000n, 'کروڑ'],
  [100_000n, 'لاکھ'],
  [1_000n, 'ہزار'],
  [100n, 'سو'],
];

function wholeInUrdu(value: bigint): string {
  const words: string[] = [];
  let rest = value;
  for (const [scale, name] of SCALES) {
    if (rest >= scale) words.push(wholeInUrdu(rest / scale), name);
    rest %= scale;
  }
  if (rest > 0n || words.length === 0) words.push(BELOW_HUNDRED[Number(rest)] ?? '');
  return words.join(' ');
}

/** An amount in Urdu words: `بارہ لاکھ پچاس ہزار روپے صرف`. Refuses a negative one (`bad-input`). */
export function amountInUrdu(amount: Paisa): string {
  if (amount < 0n) throw new Fault('bad-input', 'A negative amount has no words.');
  const fraction = amount % 100n;
  const whole = `${wholeInUrdu(amount / 100n)} روپے`;
  return fraction === 0n ? `${whole} صرف` : `${whole} اور ${wholeInUrdu(fraction)} پیسے صرف`;
}

export const UNIT_URDU: Readonly<Record<AreaUnit, string>> = {
  sarsai: 'سرسائی',
  marla: 'مرلہ',
  kanal: 'کنال',
  acre: 'ایکڑ',
  'sq-ft': 'مربع فٹ',
};

export const CLASS_URDU: Readonly<Record<LandClass, string>> = {
  residential: 'رہائشی',
  commercial: 'کمرشل',
  industrial: 'صنعتی',
  institutional: 'اداراتی',
  'agricultural-irrigated': 'زرعی نہری',
  'agricultural-unirrigated': 'زرعی بارانی',
};

export const STOREY_URDU: Readonly<Record<Storey, string>> = {
  any: 'کوئی بھی منزل',
  basement: 'تہہ خانہ',
  ground: 'گراؤنڈ فلور',
  first: 'پہلی منزل',
  second: 'دوسری منزل',
  third: 'تیسری منزل',
  upper: 'بالائی منزل',
};

export const SETTING_URDU: Readonly<Record<Setting, string>> = {
  urban: 'شہری',
  rural: 'دیہی',
};

export const PAYER_URDU = { seller: 'فروخت کنندہ', purchaser: 'خریدار' } as const;
