/**
 * The trust list: whose seals and whose log a verifier believes. It is the only source of the algorithm and of
 * a key's validity; nothing in a seal can change either. Parsed by hand, since the browser needs it too.
 */
import { Fault } from '../../kernel/fault.ts';

/** A P-256 public key as a JSON Web Key. */
export interface SealPublicKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

export interface TrustedKey {
  /** Eight hex digits; in a seal the same as four bytes. */
  readonly kid: string;
  readonly alg: 'ES256';
  readonly publicKey: SealPublicKey;
  /** Who seals with this key. */
  readonly authority: string;
  /** ISO 8601 instants, both inclusive: seals signed between them are good. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** From this instant the key may be in wrong hands. */
  readonly revokedAt?: string;
  readonly reason?: string;
}

export interface TrustedLog {
  /** Name of the log, the first line of its checkpoints. */
  readonly origin: string;
  /** Raw Ed25519 key, base64. */
  readonly publicKey: string;
}

export interface TrustList {
  readonly issuer: string;
  readonly keys: readonly TrustedKey[];
  readonly logs: readonly TrustedLog[];
}

const KEYS_MAX = 1000;
const LOGS_MAX = 100;

/** Reads a trust list strictly: an unknown, absent or malformed member is a Fault `bad-input`. */
export function parseTrustList(value: unknown): TrustList {
  const list = members(value, ['issuer', 'keys', 'logs'], []);
  return {
    issuer: text(list['issuer'], /^.{1,200}$/u),
    keys: array(list['keys'], KEYS_MAX).map(parseKey),
    logs: array(list['logs'], LOGS_MAX).map(parseLog),
  };
}

function parseKey(value: unknown): TrustedKey {
  const key = members(
    value,
    ['kid', 'alg', 'publicKey', 'authority', 'notBefore', 'notAfter'],
    ['revokedAt', 'reason'],
  );
  if (key['alg'] !== 'ES256') throw refused();
  const jwk = members(key['publicKey'], ['kty', 'crv', 'x', 'y'], []);
  if (jwk['kty'] !== 'EC' || jwk['crv'] !== 'P-256') throw refused();
  const coordinate = /^[A-Za-z0-9_-]{43}$/;
  return {
    kid: text(key['kid'], /^[0-9a-f]{8}$/),
    alg: 'ES256',
    publicKey: {
      kty: 'EC',
      crv: 'P-256',
      x: text(jwk['x'], coordinate),
      y: text(jwk['y'], coordinate),
    },
    authority: text(key['authority'], /^.{1,200}$/u),
    notBefore: instant(key['notBefore']),
    notAfter: instant(key['notAfter']),
    ...(key['revokedAt'] === undefined ? {} : { revokedAt: instant(key['revokedAt']) }),
    ...(key['reason'] === undefined ? {} : { reason: text(key['reason'], /^.{1,200}$/u) }),
  };
}

function parseLog(value: unknown): TrustedLog {
  const log = members(value, ['origin', 'publicKey'], []);
  return {
    origin: text(log['origin'], /^[^\s+]{1,200}$/u),
    publicKey: text(log['publicKey'], /^[A-Za-z0-9+/]{43}=$/),
  };
}

function refused(): Fault {
  return new Fault('bad-input', 'The trust list is malformed.');
}

function members(
  value: unknown,
  required: readonly string[],
  optional: readonly string[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused();
  // An object that is no array has string keys; each value stays unknown.
  const object = value as Record<string, unknown>;
  const known = new Set([...required, ...optional]);
  if (!Object.keys(object).every((key) => known.has(key))) throw refused();
  if (!required.every((key) => Object.hasOwn(object, key))) throw refused();
  return object;
}

function array(value: unknown, longest: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > longest) throw refused();
  return value;
}

function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw refused();
  return value;
}

function instant(value: unknown): string {
  const written = text(value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
  if (Number.isNaN(Date.parse(written))) throw refused();
  return written;
}
