/**
 * The facts that a seal holds. It has room for short forms only: the full text of every fact of the register is
 * bound by `factsRoot`, the rest of the print by `printHash`.
 */
import type { StampKind } from '../../kernel/stamp.ts';

/** What the seal says of a stamp. Instants are milliseconds since 1970 UTC; money is paisa. */
export interface SealFacts {
  /** 16 digits. */
  readonly stampId: string;
  readonly kind: StampKind;
  readonly article: string;
  readonly amountPaisa: bigint;
  readonly issuedAtMs: bigint;
  readonly districtCode: string;
  /** Names are cut after 40 characters; ` +2` behind one says that two more parties follow. */
  readonly applicant: string;
  readonly firstParty?: string;
  readonly secondParty?: string;
  /** The applicant's; absent for a company without one. */
  readonly cnicLast4?: string;
  /** Cut after 48 characters. */
  readonly purpose: string;
  /** 17 digits. */
  readonly psid: string;
  readonly challanNumber: string;
  /** `YYYY-MM-DD`. */
  readonly validUntil: string;
  /** 32 bytes (docs/spec/leaf.md). */
  readonly factsRoot: Uint8Array;
  /** 16 bytes (docs/spec/leaf.md). */
  readonly salt: Uint8Array;
  /** Size of the public log when the stamp was issued. */
  readonly logSizeAtIssue: bigint;
  /** When the seal was signed; the key must have been valid then. */
  readonly sealedAtMs: bigint;
  /** 16 bytes: hashes of what is printed and neither here nor under `factsRoot` (docs/spec/seal.md). */
  readonly printHash: Uint8Array;
}
