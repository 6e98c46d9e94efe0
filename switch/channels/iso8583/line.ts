/**
 * What all connections of a line share, whichever side opened them: the responder, the limits, who is signed on
 * where, and the counts. The listener and the connectors add connections to it.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { PaymentEngine } from '../../payment/index.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import type { Iso8583Cutovers } from './cutovers.ts';
import type { SecretBox } from './key-sealing.ts';
import { LimitedLog } from '../../participants/index.ts';
import { DEFAULT_ISO8583_LIMITS, type Iso8583Limits } from './limits.ts';
import { lineMetrics, type LineMetrics } from './line-metrics.ts';
import type { IsoMessage } from './message.ts';
import type { Silence } from './mux.ts';
import { transmissionOf } from './network-request.ts';
import { DEFAULT_PROFILE, type Iso8583Profile } from './profile.ts';
import { Responder } from './responder.ts';
import {
  Session,
  type Iso8583Participants,
  type Member,
  type Peer,
  type Presence,
} from './session.ts';

export interface LineOptions {
  readonly engine: PaymentEngine;
  readonly participants: Iso8583Participants;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly profile?: Iso8583Profile;
  readonly limits?: Partial<Iso8583Limits>;
  /** Opens participants' MAC keys; without it a participant that has any is shut out. */
  readonly box?: SecretBox;
  /** Where announced cutovers are kept; without it they are only logged. */
  readonly cutovers?: Iso8583Cutovers;
  /** Told of an answer that came after its request was given up. */
  readonly onLateAnswer?: (answer: IsoMessage, participant: string | undefined) => void;
}

export class LineCore implements ConnectionHost, Presence {
  readonly profile: Iso8583Profile;
  readonly limits: Iso8583Limits;
  readonly log: Log;
  readonly limitedLog: LimitedLog;
  readonly responder: Responder;
  readonly #options: LineOptions;
  readonly #metrics: LineMetrics;
  readonly #connections = new Set<Connection>();
  readonly #addresses = new Map<string, number>();
  readonly #addressOf = new Map<Connection, string>();
  readonly #members = new Map<string, Map<Session, Member>>();
  readonly #connectionOf = new Map<Session, Connection>();
  readonly #stopSweep: () => void;
  #inFlight = 0;
  #stan = 0;
  #next = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.profile = options.profile ?? DEFAULT_PROFILE;
    if (this.profile.spec.version !== '0') {
      throw new Fault(
        'config-invalid',
        'The line speaks ISO 8583:1987; another version is for the codec only.',
        {
          fields: { spec: this.profile.spec.name },
        },
      );
    }
    this.limits = { ...DEFAULT_ISO8583_LIMITS, ...options.limits };
    this.log = options.log.child({ channel: 'iso8583' });
    this.limitedLog = new LimitedLog(this.log, options.clock);
    this.#metrics = lineMetrics(options.metrics.registry);
    this.responder = new Responder({
      engine: options.engine,
      profile: this.profile,
      clock: options.clock,
      log: this.log,
      limitedLog: this.limitedLog,
      metrics: this.#metrics,
      cutovers: options.cutovers,
    });
    const timer = setInterval(() => this.#sweep(), this.limits.sweepMs);
    timer.unref();
    this.#stopSweep = () => clearInterval(timer);
  }

