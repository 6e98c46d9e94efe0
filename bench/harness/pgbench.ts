/**
 * pgbench's TPC-B-like transaction on the same server, in the same run: the yardstick beside our figures. The
 * program `pgbench` of the PostgreSQL packages when it is installed, else a loop of our own with the same five
 * statements over the driver, which is slower than the program and says so in its name.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { openDatabase } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { figure, type Figure, type Measure } from '../document.ts';

const run = promisify(execFile);

const CLIENTS = [1, 8, 32] as const;
/** At least the number of clients, so that branches are no bottleneck: what pgbench's manual asks for. */
const SCALE = 32;
const DATABASE = 'pgbench';

export interface PgbenchResult {
  /** The best of all client counts. */
  readonly best: Measure;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

/** The newest pgbench of this machine: Debian's version folders, or the usual places. */
function findProgram(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const folders = existsSync(debian)
    ? readdirSync(debian)
        .sort((left, right) => Number(right) - Number(left))
        .map((version) => path.join(debian, version, 'bin'))
    : [];
  return [...folders, '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
    .map((folder) => path.join(folder, 'pgbench'))
    .find((program) => existsSync(program));
}

interface Target {
  readonly url: URL;
  readonly seconds: number;
}

function programArguments(target: Target, ...rest: string[]): [string[], Record<string, string>] {
  const { hostname, port, username, password } = target.url;
  const where = ['-h', hostname, '-p', port || '5432', '-U', decodeURIComponent(username)];
  // An own environment: nothing of ours changes what is measured.
  return [[...where, ...rest, DATABASE], { PGPASSWORD: decodeURIComponent(password), LC_ALL: 'C' }];
}

async function runProgram(program: string, target: Target, clients: number): Promise<number> {
  const threads = String(Math.min(clients, 2));
  const [args, env] = programArguments(
    target,
    ...['-n', '-c', String(clients), '-j', threads, '-T', String(target.seconds)],
  );
  const { stdout } = await run(program, args, { env });
  const match = /^tps = ([\d.]+)/m.exec(stdout);
  if (match === null)
    throw new Fault('internal', 'pgbench printed no figure.', {
      fields: { output: stdout.slice(-500) },
    });
  return Number(match[1]);
}

/** pgbench's initialisation, as far as its transaction needs it. */
const INITIALISE = `
  create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
  create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
  create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
  create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
  insert into pgbench_branches select i, 0 from generate_series(1, ${String(SCALE)}) i;
  insert into pgbench_tellers select i, (i - 1) / 10 + 1, 0 from generate_series(1, ${String(SCALE * 10)}) i;
  insert into pgbench_accounts select i, (i - 1) / 100000 + 1, 0, '' from generate_series(1, ${String(SCALE * 100_000)}) i;
  vacuum analyze`;

async function ownTransactions(client: pg.Client, until: number): Promise<number> {
  const below = (count: number): number => 1 + Math.floor(Math.random() * count);
  const prepared = (name: string, text: string, values: number[]): Promise<unknown> =>
    client.query({ name, text, values });
  let done = 0;
  for (; performance.now() < until; done += 1) {
    const [aid, tid, bid] = [below(SCALE * 100_000), below(SCALE * 10), below(SCALE)];
    const delta = below(10_001) - 5_001;
    await client.query('begin');
    await prepared('a', 'update pgbench_accounts set abalance = abalance + $1 where aid = $2', [
      delta,
      aid,
    ]);
    await prepared('s', 'select abalance from pgbench_accounts where aid = $1', [aid]);
    await prepared('t', 'update pgbench_tellers set tbalance = tbalance + $1 where tid = $2', [
      delta,
      tid,
    ]);
    await prepared('b', 'update pgbench_branches set bbalance = bbalance + $1 where bid = $2', [
      delta,
      bid,
    ]);
    await prepared(
      'h',
      'insert into pgbench_history (tid, bid, aid, delta, mtime) values ($1, $2, $3, $4, now())',
      [tid, bid, aid, delta],
    );
    await client.query('commit');
  }
  return done;
}

async function runOwn(target: Target, clients: number): Promise<number> {
  const open = Array.from(
    { length: clients },
    () => new pg.Client({ connectionString: target.url.href }),
  );
  await Promise.all(open.map((client) => client.connect()));
  const began = performance.now();
  const done = await Promise.all(
    open.map((client) => ownTransactions(client, began + target.seconds * 1_000)),
  );
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(open.map((client) => client.end()));
  return done.reduce((sum, each) => sum + each, 0) / seconds;
}

/** Runs the transaction at 1, 8 and 32 clients in a database of its own on the server of `url`, and drops that database again. */
export async function runPgbench(
  url: string,
  options: { readonly seconds: number; readonly say: (line: string) => void },
): Promise<PgbenchResult> {
  const target = { url: new URL(url), seconds: options.seconds };
  target.url.pathname = `/${DATABASE}`;
  const program = findProgram();
  const name = program === undefined ? 'TPC-B-like loop over the driver' : 'pgbench TPC-B-like';
  options.say(`${name} at ${CLIENTS.join(', ')} clients, ${String(options.seconds)} s each …`);
  const admin = openDatabase({ url, connectionsMax: 1 });
  try {
    await admin.script(`drop database if exists ${DATABASE}`);
    await admin.script(`create database ${DATABASE}`);
    await initialise(program, target);
    const measures: Measure[] = [];
    for (const clients of CLIENTS) {
      await admin.script('checkpoint');
      const value =
        program === undefined
          ? await runOwn(target, clients)
          : await runProgram(program, target, clients);
      measures.push({ name: `${name}, ${String(clients)} clients`, value, unit: '1/s' });
    }
    const [first, ...others] = measures;
    if (first === undefined) throw new Fault('internal', 'pgbench was not run.');
    return {
      best: others.reduce((best, each) => (each.value > best.value ? each : best), first),
      figures: measures.map((each) => figure(each)),
      notes: [
        program === undefined
          ? 'no pgbench program is installed: a loop with its statements over the driver stands in, which is slower than the program'
          : `pgbench: scale ${String(SCALE)}, its standard transaction and protocol, ${String(options.seconds)} s each, same server and settings`,
      ],
    };
  } finally {
    await admin.script(`drop database if exists ${DATABASE}`);
    await admin.close();
  }
}

async function initialise(program: string | undefined, target: Target): Promise<void> {
  if (program !== undefined) {
    const [args, env] = programArguments(target, '-i', '-q', '-s', String(SCALE));
    await run(program, args, { env });
    return;
  }
  const database = openDatabase({ url: target.url.href, connectionsMax: 1 });
  try {
    for (const statement of INITIALISE.split(';')) await database.script(statement);
  } finally {
    await database.close();
  }
}
