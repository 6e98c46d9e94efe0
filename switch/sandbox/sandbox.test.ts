import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ManualClock, type Timers } from '../../kernel/clock.ts';
import { isPsid, newPsid, secureRandom } from '../../kernel/ids.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import { RESULT_CODES } from '../../kernel/result-code.ts';
import type { PaymentEngine, PaymentRequest, ReversalRequest } from '../payment/index.ts';
import {
  FORCED_ANSWERS,
  SANDBOX_AMOUNT,
  sandboxEngine,
  sandboxPsid,
  type ForcedName,
} from './index.ts';

const NAMES = Object.keys(FORCED_ANSWERS) as ForcedName[];
const clock = new ManualClock(new Date('2026-11-24T05:00:00Z'));

interface Rig {
  readonly engine: PaymentEngine;
  /** What reached the engine behind. */
  readonly behind: string[];
  /** Waits that were begun, in milliseconds. */
  readonly waits: number[];
  release(): void;
}

/** The sandbox before an engine that only notes; `play` says who is of the sandbox. */
function rig(play = (code: string): boolean => code === 'PLAY'): Rig {
  const behind: string[] = [];
  const waits: number[] = [];
  const waiting: (() => void)[] = [];
  const timers: Timers = {
    sleep(ms) {
      waits.push(ms);
      return new Promise((resolve) => waiting.push(resolve));
    },
    every: () => () => undefined,
    turn: () => Promise.resolve(),
    elapsedMs: () => 0,
  };
  const engine = sandboxEngine({
    engine: {
      inquire({ psid }) {
        behind.push(`inquire ${psid}`);
        return Promise.resolve({ ok: false, result: 'unknown-consumer' });
      },
      pay({ psid }) {
        behind.push(`pay ${psid}`);
        return Promise.resolve({ result: 'unknown-consumer', repeated: false, stampIds: [] });
      },
      reverse({ psid }) {
        behind.push(`reverse ${psid}`);
        return Promise.resolve({ result: 'original-not-found', repeated: false });
      },
    },
    isSandbox: (code) => Promise.resolve(play(code)),
    clock,
    timers,
  });
  const release = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  return { engine, behind, waits, release };
}

const payment = (psid: string, change: Partial<PaymentRequest> = {}): PaymentRequest => ({
  channel: 'onebill',
  participant: 'PLAY',
  requestKey: 'one',
  psid,
  amount: SANDBOX_AMOUNT,
  reference: 'one',
  ...change,
});
const reversal = (psid: string): ReversalRequest => ({
  channel: 'jazzcash',
  participant: 'PLAY',
  requestKey: 'two',
  originalKey: 'one',
  psid,
  amount: SANDBOX_AMOUNT,
});

