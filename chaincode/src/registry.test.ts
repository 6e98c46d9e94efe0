import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CONTRACT_ERROR_CODES, ContractError, type ContractErrorCode } from './contract-error.ts';
import { encodeEntry, ENTRY_BYTES, splitEntries, type LeafEntry } from './leaf.ts';
import { appendLeaves, EMPTY_FRONTIER, emptyRoot, frontierRoot, leafHash } from './merkle.ts';
import {
  appendBatch,
  BATCH_ENTRIES_MAX,
  ISSUE_BATCHES_MAX,
  lifeKey,
  readBatch,
  readHead,
  type LogBatch,
  type WorldState,
} from './registry.ts';

/** A world state as Fabric gives it: what a call writes is seen only by the next call. */
class MemoryState implements WorldState {
  readonly committed = new Map<string, Uint8Array>();
  pending = new Map<string, Uint8Array>();

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.committed.get(key));
  }

  put(key: string, value: Uint8Array): Promise<void> {
    this.pending.set(key, value);
    return Promise.resolve();
  }

  commit(): void {
    for (const [key, value] of this.pending) this.committed.set(key, value);
    this.pending = new Map();
  }
}

/** A log with its leaves, for roots computed apart from the contract's state. */
class Log {
  readonly state = new MemoryState();
  readonly leaves: Uint8Array[] = [];

  /** A batch that would be good, of these entries at the end of the log. */
  batch(entries: readonly Uint8Array[], issueBatches: readonly bigint[] = []): LogBatch {
    const all = [...this.leaves, ...entries.map(leafHash)];
    return {
      start: BigInt(this.leaves.length),
      entries: Buffer.concat(entries),
      expectedRoot: frontierRoot(appendLeaves(EMPTY_FRONTIER, all)),
      issueBatches,
    };
  }

  async append(
    entries: readonly Uint8Array[],
    issueBatches: readonly bigint[] = [],
  ): Promise<void> {
    await appendBatch(this.state, this.batch(entries, issueBatches));
    this.state.commit();
    this.leaves.push(...entries.map(leafHash));
  }
}

const entry = (fields: Partial<LeafEntry>): Buffer =>
  encodeEntry({
    type: 'payment',
    atMs: 1_795_466_109_123n,
    amountPaisa: 100n,
    ref: 0n,
    commitment: Buffer.alloc(32, 7),
    ...fields,
  });
const PAYMENT = entry({});
const ISSUE = entry({ type: 'issue' });
const PAIR = [PAYMENT, ISSUE];
const altered = (bytes: Uint8Array, at: number, byte: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = byte;
  return copy;
};

/**
 * A log whose batch 0 holds the issues 1, 3, 5 and 7 of 100 paisa, and batch 8 a lock of 1, a spoil of 3 and the
 * refund of 5.
 */
async function usedLog(): Promise<Log> {
  const log = new Log();
  await log.append([...PAIR, ...PAIR, ...PAIR, ...PAIR]);
  await log.append(
    [
      entry({ type: 'lock', ref: 1n }),
      entry({ type: 'spoil', ref: 3n }),
      entry({ type: 'refund', ref: 5n }),
    ],
    [0n, 0n, 0n],
  );
  return log;
}

type Case = readonly [ContractErrorCode, string, (log: Log) => LogBatch | Promise<LogBatch>];
const event = (type: LeafEntry['type'], ref: bigint, amountPaisa = 100n): Buffer =>
  entry({ type, ref, amountPaisa });
