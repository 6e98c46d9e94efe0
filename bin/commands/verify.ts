/** `sanad verify FILE`: seal, printed facts, status and proof of an e-stamp. */
import { readFile, stat } from 'node:fs/promises';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { makeCertificateOffice } from '../../reconciliation/index.ts';
import { verifyFile, type VerificationReport } from '../../stamp-renderer/index.ts';
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

async function verify(file: string | undefined, offline: boolean): Promise<VerificationReport> {
  const bytes = await readInput(file);
  const config = readConfig();
  const clock = systemClock;
  if (offline) {
    const { trustList } = await loadKeys(config.dataFolder, config.logOrigin, clock);
    return verifyFile(bytes, { trustList, now: clock.now() });
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
    return await verifyFile(bytes, {
      trustList,
      status: statusLookup({ database: books.database, clock, office }),
      now: clock.now(),
    });
  } finally {
    await books.close();
  }
}

/** True when the stamp is genuine; each reason of a refusal is printed. */
export async function verifyCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, { json: 'boolean', offline: 'boolean' });
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
