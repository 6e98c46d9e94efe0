/** `sanad anchor migrate`: carries the log of the embedded chain over to the Fabric network of the settings. */
import { systemClock, systemTimers } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { carryOverLog } from '../../reconciliation/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { openChain } from '../chain.ts';
import { loadKeys } from '../keys.ts';
import { print, printJson, progress } from '../output.ts';

/** True when the network holds the same log as the embedded chain. */
export async function anchorCommand(argv: readonly string[]): Promise<boolean> {
  const { words, json } = commandArguments(argv, { json: 'boolean' });
  if (words[0] !== 'migrate' || words.length > 1)
    throw new Fault('bad-input', 'Write npx sanad anchor migrate.');
  const config = readConfig();
  if (config.fabric === undefined)
    throw new Fault('config-invalid', 'Set FABRIC_* to the network that shall keep the log.');
  const books = await openBooks(config, 4);
  try {
    const keys = await loadKeys(config.dataFolder, config.logOrigin, systemClock);
    const network = await openChain(config, books.database, keys);
    try {
      const report = await carryOverLog({
        database: books.database,
        to: network.chain,
        logPublicKey: keys.logPublicKey,
        origin: config.logOrigin,
        clock: systemClock,
        timers: systemTimers,
        say: progress,
      });
      if (json) printJson(report);
      else
        print(
          `ok: ${String(report.batches)} batches (${String(report.carried)} of them now), ${report.size} leaves, root ${report.root} on both chains`,
        );
      return true;
    } finally {
      network.close();
    }
  } finally {
    await books.close();
  }
}
