/** The `sanad` command. Exit code 0 only when what was asked for holds. */
import { parseArgs } from 'node:util';
import { Fault } from '../kernel/fault.ts';
import type { Arguments } from './arguments.ts';
import { auditCommand } from './commands/audit.ts';
import { demoCommand } from './commands/demo.ts';
import { dutyCommand } from './commands/duty.ts';
import { iso8583Command } from './commands/iso8583.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { print, problemLine } from './output.ts';

const USAGE = `usage: npx sanad COMMAND [--json]

  up                        start everything (also: npm start)
  demo [--out FOLDER]       buy two stamps over real channels and verify them (also: npm run demo)
  verify FILE [--offline]   check an e-stamp: PDF, PNG of its QR code, or JSON
  audit                     recompute books, register and log
  duty '{…}'                calculate stamp duty with every step
  iso8583 decode --spec NAME HEX      a message as JSON
  iso8583 encode --spec NAME '{…}'    JSON as a message

Settings come from the environment; .env.example lists them.`;

const COMMANDS: Readonly<Record<string, (given: Arguments) => Promise<boolean>>> = {
  up: upCommand,
  demo: demoCommand,
  verify: verifyCommand,
  audit: auditCommand,
  duty: dutyCommand,
  iso8583: iso8583Command,
};

function parse(argv: readonly string[]): Arguments & { help: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        offline: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        spec: { type: 'string' },
        out: { type: 'string' },
      },
    });
    return {
      words: positionals,
      json: values.json,
      offline: values.offline,
      spec: values.spec,
      out: values.out,
      help: values.help,
    };
  } catch (cause) {
    throw new Fault('bad-input', 'An option is unknown or lacks its value; see npx sanad --help.', {
      cause,
    });
  }
}

async function run(argv: readonly string[]): Promise<boolean> {
  const given = parse(argv);
  const [name, ...words] = given.words;
  if (given.help || name === undefined) {
    print(USAGE);
    return given.help;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new Fault('bad-input', 'There is no such command; see npx sanad --help.', {
      fields: { command: name },
    });
  return command({ ...given, words });
}

try {
  process.exitCode = (await run(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${problemLine(error)}\n`);
  process.exitCode = 1;
}
