/**
 * Judges a dispute by what the switch knows. Most close by themselves: either what was paid for is there, or the money
 * went back, or it never came here and the bank has it. What needs a decision about money goes to the desk of
 * exceptions with its reason. What is not known yet is looked at again: an advice may still be on its way.
 */
import type { Claim, KnownBillerPayment, KnownPayment, KnownSuspense, PsidFacts } from './claim.ts';

/** Answers that close a dispute. */
export const CLOSING_ANSWERS = [
  /** Paid, and the stamp or receipt is there. */
  'issued',
  /** The payment was reversed: the bank has been told to give the money back. */
  'reversed',
  /** The money was given back out of suspense. */
  'returned',
  /** The money was in suspense and has been applied to a challan. */
  'applied',
  /** The switch got no such payment: the bank has the money. */
  'not-received',
  /** One debit was posted, the other was reversed or given back. */
  'second-reversed',
  /** One debit was posted, the other never came to the switch: the bank has it. */
  'second-not-received',
] as const;
export type ClosingAnswer = (typeof CLOSING_ANSWERS)[number];

/** Reasons for which people decide. */
export const HAND_OVER_REASONS = [
  /** Money for this PSID lies in suspense: apply it or give it back. */
  'money-in-suspense',
  /** The external biller and the switch do not agree. */
  'biller-disagrees',
  /** The other PSID was paid, and what was paid for has not been used. */
  'wrong-psid-unused',
  /** The other PSID was paid, and what was paid for has been used. */
  'wrong-psid-used',
] as const;
export type HandOverReason = (typeof HAND_OVER_REASONS)[number];

/** What the opener, and the participant that must answer him, are told. */
export interface Explanation {
  /** The payments that the claim names, by the bank's own reference. */
  readonly debits: readonly {
    readonly participant: string;
    readonly reference: string;
    readonly amount: string;
    readonly state: 'posted' | 'reversed' | 'in-suspense' | 'returned' | 'applied';
    readonly at: string;
    readonly reversedAt?: string;
  }[];
  /** Whether the PSID is paid now, by whomever. */
  readonly psidPaid: boolean;
}

export type Verdict =
  | {
      readonly outcome: 'closed';
      readonly answer: ClosingAnswer;
      readonly explanation: Explanation;
    }
  | {
      readonly outcome: 'handed-over';
      readonly answer: HandOverReason;
      readonly explanation: Explanation;
    }
  /** Not known yet; if it stays so, this is the answer in the end. */
  | {
      readonly outcome: 'open';
      readonly inTheEnd: ClosingAnswer;
      readonly explanation: Explanation;
    };

interface Debit {
  readonly participant: string;
  readonly reference: string;
}

function same(left: string, right: string): boolean {
  return left.trim().toUpperCase() === right.trim().toUpperCase();
}

/** Whether a debit is one that the claim names; a claim that names none means all of the PSID. */
function isNamed(claim: Claim, debit: Debit): boolean {
  if (claim.participant !== undefined && claim.participant !== debit.participant) return false;
  const names = [claim.reference, claim.secondReference].filter((each) => each !== undefined);
  return names.length === 0 || names.some((name) => same(name, debit.reference));
}

/**
 * Chooses the debits that a claim is about. Who was debited twice often knows one reference only: when that one is
 * known here, the bank's other debits of the PSID are meant too.
 */
function chooser(claim: Claim, facts: PsidFacts): (debit: Debit) => boolean {
  const named = (debit: Debit): boolean => isNamed(claim, debit);
  if (claim.kind !== 'debited-twice' || claim.secondReference !== undefined) return named;
  const all: readonly Debit[] = [...facts.payments, ...facts.suspense, ...facts.billerPayments];
  const banks = new Set(all.filter(named).map(({ participant }) => participant));
  return ({ participant }) => banks.has(participant);
}

interface Matched {
  readonly posted: readonly KnownPayment[];
  readonly reversed: readonly KnownPayment[];
  readonly suspense: readonly KnownSuspense[];
  readonly billers: readonly KnownBillerPayment[];
  readonly explanation: Explanation;
}

