/** What the figures were measured on. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sql, type Database } from '../../kernel/database.ts';

export interface MachineFacts {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  /** Settings of the server that decide about durability and speed. */
  readonly postgresSettings: Readonly<Record<string, string>>;
  /** 8 KiB writes, each followed by fdatasync as PostgreSQL does, in the data folder. */
  readonly fsyncPerSecond: number;
  /** Load of the machine over the last minute, before the run: what else went on. */
  readonly loadBefore: number;
}

const FSYNC_MS = 1_000;
const PAGE_BYTES = 8_192;

/** How many times a second a page can be written and forced to disk in a folder. */
function measureFsync(folder: string, forMs: number = FSYNC_MS): number {
  const file = path.join(folder, `fsync-${String(process.pid)}`);
  const descriptor = openSync(file, 'w', 0o600);
  const page = Buffer.alloc(PAGE_BYTES, 0xa5);
  const region = 2_048 * PAGE_BYTES;
  try {
    // A file that has its size already, as a segment of the write-ahead log has.
    for (let offset = 0; offset < region; offset += PAGE_BYTES)
      writeSync(descriptor, page, 0, PAGE_BYTES, offset);
    fdatasyncSync(descriptor);
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < forMs; count += 1) {
      writeSync(descriptor, page, 0, PAGE_BYTES, (count * PAGE_BYTES) % region);
      fdatasyncSync(descriptor);
    }
    return (count * 1_000) / (performance.now() - began);
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
}

const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'wal_compression',
  'wal_buffers',
  'jit',
] as const;

/** The machine's facts for a benchmark that needs no database. */
export function machineWithoutDatabase(loadBefore: number): MachineFacts {
  return {
    ...hardware(),
    postgres: 'not used',
    postgresSettings: {},
    fsyncPerSecond: Math.floor(measureFsync(os.tmpdir(), 200)),
    loadBefore,
  };
}

function hardware(): Pick<
  MachineFacts,
  'date' | 'processor' | 'cores' | 'memoryBytes' | 'system' | 'node'
> {
  return {
    date: new Date().toISOString(),
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

/** Reads the machine's facts; takes a second for the fsync rate. */
export async function machineFacts(database: Database, folder: string): Promise<MachineFacts> {
  const [loadBefore = 0] = os.loadavg();
  const rows = await database.query<{ name: string; setting: string; unit: string | null }>(
    sql`select name, current_setting(name) as setting, unit from pg_settings where name = any (${[...SETTINGS]}::text[]) order by name`,
  );
  const [version] = await database.query<{ version: string }>(
    sql`select current_setting('server_version') as version`,
  );
  return {
    ...hardware(),
    postgres: version?.version ?? 'unknown',
    postgresSettings: Object.fromEntries(rows.map((row) => [row.name, row.setting])),
    fsyncPerSecond: Math.floor(measureFsync(folder)),
    loadBefore,
  };
}
