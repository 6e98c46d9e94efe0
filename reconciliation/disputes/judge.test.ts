import { describe, expect, it } from '@jest/globals';
import type { Claim, KnownPayment, KnownSuspense, PsidFacts } from './claim.ts';
import { CLOSING_ANSWERS, HAND_OVER_REASONS, judgeDispute } from './judge.ts';
import { dueAt } from './turnaround.ts';

const PSID = '10100482911930272';
const AT = new Date('2026-11-23T09:00:00.000Z');

const payment = (change: Partial<KnownPayment> = {}): KnownPayment => ({
  paymentId: 1n,
  participant: 'BOP',
  reference: 'A1',
  amount: 150_000n,
  state: 'posted',
  paidAt: AT,
  stamps: 1,
  stampsUsed: 0,
  ...change,
});
const reversed = (change: Partial<KnownPayment> = {}): KnownPayment =>
  payment({ state: 'reversed', reversedAt: AT, ...change });
const suspense = (change: Partial<KnownSuspense> = {}): KnownSuspense => ({
  suspenseId: 2n,
  participant: 'BOP',
  reference: 'A1',
  amount: 150_000n,
  state: 'open',
  at: AT,
  ...change,
});
const facts = (change: Partial<PsidFacts> = {}): PsidFacts => ({
  payments: [],
  suspense: [],
  billerPayments: [],
  ...change,
});
const biller = (state: 'under-way' | 'cancelled' | 'stuck' | 'done'): Partial<PsidFacts> => ({
  billerPayments: [{ participant: 'BOP', reference: 'A1', amount: 150_000n, state }],
});

const NOT_ISSUED: Claim = {
  kind: 'paid-not-issued',
  psid: PSID,
  participant: 'BOP',
  reference: 'A1',
};
const TWICE: Claim = { ...NOT_ISSUED, kind: 'debited-twice', secondReference: 'A2' };
const ONE_OF_TWO: Claim = { ...NOT_ISSUED, kind: 'debited-twice' };
const WRONG: Claim = { ...NOT_ISSUED, kind: 'wrong-psid-paid', paidPsid: '20100482911930277' };

