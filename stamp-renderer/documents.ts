/**
 * What the renderer draws. Documents are complete: the renderer looks nothing up and decides nothing, so the
 * same document with the same clock gives the same bytes.
 */
import type { BusinessDate } from '../kernel/clock.ts';
import type { Psid, StampId } from '../kernel/ids.ts';
import type { Paisa } from '../kernel/money.ts';
import type { StampKind, StampState } from '../kernel/stamp.ts';

export interface DocumentParty {
  /** As on the CNIC or in the company's register; may be in Urdu. */
  readonly name: string;
  /** `S/o`, `D/o`, `W/o` with the relative's name, when stated. */
  readonly relation?: string;
  /** Formatted `35202-1234567-1`; absent for a company without one. */
  readonly cnic?: string;
  readonly address?: string;
}

export interface ChallanDocumentLine {
  readonly headCode: string;
  readonly headTitle: string;
  readonly description: string;
  readonly amount: Paisa;
  /** True when the rate or the head of account is an assumption (DOMAIN.md); printed with a mark. */
  readonly assumed: boolean;
}

/** Challan 32-A, printed in three copies: depositor, bank, treasury. */
export interface ChallanDocument {
  readonly challanNumber: string;
  readonly psid: Psid;
  readonly district: string;
  readonly tehsil?: string;
  /** By whom the money is tendered. */
  readonly tenderer: DocumentParty;
  /** Particulars of the remittance: the instrument, and the property when there is one. */
  readonly particulars: string;
  readonly lines: readonly ChallanDocumentLine[];
  readonly total: Paisa;
  readonly issuedAt: Date;
  /** Last day on which it can be paid. */
  readonly payableUntil: BusinessDate;
  /** When and where it was paid, once it was. */
  readonly paid?: { readonly at: Date; readonly through: string; readonly reference: string };
}

/** One fact of a stamp with its salt: whoever has all of them can recompute `factsRoot` (docs/spec/leaf.md). */
export interface FactOpening {
  readonly label: string;
  readonly value: string;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/** An e-stamp certificate. */
export interface StampDocument {
  readonly id: StampId;
  readonly kind: StampKind;
  /** `CONVEYANCE - 23`: the instrument with its article of Schedule I. */
  readonly description: string;
  readonly article: string;
  readonly amount: Paisa;
  readonly applicant: DocumentParty;
  readonly agent?: DocumentParty;
  readonly firstParties: readonly DocumentParty[];
  readonly secondParties: readonly DocumentParty[];
  /** Why the stamp was bought, in the applicant's words; printed as "Reason". */
  readonly purpose: string;
  /** One line that names the property, when the instrument is about one. */
  readonly property?: string;
  readonly district: string;
  readonly districtCode: string;
  readonly challanNumber: string;
  readonly psid: Psid;
  /** The participant through which the challan was paid. */
  readonly paidThrough: string;
  readonly issuedAt: Date;
  /** Last day on which an unused stamp may be refunded or used by its rules. */
  readonly validUntil: BusinessDate;
  readonly state: StampState;
  /** Root of the salted facts (docs/spec/leaf.md), 32 bytes. */
  readonly factsRoot: Uint8Array;
  /**
   * All facts under `factsRoot`. The PDF carries those that are printed, so that a verifier can prove every line
   * of it and not only what fits into the seal; of the others it carries the hash alone.
   */
  readonly openings: readonly FactOpening[];
  /** Salt of the issue, 16 bytes. */
  readonly salt: Uint8Array;
  /** Size of the public log when the stamp was issued: the stamp is younger than that head. */
  readonly logSizeAtIssue: bigint;
}
