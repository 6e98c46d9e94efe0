import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, hash } from 'node:crypto';
import type { Context } from 'fabric-contract-api';
import { BATCH_EVENT, contracts, EstampLog } from './contract.ts';
import { CONTRACT_ERROR_CODES, ContractError, refusalIn, refusalText } from './contract-error.ts';
import { encodeEntry, type LeafEntry } from './leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  emptyRoot,
  frontierRoot,
  leafHash,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
import { BATCH_ENTRIES_MAX } from './registry.ts';

const contract = new EstampLog();
const ANCHOR = { organisation: 'PITB', roles: 'anchor' };
const AUDITOR = { organisation: 'AuditorGeneral', roles: null };
const KEY_OFFICER = { organisation: 'BoardOfRevenue', roles: 'table-officer key-officer' };
type Who = { readonly organisation: string; readonly roles: string | null };

/** A peer as the contract sees it: reads show what was committed, writes wait for the commit. */
class Peer {
  committed = new Map<string, Uint8Array>();
  pending = new Map<string, Uint8Array>();
  reads = 0;
  events: { name: string; payload: Record<string, unknown> }[] = [];
  leaves: Uint8Array[] = [];

  context(who: Who): Context {
    const stub = {
      getState: (key: string): Promise<Uint8Array> => {
        this.reads += 1;
        return Promise.resolve(this.committed.get(key) ?? new Uint8Array());
      },
      getStateByRange: (from: string, to: string) => this.#range(from, to),
      putState: (key: string, value: Uint8Array): Promise<void> => {
        if (value.length === 0) throw new Error('a peer cannot keep an empty value');
        this.pending.set(key, Uint8Array.from(value));
        return Promise.resolve();
      },
      setEvent: (name: string, payload: Uint8Array): void => {
        this.events.push({
          name,
          payload: JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>,
        });
      },
    };
    const clientIdentity = {
      getMSPID: () => who.organisation,
      getAttributeValue: (name: string) => (name === 'sanad.role' ? who.roles : null),
    };
    return { stub, clientIdentity } as unknown as Context;
  }

  async *#range(from: string, to: string): AsyncIterable<{ key: string; value: Uint8Array }> {
    this.reads += 1;
    await Promise.resolve();
    for (const key of [...this.committed.keys()].sort())
      if (key >= from && key < to) yield { key, value: this.committed.get(key)! };
  }

  /** Runs a call as a transaction: commits its writes unless it failed. */
  async call(who: Who, work: (ctx: Context) => Promise<unknown>): Promise<string> {
    this.pending = new Map();
    const answer = await work(this.context(who));
    for (const [key, value] of this.pending) this.committed.set(key, value);
    return typeof answer === 'string' ? answer : '';
  }

  arguments(entries: readonly Uint8Array[], issueBatches = ''): [string, string, string, string] {
    const all = [...this.leaves, ...entries.map(leafHash)];
    const root = frontierRoot(appendLeaves(EMPTY_FRONTIER, all));
    return [
      this.leaves.length.toString(),
      Buffer.concat(entries).toString('base64'),
      Buffer.from(root).toString('base64'),
      issueBatches,
    ];
  }

  async append(entries: readonly Uint8Array[], issueBatches = ''): Promise<string> {
    const args = this.arguments(entries, issueBatches);
    const answer = await this.call(ANCHOR, (ctx) => contract.appendBatch(ctx, ...args));
    this.leaves.push(...entries.map(leafHash));
    return answer;
  }

  root(size: number): Uint8Array {
    return frontierRoot(appendLeaves(EMPTY_FRONTIER, this.leaves.slice(0, size)));
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
const payments = (count: number, from = 0): Buffer[] =>
  Array.from({ length: count }, (_, at) => entry({ amountPaisa: BigInt(from + at + 1) }));
const PAIR = [entry({}), entry({ type: 'issue' })];
const pathOf = (text: string): Buffer[] =>
  (JSON.parse(text) as string[]).map((each) => Buffer.from(each, 'base64'));

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await work.then(
    () => new Error('it was accepted'),
    (thrown: unknown) => thrown,
  );
  return error instanceof Error ? refusalIn(error.message)?.code : undefined;
}

