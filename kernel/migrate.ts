/**
 * Forward-only migrations: `migrations/NNNN-name.sql`, each applied once in one transaction together with the
 * row that records it and the hash of its text. A program refuses to run on a schema newer than it knows, or
 * on one whose landed migration was edited since.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { sql, type Database } from './database.ts';
import { Fault } from './fault.ts';
import { packageRoot } from './package-root.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

const NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(name.slice(0, 4));
      if (number !== index + 1) {
        throw new Fault('internal', 'Migrations must be numbered without gaps.', {
          fields: { name },
        });
      }
      const text = await readFile(path.join(folder, name), 'utf8');
      return { number, name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

const CREATE_TABLE = `create table if not exists schema_migration (
  number integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`;

/**
 * Brings the schema to the newest migration and returns the names applied now. Safe to call from several
 * starters at once: each migration runs under a lock on its own record.
 */
export async function migrate(
  database: Database,
  folder = path.join(packageRoot, 'migrations'),
): Promise<string[]> {
  const migrations = await readMigrations(folder);
  await database.script(CREATE_TABLE);
  const newest = migrations.length;
  const applied: string[] = [];
  for (const migration of migrations) {
    const ran = await database.transaction(async (tx) => {
      await tx.query(sql`lock table schema_migration in exclusive mode`);
      const known = await tx.query<{ number: number; sha256: string }>(
        sql`select number, sha256 from schema_migration`,
      );
      if (known.some((row) => row.number > newest)) {
        throw new Fault(
          'config-invalid',
          'The database has a newer schema than this program; upgrade the program.',
        );
      }
      const landed = known.find((row) => row.number === migration.number);
      if (landed !== undefined) {
        if (landed.sha256 === migration.sha256) return false;
        throw new Fault(
          'config-invalid',
          'A migration that was already applied has been edited since.',
          {
            fields: { migration: migration.name },
          },
        );
      }
      await tx.query({ text: migration.text, values: [] });
      await tx.query(
        sql`insert into schema_migration (number, name, sha256) values (${migration.number}, ${migration.name}, ${migration.sha256})`,
      );
      return true;
    });
    if (ran) applied.push(migration.name);
  }
  return applied;
}
