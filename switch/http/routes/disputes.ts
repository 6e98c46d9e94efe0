/** Disputes: opened by a payer, or by a participant or its teller; answered at once where the switch knows the answer. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Claim, Dispute, DisputeDesk } from '../../../reconciliation/index.ts';
import type { ParticipantDirectory } from '../../participants/index.ts';
import { accessTokenOf } from '../access-token.ts';
import {
  disputeAnswer,
  disputeId,
  disputesAnswer,
  disputesQuery,
  openedDisputeAnswer,
  participantDisputeRequest,
  payerDisputeRequest,
} from '../dispute-schemas.ts';
import { HttpProblem } from '../problem.ts';
import { limitRate, RateLimit } from '../rate-limit.ts';
import { BEARER, found, idempotencyHeader, problem } from './route.ts';

export interface DisputeApiDeps {
  readonly desk: DisputeDesk;
  readonly participants: ParticipantDirectory;
  readonly clock: Clock;
  /** The shard whose disputes a participant lists. */
  readonly shard: number;
  /** Disputes and look-ups that an address may make in a minute. */
  readonly lookupsPerMinute: number;
}

const PAGE = 100;
const BASIC = /^Basic ([A-Za-z0-9+/]{1,400}={0,2})$/i;

function idText(shard: number, id: bigint): string {
  return `dsp_${String(shard).padStart(2, '0')}_${id.toString()}`;
}

function parseId(text: string): { readonly shard: number; readonly id: bigint } {
  const [, shard = '0', id = '0'] = text.split('_');
  return { shard: Number(shard), id: BigInt(id) };
}

function shown(dispute: Dispute): z.output<typeof disputeAnswer> {
  const { claim, explanation } = dispute;
  return {
    id: idText(dispute.shard, dispute.id),
    kind: claim.kind,
    psid: claim.psid,
    ...(claim.paidPsid === undefined ? {} : { paidPsid: claim.paidPsid }),
    state: dispute.state,
    ...(dispute.answer === undefined ? {} : { answer: dispute.answer }),
    ...(dispute.decision === undefined ? {} : { decision: dispute.decision }),
    ...(explanation === undefined
      ? {}
      : { explanation: { psidPaid: explanation.psidPaid, debits: [...explanation.debits] } }),
    openedAt: dispute.openedAt.toISOString(),
    dueAt: dispute.dueAt.toISOString(),
    ...(dispute.closedAt === undefined ? {} : { closedAt: dispute.closedAt.toISOString() }),
  };
}

type ClaimBody = Pick<
  z.output<typeof payerDisputeRequest>,
  'kind' | 'psid' | 'paidPsid' | 'reference' | 'secondReference' | 'amount' | 'paidOn'
>;

function claimOf(body: ClaimBody, participant: string | undefined): Claim {
  const { kind, psid, paidPsid, reference, secondReference, amount, paidOn } = body;
  return {
    kind,
    psid,
    ...(participant === undefined ? {} : { participant }),
    ...(paidPsid === undefined ? {} : { paidPsid }),
    ...(reference === undefined ? {} : { reference }),
    ...(secondReference === undefined ? {} : { secondReference }),
    ...(amount === undefined ? {} : { amount: BigInt(amount) }),
    ...(paidOn === undefined ? {} : { paidOn }),
  };
}

async function opened(
  desk: DisputeDesk,
  request: Parameters<DisputeDesk['open']>[0],
): Promise<z.output<typeof openedDisputeAnswer>> {
  try {
    const { dispute, token } = await desk.open(request);
    return { dispute: shown(dispute), accessToken: token };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'conflict') throw error;
    throw new HttpProblem('key-reused', { detail: error.message });
  }
}

const refusals = {
  400: problem('The claim lacks what its kind needs, or is wrong.'),
  409: problem('`key-reused`: the key came before with another claim.'),
  429: problem('Too many requests from this address.'),
};

