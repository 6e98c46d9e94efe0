/**
 * `pp_SecureHash`: HMAC-SHA256 under the integrity salt, over the salt and the values of all other fields that are
 * not empty, in the order of their names, joined with `&` (docs/domain/channels.md, JazzCash). The names are no part
 * of it, so the codec refuses an `&` inside a value: it would let one value pass for two.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The name of the field that bears the hash. */
const SECURE_HASH = 'pp_SecureHash';

const DUMMY_SALT = Buffer.alloc(16);

/** The hash of these fields in capitals, as the gateway writes it. */
export function secureHash(fields: ReadonlyMap<string, string>, salt: Buffer): string {
  const names = [...fields.keys()].filter((name) => name !== SECURE_HASH).sort();
  const mac = createHmac('sha256', salt).update(salt);
  for (const name of names) {
    const value = fields.get(name);
    if (value !== undefined && value !== '') mac.update(`&${value}`);
  }
  return mac.digest('hex').toUpperCase();
}

/**
 * True when the fields bear the right hash under one of the salts, in capitals or small letters. Every salt is tried,
 * and one more when there is none: the time tells nothing of which was right or whether there was any.
 */
export function bearsSecureHash(
  fields: ReadonlyMap<string, string>,
  salts: readonly Buffer[],
): boolean {
  const given = Buffer.from((fields.get(SECURE_HASH) ?? '').toUpperCase());
  let isRight = false;
  for (const salt of salts.length === 0 ? [DUMMY_SALT] : salts) {
    const expected = Buffer.from(secureHash(fields, salt));
    const isEqual = given.length === expected.length && timingSafeEqual(given, expected);
    isRight ||= isEqual && salt !== DUMMY_SALT;
  }
  return isRight;
}

/** The fields with their hash added. */
export function withSecureHash(
  fields: Readonly<Record<string, string>>,
  salt: Buffer,
): Record<string, string> {
  return { ...fields, [SECURE_HASH]: secureHash(new Map(Object.entries(fields)), salt) };
}
