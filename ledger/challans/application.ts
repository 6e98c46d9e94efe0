/** An application for a stamp as it is kept with its challan: who, what, and about which property. */
import type { StampFacts } from '../stamps/facts.ts';

export interface Party {
  readonly name: string;
  /** `S/o Muhammad Akram`, when stated. */
  readonly relation?: string;
  /** 13 digits written 5-7-1. */
  readonly cnic?: string;
  readonly contact?: string;
  readonly email?: string;
  readonly address?: string;
}

export interface StampApplication {
  readonly applicant: Party;
  readonly agent?: Party;
  readonly firstParties: readonly Party[];
  readonly secondParties: readonly Party[];
  /** Why the stamp is bought. */
  readonly purpose: string;
  /** One line that names the property, for the print; absent when the instrument is about none. */
  readonly propertyText?: string;
  readonly districtCode: string;
  readonly districtName: string;
  readonly tehsilName?: string;
  /** `CONVEYANCE - 23`. */
  readonly instrumentTitle: string;
}

/** What a stamp-bearing line adds to the facts. */
export interface StampLineFacts {
  readonly psid: string;
  readonly challanNumber: string;
  readonly lineNo: number;
  readonly kind: string;
  readonly article: string;
  readonly description: string;
  readonly amountPaisa: bigint;
}

function addParty(facts: Map<string, string>, label: string, party: Party): void {
  facts.set(`${label}.name`, party.name);
  if (party.relation !== undefined) facts.set(`${label}.relation`, party.relation);
  if (party.cnic !== undefined) facts.set(`${label}.cnic`, party.cnic);
  if (party.contact !== undefined) facts.set(`${label}.contact`, party.contact);
  if (party.address !== undefined) facts.set(`${label}.address`, party.address);
}

/** Every fact that the stamp of a line attests, by label. The order of parties is part of the label. */
export function stampFacts(application: StampApplication, line: StampLineFacts): StampFacts {
  const facts = new Map<string, string>([
    ['psid', line.psid],
    ['challan', line.challanNumber],
    ['line', String(line.lineNo)],
    ['kind', line.kind],
    ['article', line.article],
    ['description', line.description],
    ['amount', line.amountPaisa.toString()],
    ['district', application.districtCode],
    ['purpose', application.purpose],
  ]);
  if (application.propertyText !== undefined) facts.set('property', application.propertyText);
  if (application.tehsilName !== undefined) facts.set('tehsil', application.tehsilName);
  addParty(facts, 'applicant', application.applicant);
  if (application.agent !== undefined) addParty(facts, 'agent', application.agent);
  application.firstParties.forEach((party, index) =>
    addParty(facts, `first.${String(index + 1)}`, party),
  );
  application.secondParties.forEach((party, index) =>
    addParty(facts, `second.${String(index + 1)}`, party),
  );
  return facts;
}
