/**
 * The Easypaisa routes as a Fastify plugin. Every answer is an envelope; the HTTP status is 200 for what the switch
 * decided and 503 when it was too busy to begin (nothing was done, ask again). There is no zod on this path.
 */
import type { KeyObject } from 'node:crypto';
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
import { authenticate, type AuthenticationDeps, type Sender } from './authentication.ts';
import { dateTimeText, parseEnvelope } from './codec.ts';
import { notificationUrl, takeNotification } from './notification.ts';
import { billSchema, notificationSchema } from './openapi.ts';
import {
  billInquiry,
  billPayment,
  billReversal,
  type Operation,
  type OperationDeps,
  type Outcome,
} from './operations.ts';
import { parseEasypaisaSettings } from './settings.ts';
import { checkSigningKey, signedEnvelope } from './signature.ts';
import { resultFields } from './to-payment.ts';

/** The largest request has about 1,500 bytes. */
const BODY_LIMIT_BYTES = 8_192;
/** Notifications that are being fetched at once; more are told to come again. */
const FETCHES_MAX = 16;

export interface EasypaisaDeps {
  readonly engine: PaymentEngine;
  readonly participants: SignerDirectory;
  /** Opens what is sealed in the participants' settings. */
  readonly secrets: SecretOpener;
  /** Our RSA key of 2,048 bits, which signs every answer. */
  readonly signingKey: KeyObject;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** Shared by the REST channels of a product; an own one when absent. */
  readonly admission?: Admission;
}

/** What is written: the outcome, and the sender when there is one. */
interface Decision extends Outcome {
  readonly sender?: Sender;
}

interface Channel extends OperationDeps, AuthenticationDeps {
  readonly signingKey: KeyObject;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly admission: Admission;
  /** For what an outsider can cause. */
  readonly limitedLog: LimitedLog;
}

const unproved = (result: ResultCode, reason?: string): Decision => ({
  result,
  answer: resultFields(result, undefined),
  ...(reason === undefined ? {} : { reason }),
});

/** A failure on the way is an answer too: 0001, and the wallet asks again or inquires. */
function failed(error: unknown, request: FastifyRequest, log: Log): ResultCode {
  const message = 'An Easypaisa request failed.';
  return failureResult(error, request, { log, channel: 'easypaisa', message });
}

async function decide(
  request: FastifyRequest,
  operation: Operation,
  channel: Channel,
): Promise<Decision> {
  let sender: Sender | undefined;
  let leave: (() => void) | undefined;
  try {
    const envelope = parseEnvelope(textBody(request));
    if ('malformed' in envelope) return unproved('format-error', envelope.malformed);
    sender = await authenticate(request.headers, request.ip, { envelope, deps: channel });
    if (sender === undefined) return unproved('unauthorised', 'credentials or signature');
    leave = channel.admission.enter(sender.participant);
    if (leave === undefined) {
      return { result: 'busy', answer: resultFields('busy', sender.participant), sender };
    }
    return { ...(await operation(envelope.fields, sender, channel)), sender };
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
  { log, limitedLog, metrics, clock, signingKey }: Channel,
): { status: number; body: string } {
  const { result, answer, sender, reason } = decision;
  metrics.answers.inc({ channel: 'easypaisa', result });
  const line = { requestId: request.id, channel: 'easypaisa', result, reason };
  const fields = { ...line, participant: sender?.participant.code };
  if (result === 'unauthorised') limitedLog.warn(fields, 'An Easypaisa request was not believed.');
  else log.info(fields, 'An Easypaisa request was answered.');
  const status = result === 'busy' ? 503 : 200;
  // A signature costs a millisecond of processor time: who did not prove himself gets none.
  if (sender === undefined) {
    return { status, body: `{"response":${JSON.stringify(answer)},"signature":""}` };
  }
  const dated = { ...answer, transactionDateTime: dateTimeText(clock.now()) };
  return { status, body: signedEnvelope('response', dated, signingKey) };
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<string>;

function makeHandler(operation: Operation, channel: Channel): Handler {
  return async (request, reply) => {
    const { status, body } = write(await decide(request, operation, channel), request, channel);
    void reply.code(status).type('application/json; charset=utf-8');
    return body;
  };
}

function textOf(source: unknown, name: string): string {
  const members = new Map(
    Object.entries(typeof source === 'object' && source !== null ? source : {}),
  );
  const value: unknown = members.get(name);
  return typeof value === 'string' ? value : '';
}

function makeNotificationHandler(channel: Channel): Handler {
  let fetching = 0;
  const take = async (request: FastifyRequest): Promise<Decision> => {
    const username = textOf(request.params, 'username').slice(0, 64);
    const found = await channel.participants.findSigner('easypaisa', username, request.ip);
    if (found === undefined) return unproved('unauthorised', 'participant or address');
    const sender = { participant: found, settings: channel.settings.of(found) };
    const url = notificationUrl(textOf(request.query, 'url'), sender.settings);
    if (url === undefined) return unproved('unauthorised', 'address to fetch');
    if (fetching >= FETCHES_MAX) return unproved('busy');
    fetching += 1;
    try {
      const deps = { engine: channel.engine, now: channel.clock.now() };
      const result = await takeNotification(url, sender, deps);
      return { ...unproved(result), answer: resultFields(result, found) };
    } finally {
      fetching -= 1;
    }
  };
  return async (request, reply) => {
    const decision = await take(request).catch((error: unknown) =>
      unproved(failed(error, request, channel.log)),
    );
    const { status, body } = write(decision, request, channel);
    // A caller that looks at the status alone must tell us again of what we could not take.
    const isOpen = decision.result === 'system-malfunction';
    void reply.code(isOpen ? 503 : status).type('application/json; charset=utf-8');
    return body;
  };
}

/**
 * Adds `POST /easypaisa/bill-inquiry`, `/easypaisa/bill-payment`, `/easypaisa/bill-reversal` and
 * `GET /easypaisa/ipn/:username?url=…` to a Fastify instance. Refuses (`config-invalid`) a signing key that is not RSA
 * of 2,048 bits.
 */
export function easypaisaChannel(deps: EasypaisaDeps): (app: FastifyInstance) => Promise<void> {
  checkSigningKey(deps.signingKey);
  const clock = deps.clock ?? systemClock;
  const settings = new SettingsCache((participant) =>
    parseEasypaisaSettings(participant, deps.secrets),
  );
  const { admission = new Admission(clock) } = deps;
  const replays = new ReplayGuard(clock);
  const limitedLog = new LimitedLog(deps.log, clock);
  const channel: Channel = { ...deps, clock, settings, admission, limitedLog, replays };
  return async (app) => {
    takeTextBodies(app, {
      bodyLimit: BODY_LIMIT_BYTES,
      failed: (error, request) => failed(error, request, deps.log),
      refuse: (result, request) => write(unproved(result, 'body'), request, channel),
    });
    const bill = (name: string, operation: Operation): void => {
      const handler = makeHandler(operation, channel);
      app.post(`/easypaisa/${name}`, { schema: billSchema(name) }, handler);
    };
    bill('bill-inquiry', billInquiry);
    bill('bill-payment', billPayment);
    bill('bill-reversal', billReversal);
    app.get(
      '/easypaisa/ipn/:username',
      { schema: notificationSchema },
      makeNotificationHandler(channel),
    );
    await Promise.resolve();
  };
}