  nowMs(): number {
    return this.#options.clock.now().getTime();
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Takes a connected socket; undefined (and the socket closed) when there are too many connections. */
  attach(socket: Socket, peer: Peer): Connection | undefined {
    if (!this.#hasPlace(peer.remoteAddress)) {
      this.refuse('too-many-connections');
      this.limitedLog.warn({}, 'A connection above the limit was closed.');
      socket.on('error', () => undefined);
      socket.destroy();
      return undefined;
    }
    const { clock, participants, box } = this.#options;
    const session = new Session(participants, peer, clock, {
      log: this.limitedLog,
      metrics: this.#metrics,
      presence: this,
      box,
    });
    const connection = new Connection(this, socket, session);
    this.#connections.add(connection);
    this.#connectionOf.set(session, connection);
    this.#addressOf.set(connection, peer.remoteAddress);
    this.#addresses.set(peer.remoteAddress, (this.#addresses.get(peer.remoteAddress) ?? 0) + 1);
    this.#metrics.connections.set(this.#connections.size);
    return connection;
  }

  /** A connection has ended. */
  closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#connectionOf.delete(connection.session);
    const address = this.#addressOf.get(connection) ?? '';
    this.#addressOf.delete(connection);
    const left = (this.#addresses.get(address) ?? 1) - 1;
    if (left === 0) this.#addresses.delete(address);
    else this.#addresses.set(address, left);
    this.#metrics.connections.set(this.#connections.size);
  }

  enter(session: Session, member: Member): boolean {
    const { code } = member.participant;
    const sessions = this.#members.get(code) ?? new Map<Session, Member>();
    if (!sessions.has(session) && sessions.size >= member.line.connectionsMax) return false;
    sessions.set(session, member);
    this.#members.set(code, sessions);
    return true;
  }

  leave(session: Session, member: Member): void {
    const sessions = this.#members.get(member.participant.code);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#members.delete(member.participant.code);
  }

  /** Sends a request to a participant over one of its signed-on connections, which take turns. */
  async request(
    participant: string,
    message: IsoMessage,
  ): Promise<IsoMessage | Silence | 'unavailable'> {
    const open = [...(this.#members.get(participant) ?? [])].filter(
      ([session]) => this.#connectionOf.get(session)?.isOpen === true,
    );
    if (open.length === 0) return 'unavailable';
    this.#next = (this.#next + 1) % open.length;
    const [session, member] = open[this.#next] ?? [];
    const connection = session === undefined ? undefined : this.#connectionOf.get(session);
    return connection === undefined ? 'unavailable' : connection.request(message, member);
  }

  /** A 0800 of our own with the next STAN; `institution` is DE 32 when it names who signs on. */
  networkRequest(code: string, institution?: string): IsoMessage {
    this.#stan = (this.#stan % 999_999) + 1;
    const fields = new Map([
      [7, transmissionOf(this.#options.clock.now())],
      [11, String(this.#stan).padStart(6, '0')],
      ...(institution === undefined ? [] : [[32, institution] as const]),
      [70, code],
    ]);
    return { mti: '0800', fields };
  }

  hasRoom(): boolean {
    return this.#inFlight < this.limits.inFlightTotalMax;
  }

  began(): void {
    this.#inFlight += 1;
    this.#metrics.inFlight.set(this.#inFlight);
  }

  finished(): void {
    this.#inFlight -= 1;
    this.#metrics.inFlight.set(this.#inFlight);
  }

  count(result: string): void {
    this.#options.metrics.answers.inc({ channel: 'iso8583', result });
  }

  refuse(reason: string): void {
    this.#metrics.refusals.inc({ reason });
  }

  lateAnswer(answer: IsoMessage, member: Member | undefined): void {
    this.#metrics.lateAnswers.inc();
    this.#options.onLateAnswer?.(answer, member?.participant.code);
  }

  /** Begins nothing new, answers what is under way, closes; resolves when all is closed. */
  async stop(): Promise<void> {
    this.#stopSweep();
    const open = [...this.#connections];
    const ended = Promise.all(open.map((connection) => connection.ended));
    for (const connection of open) connection.stop();
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, this.limits.stopMs);
    await ended;
    clearTimeout(deadline);
  }

  /** Whether a further connection may come; makes place by closing the oldest that nobody signed on over. */
  #hasPlace(address: string): boolean {
    const { connectionsMax, connectionsPerAddressMax } = this.limits;
    if ((this.#addresses.get(address) ?? 0) >= connectionsPerAddressMax) return false;
    if (this.#connections.size < connectionsMax) return true;
    for (const connection of this.#connections) {
      if (connection.session.isSignedOn) continue;
      this.refuse('gave-way');
      connection.destroy();
      this.closed(connection);
      return true;
    }
    return false;
  }

  #sweep(): void {
    const nowMs = this.nowMs();
    for (const connection of this.#connections) connection.sweep(nowMs, this.limits);
  }
}
