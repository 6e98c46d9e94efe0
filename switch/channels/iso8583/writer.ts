/**
 * The message being packed. Messages are written one behind the other into a large block and given out as windows
 * of it, so that nothing is copied; a full block is left to its messages and a new one begun.
 */
import { MalformedMessage } from './malformed.ts';

/** Bytes of the longest message that is packed or unpacked; frames are shorter still. */
export const MESSAGE_MAX = 65_535;
const BLOCK = 4 * (MESSAGE_MAX + 1);

const NOTHING = { mti: '', fields: new Map<number, string>() };

export class Writer {
  raw = Buffer.allocUnsafeSlow(BLOCK);
  offset = 0;
  label = 'mti';
  #start = 0;

  /** Begins a message. What a failed message has written is written over. */
  begin(): void {
    if (BLOCK - this.#start <= MESSAGE_MAX) {
      this.raw = Buffer.allocUnsafeSlow(BLOCK);
      this.#start = 0;
    }
    this.offset = this.#start;
    this.label = 'mti';
  }

  fault(message: string): MalformedMessage {
    return new MalformedMessage(
      message,
      { field: this.label, offset: this.offset - this.#start },
      NOTHING,
    );
  }

  /** Refuses when the message would grow above `MESSAGE_MAX` by `count` bytes. */
  room(count: number): void {
    if (this.offset - this.#start + count > MESSAGE_MAX)
      throw this.fault('The message is longer than a message may be.');
  }

  /** The message written since `begin`. */
  finish(): Buffer {
    const message = this.raw.subarray(this.#start, this.offset);
    this.#start = this.offset;
    return message;
  }
}
