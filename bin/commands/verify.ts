/** `sanad verify FILE`: seal, printed facts, status and proof of an e-stamp. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { makeCertificateOffice } from '../../reconciliation/index.ts';
import {
  allGood,
  BULK_LINES_MAX,
  bulkCsv,
  bulkEntries,
  verifyBulk,
  verifyFile,
  type BulkLine,
  type VerificationReport,
  type VerifyFileOptions,
} from '../../stamp-renderer/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { loadKeys } from '../keys.ts';
import { print, printJson } from '../output.ts';
import { statusLookup } from '../services.ts';

const FILE_BYTES_MAX = 20 * 1024 * 1024;

async function readInput(file: string | undefined): Promise<Buffer> {
  if (file === undefined)
    throw new Fault('bad-input', 'Name the file to verify: npx sanad verify FILE.');
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX)
      throw new Fault('bad-input', 'The file is too large to be an e-stamp.', {
        fields: { file, bytes: size },
      });
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('file-unreadable', 'The file cannot be read.', { fields: { file }, cause });
  }
}

/** Runs `work` with the trust list and, unless it is to be done offline, with the register. */
async function withVerifier<Result>(
  offline: boolean,
  work: (options: VerifyFileOptions) => Promise<Result>,
): Promise<Result> {
  const config = readConfig();
  const clock = systemClock;
  if (offline) {
    const { trustList } = await loadKeys(config.dataFolder, config.logOrigin, clock);
    return work({ trustList, now: clock.now() });
  }
  const books = await openBooks(config, 2);
  try {
    const { trustList, signer } = await loadKeys(config.dataFolder, config.logOrigin, clock);
    const office = makeCertificateOffice({
      database: books.database,
      clock,
      signer,
      publicUrl: () => config.publicUrl ?? '',
    });
    const status = statusLookup({ database: books.database, clock, office });
    return await work({ trustList, status, now: clock.now() });
  } finally {
    await books.close();
  }
}

async function verify(file: string | undefined, offline: boolean): Promise<VerificationReport> {
  const bytes = await readInput(file);
  return withVerifier(offline, (options) => verifyFile(bytes, options));
}

async function verifyListFile(file: string, offline: boolean): Promise<BulkLine[]> {
  const entries = bulkEntries((await readInput(file)).toString('utf8'));
  if (entries.length === 0 || entries.length > BULK_LINES_MAX)
    throw new Fault('bad-input', 'A list has between one and 10,000 lines with a stamp.', {
      fields: { file, lines: entries.length },
    });
  return withVerifier(offline, (options) => verifyBulk(entries, options));
}

/** `--bulk FILE`: one stamp a line, by the text of its code or by its number; CSV, or JSON with `--json`. */
async function bulkCommand(
  file: string,
  given: { offline: boolean; json: boolean; out: string | undefined },
): Promise<boolean> {
  const lines = await verifyListFile(file, given.offline);
  const text = given.json ? `${JSON.stringify({ lines }, null, 2)}\n` : bulkCsv(lines);
  if (given.out === undefined) print(text.trimEnd());
  else await writeFile(given.out, text);
  return allGood(lines);
}

/** True when the stamp is genuine; each reason of a refusal is printed. */
export async function verifyCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    json: 'boolean',
    offline: 'boolean',
    bulk: 'string',
    out: 'string',
  });
  if (given.bulk !== undefined) return bulkCommand(given.bulk, given);
  const report = await verify(given.words[0], given.offline);
  if (given.json) {
    printJson(report);
  } else {
    print(report.verdict === 'genuine' ? 'GENUINE' : 'REFUSED');
    for (const reason of report.reasons) print(`  ${reason.code}: ${reason.message}`);
    print(`  log: ${report.log.state}; status: ${report.status.state}`);
  }
  return report.verdict === 'genuine';
}
