/** The message being unpacked: its bytes, the place reached, and the faults that name the place. */
import { asciiCopy } from './encoding.ts';
import { MalformedMessage } from './malformed.ts';

const NOTHING = Buffer.alloc(0);

/** Reading runs to its end without waiting, so one reader serves all messages, one after the other. */
export class Reader {
  /** The bytes as they came. */
  raw: Buffer = NOTHING;
  offset = 0;
  /** The data element being read, for faults. */
  label = 'mti';
  mti = '';
  fields = new Map<number, string>();
  /** The bytes as one string, a character each, so that a field in ASCII is a cheap slice of it. */
  #characters = '';
  /** For EBCDIC a copy in ASCII, made when it is first asked for. */
  #translated: Buffer | undefined;
  #translatedCharacters = '';

  /** Begins a message. */
  begin(raw: Buffer): void {
    this.raw = raw;
    this.offset = 0;
    this.label = 'mti';
    this.mti = '';
    this.fields = new Map();
    this.#characters = raw.toString('latin1');
    this.#translated = undefined;
  }

  /** The bytes as ASCII codes: the same buffer, or for EBCDIC a translated copy. */
  bytes(ebcdic: boolean): Buffer {
    if (!ebcdic) return this.raw;
    if (this.#translated === undefined) {
      this.#translated = asciiCopy(this.raw);
      this.#translatedCharacters = this.#translated.toString('latin1');
    }
    return this.#translated;
  }

  /** The characters from `from` to `to`; for EBCDIC translated, after `bytes(true)` was asked for. */
  slice(from: number, to: number, ebcdic: boolean): string {
    return (ebcdic ? this.#translatedCharacters : this.#characters).slice(from, to);
  }

  /** A fault at `offset`, which is the place reached unless the caller knows the very byte. */
  fault(message: string, offset: number = this.offset): MalformedMessage {
    return new MalformedMessage(
      message,
      { field: this.label, offset },
      { mti: this.mti, fields: this.fields },
    );
  }

  /** Refuses when fewer than `count` bytes are left. */
  need(count: number): void {
    if (this.offset + count > this.raw.length) throw this.fault('The message ends inside a field.');
  }
}
