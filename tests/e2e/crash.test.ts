import { describe, expect, it } from '@jest/globals';
import { crash } from '../crash/main.ts';

describe('kill -9', () => {
  it('of the switch, of PostgreSQL and of the anchoring worker loses and doubles nothing', async () => {
    const result = await crash(3, Date.now() % 1_000_000);
    expect(result).toMatchObject({ faults: [] });
    expect(result.rounds.map((round) => round.victim)).toEqual(['switch', 'postgres', 'anchoring']);
  }, 240_000);
});
