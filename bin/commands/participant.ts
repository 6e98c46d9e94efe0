/**
 * `sanad participant`: who may send payments. Works beside a running switch, which follows within seconds. Secrets come
 * from files, not from the command line, which others on the machine can read.
 */
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig, type Config } from '../../kernel/config.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { IdMaker, secureRandom } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import { openAccount, prefundingAccount, settlementAccount } from '../../ledger/index.ts';
import {
  hasTrialPayments,
  listParticipants,
  makeSecretBox,
  registerParticipant,
  registerTill,
  reviseParticipant,
  type ListedParticipant,
  type SecretBox,
} from '../../switch/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { rotateKey } from '../key-rotation.ts';
import { loadKeys } from '../keys.ts';
import { print, printJson, progress } from '../output.ts';
import {
  checkChannelSettings,
  prepareParticipant,
  readParticipantFile,
} from '../participant-draft.ts';
import { SHARD } from '../shard.ts';

const USAGE =
  'Usage: npx sanad participant add FILE [--sandbox] | list | off CODE | on CODE | password CODE | rotate CODE --key-file FILE [--overlap-days N] | limits CODE [--per-transaction PAISA] [--per-day PAISA] [--net-debit-cap PAISA] | addresses CODE ADDRESS… | till CODE BRANCH TILL [--json]';

const OVERLAP_DAYS = 7;

interface Desk {
  readonly database: Database;
  readonly box: SecretBox;
  readonly config: Config;
  readonly json: boolean;
}

type Given = Readonly<
  Record<'key-file' | 'per-transaction' | 'per-day' | 'net-debit-cap', string | undefined>
> & { readonly sandbox: boolean; readonly 'overlap-days': number | undefined };

const revisionDeps = ({ database, box }: Desk): Parameters<typeof reviseParticipant>[2] => ({
  database,
  random: secureRandom,
  checkSettings: checkChannelSettings(box),
});

function tell(desk: Desk, done: Readonly<Record<string, unknown>>, line: string): void {
  if (desk.json) printJson(done);
  else print(line);
}

function need(word: string | undefined): string {
  if (word === undefined) throw new Fault('bad-input', USAGE);
  return word;
}

/** Play money and real money never meet in the same books (switch/sandbox/README.md). */
async function keepApart({ database }: Desk, sandbox: boolean): Promise<void> {
  const there = await listParticipants(database);
  const real = there.filter((each) => !each.sandbox);
  if (sandbox && real.length > 0)
    throw new Fault('conflict', 'These books have real participants; a sandbox needs its own.');
  if (!sandbox && (await hasTrialPayments(database)))
    throw new Fault(
      'conflict',
      'These books hold trial payments; real participants begin on an empty database (or give --sandbox).',
    );
  if (!sandbox && there.length > real.length)
    progress('The trial participants are shut out from now on: a real one is registered.');
}

async function add(desk: Desk, words: readonly string[], { sandbox }: Given): Promise<void> {
  const { database, box, config } = desk;
  const file = await readParticipantFile(need(words[0]));
  await keepApart(desk, sandbox);
  const { draft, tills, madePassword } = prepareParticipant(file, {
    box,
    random: secureRandom,
    sandbox,
  });
  // Another node number than that of the switch that may run on the same books: their ids never meet.
  const ids = new IdMaker(systemClock, 31 - config.node);
  await registerParticipant(draft, {
    database,
    clock: systemClock,
    random: secureRandom,
    checkSettings: checkChannelSettings(box),
    openAccounts: async (tx, code) => {
      await openAccount(tx, settlementAccount(SHARD, code), ids);
      if (draft.netDebitCap !== undefined)
        await openAccount(tx, prefundingAccount(SHARD, code), ids);
    },
  });
  for (const till of tills)
    await registerTill(database, { participant: draft.code, ...till }, systemClock);
  const shown = madePassword === undefined ? '' : ` Its password, shown once: ${madePassword}`;
  const { code } = draft;
  tell(
    desk,
    { added: code, ...(madePassword === undefined ? {} : { password: madePassword }) },
    `${code} is registered.${shown}`,
  );
}

/** What is shown of a participant: no hash and no sealed secret. */
function shown(each: ListedParticipant): Record<string, unknown> {
  return { ...each, settings: undefined, answerCodes: Object.fromEntries(each.answerCodes) };
}

async function list(desk: Desk): Promise<void> {
  const all = await listParticipants(desk.database);
  if (desk.json) {
    printJson(all.map(shown));
    return;
  }
  for (const each of all) {
    const marks = [each.active ? 'on' : 'OFF', ...(each.sandbox ? ['sandbox'] : [])].join(', ');
    print(
      `${each.code.padEnd(13)}${each.channel.padEnd(11)}${marks.padEnd(14)}${each.name}  ${each.allowedAddresses.join(' ')}`,
    );
  }
}