const REFUSED: readonly Case[] = [
  [
    'batch-malformed',
    'half an entry',
    (log) => ({ ...log.batch(PAIR), entries: ISSUE.subarray(1) }),
  ],
  [
    'batch-malformed',
    'a root of 31 bytes',
    (log) => ({ ...log.batch(PAIR), expectedRoot: Buffer.alloc(31) }),
  ],
  ['batch-empty', 'no entries', (log) => log.batch([])],
  [
    'batch-too-large',
    'one entry more than a batch may have',
    (log) => log.batch(Array.from({ length: BATCH_ENTRIES_MAX + 1 }, () => PAYMENT)),
  ],
  [
    'state-corrupt',
    'a head that was cut short',
    (log) => {
      log.state.committed.set('head', Buffer.alloc(7));
      return log.batch(PAIR);
    },
  ],
  [
    'state-corrupt',
    'a head that lacks a hash',
    (log) => {
      log.state.committed.set('head', log.state.committed.get('head')!.subarray(0, -32));
      return log.batch(PAIR);
    },
  ],
  ['batch-gap', 'a start after the end', (log) => ({ ...log.batch(PAIR), start: 12n })],
  ['batch-overlap', 'a start before the end', (log) => ({ ...log.batch(PAIR), start: 8n })],
  ['version-unknown', 'version 2', (log) => log.batch([altered(PAYMENT, 0, 2)])],
  ['type-unknown', 'type 0', (log) => log.batch([altered(PAYMENT, 1, 0)])],
  ['type-unknown', 'type 10', (log) => log.batch([altered(PAYMENT, 1, 10)])],
  [
    'reserved-bit-set',
    'a time with its top bit set',
    (log) => log.batch([altered(PAYMENT, 2, 0x80)]),
  ],
  [
    'reserved-bit-set',
    'an amount with its top bit set',
    (log) => log.batch([altered(PAYMENT, 10, 0x80)]),
  ],
  [
    'reserved-bit-set',
    'a reference with its top bit set',
    (log) => log.batch([altered(PAYMENT, 18, 0x80)]),
  ],
  ['amount-invalid', 'a payment of nothing', (log) => log.batch([entry({ amountPaisa: 0n })])],
  ['amount-invalid', 'a key with an amount', (log) => log.batch([entry({ type: 'key' })])],
  ['ref-invalid', 'a payment that refers to a leaf', (log) => log.batch([entry({ ref: 1n })])],
  ['issue-without-payment', 'an issue alone', (log) => log.batch([ISSUE])],
  [
    'issue-without-payment',
    'two issues of one payment',
    (log) => log.batch([PAYMENT, ISSUE, ISSUE]),
  ],
  [
    'issue-without-payment',
    'an issue of another amount than its payment',
    (log) => log.batch([PAYMENT, entry({ type: 'issue', amountPaisa: 101n })]),
  ],
  [
    'issue-ref-ahead',
    'an issue born in the future',
    (log) => log.batch([PAYMENT, entry({ type: 'issue', ref: 12n })]),
  ],
  ['issue-batches-wrong', 'an event without its batch', (log) => log.batch([event('lock', 7n)])],
  ['issue-batches-wrong', 'a batch without an event', (log) => log.batch(PAIR, [0n])],
  [
    'issue-batches-wrong',
    'a batch that does not exist',
    (log) => log.batch([event('lock', 7n)], [4n]),
  ],
  [
    'issue-batches-wrong',
    'a batch that does not hold the index',
    (log) => log.batch([event('lock', 7n)], [8n]),
  ],
  ['issue-batches-wrong', 'a batch of the future', (log) => log.batch([event('lock', 7n)], [99n])],
  [
    'issue-batches-too-many',
    'events of one batch too many',
    async (log) => {
      const events: Buffer[] = [];
      const starts: bigint[] = [];
      for (let count = 0; count <= ISSUE_BATCHES_MAX; count += 1) {
        starts.push(BigInt(log.leaves.length));
        events.push(event('lock', BigInt(log.leaves.length + 1)));
        await log.append(PAIR);
      }
      return log.batch(events, starts);
    },
  ],
  ['not-an-issue', 'an event that names a payment', (log) => log.batch([event('lock', 6n)], [0n])],
  [
    'not-an-issue',
    'an event before its issue',
    (log) => log.batch([event('lock', 13n), ...PAIR], [11n]),
  ],
  [
    'amount-differs',
    'a refund of more than the stamp',
    (log) => log.batch([event('refund', 7n, 101n)], [0n]),
  ],
  ['stamp-ended', 'a second lock', (log) => log.batch([event('lock', 1n)], [0n])],
  ['stamp-ended', 'a cancel after the lock', (log) => log.batch([event('cancel', 1n)], [0n])],
  ['stamp-ended', 'a refund after the lock', (log) => log.batch([event('refund', 1n)], [0n])],
  ['stamp-ended', 'a spoil after the refund', (log) => log.batch([event('spoil', 5n)], [0n])],
  [
    'stamp-ended',
    'two locks in one batch',
    (log) => log.batch([event('lock', 7n), event('lock', 7n)], [0n, 0n]),
  ],
  ['stamp-spoiled', 'a second spoil', (log) => log.batch([event('spoil', 3n)], [0n])],
  ['stamp-spoiled', 'a lock of a spoiled stamp', (log) => log.batch([event('lock', 3n)], [0n])],
  ['stamp-spoiled', 'a cancel of a spoiled stamp', (log) => log.batch([event('cancel', 3n)], [0n])],
  ['root-mismatch', 'another root', (log) => ({ ...log.batch(PAIR), expectedRoot: emptyRoot() })],
];

