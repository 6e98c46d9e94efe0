/** `sanad audit`: recomputes books, register and log. */
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { auditAll } from '../../reconciliation/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { loadKeys } from '../keys.ts';
import { print, printJson } from '../output.ts';

/** True when the audit found nothing. */
export async function auditCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, { json: 'boolean' });
  const config = readConfig();
  const books = await openBooks(config, 2);
  try {
    const keys = await loadKeys(config.dataFolder, config.logOrigin, systemClock);
    const report = await auditAll(books.database, {
      logPublicKey: keys.logPublicKey,
      origin: config.logOrigin,
    });
    if (given.json) {
      printJson(report);
    } else {
      const { counts } = report;
      print(
        `${counts.challans} challans, ${counts.payments} payments, ${counts.stamps} stamps, ${counts.postings} postings, ${report.log.leaves} leaves in ${String(report.log.blocks)} blocks`,
      );
      for (const { invariant, rule, rows } of report.brokenInvariants)
        print(`BROKEN ${invariant}: ${rule} ${JSON.stringify(rows)}`);
      for (const line of report.alteredFacts)
        print(`ALTERED the facts of ${line} are not those that were committed`);
      for (const finding of report.log.findings) print(`LOG ${finding.code}: ${finding.message}`);
      print(report.ok ? 'ok: books, register and log agree' : 'NOT OK');
    }
    return report.ok;
  } finally {
    await books.close();
  }
}
