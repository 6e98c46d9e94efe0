/**
 * The rules of the log, over nothing but a key-value store, so that Fabric peers and the embedded chain run the
 * very same lines (ARCHITECTURE, decisions 3 and 4; docs/spec/log.md).
 *
 * The contract keeps three kinds of keys: `head` (size and frontier), `batch:<start>` (packed entries) and
 * `life:<index>` (whether the stamp issued at that leaf was spoiled and how its life ended). It reads no clock
 * and no randomness, never reads a key that it wrote in the same call (Fabric would not show it), and writes
 * only after every check has passed: a refused batch changes nothing.
 */
import { ContractError } from './contract-error.ts';
import {
  decodeEntry,
  ENTRY_BYTES,
  leafTypeByte,
  splitEntries,
  type LeafEntry,
  type LeafType,
} from './leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierLength,
  frontierRoot,
  HASH_BYTES,
  leafHash,
  type Frontier,
  type NodeObserver,
} from './merkle.ts';

/** The store that the rules run over. Within one call, reads see the state before the call. */
export interface WorldState {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array): Promise<void>;
}

/** Most entries of one batch: 1.16 MB, well below what an orderer takes in one transaction. */
export const BATCH_ENTRIES_MAX = 20_000;
/** Most older batches that the life events of one batch may name: each is read in full. */
export const ISSUE_BATCHES_MAX = 256;

export interface LogBatch {
  /** The leaf index of the first entry; must be the size of the log. */
  readonly start: bigint;
  /** 1 to `BATCH_ENTRIES_MAX` packed entries. */
  readonly entries: Uint8Array;
  /** The root of the log after this batch, as the sender computed it. */
  readonly expectedRoot: Uint8Array;
  /**
   * For each life event (LOCK, CANCEL, REFUND, SPOIL) in order: the start of the batch that holds its ISSUE;
   * the batch's own start when that is in the same batch. Only a hint where to look: what is found is checked.
   */
  readonly issueBatches: readonly bigint[];
}

export interface LogHead {
  readonly size: bigint;
  readonly root: Uint8Array;
}

const HEAD_KEY = 'head';
const LIFE_EVENTS: ReadonlySet<LeafType> = new Set(['lock', 'cancel', 'refund', 'spoil']);

/** True for the types that name a stamp by the index of its ISSUE. */
function isLifeEvent(type: LeafType): boolean {
  return LIFE_EVENTS.has(type);
}

/** An index as it stands in a key: 20 decimal digits, so that keys sort as numbers do. */
export function padded(index: bigint): string {
  return index.toString().padStart(20, '0');
}

/** The key under which the batch that starts at this index is kept. */
export function batchKey(start: bigint): string {
  return `batch:${padded(start)}`;
}

/** The key of the life of the stamp issued at this index: two bytes, spoiled (0 or 1) and the type that ended it (or 0). */
export function lifeKey(index: bigint): string {
  return `life:${padded(index)}`;
}

