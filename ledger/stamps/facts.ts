/**
 * The facts of a stamp as a salted commitment (docs/spec/leaf.md). Each fact is hashed with a salt of its own,
 * so that one fact can be opened to a court without the others, and none can be guessed from the public log:
 * a CNIC has only 10^13 possible values, and its plain hash would be no secret.
 */
import { createHmac, hash } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';

/** Facts by label; labels are at most 60 ASCII characters. An absent fact has no label. */
export type StampFacts = ReadonlyMap<string, string>;

const DOMAIN = Buffer.from('sanad-facts-1', 'ascii');
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const LABEL_BYTES_MAX = 60;
/** Block of SHA-256, to which HMAC (RFC 2104) pads its key. */
const BLOCK_BYTES = 64;

/** SHA-256 as a string of 32 characters, one a byte: Node gives it in a quarter of the time of a Buffer. */
function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary');
}

/**
 * Makes the salts of a challan's facts: 16 bytes of HKDF-SHA256 (RFC 5869) from its 32-byte secret, no salt, the
 * label as info. Extraction is the same for every label and is done once; one round of expansion gives 32 bytes.
 * That round is HMAC written out as its two hashes: an audit makes twenty salts a stamp, and objects of HMAC cost
 * several times what is hashed.
 */
function saltMaker(secret: Uint8Array): (label: string) => string {
  const pseudoRandomKey = createHmac('sha256', Buffer.alloc(HASH_BYTES)).update(secret).digest();
  const inner = Buffer.alloc(BLOCK_BYTES + LABEL_BYTES_MAX + 1, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, 0x5c);
  for (const [at, byte] of pseudoRandomKey.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  return (label) => {
    const end = BLOCK_BYTES + inner.write(label, BLOCK_BYTES, LABEL_BYTES_MAX, 'latin1');
    // The number of the round.
    inner[end] = 0x01;
    outer.write(sha256(inner.subarray(0, end + 1)), BLOCK_BYTES, 'latin1');
    return sha256(outer).slice(0, SALT_BYTES);
  };
}

function checkLabel(label: string): void {
  if (!/^[\x20-\x7e]{1,60}$/.test(label)) {
    throw new Fault('internal', 'The label of a fact must have 1 to 60 ASCII characters.', {
      fields: { label },
    });
  }
}

/** Where a fact is put together; a longer one gets a place of its own. */
const scratch = Buffer.alloc(1_024);

/** SHA-256(0x00 ‖ salt ‖ length of the label ‖ label ‖ value). */
function factHash(salt: string, label: string, value: string): string {
  const head = 2 + SALT_BYTES + label.length;
  // A character of a string is at most three bytes of UTF-8.
  const most = head + 3 * value.length;
  const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  bytes[0] = 0x00;
  bytes.write(salt, 1, 'latin1');
  bytes[1 + SALT_BYTES] = label.length;
  bytes.write(label, 2 + SALT_BYTES, 'latin1');
  return sha256(bytes.subarray(0, head + bytes.write(value, head, 'utf8')));
}

/** The root of the facts: SHA-256 over the domain tag and the facts' hashes in byte order of their labels. */
export function factsRoot(secret: Uint8Array, facts: StampFacts): Buffer {
  // Labels are ASCII, whose order as strings is that of their bytes.
  const labels = [...facts.keys()].sort();
  const bytes = Buffer.allocUnsafe(DOMAIN.length + labels.length * HASH_BYTES);
  bytes.set(DOMAIN);
  const saltOf = saltMaker(secret);
  for (const [at, label] of labels.entries()) {
    checkLabel(label);
    const fact = factHash(saltOf(label), label, facts.get(label) ?? '');
    bytes.write(fact, DOMAIN.length + at * HASH_BYTES, 'latin1');
  }
  return hash('sha256', bytes, 'buffer');
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
  return [...facts].map(([label, value]) => ({
    label,
    value,
    salt: Buffer.from(saltOf(label), 'latin1'),
  }));
}
