/**
 * The HTTP server: the public API, the REST channels and, on the same port, the portal's pages. It only speaks
 * HTTP; what the answers are is the business of `ApiServices` and of the channels.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { secureRandom, type Random } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { addJsonParser } from './json-body.ts';
import { addOpenApi } from './openapi.ts';
import { addCommonHeaders, makeErrorHandler, sendProblem } from './problem.ts';
import { limitRate, RateLimit } from './rate-limit.ts';
import { addChallanRoutes } from './routes/challans.ts';
import { addOperationRoutes } from './routes/operations.ts';
import { addReferenceRoutes } from './routes/reference.ts';
import type { RouteDeps } from './routes/route.ts';
import { addStampApplicationRoutes } from './routes/stamp-applications.ts';
import { addStampRoutes } from './routes/stamps.ts';
import { addLogRoutes, verificationRoutes } from './routes/verification.ts';
import type { ApiServices } from './services.ts';

const BODY_LIMIT_BYTES = 64 * 1024;
const CONNECTIONS_MAX = 10_000;
/** A request must have arrived whole in this time; slow senders are cut off. */
const REQUEST_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 65_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export interface HttpServerDeps {
  readonly services: ApiServices;
  readonly log: Log;
  readonly metrics: Metrics;
  /** REST channels, each a Fastify plugin (`oneBillChannel(…)`). */
  readonly channels?: readonly ((app: FastifyInstance) => Promise<void>)[];
  /** Answers `/`, `/v`, `/v/…` and `/assets/…`: the portal's Express application. */
  readonly pages?: RequestListener;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Look-ups by an id per address and minute; 60 when absent. Verifications have a count of their own. */
  readonly lookupsPerMinute?: number;
  /** Addresses of the proxies in front, whose `X-Forwarded-For` is believed; none when absent. */
  readonly trustedProxies?: readonly string[];
}

function isPage(request: IncomingMessage): boolean {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  return path === '/' || path === '/v' || path.startsWith('/v/') || path.startsWith('/assets/');
}

function makeNodeServer(handler: RequestListener, pages: RequestListener | undefined): Server {
  const listener: RequestListener =
    pages === undefined
      ? handler
      : (request, response) => (isPage(request) ? pages : handler)(request, response);
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
    },
    listener,
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function addHooks(app: FastifyInstance, { log }: HttpServerDeps): void {
  app.addHook('onRequest', (request, reply, done) => {
    addCommonHeaders(request, reply);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (log.isLevelEnabled('info')) {
      log.info(
        {
          requestId: request.id,
          method: request.method,
          // The pattern, not the address: ids and PSIDs stay out of the log.
          route: request.routeOptions.url ?? 'unknown',
          status: reply.statusCode,
          elapsedMs: Number(reply.elapsedTime.toFixed(1)),
        },
        'A request was answered.',
      );
    }
    done();
  });
}

function addRoutes(app: FastifyInstance, deps: HttpServerDeps): RouteDeps {
  const clock = deps.clock ?? systemClock;
  const perMinute = deps.lookupsPerMinute ?? 60;
  const routeDeps: RouteDeps = {
    services: deps.services,
    limitLookups: limitRate(new RateLimit(clock, perMinute)),
    limitVerifications: limitRate(new RateLimit(clock, perMinute)),
  };
  addStampApplicationRoutes(app, routeDeps);
  addChallanRoutes(app, routeDeps);
  addStampRoutes(app, routeDeps);
  addLogRoutes(app, routeDeps);
  addReferenceRoutes(app, routeDeps);
  addOperationRoutes(app, routeDeps, deps.metrics);
  return routeDeps;
}

/** Builds the server with all routes; it does not listen yet (`listen`), and `close()` ends it. */
export async function makeHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  const random = deps.random ?? secureRandom;
  // A random name for this run and a counter: cheaper than random bytes for every payment.
  const run = random.bytes(6).toString('base64url');
  let requests = 0;
  const app = Fastify({
    // Our own hooks log one line per answer; Fastify's logger costs a child per request.
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: deps.trustedProxies === undefined ? false : [...deps.trustedProxies],
    forceCloseConnections: 'idle',
    genReqId(request) {
      const given = request.headers['x-request-id'];
      if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
      requests += 1;
      return `${run}-${requests.toString(36)}`;
    },
    // An address that cannot be decoded never reaches a route or its error handler.
    frameworkErrors: (_error, request, reply) => {
      addCommonHeaders(request, reply);
      void sendProblem(request, reply, 'validation-failed', {
        detail: 'The address is malformed.',
      });
    },
    serverFactory: (handler) => makeNodeServer(handler, deps.pages),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(makeErrorHandler(deps.log));
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'not-found'));
  app.removeAllContentTypeParsers();
  addJsonParser(app);
  addHooks(app, deps);
  await addOpenApi(app);
  const routeDeps = addRoutes(app, deps);
  await app.register(verificationRoutes(routeDeps));
  for (const channel of deps.channels ?? []) await app.register(channel);
  await app.ready();
  return app;
}

function isAddressInUse(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && error.code === 'EADDRINUSE'
  );
}

/** Starts listening and returns the address; a Fault `port-busy` names the port that is taken. */
export async function listen(
  app: FastifyInstance,
  address: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    return await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    if (!isAddressInUse(error)) throw error;
    throw new Fault('port-busy', 'The HTTP port is taken by another program.', {
      fields: { host: address.host, port: address.port },
      cause: error,
    });
  }
}
