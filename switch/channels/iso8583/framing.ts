/**
 * Frames on the line: a length of 2 bytes, big-endian, then that many bytes of message; the length does not
 * count itself. A frame of length zero carries nothing and is skipped (some networks send it to keep a line
 * open). A longer frame than `FRAME_MAX` cannot be skipped safely: the reader refuses and the line must close.
 */
import { Fault } from '../../../kernel/fault.ts';

/** Bytes of the longest message on a line. */
export const FRAME_MAX = 4096;
const HEADER = 2;

/** Cuts a stream of chunks into messages, however the chunks fall. Holds at most one frame. */
export class FrameReader {
  readonly #header = Buffer.alloc(HEADER);
  #headerFilled = 0;
  #body: Buffer | undefined;
  #bodyFilled = 0;

  /** True when a frame has begun and is not complete. */
  get isInsideFrame(): boolean {
    return this.#headerFilled > 0;
  }

  /** Takes the next chunk and returns the messages completed by it. Refuses a frame above `FRAME_MAX`. */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#body === undefined) {
        this.#header[this.#headerFilled] = chunk[offset] ?? 0;
        this.#headerFilled += 1;
        offset += 1;
        if (this.#headerFilled === HEADER) this.#begin(this.#header.readUInt16BE(0));
      } else {
        const copied = chunk.copy(this.#body, this.#bodyFilled, offset);
        this.#bodyFilled += copied;
        offset += copied;
        if (this.#bodyFilled === this.#body.length) {
          messages.push(this.#body);
          this.#body = undefined;
          this.#headerFilled = 0;
        }
      }
    }
    return messages;
  }

  #begin(length: number): void {
    if (length > FRAME_MAX) {
      throw new Fault('message-malformed', 'A frame is longer than the line allows.', {
        fields: { field: 'frame', offset: 0, length, longest: FRAME_MAX },
      });
    }
    this.#bodyFilled = 0;
    if (length === 0) this.#headerFilled = 0;
    else this.#body = Buffer.allocUnsafe(length);
  }
}

/** Puts messages in frames, one after the other in one buffer, so that they leave in one write. */
export function frameMessages(messages: readonly Buffer[]): Buffer {
  let total = 0;
  for (const message of messages) {
    if (message.length > FRAME_MAX) {
      throw new Fault('message-malformed', 'A message is longer than a frame may be.', {
        fields: { field: 'frame', offset: 0, length: message.length, longest: FRAME_MAX },
      });
    }
    total += HEADER + message.length;
  }
  const framed = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const message of messages) {
    offset = framed.writeUInt16BE(message.length, offset);
    offset += message.copy(framed, offset);
  }
  return framed;
}
