/** `sanad dc-table …`: valuation tables from the Collector's file to approval, differences, export and map. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import {
  columnMappingSchema,
  compareDcTables,
  decideDcTable,
  diskSource,
  exportDcTable,
  importBoundaries,
  importDcTable,
  kmz,
  listDcTables,
  rateMap,
  type LandClass,
} from '../../ledger/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { parseJson, print, printJson } from '../output.ts';

const KINDS = {
  json: 'boolean',
  by: 'string',
  note: 'string',
  mapping: 'string',
  report: 'string',
  out: 'string',
  class: 'string',
  'leave-out-wrong-rows': 'boolean',
  'allow-gap': 'boolean',
  'allow-missing-localities': 'boolean',
} as const;

type Given = ReturnType<typeof commandArguments<typeof KINDS>>;

const USAGE = 'import FILE | boundaries FILE | list | approve | refuse | compare | export | map';

function word(given: Given, at: number, what: string): string {
  const found = given.words[at];
  if (found === undefined)
    throw new Fault('bad-input', 'A word of the command is missing.', {
      fields: { missing: what },
    });
  return found;
}

function officer(given: Given): string {
  if (given.by === undefined)
    throw new Fault('bad-input', 'Say with --by which officer does this.');
  return given.by;
}

function versionAt(
  given: Given,
  at: number,
): { district: string; fiscalYear: string; version: number } {
  const text = word(given, at + 2, 'version');
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new Fault('bad-input', 'A version is a whole number.', { fields: { given: text } });
  return {
    district: word(given, at, 'district'),
    fiscalYear: word(given, at + 1, 'fiscal year'),
    version: Number(text),
  };
}

/** Writes pieces to a file, or to stdout when none is named. */
async function writeOut(
  pieces: AsyncIterable<string | Uint8Array>,
  file: string | undefined,
): Promise<void> {
  const out = file === undefined ? process.stdout : createWriteStream(file);
  await pipeline(Readable.from(pieces), out, { end: file !== undefined });
}

async function importTable(database: Database, given: Given): Promise<boolean> {
  const mapping =
    given.mapping === undefined
      ? undefined
      : columnMappingSchema.parse(parseJson(await readFile(given.mapping, 'utf8')));
  const report = given.report === undefined ? undefined : createWriteStream(given.report);
  report?.write('line,outcome,column,reason\n');
  const result = await importDcTable(database, diskSource(word(given, 1, 'file')), {
    clock: systemClock,
    proposedBy: officer(given),
    ...(mapping === undefined ? {} : { mapping }),
    leaveOutWrongRows: given['leave-out-wrong-rows'],
    allowGap: given['allow-gap'],
    allowMissingLocalities: given['allow-missing-localities'],
    onLine: ({ line, right, problems }) => {
      if (right) report?.write(`${String(line)},right,,\n`);
      for (const { column, reason } of problems)
        report?.write(`${String(line)},wrong,"${column}","${reason.replaceAll('"', '""')}"\n`);
    },
  });
  report?.end();
  printJson(result);
  return result.ok;
}

async function compare(database: Database, given: Given): Promise<boolean> {
  const before = versionAt(given, 1);
  const after = versionAt(given, 4);
  let differences = 0;
  for await (const page of compareDcTables(database, before, after)) {
    for (const each of page) print(JSON.stringify(each));
    differences += page.length;
  }
  if (!given.json) print(`${String(differences)} differences`);
  return true;
}

const COMMANDS: Readonly<Record<string, (database: Database, given: Given) => Promise<boolean>>> = {
  import: importTable,
  compare,
  async boundaries(database, given) {
    const result = await importBoundaries(database, diskSource(word(given, 1, 'file')), {
      clock: systemClock,
      importedBy: officer(given),
    });
    printJson(result);
    return result.ok;
  },
  async list(database, given) {
    printJson(await listDcTables(database, given.words[1]));
    return true;
  },
  approve: (database, given) => decide(database, given, 'approved'),
  refuse: (database, given) => decide(database, given, 'refused'),
  async export(database, given) {
    await writeOut(exportDcTable(database, versionAt(given, 1)), given.out);
    return true;
  },
  async map(database, given) {
    const landClass = (given.class ?? 'residential') as LandClass;
    const kml = rateMap(database, { ...versionAt(given, 1), landClass });
    await writeOut(given.out?.endsWith('.kmz') === true ? kmz(kml) : kml, given.out);
    return true;
  },
};

async function decide(
  database: Database,
  given: Given,
  decision: 'approved' | 'refused',
): Promise<boolean> {
  const note = given.note === undefined ? {} : { note: given.note };
  const key = versionAt(given, 1);
  await decideDcTable(database, { ...key, decision, by: officer(given), ...note }, systemClock);
  printJson({ ...key, state: decision });
  return true;
}

/** True when what was asked for holds: the file was right, the decision was taken. */
export async function dcTableCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, KINDS);
  const name = given.words[0] ?? '';
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new Fault('bad-input', 'There is no such work on valuation tables.', {
      fields: { given: name, known: USAGE },
    });
  const books = await openBooks(readConfig(), 1);
  try {
    return await command(books.database, given);
  } finally {
    await books.close();
  }
}
