/** `sanad department`: keys of departments, external billers, and webhooks that must be sent again. Works beside a running switch. */
import { systemClock } from '../../kernel/clock.ts';
import { readConfig, type Config } from '../../kernel/config.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { listDepartments } from '../../ledger/index.ts';
import {
  connectBiller,
  disconnectBiller,
  endpointsOf,
  eventIdText,
  makeDepartmentKeys,
  makeSecretBox,
  makeDeliveryDesk,
  parseEventId,
} from '../../switch/index.ts';
import { commandArguments } from '../arguments.ts';
import { openBooks } from '../books.ts';
import { loadKeys } from '../keys.ts';
import { print, printJson } from '../output.ts';
import { SHARD } from '../shard.ts';

const USAGE =
  'Usage: npx sanad department list | key CODE ADDRESS… | end-key KEY-ID | biller CODE URL [--timeout-ms N] [--at-once N] | biller-off CODE | webhooks CODE | deliveries CODE [--state pending|delivered|dead] [--before EVENT] | resend CODE EVENT | resend-dead CODE WEBHOOK [--json]';

const PAGE = 100;
const STATES = ['pending', 'delivered', 'dead'] as const;

interface Desk {
  readonly database: Database;
  readonly config: Config;
  readonly options: Readonly<Record<'state' | 'before', string | undefined>> &
    Readonly<Record<'timeout-ms' | 'at-once', number | undefined>>;
}

/** What a command did: one document for programs, lines for people; false: it did not hold. */
interface Done {
  readonly json: unknown;
  readonly lines: readonly string[];
  readonly ok?: boolean;
}

function need(word: string | undefined): string {
  if (word === undefined) throw new Fault('bad-input', USAGE);
  return word;
}

function deliveryDesk({ database }: Desk): ReturnType<typeof makeDeliveryDesk> {
  return makeDeliveryDesk({ database, clock: systemClock }, SHARD);
}

async function list({ database }: Desk): Promise<Done> {
  const departments = await listDepartments(database);
  return {
    json: { departments },
    lines: departments.map(({ code, prefix, kind, name }) => [code, prefix, kind, name].join('\t')),
  };
}

async function issueKey({ database }: Desk, words: readonly string[]): Promise<Done> {
  const [code, ...addresses] = words;
  const keys = makeDepartmentKeys(database, systemClock, secureRandom);
  const issued = await keys.issue(need(code), addresses);
  return {
    json: issued,
    lines: [`key ${issued.keyId}`, `token ${issued.token}`, 'The token is shown this once.'],
  };
}

async function endKey({ database }: Desk, words: readonly string[]): Promise<Done> {
  const keys = makeDepartmentKeys(database, systemClock, secureRandom);
  const ended = await keys.end(need(words[0]));
  return { json: { ended }, lines: [ended ? 'ended' : 'no such key, or it had ended'], ok: ended };
}

async function connect(
  { database, config, options }: Desk,
  words: readonly string[],
): Promise<Done> {
  const keys = await loadKeys(config.dataFolder, config.logOrigin, systemClock);
  const secrets = makeSecretBox([{ id: 'participants', key: keys.sealingKey }], secureRandom);
  const secret = await connectBiller(
    {
      department: need(words[0]),
      url: need(words[1]),
      timeoutMs: options['timeout-ms'] ?? 5_000,
      inFlightMax: options['at-once'] ?? 32,
    },
    { database, clock: systemClock, random: secureRandom, policy: config.outbound, secrets },
  );
  return { json: { secret }, lines: [`secret ${secret}`, 'The secret is shown this once.'] };
}

async function disconnect({ database }: Desk, words: readonly string[]): Promise<Done> {
  const off = await disconnectBiller(database, need(words[0]), systemClock.now());
  return { json: { off }, lines: [off ? 'off' : 'it was not connected'], ok: off };
}

async function listWebhooks(desk: Desk, words: readonly string[]): Promise<Done> {
  const webhooks = await endpointsOf(desk.database, need(words[0]));
  return {
    json: { webhooks },
    lines: webhooks.map(
      ({ id, active, url }) => `${id.toString()}\t${active ? 'on' : 'off'}\t${url}`,
    ),
  };
}

async function listDeliveries(desk: Desk, words: readonly string[]): Promise<Done> {
  const { state: wanted, before } = desk.options;
  const state = STATES.find((each) => each === wanted);
  if (wanted !== undefined && state === undefined) throw new Fault('bad-input', USAGE);
  const { shard, deliveries } = await deliveryDesk(desk).deliveries(need(words[0]), {
    state,
    before: before === undefined ? undefined : parseEventId(before),
    limit: PAGE,
  });
  const shown = deliveries.map(({ eventId, ...each }) => ({
    event: eventIdText(shard, eventId),
    ...each,
  }));
  return {
    json: { deliveries: shown },
    lines: shown.map(({ event, state: at, attempts, psid, lastError = '' }) =>
      [event, at, String(attempts), psid, lastError].join('\t'),
    ),
  };
}

async function resend(desk: Desk, words: readonly string[]): Promise<Done> {
  const key = parseEventId(need(words[1]));
  if (key === undefined) throw new Fault('bad-input', USAGE);
  const resent = (await deliveryDesk(desk).resend(need(words[0]), key)) ?? 0;
  return { json: { resent }, lines: [`${String(resent)} sent again`], ok: resent > 0 };
}

async function resendDead(desk: Desk, words: readonly string[]): Promise<Done> {
  const id = need(words[1]);
  if (!/^\d{1,18}$/.test(id)) throw new Fault('bad-input', USAGE);
  const resent = await deliveryDesk(desk).resendDead(need(words[0]), BigInt(id));
  if (resent === undefined) throw new Fault('not-found', 'The department has no such webhook.');
  return { json: { resent }, lines: [`${String(resent)} sent again`] };
}

const COMMANDS: Readonly<Record<string, (desk: Desk, words: readonly string[]) => Promise<Done>>> =
  {
    list,
    key: issueKey,
    'end-key': endKey,
    biller: connect,
    'biller-off': disconnect,
    webhooks: listWebhooks,
    deliveries: listDeliveries,
    resend,
    'resend-dead': resendDead,
  };

/** Runs one of the commands; true when what was asked for holds. */
export async function departmentCommand(argv: readonly string[]): Promise<boolean> {
  const { words, json, ...options } = commandArguments(argv, {
    json: 'boolean',
    state: 'string',
    before: 'string',
    'timeout-ms': 'number',
    'at-once': 'number',
  });
  const [name, ...rest] = words;
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new Fault('bad-input', USAGE);
  const config = readConfig();
  const books = await openBooks(config, 2);
  try {
    const {
      json: document,
      lines,
      ok = true,
    } = await command({ database: books.database, config, options }, rest);
    if (json) printJson(document);
    else for (const line of lines) print(line);
    return ok;
  } finally {
    await books.close();
  }
}
