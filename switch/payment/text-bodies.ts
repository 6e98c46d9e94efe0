/**
 * What the REST channels share: a scope whose bodies are read as text, whatever their content type says, and judged by
 * the channel's codec alone; and an answer for what fails outside its handlers.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { ResultCode } from '../../kernel/result-code.ts';
import type { ChannelName } from '../../reconciliation/index.ts';

export interface TextBodies {
  /** Bytes of the largest body. */
  readonly bodyLimit: number;
  /** The result of a request that failed on the way. */
  readonly failed: (error: unknown, request: FastifyRequest) => ResultCode;
  /** The answer to a request that has nothing but its result. */
  readonly refuse: (
    result: ResultCode,
    request: FastifyRequest,
  ) => { readonly status: number; readonly body: string };
}

/** A failure on the way is an answer too: `busy` when the switch is full, else it is logged and a malfunction. */
export function failureResult(
  error: unknown,
  request: FastifyRequest,
  told: { readonly log: Log; readonly channel: ChannelName; readonly message: string },
): 'busy' | 'system-malfunction' {
  if (error instanceof Fault && error.code === 'overloaded') return 'busy';
  const { log, channel, message } = told;
  log.error({ err: error, requestId: request.id, channel }, message);
  return 'system-malfunction';
}

/** Makes a Fastify scope one of texts. The schemas of its routes are for the reader of openapi.json, never compiled. */
export function takeTextBodies(
  app: FastifyInstance,
  { bodyLimit, failed, refuse }: TextBodies,
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit }, (_request, body, done) =>
    done(null, body),
  );
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    // Only the reading of a body fails outside the handlers: it was too long, cut off or of a wrong length.
    const isMalformed = error.statusCode !== undefined && error.statusCode < 500;
    const result = isMalformed ? 'format-error' : failed(error, request);
    const { status, body } = refuse(result, request);
    return reply.code(status).type('application/json; charset=utf-8').send(body);
  });
}

/** The text of a body that such a scope has read; empty when there was none. */
export function textBody({ body }: FastifyRequest): string {
  return typeof body === 'string' ? body : '';
}
