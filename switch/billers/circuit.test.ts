import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { Circuit } from './circuit.ts';

const settings = { inFlightMax: 2, failuresMax: 3, firstMs: 1_000, longestMs: 3_000 };
const isBad = (answer: string): boolean => answer === 'bad';

function circuit(): {
  circuit: Circuit;
  clock: ManualClock;
  ask: (answer: string) => Promise<string | undefined>;
} {
  const clock = new ManualClock(new Date(0));
  const made = new Circuit(clock, settings);
  return { circuit: made, clock, ask: (answer) => made.ask(() => Promise.resolve(answer), isBad) };
}

describe('a circuit', () => {
  it('lets only so many questions out at once', async () => {
    const { circuit: made, ask } = circuit();
    const answers: ((answer: string) => void)[] = [];
    const out = [1, 2].map(() =>
      made.ask(() => new Promise<string>((answer) => answers.push(answer)), isBad),
    );
    expect(await ask('good')).toBeUndefined();
    for (const answer of answers) answer('good');
    expect(await Promise.all(out)).toEqual(['good', 'good']);
    expect(await ask('good')).toBe('good');
  });

  it('opens after failures in a row, and not after failures with successes between', async () => {
    const { circuit: made, ask } = circuit();
    for (const answer of ['bad', 'bad', 'good', 'bad', 'bad']) await ask(answer);
    expect(made.isOpen).toBe(false);
    await ask('bad');
    expect(made.isOpen).toBe(true);
    expect(await ask('good')).toBeUndefined();
  });

  it('lets one question through after its time, and closes when that is answered', async () => {
    const { circuit: made, clock, ask } = circuit();
    for (let time = 0; time < 3; time += 1) await ask('bad');
    clock.advance(1_000);
    let answerProbe: (answer: string) => void = () => undefined;
    const probe = made.ask(() => new Promise<string>((answer) => (answerProbe = answer)), isBad);
    expect(await ask('good')).toBeUndefined();
    answerProbe('good');
    expect(await probe).toBe('good');
    expect(await ask('good')).toBe('good');
  });

  it('stays open twice as long after each failed probe, up to a bound', async () => {
    const { circuit: made, clock, ask } = circuit();
    for (let time = 0; time < 3; time += 1) await ask('bad');
    for (const pause of [1_000, 2_000, 3_000, 3_000]) {
      clock.advance(pause - 1);
      expect(made.isOpen).toBe(true);
      clock.advance(1);
      expect(made.isOpen).toBe(false);
      await ask('bad');
    }
  });

  it('counts a question that throws as a failure', async () => {
    const { circuit: made } = circuit();
    for (let time = 0; time < 3; time += 1)
      await expect(made.ask(() => Promise.reject(new Error('lost')), isBad)).rejects.toThrow(
        'lost',
      );
    expect(made.isOpen).toBe(true);
  });
});
