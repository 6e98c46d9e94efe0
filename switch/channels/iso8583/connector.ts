/**
 * A connection that this side opens to a participant's switch and keeps open: when it ends, or nobody answers, it is
 * opened again after a wait that doubles up to a limit, with a random part so that many connectors do not come at
 * once. It signs on, and the participant is then signed on with us over it: both sides may send requests.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemTimers, type Timers } from '../../../kernel/clock.ts';
import type { Connection } from './connection.ts';
import type { LineCore } from './line.ts';
import { peerOf, secureContext, type Iso8583Tls } from './tls.ts';
import type { Peer } from './session.ts';

export interface Iso8583ConnectorOptions {
  /** The line that the connection belongs to. */
  readonly line: LineCore;
  readonly host: string;
  readonly port: number;
  /** DE 32 of the participant to which it connects. */
  readonly institutionId: string;
  /** DE 32 with which this side signs on. */
  readonly ownInstitutionId: string;
  /** Absent: plain TCP. `ca` is then the authority of the participant's server. */
  readonly tls?: Iso8583Tls & { readonly serverName: string };
  /** First wait before it tries again; 500 ms when absent, doubled each time up to `waitMaxMs` (30 s when absent). */
  readonly waitMs?: number;
  readonly waitMaxMs?: number;
  /** Time for connecting; 10 s when absent. */
  readonly connectMs?: number;
  readonly timers?: Timers;
  /** From 0 up to 1; `Math.random` when absent. */
  readonly chance?: () => number;
}

export interface Iso8583Connector {
  /** True while the participant is signed on over it. */
  readonly isUp: boolean;
  /** Connections opened so far. */
  readonly attempts: number;
  /** Closes the connection and tries no more. */
  stop(): Promise<void>;
}

/** A socket that is connected, and on TLS verified; undefined when that did not come about in time. */
function open(
  options: Iso8583ConnectorOptions,
): Promise<{ socket: Socket; peer: Peer } | undefined> {
  const { host, port, tls } = options;
  return new Promise((resolve) => {
    const done = (peer: () => Peer): void => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      resolve({ socket, peer: peer() });
    };
    const fail = (): void => {
      clearTimeout(timer);
      socket.on('error', () => undefined);
      socket.destroy();
      resolve(undefined);
    };
    let socket: Socket;
    if (tls === undefined) {
      socket = connect({ host, port, allowHalfOpen: true });
      socket.once('connect', () =>
        done(() => ({ remoteAddress: socket.remoteAddress ?? '', needsCertificate: false })),
      );
    } else {
      const secured = connectTls({
        ...secureContext(tls),
        host,
        port,
        servername: tls.serverName,
      });
      socket = secured;
      secured.once('secureConnect', () => done(() => peerOf(secured)));
    }
    const timer = setTimeout(fail, options.connectMs ?? 10_000);
    socket.once('error', fail);
  });
}

class Connector implements Iso8583Connector {
  readonly #options: Iso8583ConnectorOptions;
  readonly #timers: Timers;
  #connection: Connection | undefined;
  #isUp = false;
  #isStopped = false;
  #attempts = 0;
  #wake: () => void = () => undefined;
  readonly #running: Promise<void>;

  constructor(options: Iso8583ConnectorOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#running = this.#run();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get attempts(): number {
    return this.#attempts;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#connection?.stop();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { waitMs = 500, waitMaxMs = 30_000, chance = Math.random } = this.#options;
    let wait = waitMs;
    while (!this.#hasStopped()) {
      this.#attempts += 1;
      const wasUp = await this.#hold();
      if (this.#hasStopped()) return;
      wait = wasUp ? waitMs : Math.min(wait * 2, waitMaxMs);
      await Promise.race([
        this.#timers.sleep(wait / 2 + (wait / 2) * chance()),
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      ]);
    }
  }

  /** `stop` is called while `#run` waits, which the compiler cannot see. */
  #hasStopped(): boolean {
    return this.#isStopped;
  }

  /** Opens a connection, signs on and stays until it ends; says whether it came up. */
  async #hold(): Promise<boolean> {
    const { line, institutionId } = this.#options;
    const opened = await open(this.#options);
    if (opened === undefined) {
      line.limitedLog.warn(
        { institution: institutionId },
        'A participant could not be connected to.',
      );
      return false;
    }
    const connection = line.attach(opened.socket, opened.peer);
    if (connection === undefined) return false;
    this.#connection = connection;
    if (this.#hasStopped()) connection.stop();
    const isUp = await this.#signOn(connection);
    this.#isUp = isUp;
    if (!isUp) connection.destroy();
    await connection.ended;
    this.#isUp = false;
    this.#connection = undefined;
    return isUp;
  }

  async #signOn(connection: Connection): Promise<boolean> {
    const { line, institutionId, ownInstitutionId } = this.#options;
    const member = await connection.session.lookUp(institutionId).catch(() => undefined);
    if (member === undefined) return false;
    const answer = await connection.request(line.networkRequest('001', ownInstitutionId), member);
    const code = typeof answer === 'string' ? answer : (answer.fields.get(39) ?? '');
    if (code !== '00') {
      line.limitedLog.warn(
        { institution: institutionId, code },
        'A participant refused our sign-on.',
      );
      return false;
    }
    if (!connection.session.signOn(member)) return false;
    line.log.info({ institution: institutionId }, 'Signed on with a participant.');
    return true;
  }
}

/** Starts connecting; returns at once. `isUp` says when the participant is signed on. */
export function startIso8583Connector(options: Iso8583ConnectorOptions): Iso8583Connector {
  return new Connector(options);
}