/** One row for each case, in order of precedence. */
const CASES: readonly (readonly [string, Claim, PsidFacts, string, string])[] = [
  // Paid but not issued.
  ['it was issued', NOT_ISSUED, facts({ payments: [payment()] }), 'closed', 'issued'],
  [
    'it was issued, the reference is written in small letters',
    { ...NOT_ISSUED, reference: ' a1 ' },
    facts({ payments: [payment()] }),
    'closed',
    'issued',
  ],
  [
    'it was issued after a reversal',
    NOT_ISSUED,
    facts({ payments: [reversed({ paymentId: 0n }), payment()] }),
    'closed',
    'issued',
  ],
  [
    'no reference is given and the PSID is paid',
    { kind: 'paid-not-issued', psid: PSID },
    facts({ payments: [payment()] }),
    'closed',
    'issued',
  ],
  [
    'the money is in suspense',
    NOT_ISSUED,
    facts({ suspense: [suspense()] }),
    'handed-over',
    'money-in-suspense',
  ],
  ['the biller is stuck', NOT_ISSUED, facts(biller('stuck')), 'handed-over', 'biller-disagrees'],
  ['the biller has not answered', NOT_ISSUED, facts(biller('under-way')), 'open', 'not-received'],
  ['it was undone at the biller', NOT_ISSUED, facts(biller('cancelled')), 'closed', 'reversed'],
  ['it was reversed', NOT_ISSUED, facts({ payments: [reversed()] }), 'closed', 'reversed'],
  [
    'it was given back',
    NOT_ISSUED,
    facts({ suspense: [suspense({ state: 'returned' })] }),
    'closed',
    'returned',
  ],
  [
    'it was applied',
    NOT_ISSUED,
    facts({ suspense: [suspense({ state: 'applied' })] }),
    'closed',
    'applied',
  ],
  ['nothing came', NOT_ISSUED, facts(), 'open', 'not-received'],
  [
    'another reference paid it',
    NOT_ISSUED,
    facts({ payments: [payment({ reference: 'B7' })] }),
    'open',
    'not-received',
  ],
  [
    'another bank paid it with the same reference',
    NOT_ISSUED,
    facts({ payments: [payment({ participant: 'HBL' })] }),
    'open',
    'not-received',
  ],
  // Debited twice.
  [
    'the second is in suspense',
    TWICE,
    facts({ payments: [payment()], suspense: [suspense({ reference: 'A2' })] }),
    'handed-over',
    'money-in-suspense',
  ],
  [
    'the second was reversed',
    TWICE,
    facts({ payments: [payment(), reversed({ reference: 'A2' })] }),
    'closed',
    'second-reversed',
  ],
  [
    'the second was given back',
    TWICE,
    facts({ payments: [payment()], suspense: [suspense({ reference: 'A2', state: 'returned' })] }),
    'closed',
    'second-reversed',
  ],
  ['the second never came', TWICE, facts({ payments: [payment()] }), 'open', 'second-not-received'],
  [
    'both were reversed',
    TWICE,
    facts({ payments: [reversed(), reversed({ reference: 'A2' })] }),
    'closed',
    'reversed',
  ],
  ['neither came', TWICE, facts(), 'open', 'not-received'],
  [
    'only one reference is known, the other debit was reversed',
    ONE_OF_TWO,
    facts({ payments: [payment(), reversed({ reference: 'A2' })] }),
    'closed',
    'second-reversed',
  ],
  [
    'only one reference is known, the other is of another bank',
    ONE_OF_TWO,
    facts({ payments: [payment(), reversed({ reference: 'A2', participant: 'HBL' })] }),
    'open',
    'second-not-received',
  ],
  // The wrong PSID.
  [
    'the wrong one was paid and not used',
    WRONG,
    facts({ payments: [payment()] }),
    'handed-over',
    'wrong-psid-unused',
  ],
  [
    'the wrong one was paid and used',
    WRONG,
    facts({ payments: [payment({ stampsUsed: 1 })] }),
    'handed-over',
    'wrong-psid-used',
  ],
  [
    'the wrong one took the money into suspense',
    WRONG,
    facts({ suspense: [suspense()] }),
    'handed-over',
    'money-in-suspense',
  ],
  ['the wrong one was reversed', WRONG, facts({ payments: [reversed()] }), 'closed', 'reversed'],
  ['the wrong one was not paid', WRONG, facts(), 'open', 'not-received'],
];

describe('a dispute', () => {
  it.each(CASES)('where %s', (_name, claim, known, outcome, answer) => {
    const verdict = judgeDispute(claim, known);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.outcome === 'open' ? verdict.inTheEnd : verdict.answer).toBe(answer);
  });

  it('has a case for every answer and every reason', () => {
    const shown = new Set(CASES.map(([, , , , answer]) => answer));
    expect([...CLOSING_ANSWERS, ...HAND_OVER_REASONS].filter((each) => !shown.has(each))).toEqual(
      [],
    );
  });

  it('tells nothing of the debits of others', () => {
    const verdict = judgeDispute(NOT_ISSUED, facts({ payments: [payment({ reference: 'B7' })] }));
    expect(verdict.explanation.debits).toEqual([]);
  });
});

describe('the clock of a dispute', () => {
  it.each([
    // Monday noon in Karachi: seven working days on is Wednesday of the next week.
    ['2026-11-23T07:00:00Z', '2026-12-02T19:00:00.000Z'],
    // Friday: Saturday and Sunday do not count.
    ['2026-11-27T07:00:00Z', '2026-12-08T19:00:00.000Z'],
    // Saturday and Sunday begin to count on Monday.
    ['2026-11-28T07:00:00Z', '2026-12-08T19:00:00.000Z'],
    // Half past midnight on Tuesday in Karachi.
    ['2026-11-23T19:30:00Z', '2026-12-03T19:00:00.000Z'],
  ])('opened %s ends %s', (openedAt, due) => {
    expect(dueAt(new Date(openedAt)).toISOString()).toBe(due);
  });
});
