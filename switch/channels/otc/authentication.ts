/**
 * Who asks. A branch's system signs a teller in at a till with the participant's user name and password; what the
 * teller then does bears the token of that sign-in, from the participant's addresses. Wrong is wrong: nothing is told
 * of which.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Queryable } from '../../../kernel/database.ts';
import type { Clock } from '../../../kernel/clock.ts';
import type { Random } from '../../../kernel/ids.ts';
import type { Participant, SignerDirectory } from '../../participants/index.ts';
import { findBySession, type Batch } from './batch-store.ts';

/** A signed-in teller. */
export interface Teller {
  readonly participant: Participant;
  readonly batch: Batch;
}

/** A participant that proved itself, and the user name it did so with. */
export interface Branch {
  readonly participant: Participant;
  readonly username: string;
}

export interface AuthenticationDeps {
  readonly database: Queryable;
  readonly participants: SignerDirectory;
  readonly clock: Clock;
}

const HEADER_MAX = 128;
const BEARER = /^Bearer ([A-Za-z0-9_-]{43})$/;

function headerText(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= HEADER_MAX
    ? value
    : undefined;
}

const TOKEN_BYTES = 32;
const SHARDS = 100;

/** A new token: its first byte is the till's home shard, the other 31 are random. */
export function makeToken(shard: number, random: Random): string {
  return Buffer.concat([Buffer.of(shard), random.bytes(TOKEN_BYTES - 1)]).toString('base64url');
}

/** What is stored of a token: its SHA-256, so that a copy of the table opens no till. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The participant whose `username` and `password` headers these are, or undefined. */
export async function authenticateBranch(
  headers: IncomingHttpHeaders,
  remoteAddress: string,
  { participants }: AuthenticationDeps,
): Promise<Branch | undefined> {
  const username = headerText(headers['username']);
  const password = headerText(headers['password']);
  if (username === undefined || password === undefined) return undefined;
  const participant = await participants.findByCredentials(username, password, remoteAddress);
  return participant?.channel === 'otc' ? { participant, username } : undefined;
}

/** The teller whose token this is, or undefined: also when his participant was switched off meanwhile. */
export async function authenticateTeller(
  headers: IncomingHttpHeaders,
  remoteAddress: string,
  { database, participants, clock }: AuthenticationDeps,
): Promise<Teller | undefined> {
  const token = BEARER.exec(headerText(headers.authorization) ?? '')?.[1];
  if (token === undefined) return undefined;
  const [shard = SHARDS] = Buffer.from(token, 'base64url');
  if (shard >= SHARDS) return undefined;
  const batch = await findBySession(database, { shard, hash: tokenHash(token) }, clock.now());
  if (batch === undefined) return undefined;
  const participant = await participants.findSigner('otc', batch.username, remoteAddress);
  return participant?.code === batch.participant ? { participant, batch } : undefined;
}
