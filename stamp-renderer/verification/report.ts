/**
 * What a verification says. Three findings stand side by side and are never merged: the SEAL (who vouches for
 * which facts), the LOG (whether the issue is public) and the STATUS (what became of the stamp, as of when). All
 * of it is plain JSON; instants are ISO 8601 in UTC, money a string of paisa.
 */
import type { StampState } from '../../kernel/stamp.ts';
import type { InclusionBundle } from '../seal/inclusion.ts';

/** Why a stamp is refused. */
export const REFUSALS = [
  /** The file is no PDF, PNG or JSON that can be read within the limits. */
  'file-unreadable',
  /** No QR code of an e-stamp was found. */
  'qr-missing',
  /** The code holds no well-formed seal: another QR code, a damaged or an edited one. */
  'seal-malformed',
  'key-unknown',
  'seal-signature-wrong',
  'key-not-valid-then',
  /** The key was revoked and the log does not prove that the stamp is older than that. */
  'key-revoked',
  /** What is printed is not what is sealed; `field` names it. */
  'printed-fact-differs',
  'not-in-register',
  'register-differs',
  'stamp-cancelled',
  'stamp-refunded',
  /** Surrendered by its holder for a refund that is not decided yet. */
  'stamp-surrendered',
  'stamp-spoiled',
  /** The caller demands the log, and the stamp is not in it yet. */
  'not-in-log',
  'proof-wrong',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What a reader should know of a stamp that is not refused. */
export type Notice =
  | 'already-used'
  | 'log-pending'
  | 'status-unchecked'
  /** The register's answer is older than a day. */
  | 'status-old'
  /** Only the code was read: nothing printed was compared. */
  | 'compare-with-paper';

/** A sentence in both languages. */
export type Message = { readonly en: string; readonly ur: string };

export type Reason = {
  readonly code: Refusal;
  readonly message: string;
  readonly urdu: string;
  /** The printed fact that differs. */
  readonly field?: string;
  readonly printed?: string;
  readonly sealed?: string;
};

/** The facts of a seal, ready to be shown beside the paper. */
export type SealedFacts = {
  readonly stampId: string;
  readonly kind: string;
  readonly article: string;
  readonly amountPaisa: string;
  readonly amount: string;
  readonly amountInWords: string;
  readonly issuedAt: string;
  readonly issuedAtPrinted: string;
  readonly validUntil: string;
  readonly districtCode: string;
  readonly applicant: string;
  readonly cnicLast4?: string;
  readonly firstParty?: string;
  readonly secondParty?: string;
  readonly purpose: string;
  readonly psid: string;
  readonly challanNumber: string;
  readonly logSizeAtIssue: string;
  /** What the log commits to, recomputed from the seal. */
  readonly recordRoot: string;
};

export type SealFinding =
  | {
      readonly state: 'genuine';
      readonly kid: string;
      readonly authority: string;
      readonly sealedAt: string;
    }
  | { readonly state: 'refused' }
  | { readonly state: 'missing' };

export type LogFinding =
  | {
      readonly state: 'proved';
      readonly origin: string;
      readonly leafIndex: string;
      readonly treeSize: string;
      /** False where this machine cannot check Ed25519: who signed the head was not checked here. */
      readonly checkpointSigned: boolean;
    }
  | { readonly state: 'pending' }
  | { readonly state: 'unchecked' }
  | { readonly state: 'refused' };

export type StatusFinding =
  | {
      readonly state: StampState;
      readonly asOf: string;
      readonly stateChangedAt?: string;
      readonly usedFor?: string;
    }
  | { readonly state: 'unknown' }
  | { readonly state: 'unchecked' };

/** `agrees`: everything printed was compared. `not-compared`: there was nothing to compare but the code. */
export type PrintFinding = { readonly state: 'agrees' | 'differs' | 'not-compared' };

export type VerificationReport = {
  readonly verdict: 'genuine' | 'refused';
  readonly message: Message;
  readonly reasons: readonly Reason[];
  readonly notices: readonly {
    readonly code: Notice;
    readonly message: string;
    readonly urdu: string;
  }[];
  readonly seal: SealFinding;
  readonly facts?: SealedFacts;
  readonly print: PrintFinding;
  readonly log: LogFinding;
  readonly status: StatusFinding;
};

/** What the register says of a stamp. */
export interface StampStatus {
  readonly state: StampState;
  /** The instant for which this is true. */
  readonly asOf: Date;
  /** Lower-case hex. */
  readonly recordRoot: string;
  /** Milliseconds since 1970 UTC, as sealed and logged. */
  readonly issuedAt: number;
  readonly stateChangedAt?: Date;
  /** For which deed a delisted stamp was used. */
  readonly usedFor?: string;
  /** Absent while the stamp is not in the log. */
  readonly inclusion?: InclusionBundle;
}

/** Asks the register; undefined when it has no such stamp. What it throws ends the verification. */
export type StatusLookup = (stampId: string) => Promise<StampStatus | undefined>;