describe('the contract', () => {
  it('is what fabric-shim loads', () => {
    expect(contracts).toEqual([EstampLog]);
    expect(contract.getName()).toBe('EstampLog');
  });

  it('appends, answers with the head, tells of each batch, and gives it back', async () => {
    const peer = new Peer();
    expect(await peer.call(AUDITOR, (ctx) => contract.readHead(ctx))).toBe(
      JSON.stringify({ size: '0', root: emptyRoot().toString('base64') }),
    );
    const head = JSON.stringify({
      size: '2',
      root: Buffer.from(frontierRoot(appendLeaves(EMPTY_FRONTIER, PAIR.map(leafHash)))).toString(
        'base64',
      ),
    });
    expect(await peer.append(PAIR)).toBe(head);
    expect(await peer.call(AUDITOR, (ctx) => contract.readHead(ctx))).toBe(head);
    expect(peer.events).toEqual([{ name: BATCH_EVENT, payload: { start: '0', count: 2, head } }]);
    expect(await peer.call(AUDITOR, (ctx) => contract.readBatch(ctx, '0'))).toBe(
      Buffer.concat(PAIR).toString('base64'),
    );
    expect(await peer.call(AUDITOR, (ctx) => contract.readBatch(ctx, '1'))).toBe('');
  });

  it('ends the life of a stamp once', async () => {
    const peer = new Peer();
    await peer.append(PAIR);
    await peer.append([entry({ type: 'lock', ref: 1n })], '0');
    expect(await refusal(peer.append([entry({ type: 'cancel', ref: 1n })], '0'))).toBe(
      'stamp-ended',
    );
    expect(peer.pending.size).toBe(0);
    expect(peer.events).toHaveLength(2);
  });

  it.each([
    ['organisation-unknown', { organisation: 'Stranger', roles: 'anchor' }],
    ['role-missing', { organisation: 'BoardOfRevenue', roles: 'anchor' }],
    ['role-missing', { organisation: 'PITB', roles: null }],
    ['role-missing', { organisation: 'PITB', roles: 'anchors' }],
  ])('refuses with %s a batch of %j', async (code, who) => {
    const peer = new Peer();
    const args = peer.arguments(PAIR);
    expect(await refusal(peer.call(who, (ctx) => contract.appendBatch(ctx, ...args)))).toBe(code);
    expect(peer.committed.size).toBe(0);
  });

  it.each([
    ['argument-malformed', 0, '-1'],
    ['argument-malformed', 0, '01'],
    ['argument-malformed', 0, ''],
    ['batch-gap', 0, '3'],
    ['argument-malformed', 1, 'not base64!'],
    ['batch-malformed', 1, 'AAAA'],
    ['batch-too-large', 1, 'A'.repeat(2_000_000)],
    ['root-mismatch', 2, emptyRoot().toString('base64')],
    ['argument-malformed', 3, '1,,2'],
    ['argument-malformed', 3, '1'.repeat(30)],
    ['argument-malformed', 3, '1,'.repeat(30_000)],
    ['issue-batches-wrong', 3, '0'],
  ])('refuses with %s a batch whose argument %d is %.20j', async (code, at, value) => {
    const peer = new Peer();
    const args = peer.arguments(PAIR);
    args[at] = value;
    expect(await refusal(peer.call(ANCHOR, (ctx) => contract.appendBatch(ctx, ...args)))).toBe(
      code,
    );
  });

  it('takes the largest batch and no larger one', async () => {
    const peer = new Peer();
    const largest = payments(BATCH_ENTRIES_MAX);
    expect(await refusal(peer.append([...largest, entry({})]))).toBe('batch-too-large');
    await peer.append(largest);
    expect(peer.leaves).toHaveLength(BATCH_ENTRIES_MAX);
  });

  it('says in the same form that it has no such function', async () => {
    expect(await refusal(contract.unknownTransaction())).toBe('function-unknown');
  });
});

describe('the lives of neighbouring stamps', () => {
  const GROUP = 'lives:00000000000000000000';
  const lock = (ref: number): Buffer => entry({ type: 'lock', ref: BigInt(ref) });
  /** Batches of pairs: the stamps are the odd leaves. */
  async function stamps(...pairs: number[]): Promise<Peer> {
    const peer = new Peer();
    for (const count of pairs) await peer.append(Array.from({ length: count }, () => PAIR).flat());
    return peer;
  }

  it('stand in one key for 2,048 leaves, each ended once', async () => {
    const peer = await stamps(1_500);
    const ended = [2_047, 2_049, 1, 2_999, 3];
    peer.reads = 0;
    await peer.append(ended.map(lock), ended.map(() => '0').join());
    expect(peer.reads).toBeLessThan(15);
    const value = Buffer.from(peer.committed.get(GROUP)!);
    expect(value.toString('hex')).toBe('000100030003000307ff0003');
    expect([...peer.committed.keys()].filter((key) => /^li[fv]e/.test(key))).toEqual([
      GROUP,
      'lives:00000000000000002048',
    ]);
    for (const ref of ended)
      expect(await refusal(peer.append([lock(ref)], '0'))).toBe('stamp-ended');
    await peer.append([lock(5)], '0');
    expect(await refusal(peer.append([lock(1)], '0'))).toBe('stamp-ended');
  });

  it('cost as many reads as they lie in groups, not as many as they are', async () => {
    const peer = await stamps(1_000);
    const some = Array.from({ length: 900 }, (_, at) => 2 * at + 1);
    peer.reads = 0;
    await peer.append(some.map(lock), some.map(() => '0').join());
    expect(peer.reads).toBeLessThan(15);
  });

  it('are carried over from keys of their own, of one stamp each', async () => {
    const peer = await stamps(1_500);
    peer.committed.set('life:00000000000000000001', Uint8Array.of(0, 3));
    peer.committed.set('life:00000000000000000003', Uint8Array.of(1, 0));
    peer.committed.set('life:00000000000000002049', Uint8Array.of(0, 4));
    expect(await refusal(peer.append([lock(1)], '0'))).toBe('stamp-ended');
    await peer.append([lock(5)], '0');
    expect(await refusal(peer.append([lock(1)], '0'))).toBe('stamp-ended');
    expect(await refusal(peer.append([lock(3)], '0'))).toBe('stamp-spoiled');
    expect(await refusal(peer.append([lock(2_049)], '0'))).toBe('stamp-ended');
    await peer.append([entry({ type: 'refund', ref: 3n })], '0');
    expect(Buffer.from(peer.committed.get(GROUP)!).toString('hex')).toBe(
      '000100030003010500050003',
    );
  });

  it.each(['0001', '000100030001000300', '0003000300010003', '08010003'])(
    'are refused when the group is %s',
    async (hex) => {
      const peer = await stamps(2);
      peer.committed.set(GROUP, Buffer.from(hex, 'hex'));
      expect(await refusal(peer.append([lock(1)], '0'))).toBe('state-corrupt');
    },
  );
});

