/** The ISO 8583 line: a TCP or TLS server to which participants' switches connect. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { Fault } from '../../../kernel/fault.ts';
import { LineCore, type LineOptions } from './line.ts';
import type { IsoMessage } from './message.ts';
import type { Silence } from './mux.ts';
import { peerOf, secureContext, type Iso8583Tls } from './tls.ts';

export { DEFAULT_ISO8583_LIMITS, type Iso8583Limits } from './limits.ts';

export interface Iso8583ListenerOptions extends LineOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Absent: plain TCP. */
  readonly tls?: Iso8583Tls;
}

export interface Iso8583Listener {
  /** The port that is listened on. */
  readonly port: number;
  /** What its connections share; give it to connectors, so that limits and sign-ons are counted together. */
  readonly line: LineCore;
  /** Sends a request to a signed-on participant and waits for its answer. */
  request(participant: string, message: IsoMessage): Promise<IsoMessage | Silence | 'unavailable'>;
  /** Takes new certificates or a new revocation list for connections from now on; TLS lines only. */
  renewTls(tls: Iso8583Tls): void;
  /** Takes no new connection or request, answers what is under way, closes; resolves when all is closed. */
  stop(): Promise<void>;
}

/** Time for a TLS handshake. */
const HANDSHAKE_MS = 10_000;
/** Sockets above the line's own limit that may be in their handshake. */
const SOCKETS_MORE = 256;

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
    server.listen({ host, port, backlog: 1_024 }, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function tlsServer(line: LineCore, tls: Iso8583Tls): TlsServer {
  const server = createTlsServer(
    {
      ...secureContext(tls),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_MS,
      allowHalfOpen: true,
    },
    (socket) => line.attach(socket, peerOf(socket)),
  );
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    // Half-open sockets are allowed, so a refused one would stay.
    socket.destroy();
    line.refuse('tls');
    line.limitedLog.warn({ reason: error.code }, 'A TLS handshake was refused.');
  });
  return server;
}

function openServer(line: LineCore, tls: Iso8583Tls | undefined): Server {
  if (tls !== undefined) return tlsServer(line, tls);
  return createServer({ allowHalfOpen: true }, (socket) => {
    line.attach(socket, { remoteAddress: socket.remoteAddress ?? '', needsCertificate: false });
  });
}

/**
 * Starts the line. Refuses with `port-busy` (fields: host, port) when the port is taken, with `config-invalid` when
 * the address, the profile or the certificates are no good.
 */
export async function startIso8583Listener(
  options: Iso8583ListenerOptions,
): Promise<Iso8583Listener> {
  const line = new LineCore(options);
  const { log } = line;
  const server = openServer(line, options.tls);
  server.maxConnections = line.limits.connectionsMax + SOCKETS_MORE;
  server.on('drop', () => line.limitedLog.warn({}, 'A connection above the limit was closed.'));
  const port = await listen(server, options.host, options.port);
  server.on('error', (error) => log.error({ err: error }, 'The ISO 8583 line cannot accept.'));
  // Sockets in their TLS handshake are no connections yet; `stop` must not wait for them.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const isTls = options.tls !== undefined;
  log.info({ host: options.host, port, isTls }, 'The ISO 8583 line is open.');
  return {
    port,
    line,
    request: (participant, message) => line.request(participant, message),
    renewTls(tls) {
      if (!('setSecureContext' in server)) {
        throw new Fault('bad-input', 'This line does not use TLS.');
      }
      // Only a TLS server has the method.
      (server as TlsServer).setSecureContext(secureContext(tls));
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await line.stop();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
