/** `pp_SecureHash` as the gateway's own guide computes it; written from docs/spec/jazzcash.md, not from the channel. */
import { createHmac } from 'node:crypto';

/** The hash in capitals over every field but `pp_SecureHash` whose value is not empty. */
export function gatewayHash(fields: Readonly<Record<string, string>>, salt: string): string {
  const values = Object.keys(fields)
    .filter((name) => name !== 'pp_SecureHash' && fields[name] !== '')
    .sort((left, right) => (left < right ? -1 : 1))
    .map((name) => fields[name]);
  return createHmac('sha256', salt)
    .update([salt, ...values].join('&'))
    .digest('hex')
    .toUpperCase();
}
