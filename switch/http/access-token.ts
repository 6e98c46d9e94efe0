/** `Authorization: Bearer <accessToken>`: the token that an application's answer carried. */
import type { FastifyRequest } from 'fastify';
import { Fault } from '../../kernel/fault.ts';

const BEARER = /^Bearer ([A-Za-z0-9_-]{16,128})$/i;

/** The token of a request; a Fault `unauthorised` when it is missing or malformed. */
export function accessTokenOf(request: FastifyRequest): string {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new Fault('unauthorised', 'Send the access token of the application as a Bearer token.');
  }
  return token;
}
