/** The `sanad` command. Exit code 0 only when what was asked for holds. */
import { Fault } from '../kernel/fault.ts';
import { archiveCommand } from './commands/archive.ts';
import { auditCommand } from './commands/audit.ts';
import { benchCommand } from './commands/bench.ts';
import { dcTableCommand } from './commands/dc-table.ts';
import { demoCommand } from './commands/demo.ts';
import { dutyCommand } from './commands/duty.ts';
import { iso8583Command } from './commands/iso8583.ts';
import { migrateCommand } from './commands/migrate.ts';
import { statementCommand } from './commands/statement.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { print, problemLine } from './output.ts';

const USAGE = `usage: npx sanad COMMAND [--json]

  up [--only channels|anchoring]   start everything, or one part (also: npm start)
  demo [--out FOLDER]       buy two stamps over real channels and verify them (also: npm run demo)
  verify FILE [--offline]   check an e-stamp: PDF, PNG of its QR code, or JSON
  audit                     recompute books, register and log
  bench WHAT                       measure: lane, iso8583-e2e, http-e2e, growth, history, duty, …
  migrate [--distributed citus]    bring the schema up to date, or spread it over a cluster
  statement --account PATH --from DATE --to DATE   every posting of an account
  archive --month YYYY-MM --out FOLDER             take an old month of the journal out to files
  duty '{…}'                calculate stamp duty with every step
  dc-table import|approve|reject|list|compare|export|map …   the Collector's valuation tables
  iso8583 decode --spec NAME HEX      a message as JSON
  iso8583 encode --spec NAME '{…}'    JSON as a message

Settings come from the environment; .env.example lists them.`;

const COMMANDS: Readonly<Record<string, (argv: readonly string[]) => Promise<boolean>>> = {
  up: upCommand,
  demo: demoCommand,
  verify: verifyCommand,
  audit: auditCommand,
  bench: benchCommand,
  migrate: migrateCommand,
  statement: statementCommand,
  archive: archiveCommand,
  duty: dutyCommand,
  'dc-table': dcTableCommand,
  iso8583: iso8583Command,
};

async function run(argv: readonly string[]): Promise<boolean> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || rest.includes('--help')) {
    print(USAGE);
    return name !== undefined;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new Fault('bad-input', 'There is no such command; see npx sanad --help.', {
      fields: { command: name },
    });
  return command(rest);
}

try {
  process.exitCode = (await run(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${problemLine(error)}\n`);
  process.exitCode = 1;
}
