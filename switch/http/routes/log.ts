/**
 * The public log over HTTP, as C2SP tlog-tiles: a signed checkpoint and immutable tiles, so that standard tools and
 * witnesses follow the log with no account at all. A plugin of the server's own scope.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import { file, found, problem } from './route.ts';

/** What is asked of the log; `width` is 1 to 256, and 256 means the full tile. */
export interface PublicLog {
  /** The newest published checkpoint with the cosignatures of witnesses. */
  checkpoint(): Promise<string | undefined>;
  tile(name: {
    readonly level: number;
    readonly index: bigint;
    readonly width: number;
  }): Promise<Buffer | undefined>;
  entries(name: { readonly index: bigint; readonly width: number }): Promise<Buffer | undefined>;
  /** The log's verifier key, in the text form of signed notes. */
  readonly verifierKey: string;
}

/** `<level>|entries / <index in groups of three digits> [.p/<width>]` */
const TILE_PATH = /^(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;
const FULL = 256;
const LEVEL_MAX = 63;
/** A checkpoint is replaced within seconds; a tile never is. */
const CHECKPOINT_CACHE = 'max-age=1';
const TILE_CACHE = 'public, max-age=31536000, immutable';

interface TileName {
  /** Undefined for a bundle of entries. */
  readonly level: number | undefined;
  readonly index: bigint;
  readonly width: number;
}

/** Reads the path of a tile; a Fault `not-found` for one that no log has. */
export function tileNameOf(path: string): TileName {
  const match = TILE_PATH.exec(path);
  const [, level = '', groups = '', partial] = match ?? [];
  const index = groups.replaceAll(/[x/]/g, '');
  const isCanonical =
    match !== null &&
    (level === 'entries' || level === String(Number(level))) &&
    // Leading groups of nothing are another name for the same tile.
    !groups.startsWith('x000/') &&
    (partial === undefined || Number(partial) < FULL);
  const number = level === 'entries' ? undefined : Number(level);
  if (!isCanonical || (number ?? 0) > LEVEL_MAX) {
    throw new Fault('not-found', 'The log has no tile of this name.');
  }
  return {
    level: number,
    index: BigInt(index),
    width: partial === undefined ? FULL : Number(partial),
  };
}

function send(reply: FastifyReply, bytes: Buffer): FastifyReply {
  return reply.header('cache-control', TILE_CACHE).type('application/octet-stream').send(bytes);
}

/** Adds the routes to a server: give it to `makeHttpServer` among `channels`. */
export function publicLogRoutes(log: PublicLog): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    const routes = app.withTypeProvider<ZodTypeProvider>();
    routes.route({
      method: 'GET',
      url: '/log/checkpoint',
      schema: {
        tags: ['Verification'],
        operationId: 'getPublishedCheckpoint',
        summary: 'The newest published checkpoint of the log, with cosignatures of its witnesses',
        response: {
          200: file('text/plain', 'A C2SP tlog-checkpoint.'),
          404: problem('Nothing has been published yet.'),
        },
      },
      async handler(_request, reply) {
        const note = found(await log.checkpoint());
        return reply
          .header('cache-control', CHECKPOINT_CACHE)
          .type('text/plain; charset=utf-8')
          .send(note);
      },
    });
    routes.route({
      method: 'GET',
      url: '/log/key',
      schema: {
        tags: ['Verification'],
        operationId: 'getLogKey',
        summary: 'The verifier key of the log; compare it with the one that is published in print',
        response: { 200: file('text/plain', 'A verifier key of a C2SP signed note.') },
      },
      handler: (_request, reply) =>
        reply.type('text/plain; charset=utf-8').send(`${log.verifierKey}\n`),
    });
    routes.route({
      method: 'GET',
      url: '/log/tile/*',
      schema: {
        tags: ['Verification'],
        operationId: 'getLogTile',
        summary: 'A tile of the log or a bundle of its entries, named as in C2SP tlog-tiles',
        params: z.object({
          '*': z
            .string()
            .max(60)
            .meta({ description: '`0/x001/234`, `1/000.p/17`, `entries/000`' }),
        }),
        response: {
          200: file('application/octet-stream', 'Hashes, or entries after their lengths.'),
          404: problem('The log has no such tile yet.'),
        },
      },
      async handler(request, reply) {
        const { level, index, width } = tileNameOf(request.params['*']);
        const bytes =
          level === undefined
            ? await log.entries({ index, width })
            : await log.tile({ level, index, width });
        return send(reply, found(bytes));
      },
    });
    await Promise.resolve();
  };
}
