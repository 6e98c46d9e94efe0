/**
 * `sanad audit`: recomputes books, register and log. `audit log` looks at a stretch of the log, `audit bundle` makes
 * what proves one stamp to an outsider, `audit verify` checks such a bundle with no books and no network, and
 * `audit key` prints the key of the log to hand out.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig, type Config } from '../../kernel/config.ts';
import { sql, sqlState } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { findStamp } from '../../ledger/index.ts';
import {
  auditAll,
  auditRange,
  makeStampBundle,
  publicKeyOf,
  verifierKey,
  verifyStampBundle,
  type AuditReport,
} from '../../reconciliation/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks, type Books } from '../books.ts';
import { openChain } from '../chain.ts';
import { loadKeys, type Keys } from '../keys.ts';
import { print, printJson } from '../output.ts';

const KINDS = {
  json: 'boolean',
  stamp: 'string',
  out: 'string',
  facts: 'boolean',
  from: 'number',
  to: 'number',
  key: 'string',
  checkpoint: 'string',
} as const;
type Given = ReturnType<typeof commandArguments<typeof KINDS>>;

const FILE_BYTES_MAX = 5 * 1024 * 1024;
/** One for each part of the audit that runs beside the others. */
const CONNECTIONS = 4;

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX)
      throw new Fault('bad-input', 'The file is too large.', { fields: { file, bytes: size } });
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('file-unreadable', 'The file cannot be read.', { fields: { file }, cause });
  }
}

async function withBooks<T>(
  work: (books: Books, keys: Keys, config: Config) => Promise<T>,
): Promise<T> {
  const config = readConfig();
  const books = await openBooks(config, CONNECTIONS);
  try {
    return await work(
      books,
      await loadKeys(config.dataFolder, config.logOrigin, systemClock),
      config,
    );
  } finally {
    await books.close();
  }
}

function printReport(report: AuditReport): void {
  const { counts } = report;
  print(
    `${counts.challans} challans, ${counts.payments} payments, ${counts.stamps} stamps, ${counts.postings} postings, ${report.log.leaves} leaves in ${String(report.log.blocks)} blocks`,
  );
  for (const { invariant, rule, rows } of report.brokenInvariants)
    print(`BROKEN ${invariant}: ${rule} ${JSON.stringify(rows)}`);
  for (const line of report.alteredFacts)
    print(`ALTERED the facts of ${line} are not those that were committed`);
  for (const { code, message, ...place } of [...report.register, ...report.log.findings])
    print(`LOG ${code}: ${message} ${JSON.stringify(place)}`);
  print(report.ok ? 'ok: books, register and log agree' : 'NOT OK');
}

async function auditEverything(given: Given): Promise<boolean> {
  const kept = given.checkpoint === undefined ? [] : [await readText(given.checkpoint)];
  return withBooks(async ({ database }, keys, config) => {
    const network =
      config.fabric === undefined ? undefined : await openChain(config, database, keys);
    try {
      const report = await auditAll(database, {
        logPublicKey: keys.logPublicKey,
        origin: config.logOrigin,
        keptCheckpoints: kept,
        ...(network === undefined ? {} : { chain: network.chain }),
      });
      if (given.json) printJson(report);
      else printReport(report);
      return report.ok;
    } finally {
      network?.close();
    }
  });
}

async function auditLogRange(given: Given): Promise<boolean> {
  return withBooks(async ({ database }, keys, config) => {
    const [head] = await database.query<{ size: bigint }>(sql`select size from anchor_head`);
    const range = {
      from: BigInt(given.from ?? 0),
      to: given.to === undefined ? (head?.size ?? 0n) : BigInt(given.to),
    };
    const log = { logPublicKey: keys.logPublicKey, origin: config.logOrigin };
    const report = await auditRange(database, range, log);
    if (given.json) {
      printJson(report);
      return report.ok;
    }
    print(`from ${report.from.size} leaves, root ${report.from.root}`);
    print(`to   ${report.to.size} leaves, root ${report.to.root}`);
    for (const [kind, { count, paisa }] of Object.entries(report.kinds))
      print(`  ${count} ${kind}, ${paisa} paisa`);
    for (const { code, message, ...place } of report.findings)
      print(`LOG ${code}: ${message} ${JSON.stringify(place)}`);
    print(
      report.ok
        ? `ok: the log grew, ${String(report.checkpoints)} checkpoints are true, times do not step back, register and books agree`
        : 'NOT OK',
    );
    return report.ok;
  });
}