function match(claim: Claim, facts: PsidFacts): Matched {
  const isMeant = chooser(claim, facts);
  const named = <Each extends Debit>(debits: readonly Each[]): Each[] => debits.filter(isMeant);
  const payments = named(facts.payments);
  const suspense = named(facts.suspense);
  return {
    posted: payments.filter((each) => each.state === 'posted'),
    reversed: payments.filter((each) => each.state === 'reversed'),
    suspense,
    billers: named(facts.billerPayments),
    explanation: {
      debits: [
        ...payments.map(({ participant, reference, amount, state, paidAt, reversedAt }) => ({
          participant,
          reference,
          amount: amount.toString(),
          state,
          at: paidAt.toISOString(),
          ...(reversedAt === undefined ? {} : { reversedAt: reversedAt.toISOString() }),
        })),
        ...suspense.map(({ participant, reference, amount, state, at }) => ({
          participant,
          reference,
          amount: amount.toString(),
          state: state === 'open' ? ('in-suspense' as const) : state,
          at: at.toISOString(),
        })),
      ],
      psidPaid: facts.challan?.state === 'paid',
    },
  };
}

/** What holds whatever the kind: money in suspense, an external biller who has not answered. */
function judgeLoose({ suspense, billers, explanation }: Matched): Verdict | undefined {
  if (suspense.some((each) => each.state === 'open'))
    return { outcome: 'handed-over', answer: 'money-in-suspense', explanation };
  if (billers.some((each) => each.state === 'stuck'))
    return { outcome: 'handed-over', answer: 'biller-disagrees', explanation };
  if (billers.some((each) => each.state === 'under-way'))
    return { outcome: 'open', inTheEnd: 'not-received', explanation };
  return undefined;
}

/** What became of money that is in no living payment. */
function judgeGone({ reversed, suspense, billers, explanation }: Matched): Verdict {
  if (reversed.length > 0 || billers.some((each) => each.state === 'cancelled'))
    return { outcome: 'closed', answer: 'reversed', explanation };
  const settled = suspense.find((each) => each.state !== 'open');
  if (settled !== undefined)
    return {
      outcome: 'closed',
      answer: settled.state === 'returned' ? 'returned' : 'applied',
      explanation,
    };
  return { outcome: 'open', inTheEnd: 'not-received', explanation };
}

function judgePaidNotIssued(matched: Matched): Verdict {
  const { posted, explanation } = matched;
  if (posted.length > 0) return { outcome: 'closed', answer: 'issued', explanation };
  return judgeLoose(matched) ?? judgeGone(matched);
}

function judgeDebitedTwice(matched: Matched): Verdict {
  const { posted, reversed, suspense, explanation } = matched;
  const loose = judgeLoose(matched);
  if (loose !== undefined) return loose;
  if (posted.length === 0) return judgeGone(matched);
  const givenBack = reversed.length + suspense.filter((each) => each.state === 'returned').length;
  if (givenBack > 0) return { outcome: 'closed', answer: 'second-reversed', explanation };
  return { outcome: 'open', inTheEnd: 'second-not-received', explanation };
}

function judgeWrongPsid(matched: Matched): Verdict {
  const { posted, explanation } = matched;
  const [payment] = posted;
  if (payment === undefined) return judgeLoose(matched) ?? judgeGone(matched);
  const answer = payment.stampsUsed > 0 ? 'wrong-psid-used' : 'wrong-psid-unused';
  return { outcome: 'handed-over', answer, explanation };
}

/** Judges a claim by the facts of the PSID that was paid (`paidPsid`, or `psid`). Changes nothing. */
export function judgeDispute(claim: Claim, facts: PsidFacts): Verdict {
  const matched = match(claim, facts);
  const judges = {
    'paid-not-issued': judgePaidNotIssued,
    'debited-twice': judgeDebitedTwice,
    'wrong-psid-paid': judgeWrongPsid,
  };
  return judges[claim.kind](matched);
}
