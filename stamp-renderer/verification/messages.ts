/** The sentences of a report, in English and Urdu: one total table for each kind, so that no code is without one. */
import { printedTime } from '../../kernel/clock.ts';
import type { Message, Notice, Refusal, StampStatus } from './report.ts';

const REFUSAL_MESSAGES: Readonly<Record<Refusal, Message>> = {
  'file-unreadable': {
    en: 'The file cannot be read.',
    ur: 'فائل پڑھی نہیں جا سکتی۔',
  },
  'qr-missing': {
    en: 'No QR code of an e-stamp was found.',
    ur: 'ای اسٹامپ کا کیو آر کوڈ نہیں ملا۔',
  },
  'seal-malformed': {
    en: 'The QR code holds no seal of an e-stamp, or it was altered.',
    ur: 'کیو آر کوڈ میں ای اسٹامپ کی مہر نہیں یا اس میں تبدیلی کی گئی ہے۔',
  },
  'key-unknown': {
    en: 'The seal was made with a key that no authority vouches for.',
    ur: 'مہر ایسی کلید سے لگی ہے جس کی کوئی مجاز ادارہ تصدیق نہیں کرتا۔',
  },
  'seal-signature-wrong': {
    en: 'The signature of the seal is wrong: the code was forged or altered.',
    ur: 'مہر کے دستخط غلط ہیں: کوڈ جعلی ہے یا تبدیل کیا گیا ہے۔',
  },
  'key-not-valid-then': {
    en: 'The key of the seal was not valid when the seal was made.',
    ur: 'مہر لگتے وقت اس کی کلید کارآمد نہیں تھی۔',
  },
  'key-revoked': {
    en: 'The key of the seal was revoked, and the public log does not prove this stamp.',
    ur: 'مہر کی کلید منسوخ ہو چکی ہے اور عوامی رجسٹر اس اسٹامپ کو ثابت نہیں کرتا۔',
  },
  'printed-fact-differs': {
    en: 'What is printed is not what is sealed.',
    ur: 'کاغذ پر درج کوائف مہر بند کوائف سے مختلف ہیں۔',
  },
  'not-in-register': {
    en: 'The register has no such stamp.',
    ur: 'رجسٹر میں ایسا کوئی اسٹامپ موجود نہیں۔',
  },
  'register-differs': {
    en: 'The register has other facts for this stamp.',
    ur: 'رجسٹر میں اس اسٹامپ کے کوائف مختلف ہیں۔',
  },
  'stamp-cancelled': {
    en: 'The stamp was cancelled, since its payment was reversed.',
    ur: 'رقم کی واپسی کے باعث یہ اسٹامپ منسوخ ہو چکا ہے۔',
  },
  'stamp-refunded': {
    en: 'The stamp was refunded and is worth nothing.',
    ur: 'اس اسٹامپ کی رقم واپس ہو چکی ہے۔',
  },
  'stamp-surrendered': {
    en: 'The stamp was surrendered for a refund and cannot be used.',
    ur: 'یہ اسٹامپ رقم کی واپسی کے لیے جمع کرایا جا چکا ہے اور استعمال نہیں ہو سکتا۔',
  },
  'stamp-spoiled': {
    en: 'The stamp was declared spoiled.',
    ur: 'یہ اسٹامپ ناقابلِ استعمال قرار دیا جا چکا ہے۔',
  },
  'not-in-log': {
    en: 'The stamp is not in the public log yet.',
    ur: 'یہ اسٹامپ ابھی عوامی رجسٹر میں درج نہیں ہوا۔',
  },
  'proof-wrong': {
    en: 'The proof from the public log does not prove this stamp.',
    ur: 'عوامی رجسٹر کا ثبوت اس اسٹامپ کو ثابت نہیں کرتا۔',
  },
};

