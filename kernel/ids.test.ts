import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkDigit, hasValidCheckDigit } from './check-digit.ts';
import { ManualClock } from './clock.ts';
import {
  IdMaker,
  isPsid,
  isStampId,
  newPsid,
  printedStampId,
  secureRandom,
  shardOfPsid,
} from './ids.ts';

describe('the check digit', () => {
  it.each([
    ['572', '4'],
    ['0', '0'],
    ['1010000000000000', '0'],
  ])('of %s is %s', (digits, check) => {
    expect(checkDigit(digits)).toBe(check);
    expect(hasValidCheckDigit(digits + check)).toBe(true);
  });

  it('finds every wrong digit and every swap of neighbours', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^\d{16}$/),
        fc.nat(15),
        fc.integer({ min: 1, max: 9 }),
        (body, place, step) => {
          const whole = body + checkDigit(body);
          const wrong =
            whole.slice(0, place) +
            String((Number(whole[place]) + step) % 10) +
            whole.slice(place + 1);
          expect(hasValidCheckDigit(wrong)).toBe(false);
          const swapped =
            whole.slice(0, place) + whole[place + 1]! + whole[place]! + whole.slice(place + 2);
          expect(hasValidCheckDigit(swapped)).toBe(whole[place] === whole[place + 1]);
        },
      ),
    );
  });
});

describe('identifiers', () => {
  it('makes PSIDs that name their shard', () => {
    for (const shard of [0, 7, 99]) {
      const psid = newPsid('101', shard, secureRandom);
      expect(isPsid(psid)).toBe(true);
      expect(shardOfPsid(psid)).toBe(shard);
    }
  });

  it('refuses what is no PSID or stamp id', () => {
    for (const text of ['', '1', '10100000000000000a', '101000000000000070', ' 10100000000000007'])
      expect(isPsid(text)).toBe(false);
    expect(isStampId('1234567890123456')).toBe(checkDigit('123456789012345') === '6');
    expect(() => newPsid('1', 0, secureRandom)).toThrow('three digits');
    expect(() => newPsid('101', 100, secureRandom)).toThrow('shard');
  });

  it('prints a stamp id in groups of four', () => {
    expect(printedStampId('1234567890123456')).toBe('1234-5678-9012-3456');
  });

  it('makes row ids that rise and never repeat, even when the clock steps back', () => {
    const clock = new ManualClock(new Date('2026-11-23T00:00:00Z'));
    const maker = new IdMaker(clock, 31);
    let last = 0n;
    for (let index = 0; index < 5_000; index += 1) {
      if (index === 2_500) clock.advance(-86_400_000);
      const id = maker.next();
      expect(id > last).toBe(true);
      last = id;
    }
    expect(last * 128n + 99n < 2n ** 63n).toBe(true);
    expect(() => new IdMaker(clock, 32)).toThrow('node');
  });
});
