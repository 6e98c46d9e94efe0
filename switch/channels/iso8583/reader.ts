/** The message being unpacked: its bytes, the place reached, and the faults that name the place. */
import { asciiCopy } from './encoding.ts';
import { MalformedMessage } from './malformed.ts';

export class Reader {
  /** The bytes as they came. */
  readonly raw: Buffer;
  /** The bytes as ASCII codes: the same buffer, or a translated copy of an EBCDIC message. */
  readonly text: Buffer;
  /** `text` as one string, so that a field is a cheap slice of it. */
  readonly characters: string;
  offset = 0;
  /** The data element being read, for faults. */
  label = 'mti';
  mti = '';
  readonly fields = new Map<number, string>();

  constructor(raw: Buffer, ebcdic: boolean) {
    this.raw = raw;
    this.text = ebcdic ? asciiCopy(raw) : raw;
    this.characters = this.text.toString('latin1');
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
