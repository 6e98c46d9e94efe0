/**
 * Errors as problem documents (RFC 9457, `application/problem+json`) with stable codes. What is not a refusal
 * meant for the caller becomes `internal`: no message, no stack and no SQL ever leaves the process.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isUnreachable } from '../../kernel/database.ts';
import { Fault, type FaultCode } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
}

/** Problems that the HTTP layer itself finds. */
const HTTP_KINDS = {
  'validation-failed': { status: 400, title: 'The request is not valid' },
  'idempotency-key-required': { status: 400, title: 'An Idempotency-Key is required' },
  'key-reused': { status: 409, title: 'The Idempotency-Key was used with another request' },
  'duty-refused': { status: 422, title: 'The duty cannot be calculated' },
  'service-refused': { status: 422, title: 'The service cannot be charged like this' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'rate-limited': { status: 429, title: 'Too many requests' },
} as const satisfies Record<string, Kind>;

const INTERNAL: Kind = { status: 500, title: 'The switch failed' };

/** What each Fault says to a caller. Those that are no business of his read as `internal`. */
const FAULT_KINDS: Readonly<Record<FaultCode, Kind>> = {
  'bad-input': { status: 400, title: 'The request is not valid' },
  'not-found': { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  unauthorised: { status: 401, title: 'A valid access token is required' },
  forbidden: { status: 403, title: 'This is not allowed' },
  overloaded: { status: 503, title: 'The switch is busy' },
  'database-unreachable': { status: 503, title: 'The switch is not ready' },
  'lease-lost': { status: 503, title: 'The switch is not ready' },
  'chain-unreachable': { status: 503, title: 'The public log is not reachable' },
  'message-malformed': { status: 400, title: 'The message is malformed' },
  'seal-invalid': { status: 422, title: 'The seal is not valid' },
  'file-unreadable': { status: 422, title: 'The file cannot be read' },
  'config-invalid': INTERNAL,
  'database-failed': INTERNAL,
  'disk-full': INTERNAL,
  'port-busy': INTERNAL,
  'chain-refused': INTERNAL,
  internal: INTERNAL,
};

export type ProblemCode = keyof typeof HTTP_KINDS | FaultCode;

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    /** Stable: programs branch on it. */
    code: z.string(),
    detail: z.string().optional(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string(), code: z.string().optional() }))
      .optional(),
    requestId: z.string(),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: 'urn:sanad:problem:validation-failed',
        title: 'The request is not valid',
        status: 400,
        code: 'validation-failed',
        errors: [{ path: 'applicant.cnic', message: 'must be 13 digits, plain or as 5-7-1' }],
        requestId: 'b0uXoGm1Yk1p',
      },
    ],
  });

interface FieldError {
  readonly path: string;
  readonly message: string;
  /** Stable reason, when the problem has several. */
  readonly code?: string;
}

export interface ProblemOptions {
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
}

/** Thrown by the routes for what only HTTP knows; everything else throws a Fault. */
export class HttpProblem extends Error {
  readonly code: keyof typeof HTTP_KINDS;
  readonly options: ProblemOptions;

  constructor(code: keyof typeof HTTP_KINDS, options: ProblemOptions = {}) {
    super(HTTP_KINDS[code].title);
    this.name = 'HttpProblem';
    this.code = code;
    this.options = options;
  }
}

function kindOf(code: ProblemCode): Kind {
  return code in HTTP_KINDS
    ? HTTP_KINDS[code as keyof typeof HTTP_KINDS] // `in` just proved it
    : FAULT_KINDS[code as FaultCode]; // the only other members of the union
}

/** The headers of every answer of the API, problems included. */
export function addCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id);
  void reply.header('x-content-type-options', 'nosniff');
  // Answers carry personal data or change by the second; none may stay in a cache.
  void reply.header('cache-control', 'no-store');
}

/** Sends a problem document. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  options: ProblemOptions = {},
): FastifyReply {
  const kind = kindOf(code);
  // Faults that are nobody's business outside carry one common code.
  const shown = kind === INTERNAL ? 'internal' : code;
  if (options.retryAfterSeconds !== undefined) {
    void reply.header('retry-after', String(options.retryAfterSeconds));
  }
  if (kind.status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply
    .code(kind.status)
    .type('application/problem+json; charset=utf-8')
    .send(
      JSON.stringify({
        type: `urn:sanad:problem:${shown}`,
        title: kind.title,
        status: kind.status,
        code: shown,
        ...(options.detail === undefined ? {} : { detail: options.detail }),
        ...(options.errors === undefined ? {} : { errors: options.errors }),
        requestId: request.id,
      }),
    );
}

const ERRORS_MAX = 50;

function validationErrors(error: FastifyError): FieldError[] {
  return (error.validation ?? []).slice(0, ERRORS_MAX).map((issue) => ({
    path: [error.validationContext === 'body' ? '' : (error.validationContext ?? '')]
      .concat(issue.instancePath.split('/'))
      .filter((part) => part !== '')
      .join('.'),
    message: issue.message ?? 'is not valid',
  }));
}

/** Fastify's own refusals by status; a status that is not here reads as a malformed request. */
const BY_STATUS: ReadonlyMap<number, ProblemCode> = new Map<number, ProblemCode>([
  [404, 'not-found'],
  [413, 'too-large'],
  [415, 'unsupported-media-type'],
  [503, 'overloaded'],
]);

function answerFault(fault: Fault, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { path } = fault.fields;
  return sendProblem(request, reply, fault.code, {
    detail: fault.message,
    ...(typeof path === 'string' ? { errors: [{ path, message: fault.message }] } : {}),
    ...(fault.code === 'overloaded' ? { retryAfterSeconds: 1 } : {}),
  });
}

/** The error handler of the whole server. */
export function makeErrorHandler(
  log: Log,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    if (error instanceof HttpProblem) {
      return sendProblem(request, reply, error.code, error.options);
    }
    if (error.validation !== undefined) {
      const errors = validationErrors(error);
      // The only header that a route demands.
      const isKey = error.validationContext === 'headers';
      const code = isKey ? 'idempotency-key-required' : 'validation-failed';
      return sendProblem(request, reply, code, { errors });
    }
    const status = error.statusCode ?? 500;
    if (status < 500 && !(error instanceof Fault)) {
      return sendProblem(request, reply, BY_STATUS.get(status) ?? 'validation-failed');
    }
    const isAway = !(error instanceof Fault) && isUnreachable(error);
    if (isAway) {
      log.error({ err: error, requestId: request.id }, 'The database cannot be reached.');
      return sendProblem(request, reply, 'database-unreachable');
    }
    if (error instanceof Fault && kindOf(error.code) !== INTERNAL) {
      return answerFault(error, request, reply);
    }
    log.error({ err: error, requestId: request.id }, 'A request failed.');
    return sendProblem(request, reply, 'internal');
  };
}
