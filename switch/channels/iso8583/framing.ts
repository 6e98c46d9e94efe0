/**
 * Frames on the line: a length, then that many bytes: an optional header of fixed size and the message. The length
 * is 2 bytes big-endian, 4 ASCII digits or 2 bytes of BCD, and counts itself only when the profile says so. A frame
 * of length zero carries nothing and is skipped (some networks send it to keep a line open). A longer frame than
 * `FRAME_MAX` cannot be skipped safely: the reader refuses and the line must close.
 */
import { Fault } from '../../../kernel/fault.ts';

/** Bytes of the longest frame on a line, header included. */
export const FRAME_MAX = 4096;

export type FrameLength = 'binary-2' | 'ascii-4' | 'bcd-2';

export interface Framing {
  readonly length: FrameLength;
  /** True when the length counts its own bytes too. */
  readonly countsItself: boolean;
  /** Bytes between length and message, as this side sends them when it begins a conversation. */
  readonly header: Buffer;
  /**
   * What an answer's header is: `echo`, as the request's; `tpdu`, a TPDU of five bytes with its two addresses
   * exchanged; `own`, this side's header.
   */
  readonly answer: 'echo' | 'tpdu' | 'own';
}

export const DEFAULT_FRAMING: Framing = {
  length: 'binary-2',
  countsItself: false,
  header: Buffer.alloc(0),
  answer: 'echo',
};

const prefixBytes = (framing: Framing): number => (framing.length === 'ascii-4' ? 4 : 2);
const own = (framing: Framing): number => (framing.countsItself ? prefixBytes(framing) : 0);

function malformed(message: string, fields: Record<string, number> = {}): Fault {
  return new Fault('message-malformed', message, {
    fields: { field: 'frame', offset: 0, ...fields },
  });
}

function readPrefix(prefix: Buffer, framing: Framing): number {
  switch (framing.length) {
    case 'binary-2':
      return prefix.readUInt16BE(0);
    case 'ascii-4': {
      const text = prefix.toString('latin1');
      if (!/^\d{4}$/.test(text)) throw malformed('The length of a frame is not decimal.');
      return Number(text);
    }
    case 'bcd-2': {
      const text = prefix.toString('hex');
      if (!/^\d{4}$/.test(text)) throw malformed('The length of a frame is not decimal.');
      return Number(text);
    }
  }
}

/** Cuts a stream of chunks into frames without their lengths, however the chunks fall. Holds at most one frame. */
export class FrameReader {
  readonly #framing: Framing;
  readonly #prefix: Buffer;
  #prefixFilled = 0;
  #body: Buffer | undefined;
  #bodyFilled = 0;

  constructor(framing: Framing = DEFAULT_FRAMING) {
    this.#framing = framing;
    this.#prefix = Buffer.alloc(prefixBytes(framing));
  }

  /** True when a frame has begun and is not complete. */
  get isInsideFrame(): boolean {
    return this.#prefixFilled > 0;
  }

  /**
   * Takes the next chunk and returns the frames completed by it. Refuses a length that is none, is above
   * `FRAME_MAX` or leaves no room for the header.
   */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#body === undefined) {
        this.#prefix[this.#prefixFilled] = chunk[offset] ?? 0;
        this.#prefixFilled += 1;
        offset += 1;
        if (this.#prefixFilled === this.#prefix.length) this.#begin();
      } else {
        const copied = chunk.copy(this.#body, this.#bodyFilled, offset);
        this.#bodyFilled += copied;
        offset += copied;
        if (this.#bodyFilled === this.#body.length) {
          frames.push(this.#body);
          this.#body = undefined;
          this.#prefixFilled = 0;
        }
      }
    }
    return frames;
  }

  #begin(): void {
    const written = readPrefix(this.#prefix, this.#framing);
    const length = written - own(this.#framing);
    if (length > FRAME_MAX) {
      throw malformed('A frame is longer than the line allows.', { length, longest: FRAME_MAX });
    }
    if (written === 0 || length === 0) {
      this.#prefixFilled = 0;
      return;
    }
    if (length < this.#framing.header.length || length < 0)
      throw malformed('A frame is shorter than its header.', { length });
    this.#bodyFilled = 0;
    this.#body = Buffer.allocUnsafe(length);
  }
}

/** A frame's header and message. */
export interface Frame {
  readonly header: Buffer;
  readonly message: Buffer;
}

/** Splits what `FrameReader` gives. */
export function splitFrame(frame: Buffer, framing: Framing): Frame {
  const size = framing.header.length;
  return { header: frame.subarray(0, size), message: frame.subarray(size) };
}

/** The header of the answer to a frame with this header. */
export function answerHeader(header: Buffer, framing: Framing): Buffer {
  if (framing.answer === 'own') return framing.header;
  if (framing.answer === 'echo' || header.length !== 5) return header;
  return Buffer.concat([header.subarray(0, 1), header.subarray(3, 5), header.subarray(1, 3)]);
}

/** A message with the header that goes in front of it. */
export interface Outgoing {
  readonly header: Buffer;
  readonly message: Buffer;
}

/** Puts messages in frames, one after the other in one buffer, so that they leave in one write. */
export function frameAll(messages: readonly Outgoing[], framing: Framing): Buffer {
  let total = 0;
  for (const { header, message } of messages) {
    const length = header.length + message.length;
    if (length > FRAME_MAX) {
      throw malformed('A message is longer than a frame may be.', { length, longest: FRAME_MAX });
    }
    total += prefixBytes(framing) + length;
  }
  const framed = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const { header, message } of messages) {
    offset = writePrefix(framed, offset, header.length + message.length, framing);
    offset += header.copy(framed, offset);
    offset += message.copy(framed, offset);
  }
  return framed;
}

function writePrefix(into: Buffer, offset: number, length: number, framing: Framing): number {
  const written = length + own(framing);
  if (framing.length === 'binary-2') return into.writeUInt16BE(written, offset);
  const digits = String(written).padStart(4, '0');
  return offset + into.write(digits, offset, framing.length === 'ascii-4' ? 'latin1' : 'hex');
}

/** Frames messages that begin a conversation, each with the framing's own header. */
export function frameMessages(
  messages: readonly Buffer[],
  framing: Framing = DEFAULT_FRAMING,
): Buffer {
  return frameAll(
    messages.map((message) => ({ header: framing.header, message })),
    framing,
  );
}
