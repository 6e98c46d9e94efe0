/**
 * Witnesses of the log (C2SP tlog-witness and tlog-cosignature): independent parties that see every checkpoint, check
 * that the log only grew, and say so with a signature that carries their own time. Here is what is said between the
 * log and a witness, pure; `witnessing.ts` does the calls.
 */
import { verify, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Fault } from '../../kernel/fault.ts';
import { publicKeyOf } from './checkpoint.ts';

/** Ed25519 cosignature/v1. */
const COSIGNATURE_TYPE = 0x04;
const SIGNATURE_BYTES = 64;
const ANSWER_LINES_MAX = 20;

export interface Witness {
  readonly name: string;
  readonly key: KeyObject;
  /** The four bytes by which a note names its key. */
  readonly keyHash: Buffer;
  /** Where `add-checkpoint` is answered, without a slash at the end. */
  readonly url: string;
}

export interface Cosignature {
  readonly at: Date;
  readonly line: string;
}

/**
 * Reads the witnesses of a file: one a line, its verifier key (`name+hash+key`, key type 0x04) and the prefix of its
 * address, separated by spaces; `#` begins a comment. A Fault `config-invalid` names the line that is wrong.
 */
export async function readWitnesses(file: string): Promise<Witness[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Fault('config-invalid', 'The file of the witnesses cannot be read.', {
      fields: { file },
      cause,
    });
  }
  const witnesses = text.split('\n').flatMap((line, at) => {
    const words = line.replace(/#.*$/, '').trim();
    return words === '' ? [] : [witnessIn(words, { file, line: at + 1 })];
  });
  if (new Set(witnesses.map(({ name }) => name)).size !== witnesses.length) {
    throw new Fault('config-invalid', 'A witness is named twice.', { fields: { file } });
  }
  return witnesses;
}

function witnessIn(
  words: string,
  place: { readonly file: string; readonly line: number },
): Witness {
  const [text = '', url = '', ...rest] = words.split(/\s+/);
  const named = publicKeyOf(text, COSIGNATURE_TYPE);
  if (named === undefined || rest.length > 0 || !/^https?:\/\/[^\s?#]+$/.test(url)) {
    throw new Fault('config-invalid', 'A line of the witnesses is not a key and an address.', {
      fields: { ...place },
    });
  }
  const { name, key, hash } = named;
  return { name, key, keyHash: hash, url: url.replace(/\/+$/, '') };
}

/** The body of `add-checkpoint`. */
export function addCheckpointBody(
  oldSize: bigint,
  proof: readonly Uint8Array[],
  note: string,
): string {
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  return `old ${oldSize.toString()}\n${lines}\n${note}`;
}

/** The text of a note that is signed, with its last newline. */
function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1);
}

/**
 * The cosignature of this witness among the lines of an answer, when it is good for this checkpoint; lines of other
 * keys are passed over. `now` bounds the time that a witness may state: not beyond it by more than five minutes.
 */
export function cosignatureIn(
  answer: string,
  { note, witness, now }: { readonly note: string; readonly witness: Witness; readonly now: Date },
): Cosignature | undefined {
  for (const line of answer.split('\n', ANSWER_LINES_MAX)) {
    const match = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    const bytes = Buffer.from(match?.[2] ?? '', 'base64');
    if (
      match?.[1] !== witness.name ||
      bytes.toString('base64') !== match[2] ||
      bytes.length !== 4 + 8 + SIGNATURE_BYTES ||
      !bytes.subarray(0, 4).equals(witness.keyHash)
    ) {
      continue;
    }
    const seconds = bytes.readBigUInt64BE(4);
    const latest = BigInt(Math.floor(now.getTime() / 1_000)) + 300n;
    if (seconds === 0n || seconds > latest) continue;
    const message = `cosignature/v1\ntime ${seconds.toString()}\n${textOf(note)}`;
    if (!verify(null, Buffer.from(message, 'utf8'), witness.key, bytes.subarray(12))) continue;
    return { at: new Date(Number(seconds) * 1_000), line };
  }
  return undefined;
}
