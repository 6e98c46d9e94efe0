import { describe, expect, it } from '@jest/globals';
import { commandArguments } from './arguments.ts';

describe('the arguments of a command', () => {
  it('are words and options', () => {
    expect(
      commandArguments(['lane', '--json', '--rate', '5000', '--out', 'x.json'], {
        json: 'boolean',
        rate: 'number',
        out: 'string',
        seed: 'string',
      }),
    ).toEqual({ words: ['lane'], json: true, rate: 5000, out: 'x.json', seed: undefined });
  });

  it.each([
    [['--unknown']],
    [['--out']],
    [['--rate', '1.5']],
    [['--rate', '-1']],
    [['--rate', '99999999999999999999']],
  ])('refuse %j', (argv) => {
    expect(() =>
      commandArguments(argv, { json: 'boolean', rate: 'number', out: 'string' }),
    ).toThrow(expect.objectContaining({ code: 'bad-input' }));
  });
});
