/** The ISO 8583 line: a TCP server to which participants' switches connect. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { PaymentEngine } from '../../payment/index.ts';
import { Connection } from './connection.ts';
import { DEFAULT_PROFILE, type Iso8583Profile } from './profile.ts';
import { Responder } from './responder.ts';
import { Session, type Iso8583Participants } from './session.ts';

export interface Iso8583Limits {
  /** Connections open at once; a further one is closed at once. */
  readonly connectionsMax: number;
  /** Requests under way on one connection; the next are not read before one is answered. */
  readonly inFlightMax: number;
  /** Silence after which a connection is closed. */
  readonly idleMs: number;
  /** Time in which a frame that has begun must be complete. */
  readonly frameMs: number;
  /** Time that `stop` gives to requests under way. */
  readonly stopMs: number;
  /** How often silent connections are looked for. */
  readonly sweepMs: number;
}

export const DEFAULT_ISO8583_LIMITS: Iso8583Limits = {
  connectionsMax: 12_000,
  inFlightMax: 512,
  idleMs: 600_000,
  frameMs: 30_000,
  stopMs: 10_000,
  sweepMs: 1_000,
};

export interface Iso8583ListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly engine: PaymentEngine;
  readonly participants: Iso8583Participants;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly profile?: Iso8583Profile;
  readonly limits?: Partial<Iso8583Limits>;
}

export interface Iso8583Listener {
  /** The port that is listened on. */
  readonly port: number;
  /** Takes no new connection or request, answers what is under way, closes; resolves when all is closed. */
  stop(): Promise<void>;
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Fault('port-busy', 'The port of the ISO 8583 line is in use.', {
              fields: { host, port },
              cause: error,
            })
          : new Fault('config-invalid', 'The ISO 8583 line cannot listen on this address.', {
              fields: { host, port },
              cause: error,
            }),
      );
    });
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Starts the line. Refuses with `port-busy` (fields: host, port) when the port is taken. */
export async function startIso8583Listener(
  options: Iso8583ListenerOptions,
): Promise<Iso8583Listener> {
  const { clock, engine, metrics, participants } = options;
  const log = options.log.child({ channel: 'iso8583' });
  const limits = { ...DEFAULT_ISO8583_LIMITS, ...options.limits };
  const profile = options.profile ?? DEFAULT_PROFILE;
  const responder = new Responder({ engine, profile, clock, log });
  const connections = new Set<Connection>();
  const accept = (socket: Socket): void => {
    const session = new Session(participants, socket.remoteAddress ?? '', clock);
    const connection = new Connection({
      socket,
      session,
      responder,
      clock,
      log,
      metrics,
      inFlightMax: limits.inFlightMax,
      onClosed: () => connections.delete(connection),
    });
    connections.add(connection);
  };
  const server = createServer({ allowHalfOpen: true }, accept);
  server.maxConnections = limits.connectionsMax;
  server.on('drop', () => log.warn('A connection above the limit was closed.'));
  const port = await listen(server, options.host, options.port);
  server.on('error', (error) => log.error({ err: error }, 'The ISO 8583 line cannot accept.'));
  const sweep = setInterval(() => {
    const nowMs = clock.now().getTime();
    for (const connection of connections) connection.closeIfStale(nowMs, limits);
  }, limits.sweepMs);
  sweep.unref();
  log.info({ host: options.host, port }, 'The ISO 8583 line is open.');
  return {
    port,
    async stop() {
      clearInterval(sweep);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.stop();
      const deadline = setTimeout(() => {
        for (const connection of connections) connection.destroy();
      }, limits.stopMs);
      await closed;
      clearTimeout(deadline);
    },
  };
}
