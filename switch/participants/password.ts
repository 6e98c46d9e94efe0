/**
 * Passwords of channels that authenticate by user name and password: scrypt (RFC 7914) with a salt per
 * password. The stored text names its own cost, so that the cost can rise without breaking old hashes.
 */
import { scrypt, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';
import type { Random } from '../../kernel/ids.ts';

/** 2^15 rounds of 8 blocks: 32 MB and about 80 ms on a server of 2026. */
const COST_LOG2 = 15;
const BLOCKS = 8;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const STORED = /^scrypt\$(1[4-8])\$8\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/;

function derive(password: string, salt: Buffer, costLog2: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: 2 ** costLog2, r: BLOCKS, p: 1, maxmem: 2 ** costLog2 * BLOCKS * 256 };
    scrypt(password, salt, HASH_BYTES, options, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

function render(costLog2: number, salt: Buffer, hash: Buffer): string {
  return `scrypt$${String(costLog2)}$${String(BLOCKS)}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** Hashes a new password. Refuses one that is not 12 to 128 printable ASCII characters: it travels in a header. */
export async function hashPassword(password: string, random: Random): Promise<string> {
  if (!/^[\x21-\x7e]{12,128}$/.test(password)) {
    throw new Fault(
      'bad-input',
      'A password has 12 to 128 printable ASCII characters without spaces.',
    );
  }
  const salt = random.bytes(SALT_BYTES);
  return render(COST_LOG2, salt, await derive(password, salt, COST_LOG2));
}

/** A hash that no password has, checked when the user is unknown so that the answer costs the same time. */
export function unmatchableHash(random: Random): string {
  return render(COST_LOG2, random.bytes(SALT_BYTES), random.bytes(HASH_BYTES));
}

/** Compares a presented password with a stored hash in constant time; a malformed hash matches nothing. */
export async function isPassword(presented: string, stored: string): Promise<boolean> {
  const [, cost, salt, hash] = STORED.exec(stored) ?? [];
  if (cost === undefined || salt === undefined || hash === undefined) return false;
  const derived = await derive(presented, Buffer.from(salt, 'base64url'), Number(cost));
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url'));
}
