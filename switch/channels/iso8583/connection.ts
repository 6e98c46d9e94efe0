/**
 * One TCP connection, whichever side opened it: bytes in, messages to the responder, answers out, and requests of
 * our own with their answers. It reads no further while too many requests are under way or the other side does not
 * take its answers, so a flood waits in the kernel and not here; and it begins only so many messages in one turn
 * of the event loop, so that a full pipe does not keep the others waiting. Answers leave in the order in which they
 * are ready; the other end matches them by STAN.
 */
import type { Socket } from 'node:net';
import { Fault } from '../../../kernel/fault.ts';
import { DEFAULT_FRAMING, FrameReader, answerHeader, frameAll, splitFrame } from './framing.ts';
import type { Framing, Outgoing } from './framing.ts';
import type { IsoMessage } from './message.ts';
import { packWithMac } from './message-mac.ts';
import { pack } from './codec.ts';
import { Mux, type Silence } from './mux.ts';
import type { ConnectionLimits } from './limits.ts';
import { keysValidAt, type LimitedLog } from '../../participants/index.ts';
import type { Iso8583Profile } from './profile.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Reply, Responder } from './responder.ts';
import type { Member, Session } from './session.ts';

/** What a connection needs of the line that it belongs to. */
export interface ConnectionHost {
  readonly profile: Iso8583Profile;
  readonly limits: ConnectionLimits;
  readonly log: Log;
  readonly limitedLog: LimitedLog;
  readonly responder: Responder;
  nowMs(): number;
  /** A 0800 of our own with this code in DE 70. */
  networkRequest(code: string): IsoMessage;
  /** False when too many requests are under way on all connections. */
  hasRoom(): boolean;
  began(): void;
  finished(): void;
  count(result: string): void;
  refuse(reason: string): void;
  lateAnswer(answer: IsoMessage, member: Member | undefined): void;
  closed(connection: Connection): void;
}

/** A request as it came. */
interface Incoming {
  readonly message: IsoMessage;
  readonly bytes: Buffer;
  readonly header: Buffer;
}

/** Messages begun in one turn of the event loop. */
const TURN_MAX = 32;
/** Network messages taken in a second; nobody needs more, and each holds up what is behind it. */
const NETWORK_PER_SECOND = 100;
/** How long who is turned away is kept unheard, so that it does not come back at once. */
const TURNED_AWAY_MS = 1_000;

export class Connection {
  readonly session: Session;
  readonly #line: ConnectionHost;
  readonly #socket: Socket;
  readonly #framing: Framing;
  readonly #frames: FrameReader;
  readonly #mux = new Mux();
  /** Frames received and not yet begun; at most one chunk's worth, since reading is paused meanwhile. */
  #waiting: Buffer[] = [];
  #outgoing: Outgoing[] = [];
  #inFlight = 0;
  #malformed = 0;
  #strange = 0;
  /** A network management message is under way: what came behind it waits for the state that it sets. */
  #isHeld = false;
  /** The other side will send no more; everything it sent is still answered. */
  #isEnding = false;
  /** This side is closing; frames not yet begun are dropped, and their sender will repeat them. */
  #isStopping = false;
  #isFlushScheduled = false;
  #isTurnScheduled = false;
  /** Messages that may still be begun in this turn. */
  #turnLeft = TURN_MAX;
  #networkLeft = NETWORK_PER_SECOND;
  #isTurnedAway = false;
  #isBlocked = false;
  #isEchoing = false;
  readonly #openedMs: number;
  #lastReceivedMs: number;
  #frameBegunMs: number | undefined;
  /** Since when the other side takes no answers. */
  #blockedMs: number | undefined;

