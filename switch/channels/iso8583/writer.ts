/** The message being packed: a buffer that is large enough for any message of any spec, used again each time. */
import { MalformedMessage } from './malformed.ts';

/** No message is longer: 126 fields of at most 999 characters with prefixes stay below it. */
const CAPACITY = 262_144;

const NOTHING = { mti: '', fields: new Map<number, string>() };

export class Writer {
  readonly raw = new Uint8Array(CAPACITY);
  offset = 0;
  label = 'mti';

  fault(message: string): MalformedMessage {
    return new MalformedMessage(message, { field: this.label, offset: this.offset }, NOTHING);
  }

  /** A copy of what was written. */
  finish(): Buffer {
    const copy = Buffer.allocUnsafe(this.offset);
    copy.set(this.raw.subarray(0, this.offset));
    return copy;
  }
}
