/** Applying for a stamp, and the duty without applying. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import { HttpProblem } from '../problem.ts';
import {
  anyJson,
  dutyRequest,
  stampApplicationAnswer,
  stampApplicationRequest,
} from '../schemas.ts';
import type { DutyRefusalAnswer, StampApplicationAnswer } from '../services.ts';
import { idempotencyHeader, problem, type RouteDeps } from './route.ts';

const DUTY_REFUSED = problem(
  '`duty-refused`: the tables have no rate for this; `errors` has the reason and the place.',
);

/** The answer, or a problem that names what the tables cannot reckon. */
function calculated<Answer extends { readonly ok: true }>(
  answer: Answer | DutyRefusalAnswer,
): Answer {
  if (answer.ok) return answer;
  const { code, path, message } = answer;
  throw new HttpProblem('duty-refused', { detail: message, errors: [{ path, message, code }] });
}

function withLinks(answer: StampApplicationAnswer): z.output<typeof stampApplicationAnswer> {
  const challan = `/v1/challans/${answer.psid}`;
  return {
    ...answer,
    lines: [...answer.lines],
    links: { challan, challanPdf: `${challan}/pdf`, stamps: `${challan}/stamps` },
  };
}

export function addStampApplicationRoutes(app: FastifyInstance, { services }: RouteDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'POST',
    url: '/v1/stamp-applications',
    schema: {
      tags: ['Stamps'],
      operationId: 'applyForStamp',
      summary: 'Calculates the duty and makes a challan 32-A with a PSID to pay',
      headers: idempotencyHeader('application'),
      body: stampApplicationRequest,
      response: {
        201: stampApplicationAnswer,
        400: problem('The request or its Idempotency-Key is missing something or is wrong.'),
        409: problem('`key-reused`: the key came before with another body.'),
        422: DUTY_REFUSED,
      },
    },
    async handler(request, reply) {
      const { district, ...body } = request.body;
      const place = district ?? body.property?.district;
      if (place === undefined) throw new HttpProblem('validation-failed');
      try {
        const answer = await services.applyForStamp(
          { ...body, district: place },
          request.headers['idempotency-key'],
        );
        return await reply.code(201).send(withLinks(calculated(answer)));
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'conflict') throw error;
        throw new HttpProblem('key-reused', { detail: error.message });
      }
    },
  });
  routes.route({
    method: 'POST',
    url: '/v1/duty-calculations',
    schema: {
      tags: ['Stamps'],
      operationId: 'calculateDuty',
      summary: 'The duty with every step, without a challan',
      body: dutyRequest,
      response: {
        200: anyJson.meta({ description: 'The calculation.', examples: [{ ok: true, trace: [] }] }),
        400: problem('The request is wrong.'),
        422: DUTY_REFUSED,
      },
    },
    handler: async (request) => calculated(await services.calculateDuty(request.body)),
  });
}
