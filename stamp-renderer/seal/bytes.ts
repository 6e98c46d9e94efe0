/** Byte strings as the seal's code handles them: Uint8Array only, so that the same code runs in a browser. */
import { sha256 as sha256OfBytes } from '@noble/hashes/sha2.js';

/** Bytes over a plain ArrayBuffer, as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Joins byte strings. */
export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** True when both have the same bytes. Not constant in time: nothing compared here is a secret. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Reads lower-case hex of exactly `length` bytes; undefined for anything else. */
export function fromHex(text: unknown, length: number): Bytes | undefined {
  if (typeof text !== 'string' || text.length !== length * 2 || !/^[0-9a-f]*$/.test(text)) {
    return undefined;
  }
  return Uint8Array.from({ length }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}

/** Reads padded standard base64; undefined unless it is the one canonical text of its bytes. */
export function fromBase64(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const binary = atob(text);
  return btoa(binary) === text
    ? Uint8Array.from(binary, (character) => character.charCodeAt(0))
    : undefined;
}

/** Eight bytes, most significant first. */
export function uint64(value: bigint): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** The bytes of ASCII or UTF-8 text. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/**
 * SHA-256 of the joined parts. A few dozen bytes are hashed sooner here than WebCrypto has handed them to a thread and
 * back: a verification needs several such hashes, one after the other.
 */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(sha256OfBytes(concatBytes(...parts)));
}
