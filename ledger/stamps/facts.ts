/**
 * The facts of a stamp as a salted commitment (docs/spec/leaf.md). Each fact is hashed with a salt of its own,
 * so that one fact can be opened to a court without the others, and none can be guessed from the public log:
 * a CNIC has only 10^13 possible values, and its plain hash would be no secret.
 */
import { createHash, hkdfSync } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';

/** Facts by label; labels are at most 60 ASCII characters. An absent fact has no label. */
export type StampFacts = ReadonlyMap<string, string>;

const DOMAIN = Buffer.from('sanad-facts-1', 'ascii');
const LEAF = Buffer.from([0x00]);

/** The salt of one fact: 16 bytes of HKDF-SHA256 from the challan's 32-byte secret, the label as info. */
function factSalt(secret: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, 16));
}

function factHash(secret: Uint8Array, label: string, value: string): Buffer {
  const name = Buffer.from(label, 'ascii');
  if (name.length === 0 || name.length > 60) {
    throw new Fault('internal', 'The label of a fact must have 1 to 60 characters.', {
      fields: { label },
    });
  }
  return createHash('sha256')
    .update(LEAF)
    .update(factSalt(secret, label))
    .update(Buffer.from([name.length]))
    .update(name)
    .update(value, 'utf8')
    .digest();
}

/** The root of the facts: SHA-256 over the domain tag and the facts' hashes in byte order of their labels. */
export function factsRoot(secret: Uint8Array, facts: StampFacts): Buffer {
  const hash = createHash('sha256').update(DOMAIN);
  const labels = [...facts.keys()].sort((left, right) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  for (const label of labels) hash.update(factHash(secret, label, facts.get(label) ?? ''));
  return hash.digest();
}

/** One fact with its salt: what a holder shows to prove that fact alone. */
export interface OpenedFact {
  readonly label: string;
  readonly value: string;
  readonly salt: Uint8Array;
}

/** Every fact with its salt, in no particular order. */
export function openFacts(secret: Uint8Array, facts: StampFacts): OpenedFact[] {
  return [...facts].map(([label, value]) => ({ label, value, salt: factSalt(secret, label) }));
}