/** The index that the key of a life names; undefined for any other key. */
export function lifeIndex(key: string): bigint | undefined {
  const digits = /^life:(\d{20})$/.exec(key)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

function encodeFrontier(frontier: Frontier): Buffer {
  const size = Buffer.allocUnsafe(8);
  size.writeBigUInt64BE(frontier.size);
  return Buffer.concat([size, ...frontier.hashes]);
}

function decodeFrontier(value: Uint8Array | undefined): Frontier {
  if (value === undefined) return EMPTY_FRONTIER;
  if (value.length < 8) throw new ContractError('state-corrupt');
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const size = bytes.readBigUInt64BE(0);
  const count = frontierLength(size);
  if (bytes.length !== 8 + count * HASH_BYTES) throw new ContractError('state-corrupt');
  const hashes = Array.from({ length: count }, (_, position) =>
    bytes.subarray(8 + position * HASH_BYTES, 8 + (position + 1) * HASH_BYTES),
  );
  return { size, hashes };
}

/** The size and root of the log; size 0 and the hash of nothing before the first batch. */
export async function readHead(state: WorldState): Promise<LogHead> {
  const frontier = decodeFrontier(await state.get(HEAD_KEY));
  return { size: frontier.size, root: frontierRoot(frontier) };
}

/** The packed entries of the batch that starts at this index, or undefined when none starts there. */
export async function readBatch(state: WorldState, start: bigint): Promise<Uint8Array | undefined> {
  return state.get(batchKey(start));
}

/** Refusals that need nothing but the entry itself. */
function checkEntry(
  entry: LeafEntry,
  position: number,
  batch: readonly LeafEntry[],
  size: bigint,
): void {
  const { type, amountPaisa, ref } = entry;
  const isMoney = type === 'payment' || type === 'issue' || isLifeEvent(type);
  if (isMoney && amountPaisa === 0n) throw new ContractError('amount-invalid', position);
  if ((type === 'key' || type === 'config') && amountPaisa !== 0n) {
    throw new ContractError('amount-invalid', position);
  }
  if (type === 'issue') {
    const payment = batch[position - 1];
    if (payment?.type !== 'payment' || payment.amountPaisa !== amountPaisa) {
      throw new ContractError('issue-without-payment', position);
    }
    if (ref > size) throw new ContractError('issue-ref-ahead', position);
  } else if (!isLifeEvent(type) && ref !== 0n) {
    throw new ContractError('ref-invalid', position);
  }
}

interface LifeEvent {
  readonly position: number;
  readonly entry: LeafEntry;
  readonly issueBatch: bigint;
}

function lifeEventsOf(entries: readonly LeafEntry[], batch: LogBatch): LifeEvent[] {
  const positions = entries.flatMap((entry, position) =>
    isLifeEvent(entry.type) ? [{ entry, position }] : [],
  );
  if (positions.length !== batch.issueBatches.length)
    throw new ContractError('issue-batches-wrong');
  const events = positions.map(({ entry, position }, at) => {
    const issueBatch = batch.issueBatches[at];
    if (issueBatch === undefined || issueBatch < 0n || issueBatch > batch.start) {
      throw new ContractError('issue-batches-wrong', position);
    }
    return { entry, position, issueBatch };
  });
  const older = new Set(batch.issueBatches.filter((start) => start !== batch.start));
  if (older.size > ISSUE_BATCHES_MAX) throw new ContractError('issue-batches-too-many');
  return events;
}

/** Checks that an event names an earlier ISSUE of the same amount within `packed`, the batch it points to. */
function checkIssue(event: LifeEvent, packed: Uint8Array, ownStart: bigint): void {
  const { entry, position, issueBatch } = event;
  if (entry.ref >= ownStart + BigInt(position)) throw new ContractError('not-an-issue', position);
  const offset = entry.ref - issueBatch;
  if (offset < 0n || offset >= BigInt(packed.length / ENTRY_BYTES)) {
    throw new ContractError('issue-batches-wrong', position);
  }
  const from = Number(offset) * ENTRY_BYTES;
  const issue = decodeEntry(packed.subarray(from, from + ENTRY_BYTES), position);
  if (issue.type !== 'issue') throw new ContractError('not-an-issue', position);
  if (issue.amountPaisa !== entry.amountPaisa) throw new ContractError('amount-differs', position);
}

/** Checks every event against the ISSUE it names; each older batch is read once and let go again. */
async function checkIssues(
  state: WorldState,
  events: readonly LifeEvent[],
  batch: LogBatch,
): Promise<void> {
  const byBatch = new Map<bigint, LifeEvent[]>();
  for (const event of events) {
    const same = byBatch.get(event.issueBatch);
    if (same === undefined) byBatch.set(event.issueBatch, [event]);
    else same.push(event);
  }
  for (const [start, named] of byBatch) {
    const packed = start === batch.start ? batch.entries : await state.get(batchKey(start));
    if (packed === undefined) throw new ContractError('issue-batches-wrong', named[0]?.position);
    if (packed.length % ENTRY_BYTES !== 0) throw new ContractError('state-corrupt');
    for (const event of named) checkIssue(event, packed, batch.start);
  }
}

/** The life of each stamp after the events; an end is final, and a spoiled stamp can only be refunded. */
async function livesAfter(
  state: WorldState,
  events: readonly LifeEvent[],
): Promise<Map<string, Uint8Array>> {
  const keys = [...new Set(events.map((event) => lifeKey(event.entry.ref)))];
  const before = await Promise.all(keys.map((key) => state.get(key)));
  const lives = new Map(keys.map((key, at) => [key, before[at]]));
  const after = new Map<string, Uint8Array>();
  for (const { entry, position } of events) {
    const key = lifeKey(entry.ref);
    const life = after.get(key) ?? lives.get(key) ?? Uint8Array.of(0, 0);
    if (life.length !== 2) throw new ContractError('state-corrupt');
    const [spoiled, ended] = life;
    if (ended !== 0) throw new ContractError('stamp-ended', position);
    if (spoiled !== 0 && entry.type !== 'refund')
      throw new ContractError('stamp-spoiled', position);
    after.set(
      key,
      entry.type === 'spoil'
        ? Uint8Array.of(1, 0)
        : Uint8Array.of(spoiled ?? 0, leafTypeByte(entry.type)),
    );
  }
  return after;
}

function checkShape(batch: LogBatch): void {
  const { entries, expectedRoot } = batch;
  if (
    entries.length % ENTRY_BYTES !== 0 ||
    expectedRoot.length !== HASH_BYTES ||
    batch.start < 0n
  ) {
    throw new ContractError('batch-malformed');
  }
  if (entries.length === 0) throw new ContractError('batch-empty');
  if (entries.length > BATCH_ENTRIES_MAX * ENTRY_BYTES) throw new ContractError('batch-too-large');
}

/**
 * Appends a batch and returns the new head. Refuses with a `ContractError`, in the order of its table, and then
 * has written nothing. `observe` is told of the nodes of the tree while the root is computed, before anything is
 * written.
 */
export async function appendBatch(
  state: WorldState,
  batch: LogBatch,
  observe?: NodeObserver,
): Promise<LogHead> {
  checkShape(batch);
  const frontier = decodeFrontier(await state.get(HEAD_KEY));
  if (batch.start > frontier.size) throw new ContractError('batch-gap');
  if (batch.start < frontier.size) throw new ContractError('batch-overlap');

  const packed = splitEntries(batch.entries);
  const entries = packed.map((entry, position) => decodeEntry(entry, position));
  entries.forEach((entry, position) => checkEntry(entry, position, entries, frontier.size));
  const events = lifeEventsOf(entries, batch);
  await checkIssues(state, events, batch);
  const lives = await livesAfter(state, events);

  const grown = appendLeaves(frontier, packed.map(leafHash), observe);
  const root = frontierRoot(grown);
  if (Buffer.compare(root, batch.expectedRoot) !== 0) throw new ContractError('root-mismatch');

  await state.put(batchKey(batch.start), batch.entries);
  for (const [key, life] of lives) await state.put(key, life);
  await state.put(HEAD_KEY, encodeFrontier(grown));
  return { size: grown.size, root };
}
