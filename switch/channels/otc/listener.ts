/**
 * The teller interface as a Fastify plugin. Every answer is a JSON object with `responseCode` and `result`; the HTTP
 * status is 200 for what was decided, 400 for a malformed request, 401 when the sender was not believed and 503 when
 * nothing could be decided now: send the same again.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isUnreachable } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import { Admission, LimitedLog, type Participant } from '../../participants/index.ts';
import { failureResult, takeTextBodies, textBody } from '../../payment/index.ts';
import {
  authenticateBranch,
  authenticateTeller,
  type AuthenticationDeps,
  type Branch,
  type Teller,
} from './authentication.ts';
import { closeTill } from './closing.ts';
import { isDate } from './codec.ts';
import { operationSchema, scrollSchema } from './openapi.ts';
import { pay, voidPayment } from './payments.ts';
import type { OtcResult } from './result-codes.ts';
import { makeScroll, scrollCsv } from './scroll.ts';
import { inquire, refused, signIn, signOut, type Outcome, type TillDeps } from './till.ts';
import { resultFields } from './to-payment.ts';

/** The largest request has about 500 bytes. */
const BODY_LIMIT_BYTES = 4_096;

export interface OtcDeps extends TillDeps, Pick<AuthenticationDeps, 'participants'> {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Shared by the REST channels of a product; an own one when absent. */
  readonly admission?: Admission;
}

/** What the routes share. */
interface Channel extends OtcDeps {
  readonly admission: Admission;
  /** For what an outsider can cause. */
  readonly limitedLog: LimitedLog;
}

interface Sender {
  readonly participant: Participant;
}

type Status = 200 | 400 | 401 | 503;
const STATUS: Partial<Record<OtcResult, Status>> = {
  'format-error': 400,
  unauthorised: 401,
  busy: 503,
  'system-malfunction': 503,
};

/** A failure on the way is an answer too: the teller sends the same again. */
function failed(error: unknown, request: FastifyRequest, log: Log): ResultCode {
  if (!(error instanceof Fault) && isUnreachable(error)) return 'busy';
  const message = 'A teller’s request failed.';
  return failureResult(error, request, { log, channel: 'otc', message });
}

function unproved(result: OtcResult, malformed?: string): Outcome {
  const answer = resultFields(result, undefined);
  return { result, answer, ...(malformed === undefined ? {} : { malformed }) };
}

function note(
  { result, malformed }: Outcome,
  participant: Participant | undefined,
  { request, deps }: { readonly request: FastifyRequest; readonly deps: Channel },
): Status {
  deps.metrics.answers.inc({ channel: 'otc', result });
  const fields = {
    requestId: request.id,
    channel: 'otc',
    participant: participant?.code,
    result,
    malformed,
  };
  if (result === 'unauthorised') {
    deps.limitedLog.warn(fields, 'A teller’s request was not believed.');
  } else if (result === 'control-mismatch') {
    deps.log.warn(fields, 'A teller’s count differs from what was posted.');
  } else deps.log.info(fields, 'A teller’s request was answered.');
  return STATUS[result] ?? 200;
}

type Authenticate<Who extends Sender> = (
  headers: FastifyRequest['headers'],
  remoteAddress: string,
  deps: AuthenticationDeps,
) => Promise<Who | undefined>;

function makeHandler<Who extends Sender>(
  authenticate: Authenticate<Who>,
  work: (who: Who, request: FastifyRequest) => Promise<Outcome>,
  deps: Channel,
): (request: FastifyRequest, reply: FastifyReply) => Promise<string> {
  const { admission } = deps;
  return async (request, reply) => {
    let who: Who | undefined;
    let outcome: Outcome;
    let leave: (() => void) | undefined;
    try {
      who = await authenticate(request.headers, request.ip, deps);
      leave = who === undefined ? undefined : admission.enter(who.participant);
      if (who === undefined) outcome = unproved('unauthorised');
      else if (leave === undefined) outcome = refused('busy', who.participant);
      else outcome = await work(who, request);
    } catch (error) {
      const result = failed(error, request, deps.log);
      outcome = who === undefined ? unproved(result) : refused(result, who.participant);
    } finally {
      leave?.();
    }
    const status = note(outcome, who?.participant, { request, deps });
    void reply.code(status).type('application/json; charset=utf-8');
    return JSON.stringify(outcome.answer);
  };
}

