import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => existsSync(file));

describe('the house', () => {
  it('numbers its migrations without gaps', () => {
    const numbers = readdirSync('migrations')
      .filter((name) => name.endsWith('.sql'))
      .sort()
      .map((name) => Number(name.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it.each([
    'ledger',
    'reconciliation',
    'switch',
    'stamp-renderer',
    'chaincode',
    'network-config',
    'portal',
    'kernel',
    'bin',
    'migrations',
  ])('says in %s/README.md what the room is for', (room) => {
    expect(readFileSync(`${room}/README.md`, 'utf8').length).toBeGreaterThan(100);
  });

  it('holds no file that looks like a secret', () => {
    expect(
      files.filter((file) => /\.(pem|key|p12|pfx)$|(^|\/)\.env$|trial\.json$/.test(file)),
    ).toEqual([]);
    const withKey = files.filter(
      (file) =>
        /\.(ts|js|json|md|sql|csv)$/.test(file) &&
        /BEGIN (EC |RSA )?PRIVATE KEY/.test(readFileSync(file, 'utf8')),
    );
    expect(withKey.filter((file) => file !== 'tests/tidy.test.ts')).toEqual([]);
  });

  it('lists every setting in .env.example', () => {
    const config = readFileSync('kernel/config.ts', 'utf8');
    const known = [...config.matchAll(/^ {2}(SANAD_[A-Z0-9_]+|DATABASE_URL):/gm)].map(
      (match) => match[1]!,
    );
    const example = readFileSync('.env.example', 'utf8');
    expect(known.length).toBeGreaterThan(5);
    expect(known.filter((key) => !example.includes(`${key}=`))).toEqual([]);
  });

  it('lists every dependency with its reason', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync('package.json', 'utf8'),
    ) as Record<string, Record<string, string>>;
    const page = readFileSync('docs/dependencies.md', 'utf8');
    const named = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) => !name.startsWith('@types/') && name !== '@jest/globals' && name !== '@swc/core',
    );
    expect(named.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d/);
  });
});