describe('its proofs', () => {
  /** Batches of all sorts of sizes, so that groups of 256 begin and end within, at and across batches. */
  async function grownLog(): Promise<Peer> {
    const peer = new Peer();
    let from = 0;
    for (const count of [1, 254, 1, 1, 3, 252, 256, 700, 130, 511, 1, 1_234, 2_000]) {
      await peer.append(payments(count, from));
      from += count;
    }
    return peer;
  }

  it('prove every leaf in the newest tree and in older ones', async () => {
    const peer = await grownLog();
    const newest = peer.leaves.length;
    const sizes = [1, 2, 255, 256, 257, 512, 513, 767, 768, 1_500, newest - 1, newest];
    for (const size of sizes) {
      const root = peer.root(size);
      const step = Math.max(1, Math.floor(size / 12));
      for (let index = 0; index < size; index += step) {
        const text = await peer.call(AUDITOR, (ctx) =>
          contract.proveInclusion(ctx, index.toString(), size.toString()),
        );
        const leaf = peer.leaves[index]!;
        const claim = { index: BigInt(index), size: BigInt(size), leaf, path: pathOf(text), root };
        expect(verifyInclusion(claim)).toBe(true);
      }
    }
  });

  it('prove that every size begins every later one', async () => {
    const peer = await grownLog();
    const sizes = [0, 1, 3, 255, 256, 257, 300, 512, 1_024, 2_109, peer.leaves.length];
    for (const oldSize of sizes) {
      for (const newSize of sizes.filter((each) => each >= oldSize)) {
        const text = await peer.call(AUDITOR, (ctx) =>
          contract.proveConsistency(ctx, oldSize.toString(), newSize.toString()),
        );
        const claim = {
          oldSize: BigInt(oldSize),
          oldRoot: peer.root(oldSize),
          newSize: BigInt(newSize),
          newRoot: peer.root(newSize),
          path: pathOf(text),
        };
        expect(verifyConsistency(claim)).toBe(true);
      }
    }
  });

  it('cross the border of a tile of level 1, and read few keys', async () => {
    const peer = new Peer();
    const count = 17_000;
    for (let from = 0; from < 4 * count; from += count) await peer.append(payments(count, from));
    const size = 4 * count;
    const root = peer.root(size);
    for (const index of [0, 65_535, 65_536, size - 1]) {
      peer.reads = 0;
      const text = await peer.call(AUDITOR, (ctx) =>
        contract.proveInclusion(ctx, index.toString(), size.toString()),
      );
      expect(peer.reads).toBeLessThan(10);
      const leaf = peer.leaves[index]!;
      expect(
        verifyInclusion({
          index: BigInt(index),
          size: BigInt(size),
          leaf,
          path: pathOf(text),
          root,
        }),
      ).toBe(true);
    }
  });

  it('are refused beyond the log', async () => {
    const peer = new Peer();
    await peer.append(payments(5));
    const inclusion = (index: string, size: string) =>
      refusal(peer.call(AUDITOR, (ctx) => contract.proveInclusion(ctx, index, size)));
    const consistency = (oldSize: string, newSize: string) =>
      refusal(peer.call(AUDITOR, (ctx) => contract.proveConsistency(ctx, oldSize, newSize)));
    expect(await inclusion('5', '5')).toBe('tree-range');
    expect(await inclusion('0', '6')).toBe('tree-range');
    expect(await inclusion('x', '5')).toBe('argument-malformed');
    expect(await consistency('4', '6')).toBe('tree-range');
    expect(await consistency('4', '3')).toBe('tree-range');
  });

  it.each(['edge', 'tile:1:00000000000000000000', 'from:00000000000000000000'])(
    'are refused when %s is not what the contract wrote',
    async (key) => {
      const peer = new Peer();
      await peer.append(payments(700));
      peer.committed.set(key, peer.committed.get(key)!.subarray(0, -1));
      expect(await refusal(peer.append(payments(300, 700)))).toBe('state-corrupt');
    },
  );
});

