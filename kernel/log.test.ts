import { describe, expect, it } from '@jest/globals';
import { makeLog, REDACTED_FIELDS } from './log.ts';

describe('the log', () => {
  it.each(REDACTED_FIELDS)('never writes %s, at the top or below', (field) => {
    const lines: string[] = [];
    const log = makeLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    log.info(
      {
        [field]: 'SECRET-1',
        party: { [field]: 'SECRET-2' },
        deed: { party: { [field]: 'SECRET-3' } },
      },
      'a step',
    );
    expect(lines.join('')).toContain('a step');
    expect(lines.join('')).not.toContain('SECRET');
  });
});
