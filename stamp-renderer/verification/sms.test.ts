import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { STAMP_STATES } from '../../kernel/stamp.ts';
import type { StampStatus } from './report.ts';
import { parseSms, smsAnswer, statusMessage } from './sms.ts';
import { bulkCsv, bulkEntries } from './verify-bulk.ts';

const ID = '4829119302746153';
const status: StampStatus = {
  state: 'issued',
  asOf: new Date('2026-11-24T10:00:00Z'),
  recordRoot: '00'.repeat(32),
  // Half past midnight of the next day in Karachi.
  issuedAt: Date.parse('2026-11-23T19:30:00Z'),
};

describe('the message of an SMS', () => {
  it.each([
    [`eStamp ${ID}`, 'en'],
    [`ESTAMP ${ID}`, 'en'],
    ['e-stamp 4829-1193-0274-6153', 'en'],
    ['estamp:4829 1193 0274 6153', 'en'],
    [`eStamp${ID}`, 'en'],
    [`eStamp ${ID} urdu`, 'ur'],
    [`eStamp ${ID} اردو`, 'ur'],
    [`ای اسٹامپ ${ID}`, 'ur'],
    ['eStamp ۴۸۲۹۱۱۹۳۰۲۷۴۶۱۵۳', 'en'],
  ])('is understood: %s', (text, language) => {
    expect(parseSms(text)).toEqual({ stampId: ID, language });
  });

  it.each(['', 'eStamp', ID, `eStamp ${ID}0`, `eStamp ${ID.slice(1)}`, `eStamp ${ID} now`])(
    'is not understood: %s',
    (text) => {
      expect(parseSms(text)).toBeUndefined();
    },
  );

  it('never breaks the service, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 600 }), async (text) => {
        const answer = await smsAnswer(`eStamp ${text}`, () => Promise.resolve(undefined));
        expect(answer.length).toBeLessThanOrEqual(200);
        expect(answer).not.toMatch(/[\r\n]/);
      }),
    );
  });
});

describe('the answer by SMS', () => {
  it('says the Karachi day, and what became of the stamp', async () => {
    const answer = (known: StampStatus | undefined) =>
      smsAnswer(`eStamp ${ID}`, () => Promise.resolve(known));
    expect(await answer(status)).toBe(
      'eStamp 4829-1193-0274-6153: issued on 24-11-2026, not used. Check the paper by its QR code.',
    );
    const used = {
      ...status,
      state: 'delisted' as const,
      stateChangedAt: new Date('2026-11-24T10:00:00Z'),
      usedFor: '4711/2026',
    };
    expect(await answer(used)).toBe(
      'eStamp 4829-1193-0274-6153: ALREADY USED on 24-11-2026 for deed 4711/2026. It cannot be used again.',
    );
    expect(await answer(undefined)).toContain('NOT in the register');
    expect(await smsAnswer('eStamp 4829119302746154', () => Promise.resolve(status))).toContain(
      'mistyped',
    );
  });

  it('has a sentence of its own in each language for each state', () => {
    const sentences = STAMP_STATES.map((state) => statusMessage({ ...status, state }));
    expect(new Set(sentences.map(({ en }) => en)).size).toBe(STAMP_STATES.length);
    expect(new Set(sentences.map(({ ur }) => ur)).size).toBe(STAMP_STATES.length);
  });
});

describe('a list', () => {
  it('is read by its first field', () => {
    expect(bulkEntries('\uFEFF# head\r\n"a#1",x\n\n b ;2\nc\td\n')).toEqual([
      { line: 2, text: 'a#1' },
      { line: 4, text: 'b' },
      { line: 5, text: 'c' },
    ]);
  });

  it('is answered in a form that a spreadsheet cannot run', () => {
    const message = { en: '=1+1', ur: '' };
    const csv = bulkCsv([{ line: 1, verdict: 'refused', usedFor: '@x"y', reasons: [], message }]);
    expect(csv.split('\r\n')[1]).toBe(`1,,refused,,"'@x""y",,'=1+1,`);
  });
});
