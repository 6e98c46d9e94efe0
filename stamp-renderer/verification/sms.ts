/**
 * The answer to `eStamp` and 16 digits by SMS: one line, of what anybody may know who holds the number. Names and
 * amounts are not in it, and it says that the paper itself was not checked: a number can be copied, a seal cannot.
 */
import { businessDate, printedDate } from '../../kernel/clock.ts';
import { hasValidCheckDigit } from '../../kernel/check-digit.ts';
import { stampIdGroups } from '../pdf/printed.ts';
import type { Message, StatusLookup, StampStatus } from './report.ts';

/** Three messages of the network at most; Urdu costs two bytes a letter. */
const SMS_CHARACTERS_MAX = 200;

export type SmsLanguage = 'en' | 'ur';

/** `eStamp 4829119302746153`, with blanks or hyphens anywhere, or the word in Urdu, which asks for an answer in it. */
const QUESTION =
  /^\s*(e-?\s?stamp|ای\s?-?\s?(?:ا?سٹامپ))\s*:?\s*([0-9٠-٩۰-۹\s-]{16,40})\s*(u|urdu|اردو)?\s*$/iu;

const HOW: Message = {
  en: 'Send the word eStamp and the 16 digits of the e-stamp, for example: eStamp 4829119302746153',
  ur: 'لفظ eStamp اور ای اسٹامپ کے 16 ہندسے بھیجیں۔',
};

function latinDigits(text: string): string {
  return text
    .replace(/[٠-٩]/gu, (digit) => String(digit.charCodeAt(0) - 0x660))
    .replace(/[۰-۹]/gu, (digit) => String(digit.charCodeAt(0) - 0x6f0))
    .replace(/[\s-]/gu, '');
}

/** The number that a message asks about, and the language of the answer; undefined when it is no such message. */
export function parseSms(
  text: string,
): { readonly stampId: string; readonly language: SmsLanguage } | undefined {
  const [, word = '', digits = '', urdu] = QUESTION.exec(text.slice(0, 200)) ?? [];
  const stampId = latinDigits(digits);
  if (!/^\d{16}$/.test(stampId)) return undefined;
  const isUrdu = urdu !== undefined || !/^e/i.test(word);
  return { stampId, language: isUrdu ? 'ur' : 'en' };
}

function karachiDay(instant: Date): string {
  return printedDate(businessDate(instant));
}

/** What the register says of a stamp, in a sentence without names and amounts. */
export function statusMessage(status: StampStatus | undefined): Message {
  if (status === undefined)
    return {
      en: 'NOT in the register. Do not accept it.',
      ur: 'رجسٹر میں موجود نہیں۔ قبول نہ کریں۔',
    };
  const since = status.stateChangedAt === undefined ? undefined : karachiDay(status.stateChangedAt);
  const on = since === undefined ? '' : ` on ${since}`;
  const onUrdu = since === undefined ? '' : ` (${since})`;
  const issued = karachiDay(new Date(status.issuedAt));
  switch (status.state) {
    case 'issued':
      return {
        en: `issued on ${issued}, not used. Check the paper by its QR code.`,
        ur: `تاریخِ اجراء ${issued}، غیر استعمال شدہ۔ کاغذ کی تصدیق کیو آر کوڈ سے کریں۔`,
      };
    case 'delisted':
      return {
        en: `ALREADY USED${on}${status.usedFor === undefined ? '' : ` for deed ${status.usedFor}`}. It cannot be used again.`,
        ur: `پہلے ہی استعمال شدہ${onUrdu}${status.usedFor === undefined ? '' : `، دستاویز ${status.usedFor}`}۔ دوبارہ استعمال نہیں ہو سکتا۔`,
      };
    case 'spoiled':
      return { en: `SPOILED${on}. Not valid.`, ur: `ناقابلِ استعمال قرار دیا گیا${onUrdu}۔` };
    case 'refund-requested':
      return {
        en: `SURRENDERED for a refund${on}. Not valid.`,
        ur: `رقم کی واپسی کے لیے جمع${onUrdu}۔ کارآمد نہیں۔`,
      };
    case 'refunded':
      return { en: `REFUNDED${on}. Not valid.`, ur: `رقم واپس ہو چکی${onUrdu}۔ کارآمد نہیں۔` };
    case 'cancelled':
      return { en: `CANCELLED${on}. Not valid.`, ur: `منسوخ${onUrdu}۔ کارآمد نہیں۔` };
  }
}

/** The answer to one message; one line of at most 200 characters. Passes on what the look-up throws. */
export async function smsAnswer(text: string, status: StatusLookup): Promise<string> {
  const asked = parseSms(text);
  if (asked === undefined) return HOW.en;
  const { stampId, language } = asked;
  const message = hasValidCheckDigit(stampId)
    ? statusMessage(await status(stampId))
    : {
        en: 'the number was mistyped. Compare it with the paper.',
        ur: 'نمبر درست نہیں۔ کاغذ سے ملائیں۔',
      };
  return `eStamp ${stampIdGroups(stampId)}: ${message[language]}`.slice(0, SMS_CHARACTERS_MAX);
}
