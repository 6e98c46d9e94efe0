/**
 * The facts of a stamp as a salted commitment (docs/spec/leaf.md). Each fact is hashed with a salt of its own,
 * so that one fact can be opened to a court without the others, and none can be guessed from the public log:
 * a CNIC has only 10^13 possible values, and its plain hash would be no secret.
 */
import { createHash, createHmac } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';

/** Facts by label; labels are at most 60 ASCII characters. An absent fact has no label. */
export type StampFacts = ReadonlyMap<string, string>;

const DOMAIN = Buffer.from('sanad-facts-1', 'ascii');
const LEAF = Buffer.from([0x00]);
const FIRST_ROUND = Buffer.from([0x01]);

/**
 * Makes the salts of a challan's facts: 16 bytes of HKDF-SHA256 (RFC 5869) from its 32-byte secret, no salt, the
 * label as info. Extraction is the same for every label and is done once; one round of expansion gives 32 bytes.
 */
function saltMaker(secret: Uint8Array): (label: string) => Buffer {
  const pseudoRandomKey = createHmac('sha256', Buffer.alloc(32)).update(secret).digest();
  return (label) =>
    createHmac('sha256', pseudoRandomKey)
      .update(label)
      .update(FIRST_ROUND)
      .digest()
      .subarray(0, 16);
}

function factHash(salt: Buffer, label: string, value: string): Buffer {
  const name = Buffer.from(label, 'ascii');
  if (name.length === 0 || name.length > 60) {
    throw new Fault('internal', 'The label of a fact must have 1 to 60 characters.', {
      fields: { label },
    });
  }
  return createHash('sha256')
    .update(LEAF)
    .update(salt)
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
  const saltOf = saltMaker(secret);
  for (const label of labels) hash.update(factHash(saltOf(label), label, facts.get(label) ?? ''));
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
  const saltOf = saltMaker(secret);
  return [...facts].map(([label, value]) => ({ label, value, salt: saltOf(label) }));
}
