import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.ts';
import { Fault } from './fault.ts';

describe('the settings', () => {
  it('has a default for all but secrets and outside addresses', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      httpPort: 8080,
      iso8583Port: 8583,
      challanDays: 15,
    });
    expect(config.databaseUrl).toBeUndefined();
    expect(config.publicUrl).toBeUndefined();
  });

  it('lists every wrong key at once', () => {
    try {
      readConfig({ SANAD_HTTP_PORT: 'eighty', DATABASE_URL: 'mysql://x', SANAD_NODE: '32' });
      throw new Error('was not refused');
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      const { problems } = (error as Fault).fields;
      for (const key of ['SANAD_HTTP_PORT', 'DATABASE_URL', 'SANAD_NODE'])
        expect(problems).toContain(key);
    }
  });

  it('takes an empty value for an absent one', () => {
    expect(readConfig({ DATABASE_URL: '' }).databaseUrl).toBeUndefined();
  });
});
