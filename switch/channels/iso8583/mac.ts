/**
 * Message authentication codes of eight bytes, as DE 64 and DE 128 carry them.
 *
 * `retail`: ANSI X9.19 (ISO 9797-1 algorithm 3 with padding 1): single DES in CBC mode with the first half of a
 * double-length key, and the last block once more through decryption with the second half and encryption with
 * the first. OpenSSL 3 keeps single DES in its legacy provider; triple DES with three equal keys is the same
 * cipher and is in the default one, so nothing has to be switched on.
 * `aes-cmac`: NIST SP 800-38B (RFC 4493), cut to the leftmost eight bytes.
 */
import { createCipheriv, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../../kernel/fault.ts';

export const MAC_ALGORITHMS = ['retail', 'aes-cmac'] as const;
export type MacAlgorithm = (typeof MAC_ALGORITHMS)[number];

/** Bytes of a code in DE 64 and DE 128. */
export const MAC_BYTES = 8;

const DES_BLOCK = 8;
const AES_BLOCK = 16;

function refuseKey(algorithm: MacAlgorithm): never {
  throw new Fault('config-invalid', 'A MAC key does not have a length of its algorithm.', {
    fields: { algorithm },
  });
}

/** Refuses (`config-invalid`) a key that does not fit: 16 bytes in two different halves for `retail`; 16, 24 or 32 for `aes-cmac`. */
export function checkMacKey(algorithm: MacAlgorithm, key: Buffer): void {
  if (algorithm === 'aes-cmac') {
    if (key.length !== 16 && key.length !== 24 && key.length !== 32) refuseKey(algorithm);
    return;
  }
  // Equal halves would make it single DES.
  if (key.length !== 16 || key.subarray(0, 8).equals(key.subarray(8))) refuseKey(algorithm);
}

function encrypt(cipher: string, key: Buffer, iv: Buffer | null, data: Buffer): Buffer {
  const work = createCipheriv(cipher, key, iv).setAutoPadding(false);
  return Buffer.concat([work.update(data), work.final()]);
}

/** The retail MAC of `data` with a key of 16 bytes; data is filled with zero bytes to a whole block, empty data to one. */
export function retailMac(key: Buffer, data: Buffer): Buffer {
  const blocks = Math.max((data.length + DES_BLOCK - 1) >> 3, 1);
  const padded = Buffer.alloc(blocks * DES_BLOCK);
  data.copy(padded);
  const left = key.subarray(0, 8);
  const lastAt = padded.length - DES_BLOCK;
  const last = padded.subarray(lastAt);
  if (lastAt > 0) {
    const single = Buffer.concat([left, left, left]);
    const chain = encrypt('des-ede3-cbc', single, Buffer.alloc(8), padded.subarray(0, lastAt));
    const before = chain.subarray(chain.length - DES_BLOCK);
    for (let index = 0; index < DES_BLOCK; index += 1)
      last[index] = (last[index] ?? 0) ^ (before[index] ?? 0);
  }
  return encrypt('des-ede3-ecb', Buffer.concat([key, left]), null, last);
}

/** Doubles in GF(2^128), the step from which CMAC makes its two subkeys. */
function double(block: Buffer): Buffer {
  const doubled = Buffer.alloc(AES_BLOCK);
  for (let index = 0; index < AES_BLOCK; index += 1)
    doubled[index] = ((block[index] ?? 0) << 1) | ((block[index + 1] ?? 0) >> 7);
  if (((block[0] ?? 0) & 0x80) !== 0) doubled[AES_BLOCK - 1] = (doubled[AES_BLOCK - 1] ?? 0) ^ 0x87;
  return doubled;
}

/** The whole AES-CMAC of `data`, 16 bytes; the key's length chooses AES-128, 192 or 256. */
export function aesCmac(key: Buffer, data: Buffer): Buffer {
  const bits = String(key.length * 8);
  const first = double(encrypt(`aes-${bits}-ecb`, key, null, Buffer.alloc(AES_BLOCK)));
  const blocks = Math.max((data.length + AES_BLOCK - 1) >> 4, 1);
  const isWhole = data.length === blocks * AES_BLOCK;
  const padded = Buffer.alloc(blocks * AES_BLOCK);
  data.copy(padded);
  if (!isWhole) padded[data.length] = 0x80;
  const subkey = isWhole ? first : double(first);
  const lastAt = padded.length - AES_BLOCK;
  for (let index = 0; index < AES_BLOCK; index += 1)
    padded[lastAt + index] = (padded[lastAt + index] ?? 0) ^ (subkey[index] ?? 0);
  const chain = encrypt(`aes-${bits}-cbc`, key, Buffer.alloc(AES_BLOCK), padded);
  return chain.subarray(chain.length - AES_BLOCK);
}

/** The code of eight bytes that `algorithm` gives `data`; the key must have passed `checkMacKey`. */
export function computeMac(algorithm: MacAlgorithm, key: Buffer, data: Buffer): Buffer {
  return algorithm === 'retail' ? retailMac(key, data) : aesCmac(key, data).subarray(0, MAC_BYTES);
}

/** True when `given` is the code of `data`; takes the same time wherever they differ. */
export function isMac(algorithm: MacAlgorithm, key: Buffer, data: Buffer, given: Buffer): boolean {
  const right = computeMac(algorithm, key, data);
  return given.length === right.length && timingSafeEqual(given, right);
}
