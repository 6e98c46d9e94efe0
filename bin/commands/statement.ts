/** `sanad statement --account PATH --from DATE --to DATE`: every posting of an account, with the balance after each. */
import { businessDate, systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { accountStatement, type StatementCursor, type StatementPage } from '../../ledger/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { print, printJson } from '../output.ts';

const PAGE = 1_000;

/** Paisa with their sign as rupees, `-1,500.00` written `-1500.00`: a column that a spreadsheet reads. */
function rupeesOf(amount: bigint): string {
  const [sign, size] = amount < 0n ? ['-', -amount] : ['', amount];
  return `${sign}${(size / 100n).toString()}.${(size % 100n).toString().padStart(2, '0')}`;
}

/** True when the account is open. In text, lines are printed as they are read, so a long statement needs no memory. */
export async function statementCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    json: 'boolean',
    account: 'string',
    shard: 'number',
    from: 'string',
    to: 'string',
  });
  const { account: path, shard = 0, from = '0001-01-01' } = given;
  const to = given.to ?? businessDate(systemClock.now());
  if (path === undefined || ![from, to].every((date) => /^\d{4}-\d{2}-\d{2}$/.test(date)))
    throw new Fault(
      'bad-input',
      'Usage: npx sanad statement --account PATH [--from YYYY-MM-DD] [--to YYYY-MM-DD].',
    );
  const books = await openBooks(readConfig(), 1);
  try {
    let after: StatementCursor | undefined;
    const pages: StatementPage[] = [];
    do {
      const query = { shard, path, from, to, limit: PAGE };
      const page = await accountStatement(
        books.database,
        after === undefined ? query : { ...query, after },
      );
      if (given.json) pages.push(page);
      else {
        if (after === undefined) print(`${from}\topening\t\t\t${rupeesOf(page.opening)}`);
        for (const line of page.lines)
          print(
            [
              line.businessDate,
              line.kind,
              line.psid ?? line.description ?? '',
              rupeesOf(line.amount),
              rupeesOf(line.balance),
            ].join('\t'),
          );
      }
      after = page.next;
    } while (after !== undefined);
    if (given.json)
      printJson({
        account: path,
        shard,
        from,
        to,
        opening: pages[0]?.opening,
        closing: pages.at(-1)?.lines.at(-1)?.balance ?? pages[0]?.opening,
        lines: pages.flatMap((page) => page.lines),
      });
    return true;
  } finally {
    await books.close();
  }
}