async function find(desk: Desk, code: string): Promise<ListedParticipant> {
  const found = (await listParticipants(desk.database)).find((each) => each.code === code);
  if (found === undefined)
    throw new Fault('not-found', 'There is no participant with this code.', { fields: { code } });
  return found;
}

async function switchTo(desk: Desk, words: readonly string[], active: boolean): Promise<void> {
  const code = need(words[0]);
  await reviseParticipant(code, { active }, revisionDeps(desk));
  tell(desk, { code, active }, `${code} is switched ${active ? 'on' : 'off'}.`);
}

async function renewPassword(desk: Desk, words: readonly string[]): Promise<void> {
  const code = need(words[0]);
  if ((await find(desk, code)).username === undefined)
    throw new Fault('bad-input', 'The participant has no user name.', { fields: { code } });
  const password = secureRandom.bytes(24).toString('base64url');
  await reviseParticipant(code, { password }, revisionDeps(desk));
  tell(desk, { code, password }, `The new password of ${code}, shown once: ${password}`);
}

async function rotate(desk: Desk, words: readonly string[], given: Given): Promise<void> {
  const code = need(words[0]);
  const key = (await readFile(need(given['key-file']), 'utf8')).trim();
  const overlapDays = given['overlap-days'] ?? OVERLAP_DAYS;
  const rotation = { key, now: systemClock.now(), overlapDays };
  const settings = rotateKey(await find(desk, code), rotation, desk.box);
  await reviseParticipant(code, { settings }, revisionDeps(desk));
  tell(
    desk,
    { code, overlapDays },
    `The new key of ${code} is valid; the old ones end in ${String(overlapDays)} days.`,
  );
}

function amountOf(text: string): Paisa {
  if (!/^(0|[1-9]\d{0,16})$/.test(text))
    throw new Fault('bad-input', 'A limit is a whole number of paisa.', {
      fields: { given: text },
    });
  return paisa(BigInt(text));
}

async function limit(desk: Desk, words: readonly string[], given: Given): Promise<void> {
  const code = need(words[0]);
  const { 'per-transaction': each, 'per-day': day, 'net-debit-cap': cap } = given;
  const revision = {
    ...(each === undefined ? {} : { limitPerTransaction: amountOf(each) }),
    ...(day === undefined ? {} : { limitPerDay: amountOf(day) }),
    ...(cap === undefined ? {} : { netDebitCap: amountOf(cap) }),
  };
  await reviseParticipant(code, revision, revisionDeps(desk));
  tell(desk, { code, ...revision }, `The limits of ${code} are changed.`);
}

async function allow(desk: Desk, words: readonly string[]): Promise<void> {
  const [code, ...allowedAddresses] = words;
  await reviseParticipant(need(code), { allowedAddresses }, revisionDeps(desk));
  tell(
    desk,
    { code, allowedAddresses },
    `${need(code)} may come from ${allowedAddresses.join(' ')}.`,
  );
}

async function addTill(desk: Desk, words: readonly string[]): Promise<void> {
  const [code, branch, till] = words;
  const { channel } = await find(desk, need(code));
  if (channel !== 'otc')
    throw new Fault('bad-input', 'Only a participant of the OTC channel has tills.');
  const made = { participant: need(code), branch: need(branch), till: need(till) };
  await registerTill(desk.database, made, systemClock);
  tell(desk, made, `Till ${made.till} of branch ${made.branch} is registered.`);
}

type Work = (desk: Desk, words: readonly string[], given: Given) => Promise<void>;

const WORKS: Readonly<Record<string, Work>> = {
  add,
  list,
  off: (desk, words) => switchTo(desk, words, false),
  on: (desk, words) => switchTo(desk, words, true),
  password: renewPassword,
  rotate,
  limits: limit,
  addresses: allow,
  till: addTill,
};

/** True when it was done. */
export async function participantCommand(argv: readonly string[]): Promise<boolean> {
  const { words, json, ...given } = commandArguments(argv, {
    json: 'boolean',
    sandbox: 'boolean',
    'key-file': 'string',
    'overlap-days': 'number',
    'per-transaction': 'string',
    'per-day': 'string',
    'net-debit-cap': 'string',
  });
  const [name = '', ...rest] = words;
  const work = Object.hasOwn(WORKS, name) ? WORKS[name] : undefined;
  if (work === undefined) throw new Fault('bad-input', USAGE);
  const config = readConfig();
  const books = await openBooks(config, 2);
  try {
    const { sealingKey } = await loadKeys(config.dataFolder, config.logOrigin, systemClock);
    const box = makeSecretBox([{ id: 'participants', key: sealingKey }], secureRandom);
    await work({ database: books.database, box, config, json }, rest, given);
  } finally {
    await books.close();
  }
  return true;
}