const NOTICE_MESSAGES: Readonly<Record<Exclude<Notice, 'already-used'>, Message>> = {
  'log-pending': {
    en: 'Not in the public log yet.',
    ur: 'ابھی عوامی رجسٹر میں درج نہیں۔',
  },
  'status-old': {
    en: 'The status is more than a day old.',
    ur: 'حیثیت کی اطلاع ایک دن سے پرانی ہے۔',
  },
  'status-unchecked': {
    en: 'Whether it was used or cancelled since was not checked.',
    ur: 'بعد میں استعمال یا منسوخی کی جانچ نہیں کی گئی۔',
  },
  'compare-with-paper': {
    en: 'Compare the sealed facts with the paper.',
    ur: 'مہر بند کوائف کا کاغذ سے موازنہ کریں۔',
  },
};

/** Printed facts as a person calls them. */
const FIELDS: Readonly<Record<string, Message>> = {
  stampId: { en: 'number of the e-stamp', ur: 'ای اسٹامپ نمبر' },
  kind: { en: 'kind of stamp', ur: 'قسم' },
  amount: { en: 'amount', ur: 'مالیت' },
  amountInWords: { en: 'amount in words', ur: 'مالیت الفاظ میں' },
  issuedAt: { en: 'date and time of issue', ur: 'تاریخِ اجراء' },
  validUntil: { en: 'last day of validity', ur: 'میعاد' },
  article: { en: 'article', ur: 'آرٹیکل' },
  description: { en: 'instrument', ur: 'دستاویز' },
  purpose: { en: 'reason', ur: 'غرض' },
  district: { en: 'district', ur: 'ضلع' },
  psid: { en: 'PSID', ur: 'پی ایس آئی ڈی' },
  challanNumber: { en: 'challan number', ur: 'چالان نمبر' },
  paidThrough: { en: 'way of payment', ur: 'ذریعۂ ادائیگی' },
  applicant: { en: 'applicant', ur: 'درخواست گزار' },
  agent: { en: 'agent', ur: 'نمائندہ' },
  firstParty: { en: 'first party', ur: 'فریقِ اول' },
  secondParty: { en: 'second party', ur: 'فریقِ دوم' },
  property: { en: 'property', ur: 'جائیداد' },
  qr: { en: 'QR code', ur: 'کیو آر کوڈ' },
  facts: { en: 'set of facts attached to the file', ur: 'فائل سے منسلک کوائف' },
  page: { en: 'page around the facts', ur: 'صفحہ' },
};

/** The sentence for a refusal; for a printed fact that differs it names the fact (`secondParty.2.name`). */
export function refusalMessage(code: Refusal, field?: string): Message {
  const name =
    field === undefined ? undefined : (FIELDS[field] ?? FIELDS[field.split('.')[0] ?? '']);
  const message = REFUSAL_MESSAGES[code];
  return name === undefined
    ? message
    : {
        en: `The printed ${name.en} is not what is sealed.`,
        ur: `${message.ur.replace('۔', '')}: ${name.ur}۔`,
      };
}

/** The sentence for a notice other than `already-used`, which needs the register's words. */
export function noticeMessage(code: Exclude<Notice, 'already-used'>): Message {
  return NOTICE_MESSAGES[code];
}

/** `Already used on … for deed …`. */
export function usedMessage(status: StampStatus): Message {
  const when = status.stateChangedAt === undefined ? undefined : printedTime(status.stateChangedAt);
  return {
    en: `Already used${when === undefined ? '' : ` on ${when}`}${status.usedFor === undefined ? '' : ` for deed ${status.usedFor}`}: it cannot be used again.`,
    ur: `یہ اسٹامپ پہلے ہی استعمال ہو چکا ہے${when === undefined ? '' : ` (${when})`}${status.usedFor === undefined ? '' : `، دستاویز ${status.usedFor}`}۔ دوبارہ استعمال نہیں ہو سکتا۔`,
  };
}

/** The one line over a report. */
export function verdictMessage(
  reasons: readonly { readonly message: string; readonly urdu: string }[],
  used?: Message,
): Message {
  const [first] = reasons;
  if (first !== undefined) {
    return { en: `REFUSED. ${first.message}`, ur: `نامنظور۔ ${first.urdu}` };
  }
  return used === undefined
    ? { en: 'GENUINE e-stamp.', ur: 'ای اسٹامپ اصلی ہے۔' }
    : { en: `Genuine, but USED. ${used.en}`, ur: `اصلی مگر استعمال شدہ۔ ${used.ur}` };
}
