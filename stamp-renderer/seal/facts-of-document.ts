/** Takes the facts of a seal from the document that it seals. */
import { createHash } from 'node:crypto';
import type { StampDocument } from '../documents.ts';
import type { SealFacts } from './facts.ts';

/** Longest name and purpose in a seal, in Unicode code points. */
const NAME_CHARACTERS = 40;
const PURPOSE_CHARACTERS = 48;

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
    printHash: printHashOf(document),
  };
}

/** The district's name and the way of payment are printed but are no facts of the register's commitment. */
function printHashOf({ district, paidThrough }: StampDocument): Uint8Array {
  return Buffer.concat([
    createHash('sha256').update(`sanad-print-1\0district\0${district}`).digest().subarray(0, 8),
    createHash('sha256').update(`sanad-print-1\0paid\0${paidThrough}`).digest().subarray(0, 8),
  ]);
}

function partyText(name: string, parties: number): string {
  const short = cut(name, NAME_CHARACTERS);
  return parties > 1 ? `${short} +${String(parties - 1)}` : short;
}

function cut(text: string, characters: number): string {
  return Array.from(text.normalize('NFC').trim()).slice(0, characters).join('');
}
