import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { Admission } from './admission.ts';
import type { Participant } from './participant.ts';
import { VerifiedCredentials } from './verified-credentials.ts';
import { hashPassword } from './password.ts';
import { secureRandom } from '../../kernel/ids.ts';

const participant = (code: string, admission?: object): Participant => ({
  code,
  name: code,
  channel: 'onebill',
  active: true,
  answerCodes: new Map(),
  settings: admission === undefined ? {} : { admission },
});
const clock = () => new ManualClock(new Date('2026-11-24T05:00:00Z'));

describe('admission', () => {
  it('lets in as many at once as may be under way, and the next when one has left', () => {
    const admission = new Admission(clock(), { underWayMax: 2, perSecond: 100 });
    const bank = participant('BANK');
    const first = admission.enter(bank)!;
    expect(admission.enter(bank)).toBeDefined();
    expect(admission.enter(bank)).toBeUndefined();
    first();
    // Leaving twice counts once.
    first();
    expect(admission.enter(bank)).toBeDefined();
    expect(admission.enter(bank)).toBeUndefined();
  });

  it('lets in as many a second as agreed, evenly, and not more after a pause', () => {
    const time = clock();
    const admission = new Admission(time, { underWayMax: 1_000, perSecond: 10 });
    const bank = participant('BANK');
    const entered = (): number => {
      let count = 0;
      while (admission.enter(bank) !== undefined) count += 1;
      return count;
    };
    expect(entered()).toBe(10);
    time.advance(500);
    expect(entered()).toBe(5);
    time.advance(3_600_000);
    expect(entered()).toBe(10);
    time.advance(-60_000);
    expect(entered()).toBe(0);
  });

  it('gives each participant its own share', () => {
    const admission = new Admission(clock(), { underWayMax: 1, perSecond: 100 });
    expect(admission.enter(participant('FLOOD'))).toBeDefined();
    expect(admission.enter(participant('FLOOD'))).toBeUndefined();
    expect(admission.enter(participant('QUIET'))).toBeDefined();
  });

  it('takes a participant’s own limits, new ones too, and keeps count of what is under way', () => {
    const admission = new Admission(clock(), { underWayMax: 100, perSecond: 100 });
    const leave = admission.enter(participant('BANK', { underWayMax: 1 }))!;
    expect(admission.enter(participant('BANK', { underWayMax: 1 }))).toBeUndefined();
    const wider = participant('BANK', { underWayMax: 2 });
    expect(admission.enter(wider)).toBeDefined();
    expect(admission.enter(wider)).toBeUndefined();
    leave();
    expect(admission.enter(wider)).toBeDefined();
  });

  it('takes everybody’s limits where a participant’s are malformed', () => {
    const admission = new Admission(clock(), { underWayMax: 1, perSecond: 100 });
    const bank = participant('BANK', { underWayMax: 'many' });
    expect(admission.enter(bank)).toBeDefined();
    expect(admission.enter(bank)).toBeUndefined();
  });
});

describe('credentials from an address that guesses', () => {
  it('are not looked at for the rest of the minute, while known ones go on', async () => {
    const time = clock();
    const verified = new VerifiedCredentials(time, secureRandom);
    const storedHash = await hashPassword('correct-horse-battery', secureRandom);
    const right = { username: 'bank', password: 'correct-horse-battery', storedHash };
    expect(await verified.check(right, '10.0.0.1')).toBe(true);
    for (let guess = 0; guess < 30; guess += 1) {
      const wrong = { ...right, password: `guess-${String(guess)}` };
      expect(await verified.check(wrong, '10.0.0.1')).toBe(false);
    }
    const other = { ...right, username: 'other' };
    expect(await verified.check(other, '10.0.0.1')).toBe(false);
    expect(await verified.check(right, '10.0.0.1')).toBe(true);
    // From elsewhere, and when the minute is over, it is looked at.
    expect(await verified.check(other, '10.0.0.2')).toBe(true);
    time.advance(60_000);
    expect(await verified.check({ ...right, username: 'third' }, '10.0.0.1')).toBe(true);
  });
});