describe('the rules of the log', () => {
  it.each(REFUSED)('refuse with %s: %s, and change nothing', async (code, _what, make) => {
    const log = await usedLog();
    const batch = await make(log);
    const before = new Map(log.state.committed);
    const refusal: unknown = await appendBatch(log.state, batch).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ContractError);
    expect(refusal).toMatchObject({ code });
    expect(log.state.pending.size).toBe(0);
    expect(log.state.committed).toEqual(before);
  });

  it('have a case for every refusal code', () => {
    expect(new Set(REFUSED.map(([code]) => code))).toEqual(new Set(CONTRACT_ERROR_CODES));
  });

  it('start with the empty log', async () => {
    const state = new MemoryState();
    expect(await readHead(state)).toEqual({ size: 0n, root: emptyRoot() });
    expect(await readBatch(state, 0n)).toBeUndefined();
  });

  it('keep the head, the batches and the lives', async () => {
    const log = await usedLog();
    const head = await readHead(log.state);
    expect(head.size).toBe(11n);
    expect(Buffer.from(head.root)).toEqual(
      Buffer.from(frontierRoot(appendLeaves(EMPTY_FRONTIER, log.leaves))),
    );
    expect(Buffer.from((await readBatch(log.state, 0n))!)).toEqual(
      Buffer.concat([...PAIR, ...PAIR, ...PAIR, ...PAIR]),
    );
    expect(await readBatch(log.state, 2n)).toBeUndefined();
    expect(log.state.committed.get(lifeKey(1n))).toEqual(Uint8Array.of(0, 3));
    expect(log.state.committed.get(lifeKey(3n))).toEqual(Uint8Array.of(1, 0));
  });

  it('let a spoiled stamp be refunded once, also in the batch that issued it', async () => {
    const log = await usedLog();
    await log.append([event('refund', 3n)], [0n]);
    expect(log.state.committed.get(lifeKey(3n))).toEqual(Uint8Array.of(1, 5));
    await expect(log.append([event('refund', 3n)], [0n])).rejects.toMatchObject({
      code: 'stamp-ended',
    });
    await log.append([...PAIR, event('spoil', 13n), event('refund', 13n)], [12n, 12n]);
    expect(log.state.committed.get(lifeKey(13n))).toEqual(Uint8Array.of(1, 5));
  });

  it('take a payment without a stamp, and keys, configurations and day totals', async () => {
    const log = new Log();
    const commitment = Buffer.alloc(32, 1);
    await log.append([
      PAYMENT,
      encodeEntry({ type: 'key', atMs: 1n, amountPaisa: 0n, ref: 0n, commitment }),
      encodeEntry({ type: 'config', atMs: 1n, amountPaisa: 0n, ref: 0n, commitment }),
      encodeEntry({ type: 'dayclose', atMs: 1n, amountPaisa: 100n, ref: 0n, commitment }),
    ]);
    expect((await readHead(log.state)).size).toBe(4n);
  });

  it('take a batch of exactly the largest size', async () => {
    const log = new Log();
    await log.append(Array.from({ length: BATCH_ENTRIES_MAX }, () => PAYMENT));
    expect((await readHead(log.state)).size).toBe(BigInt(BATCH_ENTRIES_MAX));
  });

  it('tell which entry is to blame', async () => {
    const log = await usedLog();
    const batch = log.batch([...PAIR, event('lock', 1n)], [0n]);
    await expect(appendBatch(log.state, batch)).rejects.toMatchObject({
      code: 'stamp-ended',
      entry: 2,
    });
  });

  it('lead to the same state however the leaves are cut into batches, and never end a life twice', async () => {
    const lives = fc.array(
      fc.record({ stamp: fc.nat(3), type: fc.constantFrom('lock', 'cancel', 'refund', 'spoil') }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(lives, async (events) => {
        const log = new Log();
        await log.append([...PAIR, ...PAIR, ...PAIR, ...PAIR]);
        const accepted: { stamp: number; type: string }[] = [];
        for (const { stamp, type } of events) {
          const appended = await log
            .append([event(type, BigInt(2 * stamp + 1))], [0n])
            .then(() => true)
            .catch((error: unknown) => {
              if (error instanceof ContractError) return false;
              throw error;
            });
          if (appended) accepted.push({ stamp, type });
        }
        for (const stamp of [0, 1, 2, 3]) {
          const types = accepted.filter((each) => each.stamp === stamp).map((each) => each.type);
          expect(types.filter((type) => type !== 'spoil').length).toBeLessThanOrEqual(1);
          expect([
            [],
            ['lock'],
            ['cancel'],
            ['refund'],
            ['spoil'],
            ['spoil', 'refund'],
          ]).toContainEqual(types);
        }
        const whole = new Log();
        await whole.append(
          [
            ...PAIR,
            ...PAIR,
            ...PAIR,
            ...PAIR,
            ...accepted.map((each) => event(each.type as 'lock', BigInt(2 * each.stamp + 1))),
          ],
          accepted.map(() => 0n),
        );
        expect(whole.state.committed.get('head')).toEqual(log.state.committed.get('head'));
        for (const [key, value] of log.state.committed) {
          if (key.startsWith('life:')) expect(whole.state.committed.get(key)).toEqual(value);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('store the entries as they were sent', async () => {
    const log = new Log();
    await log.append(PAIR);
    const stored = await readBatch(log.state, 0n);
    expect(stored).toHaveLength(2 * ENTRY_BYTES);
    expect(splitEntries(stored!).map((each) => Buffer.from(each))).toEqual(PAIR);
  });
});
