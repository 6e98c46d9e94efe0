/**
 * Confirmations to payers by SMS and e-mail. They follow the journal: what was posted or reversed is written as a
 * message to whoever left a number or an address, and sent when the gateway takes it. A message that nobody takes for
 * two days is dropped: by then it says nothing new.
 */
import type { Clock, Timers } from '../../kernel/clock.ts';
import type { Database, Queryable } from '../../kernel/database.ts';
import type { IdMaker, Random } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import { everyRound } from '../../kernel/rounds.ts';
import { followJournal, type PostedEntry } from '../../reconciliation/index.ts';
import { backOffMs } from '../outbound/index.ts';
import type { MessageGateway } from './gateway.ts';
import { confirmationOf, type Means } from './message.ts';
import {
  claimMessages,
  findContacts,
  insertMessages,
  settleMessage,
  type DueMessage,
  type NewMessage,
} from './message-store.ts';

export interface ConfirmationDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly random: Random;
  readonly log: Log;
  readonly shards: readonly number[];
  /** The gateways that are configured; without any nothing is written. */
  readonly gateways: Readonly<Partial<Record<Means, MessageGateway>>>;
}

const AT_ONCE = 20;
/** Longer than a gateway's time-out; after a crash a message is due again then. */
const CLAIM_MS = 60_000;
const BACK_OFF = { firstMs: 15_000, longestMs: 30 * 60_000 };
/** How long a confirmation is worth sending. [A] */
const WORTH_MS = 48 * 3_600_000;
const MEANS: readonly Means[] = ['sms', 'email'];

async function writeMessages(
  tx: Queryable,
  shard: number,
  entries: readonly PostedEntry[],
  { clock, ids, gateways }: ConfirmationDeps,
): Promise<void> {
  const now = clock.now();
  const fresh = entries.filter((entry) => now.getTime() - entry.at.getTime() < WORTH_MS);
  const contacts = await findContacts(tx, shard, [...new Set(fresh.map((entry) => entry.psid))]);
  const rows = fresh.flatMap((entry): NewMessage[] => {
    const contact = contacts.get(entry.psid);
    return MEANS.flatMap((means) => {
      const recipient = means === 'sms' ? contact?.mobile : contact?.email;
      if (recipient === undefined || gateways[means] === undefined) return [];
      const { psid, journalId } = entry;
      const message = confirmationOf(entry, means);
      return [{ messageId: ids.next(), psid, journalId, means, recipient, ...message }];
    });
  });
  if (rows.length > 0) await insertMessages(tx, shard, now, rows);
}

async function send(
  deps: ConfirmationDeps,
  gateway: MessageGateway,
  message: DueMessage,
): Promise<boolean> {
  const { database, clock, random, log } = deps;
  const { messageId, recipient, subject, body, attempts } = message;
  const result = await gateway.send({ id: messageId.toString(), recipient, subject, body });
  const at = clock.now();
  if (result.kind === 'sent') {
    await settleMessage(database, message, { sent: true, at });
    return true;
  }
  const next = new Date(at.getTime() + backOffMs(attempts, BACK_OFF, random));
  const tooLate = next.getTime() - message.createdAt.getTime() > WORTH_MS;
  const isLast = result.kind === 'refused' || tooLate;
  const error = result.reason;
  await settleMessage(database, message, { sent: false, error, at, ...(isLast ? {} : { next }) });
  log.warn(
    { messageId: messageId.toString(), attempts, error, dead: isLast },
    'A confirmation was not sent.',
  );
  // A message that is refused says nothing of the gateway.
  return result.kind === 'refused';
}

/** Sends what is due by one means, until nothing is or the gateway fails. */
async function sendDue(deps: ConfirmationDeps, shard: number, means: Means): Promise<number> {
  const gateway = deps.gateways[means];
  let count = 0;
  while (gateway !== undefined) {
    const now = deps.clock.now();
    const until = new Date(now.getTime() + CLAIM_MS);
    const due = await claimMessages(deps.database, { shard, means }, { now, until }, AT_ONCE);
    const went = await Promise.all(due.map((message) => send(deps, gateway, message)));
    count += due.length;
    if (due.length === 0 || !went.every(Boolean)) break;
  }
  return count;
}

export interface Confirmations {
  /** Writes the messages of what was posted; true when there is probably more. */
  fill(shard: number): Promise<boolean>;
  /** Sends what is due by one means; answers how many were tried. */
  send(means: Means): Promise<number>;
}

/** Makes the confirmations over their gateways. */
export function makeConfirmations(deps: ConfirmationDeps): Confirmations {
  return {
    fill: (shard) =>
      followJournal({
        database: deps.database,
        clock: deps.clock,
        shard,
        follower: 'confirmations',
        wanted: () => Promise.resolve(MEANS.some((means) => deps.gateways[means] !== undefined)),
        consume: (tx, entries) => writeMessages(tx, shard, entries, deps),
      }),
    async send(means) {
      let count = 0;
      for (const shard of deps.shards) count += await sendDue(deps, shard, means);
      return count;
    },
  };
}

/** Runs them while the product runs; each means at its own pace. The returned function ends them. */
export function startConfirmations(
  deps: ConfirmationDeps & { readonly timers: Timers; readonly everyMs?: number },
): () => Promise<void> {
  const confirmations = makeConfirmations(deps);
  const start = (round: () => Promise<unknown>): (() => Promise<void>) =>
    everyRound(deps.timers, deps.everyMs ?? 1_000, round, (error) =>
      deps.log.warn({ err: error }, 'A round of the confirmations failed.'),
    );
  const fillAll = async (): Promise<void> => {
    for (const shard of deps.shards) await confirmations.fill(shard);
  };
  const ends = [start(fillAll), ...MEANS.map((means) => start(() => confirmations.send(means)))];
  return async () => {
    await Promise.all(ends.map((end) => end()));
  };
}
