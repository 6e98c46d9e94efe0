/**
 * The facts that a seal holds, and how they are taken from a document. The seal has room for short forms only:
 * the full text of every printed fact is bound by `factsRoot`.
 */
import type { StampDocument } from '../documents.ts';

export const STAMP_KINDS = ['non-judicial', 'judicial', 'low-denomination'] as const;

/** Longest name and purpose in a seal, in Unicode code points. */
const NAME_CHARACTERS = 40;
const PURPOSE_CHARACTERS = 48;

/** What the seal says of a stamp. Instants are milliseconds since 1970 UTC; money is paisa. */
export interface SealFacts {
  /** 16 digits. */
  readonly stampId: string;
  readonly kind: (typeof STAMP_KINDS)[number];
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
}

/** The facts of a document, as its seal states them. */
export function sealFactsOf(document: StampDocument, sealedAt: Date): SealFacts {
  const { firstParties, secondParties, applicant } = document;
  const [first] = firstParties;
  const [second] = secondParties;
  const cnicDigits = applicant.cnic?.replaceAll(/\D/g, '');
  return {
    stampId: document.id,
    kind: document.kind,
    article: document.article,
    amountPaisa: document.amount,
    issuedAtMs: BigInt(document.issuedAt.getTime()),
    districtCode: document.districtCode,
    applicant: cut(applicant.name, NAME_CHARACTERS),
    ...(first === undefined ? {} : { firstParty: partyText(first.name, firstParties.length) }),
    ...(second === undefined ? {} : { secondParty: partyText(second.name, secondParties.length) }),
    ...(cnicDigits === undefined ? {} : { cnicLast4: cnicDigits.slice(-4) }),
    purpose: cut(document.purpose, PURPOSE_CHARACTERS),
    psid: document.psid,
    challanNumber: document.challanNumber,
    validUntil: document.validUntil,
    factsRoot: document.factsRoot,
    salt: document.salt,
    logSizeAtIssue: document.logSizeAtIssue,
    sealedAtMs: BigInt(sealedAt.getTime()),
  };
}

function partyText(name: string, parties: number): string {
  const short = cut(name, NAME_CHARACTERS);
  return parties > 1 ? `${short} +${String(parties - 1)}` : short;
}

function cut(text: string, characters: number): string {
  return Array.from(text.normalize('NFC').trim()).slice(0, characters).join('');
}
