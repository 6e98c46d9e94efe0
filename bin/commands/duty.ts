/** `sanad duty '{…}'`: calculates stamp duty with every step. */
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { assessDuty, dutyResultToJson } from '../../ledger/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { parseJson, printJson } from '../output.ts';
import { parseDutyInput } from '../services.ts';

const EXAMPLE = `npx sanad duty --json '{"instrument":"affidavit"}'`;

/** True when the duty could be calculated; a refusal is printed as JSON too. */
export async function dutyCommand(argv: readonly string[]): Promise<boolean> {
  const { words } = commandArguments(argv, { json: 'boolean' });
  const input = parseDutyInput(parseJson(words[0], EXAMPLE));
  const books = await openBooks(readConfig(), 1);
  try {
    const result = await assessDuty(books.database, input, systemClock);
    printJson(dutyResultToJson(result));
    return result.ok;
  } finally {
    await books.close();
  }
}
