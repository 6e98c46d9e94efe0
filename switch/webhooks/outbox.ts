/** Follows the journal and writes what departments must be told: the event once, and a delivery for each endpoint. */
import type { Clock } from '../../kernel/clock.ts';
import type { Database, Queryable } from '../../kernel/database.ts';
import type { IdMaker } from '../../kernel/ids.ts';
import { followJournal, type PostedEntry } from '../../reconciliation/index.ts';
import { eventBody, eventIdText, eventKind } from './event.ts';
import {
  findSubjects,
  hasActiveEndpoints,
  insertEvents,
  knownEntries,
  lastVersions,
  listListeners,
  type Listener,
  type NewDelivery,
  type NewEvent,
} from './event-store.ts';

export interface OutboxDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
}

function listenersOf(entry: PostedEntry, listeners: readonly Listener[]): readonly Listener[] {
  return listeners.filter(
    ({ prefix, since }) => entry.psid.startsWith(prefix) && since.getTime() <= entry.at.getTime(),
  );
}

async function writeEvents(
  tx: Queryable,
  shard: number,
  entries: readonly PostedEntry[],
  { clock, ids }: OutboxDeps,
): Promise<void> {
  const listeners = await listListeners(tx);
  const wanted = entries.filter((entry) => listenersOf(entry, listeners).length > 0);
  if (wanted.length === 0) return;
  const known = await knownEntries(
    tx,
    shard,
    wanted.map((entry) => entry.journalId),
  );
  const fresh = wanted.filter((entry) => !known.has(entry.journalId));
  if (fresh.length === 0) return;
  const psids = [...new Set(fresh.map((entry) => entry.psid))];
  const subjects = await findSubjects(tx, shard, psids);
  const versions = new Map(await lastVersions(tx, shard, psids));
  const events: NewEvent[] = [];
  const deliveries: NewDelivery[] = [];
  const at = clock.now();
  for (const entry of fresh) {
    const subject = subjects.get(entry.psid);
    const [first, ...more] = listenersOf(entry, listeners);
    // An invariant of the books: no payment without its challan.
    if (subject === undefined || first === undefined) continue;
    const { departmentCode } = first;
    const eventId = ids.next();
    const version = (versions.get(entry.psid) ?? 0) + 1;
    versions.set(entry.psid, version);
    const id = eventIdText(shard, eventId);
    events.push({
      eventId,
      departmentCode,
      kind: eventKind(entry),
      psid: entry.psid,
      version,
      journalId: entry.journalId,
      body: eventBody(entry, { ...subject, departmentCode }, { id, version, at }),
    });
    for (const { endpointId } of [first, ...more]) deliveries.push({ eventId, endpointId });
  }
  await insertEvents(tx, shard, at, { events, deliveries });
}

/** Does one step for a shard; true when there is probably more to do at once. */
export function fillWebhookOutbox(deps: OutboxDeps, shard: number): Promise<boolean> {
  return followJournal({
    database: deps.database,
    clock: deps.clock,
    shard,
    follower: 'webhooks',
    wanted: hasActiveEndpoints,
    consume: (tx, entries) => writeEvents(tx, shard, entries, deps),
  });
}
