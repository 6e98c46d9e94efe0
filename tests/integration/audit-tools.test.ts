/** The auditor's tools: a stretch of the log, and the bundle that proves one stamp to somebody with nothing else. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findStamp } from '../../ledger/index.ts';
import { auditRange } from '../../reconciliation/anchoring/audit-range.ts';
import { makeStampBundle, type StampBundle } from '../../reconciliation/anchoring/stamp-bundle.ts';
import { ORIGIN, tamper } from '../../reconciliation/anchoring/test-support.ts';
import { verifyStampBundle } from '../../reconciliation/anchoring/verify-stamp-bundle.ts';
import { AnchoredRig } from '../support/anchored-rig.ts';

const FORGER = generateKeyPairSync('ed25519');
let books: AnchoredRig;

beforeAll(async () => {
  books = await AnchoredRig.open();
});
afterAll(() => books.close());
beforeEach(() => books.begin(), 60_000);

const flip = (column: string, at: number): string =>
  `set_byte(${column}, ${String(at)}, get_byte(${column}, ${String(at)}) # 1)`;
const victim = (): string => books.stamps[4]!;
const paymentOf = (stampId: string): string =>
  `payment_id = (select payment_id from stamp where stamp_id = '${stampId}')`;

describe('a stretch of the log', () => {
  it('is consistent, complete and in order of time, from any size to any other', async () => {
    for (const [from, to] of [
      [0n, 16n],
      [0n, 0n],
      [3n, 11n],
      [7n, 7n],
      [15n, 16n],
    ] as const) {
      const report = await auditRange(books.database, { from, to }, books.log);
      expect(report.findings).toEqual([]);
      expect(report).toMatchObject({ ok: true, leaves: String(to - from) });
    }
    const all = await auditRange(books.database, { from: 0n, to: 16n }, books.log);
    expect(all.kinds).toMatchObject({
      issue: { count: '7', paisa: '700000' },
      payment: { count: '7' },
      cancel: { count: '1' },
      lock: { count: '1' },
    });
    await expect(
      auditRange(books.database, { from: 0n, to: 17n }, books.log),
    ).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  it('tells what is wrong in it, and not what is wrong elsewhere', async () => {
    const codes = async (from: bigint, to: bigint): Promise<string[]> => {
      const report = await auditRange(books.database, { from, to }, books.log);
      return [...new Set(report.findings.map(({ code }) => code))];
    };
    await tamper(books.database, `delete from payment where ${paymentOf(victim())}`);
    expect(await codes(0n, 16n)).toEqual(['leaf-payment-differs']);
    expect(await codes(0n, 6n)).toEqual([]);
    await tamper(
      books.database,
      `update log_leaf set entry = ${flip('entry', 9)} where leaf_index = 1`,
    );
    expect(await codes(0n, 6n)).toEqual([
      'leaf-hash-wrong',
      'checkpoint-differs',
      'root-differs',
      'leaf-stamp-differs',
    ]);
    await tamper(
      books.database,
      `update anchor_batch set anchored_at = anchored_at - interval '1 year' where batch_start = (select max(batch_start) from anchor_batch)`,
    );
    expect(await codes(10n, 16n)).toContain('batch-time-backwards');
    await tamper(books.database, 'delete from log_leaf where leaf_index = 12');
    expect(await codes(10n, 16n)).toContain('leaf-missing');
  });
});

describe('the bundle of a stamp', () => {
  let trust: { origin: string; publicKey: KeyObject };
  beforeAll(() => {
    trust = { origin: ORIGIN, publicKey: books.keys.publicKey };
  });

  async function bundleOf(stampId: string, withFacts = true): Promise<StampBundle> {
    const stamp = (await findStamp(books.database, stampId))!;
    const made = await makeStampBundle(books.database, stamp, {
      ...books.log,
      withFacts,
      quorum: 0,
    });
    // What an auditor gets is a file.
    return JSON.parse(JSON.stringify(made)) as StampBundle;
  }

  it('proves a stamp, its payment, its life and its time with nothing but the key of the log', async () => {
    for (const [at, events] of [
      [0, []],
      [1, ['cancel']],
      [2, ['lock']],
      [6, []],
    ] as const) {
      const bundle = await bundleOf(books.stamps[at]!);
      expect(verifyStampBundle(bundle, trust)).toMatchObject({
        ok: true,
        reasons: [],
        proved: { stampId: books.stamps[at], amountPaisa: '100000', events, treeSize: '16' },
      });
    }
    const bare = await bundleOf(books.stamps[3]!, false);
    expect(JSON.stringify(bare)).not.toMatch(/Ayesha|35202/);
    expect(verifyStampBundle(bare, trust)).toMatchObject({ ok: true, proved: { factsOpened: 0 } });
  });

  it('is refused after any change of any member', async () => {
    const good = await bundleOf(books.stamps[2]!);
    const places: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      if (typeof value === 'string') places.push(path);
      else if (typeof value === 'object' && value !== null)
        for (const [key, each] of Object.entries(value)) walk(each, [...path, key]);
    };
    walk(good, []);
    expect(places.length).toBeGreaterThan(60);
    for (const path of places) {
      // The bundle's own key is not believed: the auditor brings the key.
      if (path[0] === 'log') continue;
      const copy = structuredClone(good);
      let parent: Record<string | number, unknown> = copy;
      for (const key of path.slice(0, -1)) parent = parent[key] as never;
      const last = path.at(-1)!;
      const before = parent[last] as string;
      const middle = Math.floor(before.length / 2);
      const changed = before[middle] === '1' ? '2' : '1';
      parent[last] =
        before.slice(0, middle) + changed + before.slice(middle + 1) + (before === '' ? 'x' : '');
      const report = verifyStampBundle(copy, trust);
      expect([path.join('.'), report.ok]).toEqual([path.join('.'), false]);
    }
    expect(verifyStampBundle(good, { ...trust, publicKey: FORGER.publicKey }).ok).toBe(false);
    expect(verifyStampBundle(good, { ...trust, origin: 'other.example/log' }).ok).toBe(false);
    expect(verifyStampBundle(undefined, trust).reasons).toMatchObject([
      { code: 'bundle-malformed' },
    ]);
  });

  it('is refused when events are left out of order, or the head it was born after is left out', async () => {
    const locked = await bundleOf(books.stamps[2]!);
    const [event] = locked.events;
    const twice = { ...locked, events: [event!, event!] };
    expect(verifyStampBundle(twice, trust).reasons).toMatchObject([{ code: 'event-after-end' }]);
    const { bornAfter, ...rest } = locked;
    expect(bornAfter).toBeDefined();
    expect(verifyStampBundle(rest, trust).reasons).toMatchObject([{ code: 'born-after-wrong' }]);
  });
});