async function writeBundle(given: Given): Promise<boolean> {
  const id = given.stamp;
  if (id === undefined)
    throw new Fault('bad-input', 'Name the stamp: npx sanad audit bundle --stamp ID.');
  return withBooks(async ({ database }, keys, config) => {
    const stamp = await findStamp(database, id);
    if (stamp === undefined) throw new Fault('not-found', 'The register has no such stamp.');
    const bundle = await makeStampBundle(database, stamp, {
      origin: config.logOrigin,
      logPublicKey: keys.logPublicKey,
      withFacts: given.facts,
      quorum: config.witnessQuorum,
    });
    if (bundle === undefined)
      throw new Fault('not-found', 'The stamp is not yet under a published checkpoint; try later.');
    if (given.out === undefined) {
      printJson(bundle);
    } else {
      await writeFile(given.out, `${JSON.stringify(bundle, null, 2)}\n`, { mode: 0o600 });
      if (given.json) printJson({ file: given.out, key: bundle.log.key });
      else print(`written to ${given.out}; the key to verify it with: ${bundle.log.key}`);
    }
    return true;
  });
}

const keyFile = z.looseObject({ privateKey: z.string() });

/** The key to trust: the one that is given, or the one of this installation, which is never made here. */
async function trustedKey(given: Given, config: Config): Promise<string> {
  if (given.key !== undefined) return given.key;
  const file = path.join(config.dataFolder, 'keys', 'log.json');
  try {
    const { privateKey } = keyFile.parse(JSON.parse(await readFile(file, 'utf8')));
    return verifierKey(config.logOrigin, createPublicKey(createPrivateKey(privateKey)));
  } catch (cause) {
    throw new Fault(
      'bad-input',
      'Give the key of the log with --key; it is printed by `sanad audit key` and published with the log.',
      { fields: { reason: sqlState(cause) ?? 'no key here' }, cause },
    );
  }
}

async function verifyBundle(given: Given): Promise<boolean> {
  const file = given.words[1];
  if (file === undefined)
    throw new Fault('bad-input', 'Name the file: npx sanad audit verify FILE [--key KEY].');
  const key = publicKeyOf(await trustedKey(given, readConfig()));
  if (key === undefined)
    throw new Fault(
      'bad-input',
      'The key is not written name+hash+key, as `sanad audit key` prints it.',
    );
  const text = await readText(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const report = verifyStampBundle(json, { origin: key.name, publicKey: key.key });
  if (given.json) {
    printJson(report);
    return report.ok;
  }
  if (report.proved !== undefined && report.ok) {
    const { stampId, amountPaisa, issuedAt, leafIndex, treeSize, bornAfterSize, events } =
      report.proved;
    print(`stamp ${stampId} of ${amountPaisa} paisa, issued at ${issuedAt}`);
    print(
      `leaf ${leafIndex} of ${treeSize}, paid for by the leaf before it; issued after the log had ${bornAfterSize}`,
    );
    print(events.length === 0 ? 'no event of its life is known' : `its life: ${events.join(', ')}`);
  }
  for (const { code, message } of report.reasons) print(`REFUSED ${code}: ${message}`);
  print(report.ok ? 'ok: proved' : 'NOT OK');
  return report.ok;
}

async function printKey(given: Given): Promise<boolean> {
  const key = await trustedKey(given, readConfig());
  if (given.json) printJson({ key });
  else print(key);
  return true;
}

const TOOLS: Readonly<Record<string, (given: Given) => Promise<boolean>>> = {
  log: auditLogRange,
  bundle: writeBundle,
  verify: verifyBundle,
  key: printKey,
};

/** True when the audit found nothing, or what was asked for holds. */
export async function auditCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, KINDS);
  const [tool] = given.words;
  if (tool === undefined) return auditEverything(given);
  const run = Object.hasOwn(TOOLS, tool) ? TOOLS[tool] : undefined;
  if (run === undefined)
    throw new Fault('bad-input', 'The tools of the audit are log, bundle, verify and key.', {
      fields: { tool },
    });
  return run(given);
}
