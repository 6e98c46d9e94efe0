/** The product as real processes: channels with the lane, the anchoring worker, and the embedded PostgreSQL under them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../kernel/package-root.ts';

export type Victim = 'switch' | 'postgres' | 'anchoring';

interface Ready {
  readonly http: string;
  readonly iso8583: string;
  readonly trial: {
    readonly iso8583: { readonly institutionId: string };
    readonly onebill: {
      readonly username: string;
      readonly password: string;
      readonly bankMnemonic: string;
    };
  };
}

const READY_WITHIN_MS = 120_000;

/** Starts a part of the product and waits for its ready line; what it logs goes to a file of the data folder. */
async function startPart(
  part: 'channels' | 'anchoring',
  dataFolder: string,
  ports: { http: number; iso8583: number },
): Promise<{ child: ChildProcess; ready: unknown }> {
  const logFile = await open(path.join(dataFolder, `${part}.log`), 'a');
  const child = spawn(
    process.execPath,
    [path.join(packageRoot, 'bin', 'sanad.js'), 'up', '--json', '--only', part],
    {
      stdio: ['ignore', 'pipe', logFile.fd],
      env: {
        PATH: process.env['PATH'],
        SANAD_DATA_DIR: dataFolder,
        SANAD_HTTP_PORT: String(ports.http),
        SANAD_ISO8583_PORT: String(ports.iso8583),
        SANAD_LOG_LEVEL: 'warn',
      },
    },
  );
  child.once('exit', () => void logFile.close().catch(() => undefined));
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${part} ended before it was ready; see ${part}.log in ${dataFolder}`);
    if (performance.now() > deadline) throw new Error(`${part} was not ready in time`);
    const ready = parsed(text);
    if (ready !== undefined) return { child, ready };
    await sleep(10);
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined; // The document is not whole yet.
  }
}

async function killHard(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export class ProductProcesses {
  readonly dataFolder: string;
  readonly ready: Ready;
  readonly #ports: { http: number; iso8583: number };
  #channels: ChildProcess;
  #anchoring: ChildProcess;

  private constructor(
    dataFolder: string,
    ready: Ready,
    ports: { http: number; iso8583: number },
    children: { channels: ChildProcess; anchoring: ChildProcess },
  ) {
    this.dataFolder = dataFolder;
    this.ready = ready;
    this.#ports = ports;
    this.#channels = children.channels;
    this.#anchoring = children.anchoring;
  }

  /** Starts both parts on a data folder. The ports that the first start was given stay the same for later ones. */
  static async start(dataFolder: string): Promise<ProductProcesses> {
    const { child: channels, ready: answer } = await startPart('channels', dataFolder, {
      http: 0,
      iso8583: 0,
    });
    // Our own ready document.
    const ready = answer as Ready;
    const ports = {
      http: Number(new URL(ready.http).port),
      iso8583: Number(ready.iso8583.split(':')[1]),
    };
    const { child: anchoring } = await startPart('anchoring', dataFolder, ports);
    return new ProductProcesses(dataFolder, ready, ports, { channels, anchoring });
  }

  /** The connection string of the embedded server, as the data folder has it now. */
  async databaseUrl(): Promise<string> {
    const folder = path.join(this.dataFolder, 'postgres');
    const password = (await readFile(path.join(folder, 'password'), 'utf8')).trim();
    const port = (await readFile(path.join(folder, 'port'), 'utf8')).trim();
    return `postgres://sanad:${password}@127.0.0.1:${port}/sanad`;
  }

  /** Kills a process with SIGKILL. Whoever must start again does so: the product itself restarts its PostgreSQL. */
  async kill(victim: Victim): Promise<void> {
    if (victim === 'switch') await killHard(this.#channels);
    else if (victim === 'anchoring') await killHard(this.#anchoring);
    else {
      const file = path.join(this.dataFolder, 'postgres', 'cluster', 'postmaster.pid');
      process.kill(Number((await readFile(file, 'utf8')).split('\n')[0]), 'SIGKILL');
    }
  }

  /** Starts the part that was killed; nothing for PostgreSQL, which the product brings back. */
  async restart(victim: Victim): Promise<void> {
    if (victim === 'switch')
      this.#channels = (await startPart('channels', this.dataFolder, this.#ports)).child;
    if (victim === 'anchoring')
      this.#anchoring = (await startPart('anchoring', this.dataFolder, this.#ports)).child;
  }

  /** Stops everything as Ctrl-C would, the worker first. */
  async stop(): Promise<void> {
    for (const child of [this.#anchoring, this.#channels]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  }
}
