/**
 * The JazzCash routes as a Fastify plugin. Every answer is a JSON object of texts; the HTTP status is 200 for what the
 * switch decided and 503 when it was too busy to begin (nothing was done, ask again). There is no zod on this path.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemClock, type Clock } from '../../../kernel/clock.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import {
  Admission,
  LimitedLog,
  ReplayGuard,
  SettingsCache,
  type SecretOpener,
  type SignerDirectory,
} from '../../participants/index.ts';
import {
  failureResult,
  takeTextBodies,
  textBody,
  type PaymentEngine,
} from '../../payment/index.ts';
import {
  authenticateBiller,
  authenticateNotification,
  type AuthenticationDeps,
  type Sender,
} from './authentication.ts';
import { parseFields, type Fields } from './codec.ts';
import { billSchema, notificationSchema } from './openapi.ts';
import {
  billInquiry,
  billPayment,
  billReversal,
  notification,
  type Operation,
  type OperationDeps,
  type Outcome,
} from './operations.ts';
import { withSecureHash } from './secure-hash.ts';
import { parseJazzCashSettings } from './settings.ts';
import { resultFields } from './to-payment.ts';

/** The largest request has about 2,000 bytes. */
const BODY_LIMIT_BYTES = 8_192;

export interface JazzCashDeps {
  readonly engine: PaymentEngine;
  readonly participants: SignerDirectory;
  /** Opens the salts of the participants' settings. */
  readonly secrets: SecretOpener;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** Shared by the REST channels of a product; an own one when absent. */
  readonly admission?: Admission;
}

/** What is written: the outcome, and the sender when there is one whose salt signs it. */
interface Decision extends Outcome {
  readonly sender?: Sender;
}

type Authenticate = (fields: Fields, request: FastifyRequest) => Promise<Sender | undefined>;

interface Channel extends OperationDeps {
  readonly metrics: Metrics;
  readonly admission: Admission;
  /** For what an outsider can cause. */
  readonly limitedLog: LimitedLog;
}

const unsigned = (result: ResultCode, reason?: string): Decision => ({
  result,
  answer: resultFields(result, undefined),
  ...(reason === undefined ? {} : { reason }),
});

/** A failure on the way is an answer too: 199, and the wallet asks again or inquires. */
function failed(error: unknown, request: FastifyRequest, log: Log): ResultCode {
  const message = 'A JazzCash request failed.';
  return failureResult(error, request, { log, channel: 'jazzcash', message });
}

async function decide(
  request: FastifyRequest,
  steps: { readonly authenticate: Authenticate; readonly operation: Operation },
  channel: Channel,
): Promise<Decision> {
  let sender: Sender | undefined;
  let leave: (() => void) | undefined;
  try {
    const fields = parseFields(textBody(request));
    if ('malformed' in fields) return unsigned('format-error', fields.malformed);
    sender = await steps.authenticate(fields, request);
    if (sender === undefined) return unsigned('unauthorised', 'credentials or hash');
    leave = channel.admission.enter(sender.participant);
    if (leave === undefined) {
      return { result: 'busy', answer: resultFields('busy', sender.participant), sender };
    }
    return { ...(await steps.operation(fields, sender, channel)), sender };
  } catch (error) {
    const result = failed(error, request, channel.log);
    const answer = resultFields(result, sender?.participant);
    return { result, answer, ...(sender === undefined ? {} : { sender }) };
  } finally {
    leave?.();
  }
}

function write(
  decision: Decision,
  request: FastifyRequest,
  { log, limitedLog, metrics }: Channel,
): { status: number; body: string } {
  const { result, answer, sender, reason } = decision;
  metrics.answers.inc({ channel: 'jazzcash', result });
  const line = { requestId: request.id, channel: 'jazzcash', result, reason };
  const fields = { ...line, participant: sender?.participant.code };
  if (result === 'unauthorised') limitedLog.warn(fields, 'A JazzCash request was not believed.');
  else log.info(fields, 'A JazzCash request was answered.');
  // Who did not prove himself gets no hash: it would be an oracle, and he has no salt to check it with.
  const signed =
    sender === undefined ? { ...answer, pp_SecureHash: '' } : withSecureHash(answer, sender.salt);
  return { status: result === 'busy' ? 503 : 200, body: JSON.stringify(signed) };
}

function makeHandler(
  steps: { readonly authenticate: Authenticate; readonly operation: Operation },
  channel: Channel,
): (request: FastifyRequest, reply: FastifyReply) => Promise<string> {
  return async (request, reply) => {
    const { status, body } = write(await decide(request, steps, channel), request, channel);
    void reply.code(status).type('application/json; charset=utf-8');
    return body;
  };
}

/** The merchant that the address of a notification names. */
function merchantOf({ params }: FastifyRequest): string {
  const isNamed = typeof params === 'object' && params !== null && 'merchantId' in params;
  return isNamed && typeof params.merchantId === 'string' ? params.merchantId : '';
}

/**
 * Adds `POST /jazzcash/BillInquiry`, `/jazzcash/BillPayment`, `/jazzcash/BillReversal` and `/jazzcash/IPN/:merchantId`
 * to a Fastify instance.
 */
export function jazzCashChannel(deps: JazzCashDeps): (app: FastifyInstance) => Promise<void> {
  const clock = deps.clock ?? systemClock;
  const settings = new SettingsCache((participant) =>
    parseJazzCashSettings(participant, deps.secrets),
  );
  const authentication: AuthenticationDeps = { ...deps, settings, clock };
  const { admission = new Admission(clock) } = deps;
  const limitedLog = new LimitedLog(deps.log, clock);
  const channel: Channel = { ...deps, admission, limitedLog, replays: new ReplayGuard(clock) };
  const biller: Authenticate = (fields, request) =>
    authenticateBiller(fields, request.ip, authentication);
  const gateway: Authenticate = (fields, request) =>
    authenticateNotification(merchantOf(request), fields, {
      remoteAddress: request.ip,
      deps: authentication,
    });
  return async (app) => {
    takeTextBodies(app, {
      bodyLimit: BODY_LIMIT_BYTES,
      failed: (error, request) => failed(error, request, deps.log),
      refuse: (result, request) => write(unsigned(result, 'body'), request, channel),
    });
    const bill = (name: string, operation: Operation): void => {
      const handler = makeHandler({ authenticate: biller, operation }, channel);
      app.post(`/jazzcash/${name}`, { schema: billSchema(name) }, handler);
    };
    bill('BillInquiry', billInquiry);
    bill('BillPayment', billPayment);
    bill('BillReversal', billReversal);
    app.post(
      '/jazzcash/IPN/:merchantId',
      { schema: notificationSchema },
      makeHandler({ authenticate: gateway, operation: notification }, channel),
    );
    await Promise.resolve();
  };
}
