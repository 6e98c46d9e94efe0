/** One HTTP request of ours to somebody else's server: to a settled address, bounded in time and size, no redirects. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Fault } from '../../kernel/fault.ts';
import {
  parseDestination,
  resolveDestination,
  type DestinationPolicy,
  type Resolver,
} from './destination.ts';

export interface OutboundCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the look-up of the name to the last byte of the answer. */
  readonly timeoutMs: number;
}

/**
 * What became of it. `answered` holds whatever the other side said. `refused-here`: the address is not allowed, nothing
 * was sent. `not-sent`: no connection was made, so the other side knows nothing. `unknown`: it may have been received.
 */
export type OutboundResult =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'refused-here' | 'not-sent' | 'unknown'; readonly reason: string };

/** Sends calls by one policy. */
export type Caller = (call: OutboundCall) => Promise<OutboundResult>;

const ANSWER_MAX = 64 * 1024;
/** Failures before anything of the request left this machine. */
const BEFORE_SENDING = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'EADDRNOTAVAIL'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ...['ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO'],
]);

/** The system's name of a failure; by shape, since errors of the runtime may be of another realm. */
function codeOf(error: unknown): string {
  return typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string'
    ? error.code
    : 'unknown';
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    // Without an encoding set, a stream of HTTP gives buffers.
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > ANSWER_MAX)
      throw new Fault('message-malformed', 'The answer of the other side is too long.');
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}

function send(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

/** What a promise gives, or undefined when the signal comes first. */
async function inTime<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
): Promise<Value | undefined> {
  let late: () => void = () => undefined;
  const ended = new Promise<undefined>((resolve) => {
    late = () => resolve(undefined);
    if (signal.aborted) late();
    else signal.addEventListener('abort', late, { once: true });
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener('abort', late);
  }
}

async function callOnce(
  call: OutboundCall,
  policy: DestinationPolicy,
  resolver: Resolver | undefined,
  signal: AbortSignal,
): Promise<OutboundResult> {
  const url = parseDestination(call.url, policy);
  const pinned = await inTime(resolveDestination(url, policy, resolver), signal);
  if (pinned === undefined) return { kind: 'not-sent', reason: 'timeout' };
  const response = await send(
    url,
    {
      method: call.method,
      headers: {
        ...call.headers,
        ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
        'user-agent': 'sanad',
      },
      agent: false,
      signal,
      lookup: (_hostname, options, found) => {
        if (options.all === true) found(null, [{ ...pinned }]);
        else found(null, pinned.address, pinned.family);
      },
    },
    call.body,
  );
  try {
    return {
      kind: 'answered',
      status: response.statusCode ?? 0,
      body: await readAnswer(response),
    };
  } finally {
    response.destroy();
  }
}

/** Makes the caller. It never throws for what the other side does; what it cannot tell is `unknown`. */
export function makeCaller(policy: DestinationPolicy, resolver?: Resolver): Caller {
  return async (call) => {
    const signal = AbortSignal.timeout(call.timeoutMs);
    try {
      return await callOnce(call, policy, resolver, signal);
    } catch (error) {
      if (signal.aborted) return { kind: 'unknown', reason: 'timeout' };
      if (error instanceof Fault) {
        if (error.code === 'bad-input')
          return { kind: 'refused-here', reason: String(error.fields['reason']) };
        return error.code === 'not-found'
          ? { kind: 'not-sent', reason: 'name not resolved' }
          : { kind: 'unknown', reason: 'answer too long' };
      }
      const code = codeOf(error);
      return { kind: BEFORE_SENDING.has(code) ? 'not-sent' : 'unknown', reason: code };
    }
  };
}