describe('its records', () => {
  const SHA = hash('sha256', 'a table');
  const publicKey = (): string =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'der' })
      .toString('base64');
  const table = (peer: Peer, version: string, sha = SHA, who: Who = KEY_OFFICER) =>
    peer.call(who, (ctx) =>
      contract.registerTable(ctx, 'dc-table', 'lahore/urban', version, sha, '1795466109123'),
    );
  const key = (peer: Peer, version: string, kid: string, spki = publicKey()) =>
    peer.call(KEY_OFFICER, (ctx) =>
      contract.registerSealKey(ctx, 'punjab', version, kid, spki, '1000', '2000'),
    );
  const history = async (peer: Peer, kind: string, name: string, from = '1') =>
    JSON.parse(
      await peer.call(AUDITOR, (ctx) => contract.readHistory(ctx, kind, name, from)),
    ) as Record<string, string>[];

  it('keep every version of a table, and never change one', async () => {
    const peer = new Peer();
    const digest = await table(peer, '1');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await refusal(table(peer, '1'))).toBe('version-exists');
    expect(await refusal(table(peer, '3'))).toBe('version-gap');
    expect(await refusal(table(peer, '0'))).toBe('version-gap');
    await table(peer, '2', hash('sha256', 'another table'));
    const [first, second] = await history(peer, 'dc-table', 'lahore/urban');
    expect(first).toMatchObject({ version: '1', sha256: SHA, from: '1795466109123' });
    expect(second).toMatchObject({ version: '2' });
    expect(hash('sha256', JSON.stringify(first))).toBe(digest);
    expect(await history(peer, 'dc-table', 'lahore/urban', '2')).toEqual([second]);
    expect(await history(peer, 'schedule', 'lahore/urban')).toEqual([]);
  });

  it('rotate seal keys, use an id once, and revoke once', async () => {
    const peer = new Peer();
    await key(peer, '1', 'aabbccdd');
    expect(await refusal(key(peer, '2', 'aabbccdd'))).toBe('key-known');
    await key(peer, '2', 'eeff0011');
    const revoke = (kid: string) =>
      peer.call(KEY_OFFICER, (ctx) => contract.revokeSealKey(ctx, kid, '1500', 'stolen laptop'));
    expect(await refusal(revoke('00000000'))).toBe('key-unknown');
    await revoke('aabbccdd');
    expect(await refusal(revoke('aabbccdd'))).toBe('key-revoked');
    expect((await history(peer, 'seal-key', 'punjab')).map((each) => each['kid'])).toEqual([
      'aabbccdd',
      'aabbccdd',
      'eeff0011',
    ]);
  });

  it('refuse who has no such office, and what is malformed', async () => {
    const peer = new Peer();
    expect(await refusal(table(peer, '1', SHA, ANCHOR))).toBe('role-missing');
    expect(await refusal(table(peer, '1', SHA, AUDITOR))).toBe('role-missing');
    expect(await refusal(table(peer, '1', 'ABC'))).toBe('argument-malformed');
    expect(await refusal(key(peer, '1', 'xyz'))).toBe('argument-malformed');
    expect(await refusal(key(peer, '1', 'aabbccdd', 'short'))).toBe('argument-malformed');
    expect(
      await refusal(
        peer.call(KEY_OFFICER, (ctx) =>
          contract.registerTable(ctx, 'seal-key', 'x', '1', SHA, '1'),
        ),
      ),
    ).toBe('argument-malformed');
    expect(peer.committed.size).toBe(0);
  });
});

describe('a refusal as text', () => {
  it('is read back with its code and entry, whatever a peer puts around it', () => {
    for (const code of CONTRACT_ERROR_CODES) {
      for (const at of [undefined, 0, 19_999]) {
        const text = `chaincode response 500, ${refusalText(new ContractError(code, at))}`;
        expect(refusalIn(text)).toMatchObject({ code, entry: at });
      }
    }
  });

  it('is not seen where there is none', () => {
    for (const text of ['', 'refused', 'refused toString: no', 'the peer refused batch-gap']) {
      expect(refusalIn(text)).toBeUndefined();
    }
  });
});
