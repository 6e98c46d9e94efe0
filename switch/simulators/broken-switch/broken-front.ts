/**
 * A front before an HTTP channel that breaks one rule on purpose: about who is believed, what a refusal tells, and what
 * garbage does. A rule about signatures is broken by signing what comes with the sender's own key.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The breaks of a front, by the rule that each one breaks. */
export const FRONT_BREAKS = [
  'forgery-is-refused',
  'refusal-tells-nothing',
  'replay-is-refused',
  'garbage-harms-nobody',
] as const;

export type FrontBreak = (typeof FRONT_BREAKS)[number];

/** A request on its way. */
export interface Passing {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface FrontOptions {
  /** The honest switch behind. */
  readonly target: string;
  readonly name: FrontBreak;
  /** Makes a request one that its sender made himself, now: for forgeries and replays. */
  readonly impersonate: (passing: Passing) => Passing;
  /** True when an answer to the sender himself tells that there is such a bill. */
  readonly knows: (answer: string) => boolean;
  /** A free one when absent. */
  readonly port?: number;
}

/** Only the channels are broken; what else the switch offers passes as it is. */
const CHANNEL_PATH = /^\/(onebill|jazzcash|easypaisa|otc)\//;
const HOP_HEADERS = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts).toString('utf8');
}

function passingOf(request: IncomingMessage, body: string): Passing {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && !HOP_HEADERS.has(name)) headers[name] = value;
  }
  return { path: request.url ?? '/', headers, body };
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

async function forward(
  options: FrontOptions,
  request: IncomingMessage,
): Promise<{ status: number; text: string }> {
  const { name, target, impersonate } = options;
  const given = passingOf(request, await readBody(request));
  const ask = async ({
    path,
    headers,
    body,
  }: Passing): Promise<{ status: number; text: string }> => {
    const { method = 'POST' } = request;
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const init = { method, headers, ...(hasBody ? { body } : {}) };
    const response = await fetch(new URL(path, target), init);
    return { status: response.status, text: await response.text() };
  };
  if (!CHANNEL_PATH.test(given.path)) return ask(given);
  if (name === 'garbage-harms-nobody' && !isJson(given.body)) {
    return { status: 500, text: 'Error: Unexpected token at JSON.parse' };
  }
  const isForger = name === 'forgery-is-refused' || name === 'replay-is-refused';
  const answer = await ask(isForger ? impersonate(given) : given);
  // To sign in twice would end the first sign-in.
  const isSignIn = given.path.endsWith('/sign-in');
  if (name !== 'refusal-tells-nothing' || isSignIn) return answer;
  // The bill is asked for behind the forger's back, and what is not there is refused otherwise.
  const honest = await ask(impersonate(given));
  return options.knows(honest.text) ? answer : { ...answer, status: 404 };
}

async function handle(
  options: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, text } = await forward(options, request);
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(text);
}

/** Starts the front on this machine. */
export async function startBrokenFront(
  options: FrontOptions,
): Promise<{ readonly baseUrl: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    handle(options, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: options.port ?? 0 }, resolve);
  });
  // A TCP server that listens has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${String(port)}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
