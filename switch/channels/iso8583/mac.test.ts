import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aesCmac, checkMacKey, computeMac, isMac, retailMac, MAC_ALGORITHMS } from './mac.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** The message of RFC 4493, section 4, and of SP 800-38B, appendix D: its first 0, 16, 40 and 64 bytes. */
const MESSAGE =
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
  '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';

describe('AES-CMAC', () => {
  const rows: [string, string, string[]][] = [
    [
      'AES-128 (RFC 4493)',
      '2b7e151628aed2a6abf7158809cf4f3c',
      [
        'bb1d6929e95937287fa37d129b756746',
        '070a16b46b4d4144f79bdd9dd04a287c',
        'dfa66747de9ae63030ca32611497c827',
        '51f0bebf7e3b9d92fc49741779363cfe',
      ],
    ],
    [
      'AES-192 (SP 800-38B)',
      '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
      [
        'd17ddf46adaacde531cac483de7a9367',
        '9e99a7bf31e710900662f65e617c5184',
        '8a1de5be2eb31aad089a82e6ee908b0e',
        'a1d5df0eed790f794d77589659f39a11',
      ],
    ],
    [
      'AES-256 (SP 800-38B)',
      '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
      [
        '028962f61b7bf89efc6b551f4667d983',
        '28a7023f452e8f82bd4bf28d8c37c35c',
        'aaf3d8f1de5640c232f5b169b9c911e6',
        'e1992190549f6ed5696a2c056c315410',
      ],
    ],
  ];
  it.each(rows)('gives the published codes: %s', (_, key, codes) => {
    for (const [index, length] of [0, 16, 40, 64].entries())
      expect(aesCmac(hex(key), hex(MESSAGE).subarray(0, length)).toString('hex')).toBe(
        codes[index],
      );
  });

  it('agrees with openssl on lengths around a block', () => {
    const key = '000102030405060708090a0b0c0d0e0f';
    for (const length of [1, 15, 17, 31, 32, 33, 294]) {
      const data = Buffer.alloc(length, 0xa7);
      const said = execFileSync(
        'openssl',
        ['mac', '-cipher', 'AES-128-CBC', '-macopt', `hexkey:${key}`, '-in', '-', 'CMAC'],
        { input: data },
      );
      expect(aesCmac(hex(key), data).toString('hex')).toBe(said.toString().trim().toLowerCase());
    }
  });
});

describe('the retail MAC', () => {
  it('gives the code that Bouncy Castle tests with', () => {
    const key = hex('7ca110454a1a6e570131d9619dc1376e');
    expect(retailMac(key, Buffer.from('Hello World !!!!')).toString('hex')).toBe(
      'f09b856213bab83b',
    );
  });

  it('of one block is triple DES of that block', () => {
    const key = hex('0123456789abcdeffedcba9876543210');
    const said = execFileSync('openssl', ['enc', '-des-ede', '-K', key.toString('hex'), '-nopad'], {
      input: Buffer.from('4E6F772069732074', 'hex'),
    });
    expect(retailMac(key, hex('4e6f772069732074')).toString('hex')).toBe(said.toString('hex'));
  });

  it('fills with zeros: a message and the same with zeros up to the block have one code', () => {
    const key = hex('0123456789abcdeffedcba9876543210');
    expect(retailMac(key, hex('aabb'))).toEqual(retailMac(key, hex('aabb000000000000')));
    expect(retailMac(key, hex('aabb'))).not.toEqual(retailMac(key, hex('aabb0000000000000000')));
  });
});

describe.each(MAC_ALGORITHMS)('checking a code: %s', (algorithm) => {
  const key = hex('7ca110454a1a6e570131d9619dc1376e');
  it('refuses every changed bit of message, code and key, and a code of another length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 80 }),
        fc.constantFrom('message', 'code', 'key'),
        fc.nat(1_000),
        fc.nat(7),
        (bytes, where, place, bit) => {
          const parts = {
            message: Buffer.from(bytes),
            key: Buffer.from(key),
            code: Buffer.alloc(0),
          };
          parts.code = Buffer.from(computeMac(algorithm, key, parts.message));
          expect(isMac(algorithm, key, parts.message, parts.code)).toBe(true);
          const changed = parts[where];
          // The lowest bit of a DES key's byte is its parity and has no part in the cipher.
          const flipped = where === 'key' ? 1 << ((bit % 7) + 1) : 1 << bit;
          changed[place % changed.length]! ^= flipped;
          expect(isMac(algorithm, parts.key, parts.message, parts.code)).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
    const data = Buffer.from('0200');
    const code = computeMac(algorithm, key, data);
    for (const length of [0, 4, 7])
      expect(isMac(algorithm, key, data, code.subarray(0, length))).toBe(false);
    expect(isMac(algorithm, key, data, Buffer.concat([code, Buffer.alloc(8)]))).toBe(false);
  });

  it('refuses keys of a wrong length', () => {
    for (const length of [0, 8, 15, 17, 64])
      expect(() => checkMacKey(algorithm, Buffer.alloc(length, 7))).toThrow('length');
  });
});

it('refuses a retail key of two equal halves, which would be single DES', () => {
  expect(() => checkMacKey('retail', Buffer.alloc(16, 7))).toThrow('length');
});
