/**
 * The opened facts of a stamp: every printed fact with its salt, so that `factsRoot` in the seal proves the whole
 * paper. The labels are those of the register (docs/spec/seal.md).
 */
import type { DocumentParty, FactOpening, StampDocument } from '../documents.ts';
import { concatBytes, equalBytes, sha256, utf8 } from './bytes.ts';

/** An opened fact, or the hash of one that is not shown. */
export type FactLeaf = FactOpening | { readonly label: string; readonly hash: Uint8Array };

const LABEL = /^[\x21-\x7e]{1,60}$/;

/** The facts that a certificate prints, by the label under which the register commits to them. */
export function printedFacts(document: StampDocument): Map<string, string> {
  const facts = new Map<string, string>([
    ['psid', document.psid],
    ['challan', document.challanNumber],
    ['kind', document.kind],
    ['article', document.article],
    ['description', document.description],
    ['amount', document.amount.toString()],
    ['district', document.districtCode],
    ['purpose', document.purpose],
  ]);
  if (document.property !== undefined) facts.set('property', document.property);
  addParty(facts, 'applicant', document.applicant);
  if (document.agent !== undefined) addParty(facts, 'agent', document.agent);
  for (const [side, parties] of [
    ['first', document.firstParties],
    ['second', document.secondParties],
  ] as const) {
    parties.forEach((party, index) => addParty(facts, `${side}.${String(index + 1)}`, party));
  }
  return facts;
}

/** What a certificate carries of the openings: those of printed facts, and the hash of each other one. */
export function shownOpenings(document: StampDocument): FactLeaf[] {
  const printed = printedFacts(document);
  return document.openings.map((opening) =>
    printed.has(opening.label) ? opening : { label: opening.label, hash: factHash(opening) },
  );
}

/**
 * Compares a certificate's facts with what `factsRoot` commits to. Returns the labels that differ: printed facts
 * without an opening or with another value, opened facts that are not printed; `*` when the root itself is not
 * reached.
 */
export function unprovenFacts(document: StampDocument, leaves: readonly FactLeaf[]): string[] {
  if (!reachesRoot(leaves, document.factsRoot)) return ['*'];
  const printed = printedFacts(document);
  const opened = new Map(
    leaves.flatMap((leaf) => ('value' in leaf ? [[leaf.label, leaf.value]] : [])),
  );
  const differing = [...printed].filter(([label, value]) => opened.get(label) !== value);
  const unprinted = [...opened].filter(([label]) => !printed.has(label));
  // Only what a certificate never prints may stay closed: otherwise a line could be left out of the print.
  const hidden = leaves.filter((leaf) => !('value' in leaf) && !mayStayClosed(leaf.label, printed));
  return [
    ...new Set(
      [...differing, ...unprinted].map(([label]) => label).concat(hidden.map(({ label }) => label)),
    ),
  ];
}

function mayStayClosed(label: string, printed: ReadonlyMap<string, string>): boolean {
  const party = /^(.+)\.contact$/.exec(label)?.[1];
  return party === undefined
    ? label === 'line' || label === 'tehsil'
    : printed.has(`${party}.name`);
}

function reachesRoot(leaves: readonly FactLeaf[], root: Uint8Array): boolean {
  const labels = leaves.map(({ label }) => label);
  if (!labels.every((label) => LABEL.test(label)) || new Set(labels).size !== labels.length) {
    return false;
  }
  const sorted = leaves.toSorted((left, right) => (left.label < right.label ? -1 : 1));
  const hashes = sorted.map((leaf) => ('value' in leaf ? factHash(leaf) : leaf.hash));
  return equalBytes(sha256(utf8('sanad-facts-1'), ...hashes), root);
}

function factHash({ label, value, salt }: FactOpening): Uint8Array {
  const name = utf8(label);
  return sha256(concatBytes(Uint8Array.of(0), salt, Uint8Array.of(name.length), name, utf8(value)));
}

function addParty(facts: Map<string, string>, label: string, party: DocumentParty): void {
  facts.set(`${label}.name`, party.name);
  if (party.relation !== undefined) facts.set(`${label}.relation`, party.relation);
  if (party.cnic !== undefined) facts.set(`${label}.cnic`, party.cnic);
  if (party.address !== undefined) facts.set(`${label}.address`, party.address);
}
