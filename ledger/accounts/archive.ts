/**
 * Retention: the journal of an old month is written to files that anyone can read, checked against the totals of
 * its days, and only then taken out of the tables. `account_day` keeps the totals for ever, so that balances and
 * statements of later days stay what they were; payments and stamps are never archived.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { businessDate, type Clock } from '../../kernel/clock.ts';
import { onlyRow, sql, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';

export interface ArchiveOrder {
  /** The month, `YYYY-MM`. */
  readonly month: string;
  /** Where the files go. */
  readonly folder: string;
  /** Whole months that stay in the tables, the running one not counted; 12 when absent. */
  readonly keepMonths?: number;
}

export interface ArchivedFile {
  readonly table: 'journal_entry' | 'posting';
  readonly file: string;
  readonly rows: bigint;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
}

const TABLES = ['posting', 'journal_entry'] as const;
const PAGE = 5_000;

interface Month {
  /** First day and the first day of the next month. */
  readonly first: string;
  readonly next: string;
  readonly suffix: string;
}

function monthOf(text: string, clock: Clock, keepMonths: number): Month {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text);
  if (match === null)
    throw new Fault('bad-input', 'A month is written YYYY-MM.', { fields: { month: text } });
  const [year, month] = [Number(match[1]), Number(match[2])];
  const firstOf = (offset: number): string =>
    new Date(Date.UTC(year, month - 1 + offset, 1)).toISOString().slice(0, 10);
  if (firstOf(keepMonths + 1) > businessDate(clock.now())) {
    throw new Fault('conflict', 'The month is too young to be archived.', {
      fields: { month: text, keepMonths },
    });
  }
  return { first: firstOf(0), next: firstOf(1), suffix: text.replace('-', '_') };
}

async function checkPartitions(db: Queryable, month: Month): Promise<void> {
  for (const table of TABLES) {
    const row = onlyRow(
      await db.query<{ there: boolean; archived: boolean }>(
        sql`select to_regclass(${`${table}_${month.suffix}`}) is not null as there,
              exists (select 1 from archived_month where table_name = ${table} and month = ${month.first}::date) as archived`,
      ),
      'partition',
    );
    if (row.archived)
      throw new Fault('conflict', 'The month was archived before.', {
        fields: { month: month.first },
      });
    if (!row.there)
      throw new Fault('not-found', 'The journal has no such month.', {
        fields: { month: month.first },
      });
  }
}

/** The rows of a month as lines of JSON, in key order, a page at a time. */
async function* linesOf(db: Queryable, table: string, month: Month): AsyncGenerator<string> {
  // Names of our own partitions, made of a checked month; values travel as parameters.
  const line = table === 'posting' ? 'line_no' : '0::smallint';
  let after: unknown[] = [-1, '0001-01-01', '-1', -1];
  for (;;) {
    const rows = await db.query<{ line: string; key: unknown[] }>({
      text: `select row_to_json(g)::text as line, array[shard_id::text, business_date::text, journal_id::text, ${line}::text] as key
             from ${table}_${month.suffix} g
             where (shard_id, business_date, journal_id, ${line}) > ($1::smallint, $2::date, $3::bigint, $4::integer)
             order by shard_id, business_date, journal_id, ${line} limit ${String(PAGE)}`,
      values: after,
    });
    for (const row of rows) yield `${row.line}\n`;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.key;
  }
}

async function writeFileOf(
  db: Queryable,
  table: (typeof TABLES)[number],
  month: Month,
  folder: string,
): Promise<string> {
  const file = path.join(folder, `${table}_${month.suffix}.ndjson.gz`);
  await pipeline(
    Readable.from(linesOf(db, table, month)),
    createGzip(),
    createWriteStream(`${file}.part`, { mode: 0o600 }),
  );
  const written = await open(`${file}.part`, 'r+');
  await written.sync();
  await written.close();
  await rename(`${file}.part`, file);
  return file;
}

interface Read {
  readonly rows: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly sha256: string;
}

/** Reads a file back from the disk: what is believed of it is what stands there. */
async function readBack(file: string): Promise<Read> {
  const hash = createHash('sha256');
  const counted = { rows: 0n, debits: 0n, credits: 0n };
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const text = createGunzip();
  const reading = pipeline(createReadStream(file), tap, text);
  for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
    counted.rows += 1n;
    const amount = /"amount_paisa":(\d+)/.exec(line)?.[1];
    const side = /"side":"([DC])"/.exec(line)?.[1];
    if (amount !== undefined) counted[side === 'D' ? 'debits' : 'credits'] += BigInt(amount);
  }
  await reading;
  return { ...counted, sha256: hash.digest('hex') };
}

async function checkTotals(db: Queryable, month: Month, read: Read): Promise<void> {
  const days = onlyRow(
    await db.query<{ debits: bigint; credits: bigint; postings: bigint }>(sql`
      select coalesce(sum(debits_paisa), 0)::bigint as debits, coalesce(sum(credits_paisa), 0)::bigint as credits,
        coalesce(sum(postings), 0)::bigint as postings
      from account_day where business_date >= ${month.first}::date and business_date < ${month.next}::date`),
    'account_day',
  );
  if (days.debits !== read.debits || days.credits !== read.credits || days.postings !== read.rows) {
    throw new Fault('conflict', 'The postings of the month are not those that its days count.', {
      fields: {
        month: month.first,
        postings: read.rows.toString(),
        counted: days.postings.toString(),
      },
    });
  }
}

async function dropPartition(
  tx: Queryable,
  month: Month,
  archived: ArchivedFile,
  at: Date,
): Promise<void> {
  const { table, file, rows, sha256 } = archived;
  const now = onlyRow(
    await tx.query<{ count: bigint }>({
      text: `select count(*) as count from ${table}_${month.suffix}`,
      values: [],
    }),
    table,
  );
  if (now.count !== rows)
    throw new Fault('conflict', 'The month was written to while it was being archived.', {
      fields: { table, month: month.first },
    });
  await tx.query(sql`
    insert into archived_month (table_name, month, row_count, file_name, file_sha256, archived_at)
    values (${table}, ${month.first}, ${rows}, ${path.basename(file)}, ${Buffer.from(sha256, 'hex')}, ${at})`);
  await tx.query({
    text: `alter table ${table} detach partition ${table}_${month.suffix}`,
    values: [],
  });
  await tx.query({ text: `drop table ${table}_${month.suffix}`, values: [] });
}

/**
 * Archives the journal of a month: writes its files, reads them back, compares their totals with the days, and
 * drops the month's partitions in one commit with the record of the files and their hashes. A crash before that
 * commit leaves the books as they were. Faults: `bad-input`, `conflict` (too young, archived before, totals
 * differ), `not-found` (no such month).
 */
export async function archiveMonth(
  database: Database,
  order: ArchiveOrder,
  clock: Clock,
): Promise<ArchivedFile[]> {
  const month = monthOf(order.month, clock, order.keepMonths ?? 12);
  await checkPartitions(database, month);
  const files: ArchivedFile[] = [];
  for (const table of TABLES) {
    const file = await writeFileOf(database, table, month, order.folder);
    const read = await readBack(file);
    if (table === 'posting') await checkTotals(database, month, read);
    files.push({ table, file, rows: read.rows, sha256: read.sha256 });
  }
  await database.transaction(async (tx) => {
    for (const file of files) await dropPartition(tx, month, file, clock.now());
  });
  return files;
}
