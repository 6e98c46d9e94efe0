/**
 * Who asks: the `Credentials` header (base64 of `username:password`) and a signature over the request under one of the
 * participant's keys. Whatever is wrong, the sender hears the same.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../../kernel/clock.ts';
import {
  keysValidAt,
  type Participant,
  type SettingsCache,
  type SignerDirectory,
} from '../../participants/index.ts';
import type { Envelope } from './codec.ts';
import type { EasypaisaSettings } from './settings.ts';
import { isSignedJson } from './signature.ts';

/** A sender that proved itself. */
export interface Sender {
  readonly participant: Participant;
  readonly settings: EasypaisaSettings;
}

export interface AuthenticationDeps {
  readonly participants: SignerDirectory;
  readonly settings: SettingsCache<EasypaisaSettings>;
  readonly clock: Clock;
}

const HEADER_MAX = 512;
const PART_MAX = 128;

/** User name and password of a `Credentials` header. */
function readCredentials(
  headers: IncomingHttpHeaders,
): { username: string; password: string } | undefined {
  const header = headers['credentials'];
  if (typeof header !== 'string' || header.length > HEADER_MAX) return undefined;
  const text = Buffer.from(header, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [username, password] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 1 || username.length > PART_MAX || password.length > PART_MAX) return undefined;
  return { username, password };
}

/** True when one of the keys that are valid now signed this text. */
export function isSignedBy(
  { compact, signature }: Pick<Envelope, 'compact' | 'signature'>,
  settings: EasypaisaSettings,
  now: Date,
): boolean {
  return keysValidAt(settings.keys, now.getTime()).some(({ key }) =>
    isSignedJson(compact, signature, key),
  );
}

/** The sender of a request, or undefined. */
export async function authenticate(
  headers: IncomingHttpHeaders,
  remoteAddress: string,
  { envelope, deps }: { readonly envelope: Envelope; readonly deps: AuthenticationDeps },
): Promise<Sender | undefined> {
  const given = readCredentials(headers);
  if (given === undefined) return undefined;
  const { username, password } = given;
  const found = await deps.participants.findByCredentials(username, password, remoteAddress);
  if (found?.channel !== 'easypaisa') return undefined;
  const settings = deps.settings.of(found);
  const isRight =
    envelope.fields.get('storeId') === settings.storeId &&
    isSignedBy(envelope, settings, deps.clock.now());
  return isRight ? { participant: found, settings } : undefined;
}
