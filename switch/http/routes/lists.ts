/**
 * Verification for programs that ask for others: the SMS gateway's hook, and lists of stamps for courts and banks.
 * Both need an operator's token, since they are spared the limit for each address by which the register is kept from
 * being read out; the senders of SMS have a limit of their own. A plugin of the server's own scope.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import { accessTokenOf } from '../access-token.ts';
import { addJsonParser } from '../json-body.ts';
import type { OperatorDirectory, OperatorRole } from '../office-services.ts';
import { RateLimit } from '../rate-limit.ts';
import { anyJson } from '../schemas.ts';
import type { JsonValue } from '../services.ts';
import { atMost, BEARER, problem } from './route.ts';

export interface ListServices {
  /** The one-line answer to a message; never anything about its sender. */
  smsAnswer(text: string): Promise<string>;
  /** A report for each line of a list; a Fault `bad-input` when it has too many. */
  verifyList(content: string): Promise<JsonValue>;
}

export interface ListApiDeps {
  readonly operators: OperatorDirectory;
  readonly lists: ListServices;
  readonly clock: Clock;
  /** Wrong tokens that an address may send in a minute. */
  readonly lookupsPerMinute: number;
}

const LIST_LIMIT_BYTES = 4 * 1024 * 1024;
/** Questions of one telephone in a minute. */
const SMS_PER_MINUTE = 5;
const LISTS_RUNNING_MAX = 2;

const smsRequest = z.strictObject({
  /** The sender, counted and forgotten. */
  from: z.string().regex(/^\+?[0-9]{3,15}$/),
  text: z.string().max(500),
});

const list = z
  .custom<string>((value) => typeof value === 'string' && value.trim() !== '', 'is empty')
  .meta({ description: 'One stamp a line: the text of its code, or its number.' });

const REFUSALS = {
  400: problem('The body is empty or wrong.'),
  401: problem('The token is missing, unknown or used from elsewhere.'),
  403: problem('The token is of another role.'),
  429: problem('Too many questions.'),
};

/** Adds the routes to a server: give it to `makeHttpServer` among `channels`. */
export function listApi(deps: ListApiDeps): (app: FastifyInstance) => Promise<void> {
  const { operators, lists, clock, lookupsPerMinute } = deps;
  const failures = new RateLimit(clock, lookupsPerMinute);
  const senders = new RateLimit(clock, SMS_PER_MINUTE);
  const admit = (request: FastifyRequest, roles: readonly OperatorRole[]): void => {
    const operator = operators.authenticate(accessTokenOf(request), request.ip);
    if (operator === undefined) {
      failures.admit(request.ip);
      throw new Fault('unauthorised', 'This token opens nothing here.');
    }
    if (!roles.includes(operator.role))
      throw new Fault('forbidden', 'This is not open to the token’s role.');
  };
  const oneOfFew = atMost(LISTS_RUNNING_MAX, 'Too many lists are being verified; try again.');
  return async (app) => {
    app.removeAllContentTypeParsers();
    addJsonParser(app);
    app.addContentTypeParser(
      ['text/plain', 'text/csv'],
      { parseAs: 'string', bodyLimit: LIST_LIMIT_BYTES },
      (_request, body, done) => done(null, body),
    );
    const routes = app.withTypeProvider<ZodTypeProvider>();
    routes.route({
      method: 'POST',
      url: '/v1/sms',
      schema: {
        tags: ['Verification'],
        operationId: 'answerSms',
        summary: 'The SMS service: `eStamp` and 16 digits in, one line out',
        security: BEARER,
        body: smsRequest,
        response: { 200: z.object({ reply: z.string() }), ...REFUSALS },
      },
      async handler(request) {
        admit(request, ['sms-gateway']);
        const { from, text } = request.body;
        senders.admit(from);
        return { reply: await lists.smsAnswer(text) };
      },
    });
    routes.route({
      method: 'POST',
      url: '/v1/verifications/list',
      bodyLimit: LIST_LIMIT_BYTES,
      schema: {
        tags: ['Verification'],
        operationId: 'verifyList',
        summary: 'Verifies a list of stamps for a court or a bank, one a line, up to 10,000',
        security: BEARER,
        consumes: ['text/plain', 'text/csv'],
        body: list,
        response: {
          200: anyJson.meta({ description: 'One answer a line.', examples: [{ lines: [] }] }),
          413: problem('The list has more than 4 MB.'),
          503: problem('Too many lists are being verified.'),
          ...REFUSALS,
        },
      },
      async handler(request) {
        admit(request, ['verifier', 'sub-registrar', 'collector', 'inspector']);
        return oneOfFew(() => lists.verifyList(request.body));
      },
    });
    await Promise.resolve();
  };
}
