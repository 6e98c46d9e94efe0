/** The `sanad` command. Exit code 0 only when what was asked for holds. */
import { Fault } from '../kernel/fault.ts';
import { anchorCommand } from './commands/anchor.ts';
import { archiveCommand } from './commands/archive.ts';
import { auditCommand } from './commands/audit.ts';
import { benchCommand } from './commands/bench.ts';
import { conformanceCommand } from './commands/conformance.ts';
import { dcTableCommand } from './commands/dc-table.ts';
import { demoCommand } from './commands/demo.ts';
import { departmentCommand } from './commands/department.ts';
import { dutyCommand } from './commands/duty.ts';
import { iso8583Command } from './commands/iso8583.ts';
import { keyCommand } from './commands/key.ts';
import { migrateCommand } from './commands/migrate.ts';
import { operatorCommand } from './commands/operator.ts';
import { participantCommand } from './commands/participant.ts';
import { simulatorCommand } from './commands/simulator.ts';
import { statementCommand } from './commands/statement.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { print, problemLine } from './output.ts';

const USAGE = `usage: npx sanad COMMAND [--json]

  up [--only channels|anchoring]   start everything, or one part (also: npm start)
  demo [--out FOLDER]       buy two stamps over real channels and verify them (also: npm run demo)
  verify FILE [--offline]   check an e-stamp: PDF, PNG of its QR code, or JSON
  verify --bulk FILE [--out FILE]   check a list: one code or number a line, answered as CSV
  audit [--checkpoint FILE] recompute books, register and log
  audit log [--from A] [--to B]   a stretch of the log: consistent, complete, in order of time
  audit bundle --stamp ID [--facts] [--out FILE]   everything that proves one stamp to an outsider
  audit verify FILE [--key KEY]   check such a bundle; needs neither books nor network
  audit key                 the log's public key, to hand out
  anchor migrate            carry the log of the embedded chain over to the Fabric network of FABRIC_*
  bench WHAT                       measure: lane, iso8583-e2e, http-e2e, growth, history, duty, …
  migrate [--distributed citus]    bring the schema up to date, or spread it over a cluster
  statement --account PATH --from DATE --to DATE   every posting of an account
  archive --month YYYY-MM --out FOLDER             take an old month of the journal out to files
  duty '{…}'                calculate stamp duty with every step
  dc-table import|approve|reject|list|compare|export|map …   the Collector's valuation tables
  iso8583 decode --spec NAME HEX      a message as JSON
  iso8583 encode --spec NAME '{…}'    JSON as a message
  key list|rotate|adopt|revoke …   the keys that seal stamps
  operator add|list|remove …   who may come to the officers' desk, until there are accounts
  department key|biller|deliveries|resend|… departments' keys, external billers, webhooks
  participant add FILE|list|off|on|password|rotate|limits|addresses|till …   who may send payments
  conformance --channel X --target HOST:PORT --participant FILE   certify a channel of a running switch
  simulator bank|onebill|jazzcash|easypaisa|teller|broken-switch …   the other end of a channel

Settings come from the environment; .env.example lists them.`;

const COMMANDS: Readonly<Record<string, (argv: readonly string[]) => Promise<boolean>>> = {
  up: upCommand,
  demo: demoCommand,
  verify: verifyCommand,
  audit: auditCommand,
  anchor: anchorCommand,
  bench: benchCommand,
  migrate: migrateCommand,
  statement: statementCommand,
  archive: archiveCommand,
  duty: dutyCommand,
  'dc-table': dcTableCommand,
  iso8583: iso8583Command,
  key: keyCommand,
  operator: operatorCommand,
  department: departmentCommand,
  participant: participantCommand,
  conformance: conformanceCommand,
  simulator: simulatorCommand,
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
