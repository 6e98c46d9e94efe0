/**
 * The 1BILL-style routes as a Fastify plugin. Every answer has a well-formed body; the HTTP status is 200 for
 * every answer that the switch decided, 503 when it was too busy to begin (nothing was done, ask again). There
 * is no zod on this path: thousands of payments a second pass here.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemClock } from '../../../kernel/clock.ts';
import { isPsid } from '../../../kernel/ids.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import {
  Admission,
  LimitedLog,
  type Participant,
  type ParticipantDirectory,
} from '../../participants/index.ts';
import {
  failureResult,
  takeTextBodies,
  textBody,
  type PaymentEngine,
} from '../../payment/index.ts';
import { authenticate, speaksFor } from './authentication.ts';
import {
  fitsChannel,
  parseBillInquiry,
  parseBillPayment,
  type BillInquiryAnswer,
  type BillPaymentAnswer,
} from './codec.ts';
import { inquirySchema, paymentSchema } from './openapi.ts';
import {
  fromInquiryAnswer,
  fromPaymentAnswer,
  refusedInquiry,
  toInquiry,
  toPaymentRequest,
} from './to-payment.ts';

/** The largest request has about 500 bytes. */
const BODY_LIMIT_BYTES = 4_096;

export interface OneBillDeps {
  readonly engine: PaymentEngine;
  readonly participants: ParticipantDirectory;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Shared by the REST channels of a product; an own one when absent. */
  readonly admission?: Admission;
}

/** What the routes share. */
interface Channel extends OneBillDeps {
  readonly admission: Admission;
}

/** What was decided about one request, before it is written. */
interface Outcome<Answer> {
  readonly result: ResultCode;
  readonly answer: Answer;
  readonly participant?: Participant;
  /** For the log: the field that is malformed. */
  readonly malformed?: string;
}

type Refusal<Answer> = (result: ResultCode, participant: Participant | undefined) => Answer;

const refusedPayment: Refusal<BillPaymentAnswer> = (result, participant) =>
  fromPaymentAnswer({ result }, participant);

async function inquire(
  body: string,
  participant: Participant,
  deps: OneBillDeps,
): Promise<Outcome<BillInquiryAnswer>> {
  const refuse = (result: ResultCode): Outcome<BillInquiryAnswer> => ({
    result,
    answer: refusedInquiry(result, participant),
    participant,
  });
  const request = parseBillInquiry(body);
  if ('malformed' in request) return { ...refuse('format-error'), malformed: request.malformed };
  if (!speaksFor(participant, request.bankMnemonic)) return refuse('unauthorised');
  if (!isPsid(request.consumerNumber)) return refuse('unknown-consumer');
  const answer = await deps.engine.inquire(toInquiry(request, participant));
  if (answer.ok && !fitsChannel(answer.bill.amount)) return refuse('limit-exceeded');
  const result = answer.ok ? 'approved' : answer.result;
  return { result, answer: fromInquiryAnswer(answer, participant), participant };
}

async function pay(
  body: string,
  participant: Participant,
  deps: OneBillDeps,
): Promise<Outcome<BillPaymentAnswer>> {
  const refuse = (result: ResultCode): Outcome<BillPaymentAnswer> => ({
    result,
    answer: refusedPayment(result, participant),
    participant,
  });
  const request = parseBillPayment(body);
  if ('malformed' in request) return { ...refuse('format-error'), malformed: request.malformed };
  if (!speaksFor(participant, request.bankMnemonic)) return refuse('unauthorised');
  if (!isPsid(request.consumerNumber)) return refuse('unknown-consumer');
  if (!fitsChannel(request.amount)) return refuse('limit-exceeded');
  const answer = await deps.engine.pay(toPaymentRequest(request, participant));
  return { result: answer.result, answer: fromPaymentAnswer(answer, participant), participant };
}

/** A failure on the way is an answer too: 05, and the bank asks again or inquires. */
function failed(error: unknown, request: FastifyRequest, log: Log): ResultCode {
  const message = 'A 1BILL request failed.';
  return failureResult(error, request, { log, channel: 'onebill', message });
}

function makeHandler<Answer>(
  work: (body: string, participant: Participant, deps: OneBillDeps) => Promise<Outcome<Answer>>,
  refuse: Refusal<Answer>,
  deps: Channel,
): (request: FastifyRequest, reply: FastifyReply) => Promise<string> {
  const { log, metrics, participants, admission } = deps;
  const limitedLog = new LimitedLog(log, systemClock);
  const decide = async (request: FastifyRequest): Promise<Outcome<Answer>> => {
    let participant: Participant | undefined;
    let leave: (() => void) | undefined;
    try {
      participant = await authenticate(request.headers, request.ip, participants);
      if (participant === undefined) {
        return { result: 'unauthorised', answer: refuse('unauthorised', undefined) };
      }
      leave = admission.enter(participant);
      if (leave === undefined) {
        return { result: 'busy', answer: refuse('busy', participant), participant };
      }
      return await work(textBody(request), participant, deps);
    } catch (error) {
      const result = failed(error, request, log);
      return {
        result,
        answer: refuse(result, participant),
        ...(participant === undefined ? {} : { participant }),
      };
    } finally {
      leave?.();
    }
  };
  return async (request, reply) => {
    const { result, answer, participant, malformed } = await decide(request);
    metrics.answers.inc({ channel: 'onebill', result });
    const line = { requestId: request.id, channel: 'onebill', result, malformed };
    const fields = { ...line, participant: participant?.code };
    if (result === 'unauthorised') limitedLog.warn(fields, 'A 1BILL request was not believed.');
    else log.info(fields, 'A 1BILL request was answered.');
    void reply.code(result === 'busy' ? 503 : 200).type('application/json; charset=utf-8');
    return JSON.stringify(answer);
  };
}

/** Adds `POST /onebill/BillInquiry` and `POST /onebill/BillPayment` to a Fastify instance. */
export function oneBillChannel(deps: OneBillDeps): (app: FastifyInstance) => Promise<void> {
  const { admission = new Admission(systemClock) } = deps;
  const channel = { ...deps, admission };
  return async (app) => {
    takeTextBodies(app, {
      bodyLimit: BODY_LIMIT_BYTES,
      failed: (error, request) => failed(error, request, deps.log),
      refuse(result, request) {
        deps.metrics.answers.inc({ channel: 'onebill', result });
        const isInquiry = request.routeOptions.url?.endsWith('/BillInquiry') === true;
        const answer = (isInquiry ? refusedInquiry : refusedPayment)(result, undefined);
        return { status: 200, body: JSON.stringify(answer) };
      },
    });
    app.post(
      '/onebill/BillInquiry',
      { schema: inquirySchema },
      makeHandler(inquire, refusedInquiry, channel),
    );
    app.post(
      '/onebill/BillPayment',
      { schema: paymentSchema },
      makeHandler(pay, refusedPayment, channel),
    );
    await Promise.resolve();
  };
}
