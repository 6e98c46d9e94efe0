/** A PostgreSQL of the simulation's own, with as many prepared databases as are asked for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import { openDatabase, type Database } from '../../kernel/database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../kernel/embedded-postgres.ts';
import { migrate } from '../../kernel/migrate.ts';
import type { Plant } from './plants.ts';
import { importReference, prepareDatabase } from './prepare-database.ts';

export class PostgresForSimulation {
  readonly #folder: string;
  readonly #server: EmbeddedPostgres;
  readonly #admin: Database;
  #databases = 0;

  private constructor(folder: string, server: EmbeddedPostgres) {
    this.#folder = folder;
    this.#server = server;
    const url = new URL(server.url);
    url.pathname = '/postgres';
    this.#admin = openDatabase({ url: url.href, connectionsMax: 1 });
  }

  /** Starts a server in a temporary folder with a migrated template. */
  static async start(): Promise<PostgresForSimulation> {
    const folder = await mkdtemp(path.join(tmpdir(), 'sanad-simulation-'));
    const server = await startEmbeddedPostgres(path.join(folder, 'postgres'), {
      // The faults are the simulation's; a power cut is the crash tests' business.
      fsync: 'off',
      full_page_writes: 'off',
      shared_buffers: '256MB',
      autovacuum_naptime: '5s',
    });
    const postgres = new PostgresForSimulation(folder, server);
    try {
      const template = openDatabase({ url: server.url, connectionsMax: 1 });
      await migrate(template);
      await importReference(template, systemClock);
      await template.close();
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    return postgres;
  }

  /** Makes a database, with a planted bug if one is named, and returns its URL. */
  async database(plant?: Plant): Promise<string> {
    this.#databases += 1;
    const name = `simulation_${String(this.#databases)}`;
    const url = new URL(this.#server.url);
    await this.#admin.script(`create database ${name} template ${url.pathname.slice(1)}`);
    url.pathname = `/${name}`;
    await prepareDatabase(url.href, plant);
    return url.href;
  }

  async stop(): Promise<void> {
    await this.#admin.close();
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
