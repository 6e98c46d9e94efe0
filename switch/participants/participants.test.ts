import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../../kernel/fault.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { compileAddressList, unmapAddress } from './address-list.ts';
import { parseAnswerCodes } from './answer-codes.ts';
import { hashPassword, isPassword, unmatchableHash } from './password.ts';

describe('an allow-list', () => {
  const list = compileAddressList(['192.0.2.7', '10.1.0.0/16', '2001:db8::/32', '2001:db9::1']);

  it.each([
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['10.1.255.255', true],
    ['10.2.0.0', false],
    ['::ffff:10.1.2.3', true],
    ['::FFFF:192.0.2.7', true],
    ['::ffff:10.2.0.1', false],
    ['2001:db8:1::9', true],
    ['2001:db9::1', true],
    ['2001:db9::2', false],
    ['', false],
    ['localhost', false],
  ])('answers for %s: %s', (address, expected) => {
    expect(list.has(address)).toBe(expected);
  });

  it('has nobody on it when it is empty', () => {
    expect(compileAddressList([]).has('127.0.0.1')).toBe(false);
  });

  it.each(['', '10.1.0.0/33', '::/129', '10.1.0.0/', '10.1.0.0/8/8', 'x', '10.1/16', '::1/-1'])(
    'refuses the entry "%s"',
    (entry) => {
      expect(() => compileAddressList([entry])).toThrow(Fault);
    },
  );

  it('takes a mapped IPv4 address for the IPv4 address and leaves any other text alone', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(unmapAddress(`::ffff:${address}`)).toBe(address);
        expect(unmapAddress(address)).toBe(address);
      }),
    );
    expect(unmapAddress('::ffff:999.1.1.1')).toBe('::ffff:999.1.1.1');
  });
});

describe('a password', () => {
  it('matches its own hash only, and two hashes of it differ', async () => {
    const stored = await hashPassword('correct-horse-battery', secureRandom);
    expect(await isPassword('correct-horse-battery', stored)).toBe(true);
    expect(await isPassword('correct-horse-batterz', stored)).toBe(false);
    expect(await hashPassword('correct-horse-battery', secureRandom)).not.toBe(stored);
  });

  it.each([
    'short',
    'eleven-char',
    'with a space in it',
    'حروف-not-ascii-letters',
    'x'.repeat(129),
  ])('is refused when it is "%s"', async (password) => {
    await expect(hashPassword(password, secureRandom)).rejects.toThrow(Fault);
  });

  it('matches neither a malformed hash nor the hash of nobody', async () => {
    for (const stored of ['', 'scrypt$15$8$x$y', 'plain', unmatchableHash(secureRandom)]) {
      expect(await isPassword('correct-horse-battery', stored)).toBe(false);
    }
  });
});

describe('a participant’s answer codes', () => {
  it('are read by result', () => {
    const codes = parseAnswerCodes({ answerCodes: { expired: '54' } }, 'onebill');
    expect([...codes]).toEqual([['expired', '54']]);
    expect(parseAnswerCodes({}, 'onebill').size).toBe(0);
  });

  it.each([
    [{ answerCodes: [] }],
    [{ answerCodes: null }],
    [{ answerCodes: { 'no-such-result': '01' } }],
    [{ answerCodes: { approved: '01' } }],
    [{ answerCodes: { expired: '00' } }],
    [{ answerCodes: { expired: '1' } }],
    [{ answerCodes: { expired: '001' } }],
    [{ answerCodes: { expired: 1 } }],
    [{ answerCodes: { expired: '0 ' } }],
  ])('are refused when they are %j', (settings) => {
    expect(() => parseAnswerCodes(settings, 'onebill')).toThrow(Fault);
  });
});
