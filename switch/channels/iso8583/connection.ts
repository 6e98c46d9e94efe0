/**
 * One TCP connection: bytes in, frames to the responder, answers out. It reads no further while too many
 * requests are under way or the other side does not take its answers, so a flood waits in the kernel and
 * not here. Answers leave in the order in which they are ready; the other end matches them by STAN.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import { FrameReader, frameMessages } from './framing.ts';
import type { IsoMessage } from './message.ts';
import type { Responder, Reply } from './responder.ts';
import type { Session } from './session.ts';

export interface ConnectionParts {
  readonly socket: Socket;
  readonly session: Session;
  readonly responder: Responder;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Requests under way at once. */
  readonly inFlightMax: number;
  readonly onClosed: () => void;
}

/** Refusals logged per connection; the rest are only counted, so that garbage cannot fill a disk. */
const LOGGED_REFUSALS_MAX = 20;

export class Connection {
  readonly #parts: ConnectionParts;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  /** Frames received and not yet begun; at most one chunk's worth, since reading is paused meanwhile. */
  #waiting: Buffer[] = [];
  #outgoing: Buffer[] = [];
  #inFlight = 0;
  #refusals = 0;
  /** A network management message is under way: what came behind it waits for the state that it sets. */
  #isHeld = false;
  /** The other side will send no more; everything it sent is still answered. */
  #isEnding = false;
  /** This side is closing; frames not yet begun are dropped, and their sender will repeat them. */
  #isStopping = false;
  #isFlushScheduled = false;
  #isBlocked = false;
  #lastReceivedMs: number;
  #frameBegunMs: number | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#lastReceivedMs = parts.clock.now().getTime();
    const { socket } = parts;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => {
      this.#isBlocked = false;
      this.#go();
    });
    // The other side has said all it will; what it asked before is still answered.
    socket.on('end', () => {
      this.#isEnding = true;
      this.#closeWhenDone();
    });
    socket.on('error', (error) => {
      parts.log.info({ err: error }, 'An ISO 8583 connection broke.');
    });
    socket.on('close', () => {
      this.#isStopping = true;
      this.#waiting = [];
      parts.onClosed();
    });
  }

  /** Begins nothing new, answers what is under way, then closes. */
  stop(): void {
    this.#isStopping = true;
    this.#waiting = [];
    // Read on, unheard, so that the other side's end of the connection is seen.
    this.#socket.resume();
    this.#closeWhenDone();
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes when the line was silent too long, or a frame once begun does not end. */
  closeIfStale(nowMs: number, limits: { readonly idleMs: number; readonly frameMs: number }): void {
    const isIdle = nowMs - this.#lastReceivedMs > limits.idleMs;
    const isStuck = this.#frameBegunMs !== undefined && nowMs - this.#frameBegunMs > limits.frameMs;
    if (!isIdle && !isStuck) return;
    this.#parts.log.warn({ isIdle, isStuck }, 'A silent ISO 8583 connection was closed.');
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#isStopping) return;
    const nowMs = this.#parts.clock.now().getTime();
    this.#lastReceivedMs = nowMs;
    let frames: Buffer[];
    try {
      frames = this.#frames.push(chunk);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#parts.metrics.answers.inc({ channel: 'iso8583', result: 'dropped' });
      this.#parts.log.warn({ ...error.fields }, error.message);
      this.#socket.destroy();
      return;
    }
    if (!this.#frames.isInsideFrame) this.#frameBegunMs = undefined;
    else if (frames.length > 0 || this.#frameBegunMs === undefined) this.#frameBegunMs = nowMs;
    for (const frame of frames) this.#waiting.push(frame);
    this.#go();
  }

  /** Begins waiting frames as far as the limits allow, and reads on or pauses accordingly. */
  #go(): void {
    let begun = 0;
    while (
      begun < this.#waiting.length &&
      this.#inFlight < this.#parts.inFlightMax &&
      !this.#isHeld &&
      !this.#isBlocked
    ) {
      const frame = this.#waiting[begun];
      begun += 1;
      if (frame !== undefined) this.#begin(frame);
    }
    if (begun > 0) this.#waiting.splice(0, begun);
    const isFull =
      this.#waiting.length > 0 || this.#isBlocked || this.#inFlight >= this.#parts.inFlightMax;
    if (isFull && !this.#isStopping) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #begin(frame: Buffer): void {
    const received = this.#parts.responder.read(frame);
    switch (received.kind) {
      case 'malformed':
        this.#refuse(received.fault.message, { ...received.fault.fields });
        if (received.reply === undefined) this.#count('dropped');
        else this.#send(received.reply);
        return;
      case 'unexpected':
        this.#refuse('An answer came that nobody waits for.', { mti: received.mti });
        this.#count('dropped');
        return;
      case 'request':
        this.#inFlight += 1;
        if (received.isNetwork) this.#isHeld = true;
        void this.#answer(received.message, received.isNetwork);
    }
  }

  async #answer(request: IsoMessage, isNetwork: boolean): Promise<void> {
    const reply = await this.#parts.responder.answer(request, this.#parts.session);
    this.#inFlight -= 1;
    if (isNetwork) this.#isHeld = false;
    if (reply !== undefined) this.#send(reply);
    if (this.#waiting.length > 0 || this.#socket.isPaused()) this.#go();
    this.#closeWhenDone();
  }

  #send(reply: Reply): void {
    this.#count(reply.result);
    this.#parts.log.debug(
      { stan: reply.stan, result: reply.result },
      'Answered on the ISO 8583 line.',
    );
    this.#outgoing.push(reply.bytes);
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    // One write for all answers of one turn of the event loop: the lane settles a batch at a time.
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushScheduled = false;
    const messages = this.#outgoing;
    this.#outgoing = [];
    if (this.#socket.writable) {
      this.#isBlocked = !this.#socket.write(frameMessages(messages));
      if (this.#isBlocked) this.#go();
    }
    this.#closeWhenDone();
  }

  /** Ends the connection when either side wants that and nothing is left to answer. */
  #closeWhenDone(): void {
    if (!this.#isStopping && !this.#isEnding) return;
    const isDone =
      this.#inFlight === 0 && this.#outgoing.length === 0 && this.#waiting.length === 0;
    if (isDone && this.#socket.writable) this.#socket.end();
  }

  #count(result: string): void {
    this.#parts.metrics.answers.inc({ channel: 'iso8583', result });
  }

  #refuse(message: string, fields: Record<string, string | number | boolean>): void {
    this.#refusals += 1;
    if (this.#refusals <= LOGGED_REFUSALS_MAX) this.#parts.log.warn(fields, message);
  }
}
