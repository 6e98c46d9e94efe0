/** `sanad archive --month YYYY-MM --out FOLDER`: takes an old month of the journal out to files. */
import { mkdir } from 'node:fs/promises';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { archiveMonth } from '../../ledger/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { print, printJson } from '../output.ts';

/** True when the month was archived; until its last commit nothing is taken out of the books. */
export async function archiveCommand(argv: readonly string[]): Promise<boolean> {
  const { json, month, out, keep } = commandArguments(argv, {
    json: 'boolean',
    month: 'string',
    out: 'string',
    keep: 'number',
  });
  if (month === undefined || out === undefined)
    throw new Fault('bad-input', 'Usage: npx sanad archive --month YYYY-MM --out FOLDER.');
  await mkdir(out, { recursive: true });
  const books = await openBooks(readConfig(), 2);
  try {
    const order = { month, folder: out, ...(keep === undefined ? {} : { keepMonths: keep }) };
    const files = await archiveMonth(books.database, order, systemClock);
    if (json) printJson({ month, files });
    else
      for (const { file, rows, sha256 } of files)
        print(`${file}: ${rows.toString()} rows, SHA-256 ${sha256}`);
    return true;
  } finally {
    await books.close();
  }
}