function addPayerRoutes(app: FastifyInstance, deps: DisputeApiDeps): void {
  const { desk, clock, lookupsPerMinute } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const limit = limitRate(new RateLimit(clock, lookupsPerMinute));
  routes.route({
    method: 'POST',
    url: '/v1/disputes',
    onRequest: limit,
    schema: {
      tags: ['Disputes'],
      operationId: 'openDispute',
      summary: 'A payer says that something went wrong with a payment',
      headers: idempotencyHeader('dispute'),
      body: payerDisputeRequest,
      response: { 201: openedDisputeAnswer, ...refusals },
    },
    async handler(request, reply) {
      const { bank, contact, ...body } = request.body;
      const answer = await opened(desk, {
        opener: 'payer',
        scope: 'payer',
        claim: claimOf(body, bank),
        ...(contact === undefined ? {} : { contact }),
        idempotencyKey: request.headers['idempotency-key'],
      });
      return reply.code(201).send(answer);
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/disputes/:id',
    onRequest: limit,
    schema: {
      tags: ['Disputes'],
      operationId: 'getDispute',
      summary: 'How a dispute stands, for whoever has its token',
      security: BEARER,
      params: z.object({ id: disputeId }),
      response: {
        200: disputeAnswer,
        401: problem('The access token is missing or malformed.'),
        404: problem('No such dispute, or the token does not open it.'),
        429: problem('Too many requests from this address.'),
      },
    },
    async handler(request) {
      const token = accessTokenOf(request);
      return shown(found(await desk.find(parseId(request.params.id), token)));
    },
  });
}

/** The participant whose Basic credentials these are; a Fault `unauthorised` for everybody else. */
async function participantOf(
  request: FastifyRequest,
  { participants }: DisputeApiDeps,
): Promise<string> {
  const encoded = BASIC.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const [username = '', ...rest] = Buffer.from(encoded, 'base64').toString('latin1').split(':');
  const password = rest.join(':');
  const participant =
    username === '' || password === '' || password.length > 128
      ? undefined
      : await participants.findByCredentials(username, password, request.ip);
  if (participant === undefined)
    throw new Fault('unauthorised', 'Send the participant’s user name and password.');
  return participant.code;
}

function addParticipantRoutes(app: FastifyInstance, deps: DisputeApiDeps): void {
  const { desk, shard } = deps;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const unauthorised = problem('The credentials are missing or wrong, or used from elsewhere.');
  routes.route({
    method: 'POST',
    url: '/v1/participant/disputes',
    schema: {
      tags: ['Disputes'],
      operationId: 'openParticipantDispute',
      summary: 'A participant or its teller opens a dispute for a customer',
      headers: idempotencyHeader('dispute'),
      body: participantDisputeRequest,
      response: { 201: openedDisputeAnswer, 401: unauthorised, ...refusals },
    },
    async handler(request, reply) {
      const participant = await participantOf(request, deps);
      const { opener, ...body } = request.body;
      const answer = await opened(desk, {
        opener,
        scope: participant,
        claim: claimOf(body, participant),
        idempotencyKey: request.headers['idempotency-key'],
      });
      return reply.code(201).send(answer);
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/participant/disputes',
    schema: {
      tags: ['Disputes'],
      operationId: 'listParticipantDisputes',
      summary: 'The disputes about a participant, its own and its customers’, the newest first',
      querystring: disputesQuery,
      response: { 200: disputesAnswer, 401: unauthorised },
    },
    async handler(request) {
      const participant = await participantOf(request, deps);
      const { state, before } = request.query;
      const disputes = await desk.list(shard, {
        participant,
        state,
        before: before === undefined ? undefined : parseId(before).id,
        limit: PAGE,
      });
      const last = disputes.at(-1);
      return {
        disputes: disputes.map(shown),
        ...(last === undefined || disputes.length < PAGE ? {} : { next: idText(shard, last.id) }),
      };
    },
  });
}

/** Adds the disputes' routes to a server: give it to `makeHttpServer` among `channels`. */
export function disputeApi(deps: DisputeApiDeps): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    addPayerRoutes(app, deps);
    addParticipantRoutes(app, deps);
    await Promise.resolve();
  };
}
