/** `sanad migrate [--distributed citus]`: brings the schema up to date, and spreads it over a Citus cluster. */
import { readConfig } from '../../kernel/config.ts';
import { isUnreachable, openDatabase, sql } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { distributeOnCitus, forgetShardViews } from '../distribute.ts';
import { print, printJson } from '../output.ts';

/** The views that the nodes keep would stand in the way of a migration that changes a column. */
async function makeWay(url: string): Promise<void> {
  const database = openDatabase({ url, connectionsMax: 1 });
  try {
    await forgetShardViews(database);
  } catch (error) {
    // Opening the books meets the same trouble in a moment and says what to do about it.
    if (!isUnreachable(error)) throw error;
  } finally {
    await database.close();
  }
}

/** True when the schema is the newest one, and spread when that was asked for. Safe to run again. */
export async function migrateCommand(argv: readonly string[]): Promise<boolean> {
  const { words, json, distributed, shards } = commandArguments(argv, {
    json: 'boolean',
    distributed: 'string',
    shards: 'number',
  });
  if (words.length > 0 || (distributed !== undefined && distributed !== 'citus'))
    throw new Fault(
      'bad-input',
      'Usage: npx sanad migrate [--distributed citus [--shards N]] [--json].',
    );
  if (shards !== undefined && (distributed === undefined || shards < 1 || shards > 100))
    throw new Fault('bad-input', 'Give --shards from 1 to 100, together with --distributed.', {
      fields: { shards },
    });
  const config = readConfig();
  if (distributed !== undefined && config.databaseUrl === undefined)
    throw new Fault(
      'config-invalid',
      'Set DATABASE_URL to the Citus coordinator; the embedded PostgreSQL is one machine.',
    );
  if (config.databaseUrl !== undefined) await makeWay(config.databaseUrl);
  const books = await openBooks(config, 2);
  try {
    const migrations = await books.database.query<{ name: string; applied_at: Date }>(
      sql`select name, applied_at from schema_migration order by number`,
    );
    const distribution =
      distributed === undefined
        ? undefined
        : await distributeOnCitus(books.database, shards === undefined ? {} : { shards });
    if (json) {
      printJson({ migrations, ...(distribution === undefined ? {} : { distribution }) });
      return true;
    }
    for (const { name, applied_at: at } of migrations) print(`${name}  ${at.toISOString()}`);
    if (distribution !== undefined) {
      print(`Citus ${distribution.citus}; nodes with shards: ${distribution.nodes.join(', ')}`);
      for (const step of distribution.done) print(step);
      print(distribution.done.length === 0 ? 'Everything was in place.' : 'The books are spread.');
    }
    return true;
  } finally {
    await books.close();
  }
}
