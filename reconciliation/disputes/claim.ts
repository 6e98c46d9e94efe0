/** What somebody says about a payment, and what the switch knows of it. */
import type { BusinessDate } from '../../kernel/clock.ts';
import type { Psid } from '../../kernel/ids.ts';

export const DISPUTE_KINDS = ['paid-not-issued', 'debited-twice', 'wrong-psid-paid'] as const;
export type DisputeKind = (typeof DISPUTE_KINDS)[number];

/** What the opener says. */
export interface Claim {
  readonly kind: DisputeKind;
  /** The PSID that was meant to be paid. */
  readonly psid: Psid;
  /** The PSID that was paid by mistake; with `wrong-psid-paid` only. */
  readonly paidPsid?: Psid;
  readonly participant?: string;
  /** The bank's reference of the debit (RRN, tran_auth_id). */
  readonly reference?: string;
  /** That of the second debit; with `debited-twice` only. */
  readonly secondReference?: string;
  readonly amount?: bigint;
  readonly paidOn?: BusinessDate;
}

/** A payment of a PSID, living or reversed. */
export interface KnownPayment {
  readonly paymentId: bigint;
  readonly participant: string;
  readonly reference: string;
  readonly amount: bigint;
  readonly state: 'posted' | 'reversed';
  readonly paidAt: Date;
  readonly reversedAt?: Date;
  readonly stamps: number;
  /** Stamps of it that were used, spoiled or refunded. */
  readonly stampsUsed: number;
}

/** Money for a PSID that fitted no challan. */
export interface KnownSuspense {
  readonly suspenseId: bigint;
  readonly participant: string;
  readonly reference: string;
  readonly amount: bigint;
  readonly state: 'open' | 'applied' | 'returned';
  readonly at: Date;
}

/** A payment of an external bill that is not done yet, or was undone. */
export interface KnownBillerPayment {
  readonly participant: string;
  readonly reference: string;
  readonly amount: bigint;
  readonly state: 'under-way' | 'cancelled' | 'stuck' | 'done';
}

/** All that the switch knows of one PSID. */
export interface PsidFacts {
  readonly challan?: {
    readonly kind: 'e-stamp' | 'service' | 'external';
    readonly state: 'payable' | 'paid' | 'cancelled';
    readonly amount: bigint;
  };
  readonly payments: readonly KnownPayment[];
  readonly suspense: readonly KnownSuspense[];
  readonly billerPayments: readonly KnownBillerPayment[];
}
