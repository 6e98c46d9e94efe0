/**
 * The portal's pages: the start page and the page that an e-stamp's QR code opens. An Express application that the
 * HTTP server mounts on its own port, so that the pages speak to the API on their own origin. It imports nothing
 * of the other rooms and reads no database: it is a client like any other.
 */
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type Express, type RequestHandler } from 'express';
import { startPage } from './start-page.ts';
import { styleSheet } from './style-sheet.ts';
import { verifyPage } from './verify-page.ts';

export interface PortalOptions {
  /** `host:port` of the ISO 8583 line, as it is shown on the start page. */
  readonly iso8583: string;
  /** True when trial participants are registered, whose credentials the start page points to. */
  readonly trial: boolean;
  /** Folder of the browser bundles; that of the build when absent. */
  readonly assets?: string;
}

const ASSET_NAME = /^[a-z-]{1,40}\.js$/;

/** Only our own scripts, styles and addresses; nothing inline and nobody else's. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Makes the application that answers `/`, `/v` and `/assets/…`. */
export function makePortal(options: PortalOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(guard);
  app.get('/', async (request, response) => {
    // The address by which the reader came is the one that his commands must name.
    const host = request.headers.host ?? 'localhost';
    response
      .type('html')
      .send(startPage({ ...options, host, ready: await isReady(request.socket) }));
  });
  app.get(['/v', '/v/'], (_request, response) => {
    response.type('html').send(verifyPage());
  });
  app.get('/assets/portal.css', (_request, response) => {
    response.type('css').set('cache-control', 'public, max-age=300').send(styleSheet);
  });
  const assets = options.assets ?? builtAssets();
  app.get('/assets/:name', (request, response, next) => {
    const { name } = request.params;
    if (!ASSET_NAME.test(name)) {
      next();
      return;
    }
    response.set('cache-control', 'public, max-age=300').sendFile(name, { root: assets });
  });
  app.use((_request, response) => {
    response.status(404).type('text/plain').send('There is no such page.\n');
  });
  app.use(failed);
  return app;
}

const HEALTH_MS_MAX = 2000;

/** Asks the API on the address by which this request came in, never on one that the request names. */
async function isReady({ localAddress, localPort }: Socket): Promise<boolean> {
  const host = localAddress?.includes(':') === true ? `[${localAddress}]` : (localAddress ?? '');
  try {
    const answer = await fetch(`http://${host}:${String(localPort)}/health/ready`, {
      signal: AbortSignal.timeout(HEALTH_MS_MAX),
    });
    return answer.ok;
  } catch {
    // No answer is an answer here: it is not ready.
    return false;
  }
}

/** The bundles of bin/build.js, seen from the sources and from the build. */
function builtAssets(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const folders = ['../../assets', '../../dist/assets'].map((folder) => path.resolve(here, folder));
  return folders.find((folder) => existsSync(folder)) ?? path.resolve(here, '../../dist/assets');
}

const guard: RequestHandler = (_request, response, next) => {
  response.set({
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  });
  next();
};

/** A page that fails says so without saying what; four parameters make it Express's handler of errors. */
function failed(
  error: unknown,
  _request: express.Request,
  response: express.Response,
  next: express.NextFunction,
): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const isMissing = error instanceof Error && 'status' in error && error.status === 404;
  response
    .status(isMissing ? 404 : 500)
    .type('text/plain')
    .send(isMissing ? 'There is no such file.\n' : 'The page failed.\n');
}
