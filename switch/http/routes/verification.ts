/** Verifying a file, and what a verifier needs to do it alone: the trust list and the log's checkpoint. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import { anyJson } from '../schemas.ts';
import type { JsonValue, VerificationRequest } from '../services.ts';
import { atMost, file, found, problem, type RouteDeps } from './route.ts';

const FILE_LIMIT_BYTES = 5 * 1024 * 1024;
/** A PDF is rendered to find its seal: some seconds of one core. */
const RUNNING_MAX = 4;

const MEDIA_TYPES = ['application/pdf', 'image/png', 'application/json'] as const;

function mediaTypeOf(contentType: string | undefined): VerificationRequest['mediaType'] {
  const essence = contentType?.split(';')[0]?.trim().toLowerCase();
  const mediaType = MEDIA_TYPES.find((each) => each === essence);
  if (mediaType === undefined) {
    throw new Fault('internal', 'A file without a known media type reached its handler.');
  }
  return mediaType;
}

const report = anyJson.meta({
  description: 'The report: what was read, each check, and the verdict.',
  examples: [{ verdict: 'genuine', checks: [] }],
});

const upload = z
  .custom<Buffer>((value) => Buffer.isBuffer(value) && value.length > 0, 'is empty')
  .meta({ description: 'The file itself: PDF, PNG of the page or its QR, or the stamp as JSON.' });

/** Its own plugin scope: here a body is bytes, whatever its media type. */
export function verificationRoutes(deps: RouteDeps): (app: FastifyInstance) => Promise<void> {
  const { services, limitVerifications } = deps;
  const oneOfFew = atMost(RUNNING_MAX, 'Too many files are being verified; try again.');
  const verify = (request: VerificationRequest): Promise<JsonValue> =>
    oneOfFew(() => services.verify(request));
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      [...MEDIA_TYPES],
      { parseAs: 'buffer', bodyLimit: FILE_LIMIT_BYTES },
      (_request, body, done) => done(null, body),
    );
    app.withTypeProvider<ZodTypeProvider>().route({
      method: 'POST',
      url: '/v1/verifications',
      bodyLimit: FILE_LIMIT_BYTES,
      onRequest: limitVerifications,
      schema: {
        tags: ['Verification'],
        operationId: 'verifyFile',
        summary: 'Verifies an e-stamp from its PDF, a PNG of its QR or its JSON, up to 5 MB',
        consumes: [...MEDIA_TYPES],
        body: upload,
        response: {
          200: report,
          400: problem('The body is empty.'),
          413: problem('The file has more than 5 MB.'),
          415: problem('The media type is none of the three.'),
          429: problem('Too many verifications from this address.'),
          503: problem('Too many files are being verified.'),
        },
      },
      handler: (request) =>
        verify({ mediaType: mediaTypeOf(request.headers['content-type']), bytes: request.body }),
    });
    await Promise.resolve();
  };
}

/** The trust list and the checkpoint. */
export function addLogRoutes(app: FastifyInstance, { services }: RouteDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/trust-list',
    schema: {
      tags: ['Verification'],
      operationId: 'getTrustList',
      summary: 'The keys that seals are signed with, and when each was good',
      response: {
        200: anyJson.meta({ description: 'The trust list.', examples: [{ keys: [] }] }),
      },
    },
    handler: () => services.trustList(),
  });
  routes.route({
    method: 'GET',
    url: '/v1/log/checkpoint',
    schema: {
      tags: ['Verification'],
      operationId: 'getCheckpoint',
      summary: 'The newest signed checkpoint of the public log',
      response: {
        200: file('text/plain', 'A C2SP signed note.'),
        404: problem('Nothing has been logged yet.'),
      },
    },
    async handler(_request, reply) {
      const text = found(await services.checkpoint());
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  });
}
