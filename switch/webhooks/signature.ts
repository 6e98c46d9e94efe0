/**
 * The signature of a webhook, as Standard Webhooks 1.0.0 describes it (github.com/standard-webhooks): HMAC-SHA256 over
 * `<id>.<timestamp>.<body>`, in base64 behind `v1,`. While a secret is changed both sign, with a space between.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The headers that the specification names, and what a receiver checks. */
export interface SignedHeaders {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

function sign(secret: Buffer, content: string): string {
  return `v1,${createHmac('sha256', secret).update(content, 'utf8').digest('base64')}`;
}

/** Signs a body with each of the secrets. */
export function signedHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly Buffer[],
): SignedHeaders {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const content = `${id}.${timestamp}.${body}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => sign(secret, content)).join(' '),
  };
}

/** A secret as a department keeps it: `whsec_` and base64. */
export function secretText(secret: Buffer): string {
  return `whsec_${secret.toString('base64')}`;
}

/**
 * What a receiver does: true when one of the signatures is right and the time is within five minutes of `now`. For
 * departments that are served by us, for simulators and tests.
 */
export function isSigned(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  secret: string,
  now: Date,
): boolean {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map(
    (name) => headers[`webhook-${name}`],
  );
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string')
    return false;
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = Buffer.from(sign(key, `${id}.${timestamp}.${body}`));
  return signatures.split(' ').some((each) => {
    const given = Buffer.from(each);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
