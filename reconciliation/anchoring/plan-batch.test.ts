import { describe, expect, it } from '@jest/globals';
import { decodeEntry } from '../../chaincode/src/leaf.ts';
import { planBatch, type OutboxItem } from './plan-batch.ts';

const AT = new Date('2026-11-23T20:35:09.123Z');
let nextId = 0n;
function item(kind: OutboxItem['kind'], stampId: string, amountPaisa = 100n): OutboxItem {
  nextId += 1n;
  return {
    shard: 0,
    id: nextId,
    kind,
    stampId,
    at: AT,
    amountPaisa,
    paymentCommitment: kind === 'issue' ? Buffer.alloc(32, 1) : null,
    commitment: Buffer.alloc(32, 2),
    logSize: 4n,
  };
}

describe('the plan of a batch', () => {
  it('writes a payment and an issue for each stamp, and an event with the index of its issue', () => {
    const items = [
      item('issue', 'A'),
      item('issue', 'B', 250n),
      item('cancel', 'B', 250n),
      item('lock', 'Z'),
    ];
    const issues = new Map([['Z', { leafIndex: 3n, batchStart: 2n }]]);
    const plan = planBatch({ items, issues, start: 10n, entriesMax: 100 });
    const entries = plan.leaves.map((leaf) => decodeEntry(leaf.entry));
    expect(entries.map(({ type, amountPaisa, ref }) => [type, amountPaisa, ref])).toEqual([
      ['payment', 100n, 0n],
      ['issue', 100n, 4n],
      ['payment', 250n, 0n],
      ['issue', 250n, 4n],
      ['cancel', 250n, 13n],
      ['lock', 100n, 3n],
    ]);
    expect(entries.every((entry) => entry.atMs === BigInt(AT.getTime()))).toBe(true);
    expect(Buffer.from(entries[0]!.commitment)).toEqual(Buffer.alloc(32, 1));
    expect(Buffer.from(entries[1]!.commitment)).toEqual(Buffer.alloc(32, 2));
    expect(plan.issueBatches).toEqual([10n, 2n]);
    expect(plan.taken).toEqual(items);
    expect(plan.waiting).toEqual([]);
  });

  it('never parts a payment from its issue, and leaves what does not fit', () => {
    const items = [item('issue', 'A'), item('issue', 'B'), item('cancel', 'A')];
    expect(planBatch({ items, issues: new Map(), start: 0n, entriesMax: 3 }).taken).toEqual(
      items.slice(0, 1),
    );
    expect(planBatch({ items, issues: new Map(), start: 0n, entriesMax: 4 }).taken).toEqual(
      items.slice(0, 2),
    );
    expect(planBatch({ items, issues: new Map(), start: 0n, entriesMax: 5 }).taken).toEqual(items);
  });

  it('lets an event wait while its stamp is not in the log, without holding up the others', () => {
    const items = [item('cancel', 'A'), item('issue', 'B')];
    const plan = planBatch({ items, issues: new Map(), start: 0n, entriesMax: 10 });
    expect(plan.waiting).toEqual(items.slice(0, 1));
    expect(plan.taken).toEqual(items.slice(1));
  });

  it('names at most as many older batches as the contract reads', () => {
    const items = Array.from({ length: 300 }, (_, at) => item('lock', String(at)));
    const issues = new Map(
      items.map((each, at) => [
        each.stampId,
        { leafIndex: BigInt(2 * at + 1), batchStart: BigInt(2 * at) },
      ]),
    );
    const plan = planBatch({ items, issues, start: 600n, entriesMax: 1000 });
    expect(plan.taken).toHaveLength(256);
  });

  it('does not plan an issue that has no payment', () => {
    const broken = { ...item('issue', 'A'), paymentCommitment: null };
    expect(() =>
      planBatch({ items: [broken], issues: new Map(), start: 0n, entriesMax: 10 }),
    ).toThrow('no payment commitment');
  });
});