describe('the fixed PSIDs', () => {
  it('are PSIDs, each another, of a biller that makes none', () => {
    const psids = NAMES.map(sandboxPsid);
    expect(psids.every(isPsid)).toBe(true);
    expect(new Set(psids).size).toBe(NAMES.length);
    expect(psids.every((psid) => psid.startsWith('99900'))).toBe(true);
    expect(sandboxPsid('approved')).toBe('99900000000000013');
  });

  it('force every result that an engine gives', () => {
    const ofChannel = ['unauthorised', 'invalid-transaction', 'format-error'];
    const engineResults = RESULT_CODES.filter((code) => !ofChannel.includes(code));
    expect([...NAMES].sort()).toEqual([...engineResults, 'late'].sort());
  });

  it.each(NAMES.filter((name) => name !== 'late'))(
    '%s is answered as its row says',
    async (name) => {
      const { engine, behind } = rig();
      const psid = sandboxPsid(name);
      const { bill, payment: paid, reversal: back } = FORCED_ANSWERS[name];
      const inquired = await engine.inquire(payment(psid));
      expect(inquired.ok ? inquired.bill.status : inquired.result).toBe(bill);
      const expected = paid === 'in-suspense' ? 'approved' : paid;
      expect((await engine.pay(payment(psid))).result).toBe(expected);
      expect((await engine.reverse(reversal(psid))).result).toBe(back);
      expect(behind).toEqual([]);
    },
  );

  it('give an approved payment one authorisation, the same for a repeat', async () => {
    const { engine } = rig();
    const psid = sandboxPsid('approved');
    const first = await engine.pay(payment(psid));
    expect(first).toMatchObject({ result: 'approved', repeated: false });
    expect(first.authorisation).toMatch(/^\d{6}$/);
    const again = await engine.pay(payment(psid));
    expect(again).toMatchObject({ repeated: true, authorisation: first.authorisation });
  });

  it.each(['busy', 'system-malfunction'] as const)('%s is over at the repeat', async (name) => {
    const { engine } = rig();
    const psid = sandboxPsid(name);
    expect((await engine.pay(payment(psid))).result).toBe(name);
    expect((await engine.pay(payment(psid))).result).toBe('approved');
    expect((await engine.pay(payment(psid, { requestKey: 'other' }))).result).toBe(name);
    expect((await engine.reverse(reversal(psid))).result).toBe(name);
    expect((await engine.reverse(reversal(psid))).result).toBe('approved');
  });

  it('never refuse an advice, whose money is taken', async () => {
    const { engine } = rig();
    for (const name of NAMES.filter((each) => each !== 'late')) {
      const { result } = await engine.pay(payment(sandboxPsid(name), { advice: true }));
      expect(['approved', 'in-suspense', 'busy', 'system-malfunction']).toContain(result);
    }
    const told = await engine.pay(payment(sandboxPsid('expired'), { advice: true }));
    expect(told.result).toBe('in-suspense');
  });

  it('answer late after half a minute, and shed when too many wait', async () => {
    const held = rig();
    const { engine, waits } = held;
    const psid = sandboxPsid('late');
    const late = Array.from({ length: 201 }, (_none, each) =>
      engine.pay(payment(psid, { requestKey: String(each) })),
    );
    expect((await late[200]!).result).toBe('busy');
    expect(waits).toEqual(Array.from({ length: 200 }, () => 30_000));
    held.release();
    const results = (await Promise.all(late.slice(0, 200))).map(({ result }) => result);
    expect(new Set(results)).toEqual(new Set(['approved']));
  });
});

describe('the sandbox', () => {
  it('passes every other PSID on, also of its own biller', async () => {
    const { engine, behind } = rig();
    const psids = [newPsid('101', 0, secureRandom), newPsid('999', 7, secureRandom)];
    for (const psid of psids) {
      await engine.inquire(payment(psid));
      await engine.pay(payment(psid));
      await engine.reverse(reversal(psid));
    }
    expect(behind).toEqual(
      psids.flatMap((psid) => [`inquire ${psid}`, `pay ${psid}`, `reverse ${psid}`]),
    );
  });

  it('forces nothing for a participant that is not of it', async () => {
    const { engine, behind } = rig();
    for (const name of NAMES) {
      const psid = sandboxPsid(name);
      const real = payment(psid, { participant: 'REALBANK' });
      expect((await engine.pay(real)).result).toBe('unknown-consumer');
      expect(await engine.inquire(real)).toEqual({ ok: false, result: 'unknown-consumer' });
    }
    expect(behind).toHaveLength(NAMES.length * 2);
  });
});

describe('docs/integrators/sandbox.md', () => {
  it('lists every PSID with what it forces', () => {
    const page = readFileSync(path.join(packageRoot, 'docs/integrators/sandbox.md'), 'utf8');
    const rows = new Map(
      [...page.matchAll(/^\| `(\d{17})`\s*\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)].map(
        ([, psid = '', ...cells]) => [psid, cells.map((cell) => cell.trim())],
      ),
    );
    expect([...rows.keys()].sort()).toEqual(NAMES.map(sandboxPsid).sort());
    for (const name of NAMES) {
      const { bill, payment: paid, reversal: back } = FORCED_ANSWERS[name];
      const [shownBill, shownPayment, shownReversal] = rows.get(sandboxPsid(name))!;
      expect([name, shownBill]).toEqual([name, bill]);
      expect(shownPayment!.startsWith(paid)).toBe(true);
      expect(shownReversal!.startsWith(back)).toBe(true);
    }
  });
});
