/** `sanad duty '{…}'`: calculates stamp duty with every step. */
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { assessDuty, dutyResultToJson } from '../../ledger/index.ts';
import type { Arguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { printJson } from '../output.ts';
import { parseDutyInput } from '../services.ts';

function parseJson(text: string | undefined): unknown {
  if (text === undefined) throw new Fault('bad-input', "Give the input as one JSON argument: npx sanad duty --json '{\"instrument\":\"affidavit\"}'");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('bad-input', 'The input is not JSON.', { cause });
  }
}

/** True when the duty could be calculated; a refusal is printed as JSON too. */
export async function dutyCommand(given: Arguments): Promise<boolean> {
  const input = parseDutyInput(parseJson(given.words[0]));
  const books = await openBooks(readConfig(), 1);
  try {
    const result = await assessDuty(books.database, input, systemClock);
    printJson(dutyResultToJson(result));
    return result.ok;
  } finally {
    await books.close();
  }
}