function queryText({ query }: FastifyRequest, name: string): string {
  const members = new Map<string, unknown>(
    Object.entries(typeof query === 'object' && query !== null ? query : {}),
  );
  const value = members.get(name);
  return typeof value === 'string' ? value : '';
}

function addScroll(app: FastifyInstance, deps: Channel): void {
  app.get('/otc/scroll', { schema: scrollSchema }, async (request, reply) => {
    const say = (outcome: Outcome, participant?: Participant): FastifyReply =>
      reply
        .code(note(outcome, participant, { request, deps }))
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(outcome.answer));
    let branch: Branch | undefined;
    try {
      branch = await authenticateBranch(request.headers, request.ip, deps);
      if (branch === undefined) return await say(unproved('unauthorised'));
      const { participant } = branch;
      const name = queryText(request, 'branch');
      const date = queryText(request, 'date');
      if (!/^[0-9A-Z]{1,12}$/.test(name))
        return await say(unproved('format-error', 'branch'), participant);
      if (!isDate(date)) return await say(unproved('format-error', 'date'), participant);
      const query = { participant: participant.code, branch: name, date };
      const scroll = await makeScroll(deps.database, query);
      const done = { result: 'approved', answer: resultFields('approved', participant) } as const;
      note(done, participant, { request, deps });
      if (queryText(request, 'format') !== 'csv') {
        const text = JSON.stringify({ ...done.answer, ...scroll });
        return await reply.code(200).type('application/json; charset=utf-8').send(text);
      }
      return await reply
        .code(200)
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="scroll-${name}-${date}.csv"`)
        .send(scrollCsv(scroll));
    } catch (error) {
      return await say(unproved(failed(error, request, deps.log)), branch?.participant);
    }
  });
}

function addOperations(app: FastifyInstance, deps: Channel): void {
  const teller = (
    name: string,
    work: (body: string, teller: Teller, request: FastifyRequest) => Promise<Outcome>,
  ): void => {
    const handler = makeHandler(
      authenticateTeller,
      (who, request) => work(textBody(request), who, request),
      deps,
    );
    app.post(`/otc/${name}`, { schema: operationSchema(name) }, handler);
  };
  app.post(
    '/otc/sign-in',
    { schema: operationSchema('sign-in') },
    makeHandler(authenticateBranch, (who, request) => signIn(textBody(request), who, deps), deps),
  );
  teller('sign-out', (body, who) => signOut(body, who, deps));
  teller('inquiry', (body, who) => inquire(body, who, deps));
  teller('payment', (body, who, request) => {
    const key = request.headers['idempotency-key'];
    return pay(body, who, { ...deps, idempotencyKey: typeof key === 'string' ? key : '' });
  });
  teller('void', (body, who) => voidPayment(body, who, deps));
  teller('close', (body, who) => closeTill(body, who, deps));
}

/**
 * Adds `POST /otc/sign-in`, `sign-out`, `inquiry`, `payment`, `void`, `close` and `GET /otc/scroll` to a Fastify
 * instance.
 */
export function otcChannel(deps: OtcDeps): (app: FastifyInstance) => Promise<void> {
  const { clock, log, admission = new Admission(clock) } = deps;
  const channel: Channel = { ...deps, admission, limitedLog: new LimitedLog(log, clock) };
  return async (app) => {
    takeTextBodies(app, {
      bodyLimit: BODY_LIMIT_BYTES,
      failed: (error, request) => failed(error, request, deps.log),
      refuse(result, request) {
        const outcome = unproved(result, 'body');
        const status = note(outcome, undefined, { request, deps: channel });
        return { status, body: JSON.stringify(outcome.answer) };
      },
    });
    addOperations(app, channel);
    addScroll(app, channel);
    await Promise.resolve();
  };
}