  constructor(line: ConnectionHost, socket: Socket, session: Session) {
    this.session = session;
    this.#line = line;
    this.#socket = socket;
    this.#framing = line.profile.framing ?? DEFAULT_FRAMING;
    this.#frames = new FrameReader(this.#framing);
    this.#openedMs = line.nowMs();
    this.#lastReceivedMs = this.#openedMs;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => {
      this.#isBlocked = false;
      this.#blockedMs = undefined;
      this.#go();
    });
    // The other side has said all it will; what it asked before is still answered.
    socket.on('end', () => {
      this.#isEnding = true;
      this.#closeWhenDone();
    });
    socket.on('error', (error) =>
      line.limitedLog.warn({ err: error }, 'An ISO 8583 connection broke.'),
    );
    socket.on('close', () => {
      this.#isStopping = true;
      this.#waiting = [];
      this.#mux.close();
      session.signOff();
      line.closed(this);
    });
  }

  /** True while this side may send on it. */
  get isOpen(): boolean {
    return !this.#isStopping && !this.#isEnding && this.#socket.writable;
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }

  /** Sends a request of our own and waits for its answer; `member` is whom it is for, whose MAC it then carries. */
  request(message: IsoMessage, member: Member | undefined): Promise<IsoMessage | Silence> {
    if (!this.isOpen) return Promise.resolve('closed');
    const answer = this.#mux.expect(message, this.#line.limits.answerMs);
    this.#push({ header: this.#framing.header, message: this.#packed(message, member) });
    return answer;
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

  /**
   * Closes when the line was silent too long, a frame once begun does not end, answers are not taken, or nobody signed on in time; sends an
   * echo when it has been silent for a while.
   */
  sweep(nowMs: number, limits: ConnectionLimits): void {
    const silentMs = nowMs - this.#lastReceivedMs;
    const isIdle = silentMs > limits.idleMs;
    const begunMs = Math.min(this.#frameBegunMs ?? nowMs, this.#blockedMs ?? nowMs);
    const isStuck = nowMs - begunMs > limits.frameMs;
    const isStranger = !this.session.isSignedOn && nowMs - this.#openedMs > limits.signOnMs;
    if (isIdle || isStuck || isStranger) {
      this.#line.refuse(isIdle ? 'idle' : isStuck ? 'slow-frame' : 'no-sign-on');
      this.#line.limitedLog.warn(
        { isIdle, isStuck, isStranger },
        'A silent ISO 8583 connection was closed.',
      );
      this.#socket.destroy();
    } else if (silentMs > limits.echoMs && this.session.isSignedOn && !this.#isEchoing) {
      void this.#echo();
    }
  }

  async #echo(): Promise<void> {
    this.#isEchoing = true;
    const answer = await this.request(
      this.#line.networkRequest('301'),
      this.session.answering(undefined),
    );
    this.#isEchoing = false;
    if (answer === 'timeout' && !this.#socket.destroyed) {
      this.#line.refuse('no-echo');
      this.#line.limitedLog.warn(
        {},
        'An ISO 8583 connection did not answer an echo and was closed.',
      );
      this.#socket.destroy();
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#isStopping || this.#isTurnedAway) return;
    const nowMs = this.#line.nowMs();
    this.#lastReceivedMs = nowMs;
    let frames: Buffer[];
    try {
      frames = this.#frames.push(chunk);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#line.count('dropped');
      this.#line.limitedLog.warn({ ...error.fields }, error.message);
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
    if (this.#isTurnedAway) return;
    let begun = 0;
    while (begun < this.#waiting.length && this.#mayBegin()) {
      const frame = this.#waiting[begun];
      begun += 1;
      this.#turnLeft -= 1;
      if (frame !== undefined) this.#begin(frame);
    }
    if (begun > 0) {
      this.#waiting.splice(0, begun);
      this.#scheduleTurn();
    }
    const isFull =
      this.#waiting.length > 0 ||
      this.#isBlocked ||
      this.#isTurnedAway ||
      this.#inFlight >= this.#line.limits.inFlightMax;
    if (isFull && !this.#isStopping) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #mayBegin(): boolean {
    return (
      this.#turnLeft > 0 &&
      this.#inFlight < this.#line.limits.inFlightMax &&
      !this.#isHeld &&
      !this.#isBlocked &&
      !this.#isTurnedAway
    );
  }

  /** What is left over goes on in the next turn, after everybody else had theirs. */
  #scheduleTurn(): void {
    if (this.#isTurnScheduled) return;
    this.#isTurnScheduled = true;
    setImmediate(() => {
      this.#isTurnScheduled = false;
      this.#turnLeft = TURN_MAX;
      if (this.#waiting.length > 0) this.#go();
    });
  }

  #begin(bytes: Buffer): void {
    const { header, message } = splitFrame(bytes, this.#framing);
    const received = this.#line.responder.read(message);
    switch (received.kind) {
      case 'malformed':
        this.#line.limitedLog.warn({ ...received.fault.fields }, received.fault.message);
        if (received.reply === undefined) this.#line.count('dropped');
        else this.#send(received.reply, header);
        this.#malformed += 1;
        if (this.#malformed > this.#line.limits.malformedMax) this.#turnAway('malformed');
        else if (!this.session.isSignedOn) this.#bearStranger();
        return;
      case 'answer':
        this.#take(received.message, message);
        return;
      case 'request':
        this.#admit({ message: received.message, bytes: message, header }, received.isNetwork);
    }
  }

  #admit(request: Incoming, isNetwork: boolean): void {
    if (!isNetwork && !this.session.isSignedOn && !this.#bearStranger()) return;
    if (!isNetwork && !this.#line.hasRoom()) {
      this.#line.refuse('overload');
      const reply = this.#line.responder.shed(request.message);
      if (reply !== undefined) this.#send(reply, request.header);
      return;
    }
    this.#inFlight += 1;
    this.#line.began();
    if (isNetwork) {
      this.#isHeld = true;
      if (this.#networkLeft === NETWORK_PER_SECOND) this.#refillNetwork();
      this.#networkLeft -= 1;
    }
    void this.#answer(request, isNetwork);
  }

  /** An answer to one of our requests; with a wrong MAC it is none. */
  #take(message: IsoMessage, bytes: Buffer): void {
    const member = this.session.answering(message.fields.get(32));
    const isRight =
      member === undefined || this.#line.responder.checkMac({ message, bytes }, member) !== 'wrong';
    const found = isRight ? this.#mux.match(message) : 'unknown';
    if (found === 'matched') return;
    if (found === 'late') this.#line.lateAnswer(message, member);
    else this.#line.count('dropped');
    this.#line.limitedLog.warn(
      { mti: message.mti, isLate: found === 'late' },
      'An answer came that nobody waits for.',
    );
  }

  /** One more message of somebody who has not signed on; false when it was one too many. */
  #bearStranger(): boolean {
    this.#strange += 1;
    if (this.#strange <= this.#line.limits.strangeMax) return true;
    this.#turnAway('not-signed-on');
    return false;
  }

  #refillNetwork(): void {
    setTimeout(() => {
      const wasSpent = this.#networkLeft <= 0;
      this.#networkLeft = NETWORK_PER_SECOND;
      if (wasSpent) this.#isHeld = false;
      if (wasSpent) this.#go();
    }, 1_000).unref();
  }

  #turnAway(reason: string): void {
    if (this.#isTurnedAway) return;
    this.#isTurnedAway = true;
    this.#line.refuse(reason);
    this.#line.limitedLog.warn({ reason }, 'An ISO 8583 connection was turned away.');
    this.#waiting = [];
    this.#socket.pause();
    setTimeout(() => this.#socket.destroy(), TURNED_AWAY_MS).unref();
  }

  async #answer(request: Incoming, isNetwork: boolean): Promise<void> {
    const { message, bytes, header } = request;
    const reply = await this.#line.responder.answer(message, this.session, bytes);
    this.#inFlight -= 1;
    this.#line.finished();
    // Above the second's number the next one waits, and all behind it.
    if (isNetwork) this.#isHeld = this.#networkLeft <= 0;
    // A sign-on that was under way while the connection ended must not outlive it.
    if (this.#socket.destroyed) this.session.signOff();
    if (reply !== undefined) this.#send(reply, header);
    if (this.#waiting.length > 0 || this.#socket.isPaused()) this.#go();
    this.#closeWhenDone();
  }

  #send(reply: Reply, header: Buffer): void {
    this.#line.count(reply.result);
    this.#line.log.debug(
      { stan: reply.stan, result: reply.result },
      'Answered on the ISO 8583 line.',
    );
    this.#push({ header: answerHeader(header, this.#framing), message: reply.bytes });
  }

  #push(outgoing: Outgoing): void {
    this.#outgoing.push(outgoing);
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
      this.#isBlocked = !this.#socket.write(frameAll(messages, this.#framing));
      if (this.#isBlocked) {
        this.#blockedMs ??= this.#line.nowMs();
        this.#go();
      }
    }
    this.#closeWhenDone();
  }

  #packed(message: IsoMessage, member: Member | undefined): Buffer {
    const { spec } = this.#line.profile;
    const mac = member?.line.mac;
    const [key] = mac === undefined ? [] : keysValidAt(mac.keys, this.#line.nowMs());
    if (mac === undefined || key === undefined) return pack(spec, message);
    return packWithMac(spec, message, { algorithm: mac.algorithm, key });
  }

  /** Ends the connection when either side wants that and nothing is left to answer. */
  #closeWhenDone(): void {
    if (!this.#isStopping && !this.#isEnding) return;
    const isDone =
      this.#inFlight === 0 && this.#outgoing.length === 0 && this.#waiting.length === 0;
    if (isDone && this.#socket.writable) this.#socket.end();
  }
}
