/** The register's moves and the officers' search over real books. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import type { Psid } from '../../kernel/ids.ts';
import { LaneRig } from '../../tests/support/lane-rig.ts';
import { checkInvariants, findStamp, moveStamps, searchStamps, stampEvents } from '../index.ts';
import type { StampMoveRequest } from './move-stamps.ts';
import { STAMP_MOVES } from './moves.ts';
import { parseSearchPlace, SEARCH_PAGE_MAX } from './search-stamps.ts';

let rig: LaneRig;

beforeAll(async () => {
  rig = await LaneRig.open();
}, 120_000);
afterAll(() => rig.close());

const registrar = {
  id: 'sr-7',
  role: 'sub-registrar',
  office: 'Sub-Registrar, Model Town',
} as const;
const collector = { id: 'dc-1', role: 'collector', office: 'Collector, Lahore' } as const;
const second = { ...collector, id: 'dc-2' };

let keys = 0;
const key = (): string => `key-${String((keys += 1))}`;

/** A stamp, paid for now. */
async function issued(): Promise<{ id: string; psid: Psid; requestKey: string }> {
  const psid = await rig.challan();
  const requestKey = key();
  const { stampIds } = await rig.engine.pay(rig.payment(psid, requestKey));
  return { id: stampIds[0]!, psid, requestKey };
}

const move = (change: Partial<StampMoveRequest> & Pick<StampMoveRequest, 'stampIds'>) =>
  moveStamps(
    {
      kind: 'lock',
      officer: registrar,
      requestKey: key(),
      reason: 'deed 4711',
      ...(change.kind === undefined || change.kind === 'lock'
        ? { usedFor: '4711/2026, Book 1' }
        : {}),
      ...change,
    },
    { database: rig.test.database, clock: rig.clock, ids: rig.ids },
  );
const asked = (id: string, officer: StampMoveRequest['officer'] = collector) =>
  move({ kind: 'refund-request', officer, reason: 'not required', stampIds: [id] });

describe('the table of moves', () => {
  it('is the one that the database holds', async () => {
    const states = ['issued', 'delisted', 'spoiled', 'refund-requested', 'refunded', 'cancelled'];
    for (const state of states)
      for (const { kind, from, to } of STAMP_MOVES)
        for (const wasSpoiled of [false, true]) {
          const [row] = await rig.test.database.query<{ after: string | null }>(
            sql`select stamp_state_after(${state}, ${kind}, ${wasSpoiled}) as after`,
          );
          const before = wasSpoiled ? 'spoiled' : 'issued';
          const allowed = from.some((each) => each === state);
          expect([state, kind, row?.after]).toEqual([
            state,
            kind,
            allowed ? (to === 'before' ? before : to) : null,
          ]);
        }
  });

  it('is kept by the database against everybody else', async () => {
    const { id } = await issued();
    const moved = (state: string) =>
      rig.test.database.query(sql`update stamp set state = ${state} where stamp_id = ${id}`);
    await expect(moved('refunded')).rejects.toThrow(/cannot move/);
    await move({ stampIds: [id] });
    await expect(moved('issued')).rejects.toThrow(/cannot move/);
    await expect(
      rig.test.database.query(sql`update stamp set used_for = 'x' where stamp_id = ${id}`),
    ).rejects.toThrow();
  });
});

describe('delisting', () => {
  it('lets one of a hundred at once use a stamp, and tells the others for which deed', async () => {
    const { id } = await issued();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        move({
          stampIds: [id],
          officer: { ...registrar, id: `sr-${String(index)}` },
          usedFor: `deed ${String(index)}`,
        }),
      ),
    );
    const results = answers.flat();
    const winners = results.filter(({ result }) => result === 'moved');
    expect(winners).toHaveLength(1);
    expect(results.filter(({ result }) => result === 'wrong-state')).toHaveLength(99);
    expect(new Set(results.map(({ usedFor }) => usedFor)).size).toBe(1);
    const stamp = await findStamp(rig.test.database, id);
    expect(stamp).toMatchObject({ state: 'delisted', usedFor: winners[0]?.usedFor });
    const events = await stampEvents(rig.test.database, stamp!);
    expect(events.map(({ kind }) => kind)).toEqual(['lock']);
  });

  it('moves each stamp of a batch on its own, and writes its leaf with it', async () => {
    const [one, two] = [await issued(), await issued()];
    await move({ stampIds: [two.id] });
    const answers = await move({ stampIds: [two.id, one.id, '0000000000000000', one.id] });
    expect(answers.map(({ stampId, result }) => [stampId, result])).toEqual([
      [two.id, 'wrong-state'],
      [one.id, 'moved'],
      ['0000000000000000', 'not-found'],
    ]);
    const leaves = await rig.test.database.query<{ kind: string }>(
      sql`select kind from outbox where stamp_id = ${one.id} order by outbox_id`,
    );
    expect(leaves.map(({ kind }) => kind)).toEqual(['issue', 'lock']);
  });

  it('answers a repeated request as before and refuses its key for anything else', async () => {
    const { id } = await issued();
    const requestKey = key();
    expect(await move({ stampIds: [id], requestKey })).toMatchObject([{ result: 'moved' }]);
    expect(await move({ stampIds: [id], requestKey })).toMatchObject([
      { result: 'repeated', state: 'delisted', usedFor: '4711/2026, Book 1' },
    ]);
    expect(await move({ stampIds: [id], requestKey, reason: 'deed 9' })).toMatchObject([
      { result: 'key-reused' },
    ]);
  });

  it('stops the reversal of the payment, and the other way round', async () => {
    const used = await issued();
    await move({ stampIds: [used.id] });
    expect(await rig.engine.reverse(rig.reversal(used.psid, used.requestKey))).toMatchObject({
      result: 'stamp-used',
    });
    const reversed = await issued();
    await rig.engine.reverse(rig.reversal(reversed.psid, reversed.requestKey));
    expect(await move({ stampIds: [reversed.id] })).toMatchObject([
      { result: 'wrong-state', state: 'cancelled' },
    ]);
  });

  it('and a reversal at the same time never both succeed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, psid, requestKey } = await issued();
      const [[used], reversal] = await Promise.all([
        move({ stampIds: [id] }),
        rig.engine.reverse(rig.reversal(psid, requestKey)),
      ]);
      expect([used?.result === 'moved', reversal.result === 'approved'].sort()).toEqual([
        false,
        true,
      ]);
    }
  });

  it('is not the business of a collector, and needs a deed', async () => {
    const { id } = await issued();
    await expect(move({ stampIds: [id], officer: collector })).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(
      moveStamps(
        { kind: 'lock', officer: registrar, requestKey: key(), reason: 'x', stampIds: [id] },
        { database: rig.test.database, clock: rig.clock, ids: rig.ids },
      ),
    ).rejects.toMatchObject({ code: 'bad-input' });
  });
});

describe('a refund', () => {
  it('is asked for by one officer and granted by another', async () => {
    const { id } = await issued();
    expect(await asked(id)).toMatchObject([{ result: 'moved', state: 'refund-requested' }]);
    expect(await move({ stampIds: [id] })).toMatchObject([{ result: 'wrong-state' }]);
    const grant = (officer: StampMoveRequest['officer']) =>
      move({ kind: 'refund', officer, reason: 'sanctioned', stampIds: [id] });
    expect(await grant(collector)).toMatchObject([{ result: 'same-officer' }]);
    expect(await grant(second)).toMatchObject([{ result: 'moved', state: 'refunded' }]);
    expect(await grant(second)).toMatchObject([{ result: 'wrong-state' }]);
  });

  it('gives a stamp back as it was when it is refused', async () => {
    const [good, spoiled] = [await issued(), await issued()];
    await move({ kind: 'spoil', officer: collector, reason: 'ink', stampIds: [spoiled.id] });
    for (const { id } of [good, spoiled]) await asked(id);
    const answers = await move({
      kind: 'refund-refuse',
      officer: second,
      reason: 'too little shown',
      stampIds: [good.id, spoiled.id],
    });
    expect(answers.map(({ state }) => state)).toEqual(['issued', 'spoiled']);
    expect(await move({ stampIds: [good.id] })).toMatchObject([{ result: 'moved' }]);
  });

  it('is not asked for after six months', async () => {
    const { id } = await issued();
    const later = new ManualClock(new Date(rig.clock.now().getTime() + 190 * 86_400_000));
    expect(
      await moveStamps(
        {
          kind: 'refund-request',
          officer: collector,
          requestKey: key(),
          reason: 'late',
          stampIds: [id],
        },
        { database: rig.test.database, clock: later, ids: rig.ids },
      ),
    ).toMatchObject([{ result: 'window-over' }]);
  });
});

describe('the officers’ search', () => {
  it('finds a stamp by each criterion, also when its payment was reversed', async () => {
    const { id, psid, requestKey } = await issued();
    const deed = `9${id}/2026`;
    await move({ stampIds: [id], usedFor: deed });
    const { database } = rig.test;
    const stamp = await findStamp(database, id);
    const finds = async (criterion: Parameters<typeof searchStamps>[1]): Promise<string[]> =>
      (await searchStamps(database, criterion)).stamps.map((each) => each.id);
    expect(await finds({ by: 'id', id })).toEqual([id]);
    expect(await finds({ by: 'psid', psid })).toEqual([id]);
    expect(await finds({ by: 'challan', challanNumber: stamp!.challanNumber })).toEqual([id]);
    expect(await finds({ by: 'deed', deed })).toEqual([id]);
    expect(await finds({ by: 'cnic', cnic: '35202-1234567-1' })).toContain(id);
    expect(await finds({ by: 'cnic', cnic: '35202-1234567-2' })).toEqual([]);
    const day = { by: 'issued', from: '2026-11-23', to: '2026-11-23' } as const;
    expect(await finds({ ...day, districtCode: 'LHR' })).toContain(id);
    expect(await finds({ ...day, districtCode: 'RWP' })).toEqual([]);
    expect(await finds({ ...day, from: '2026-11-24', to: '2026-11-30' })).toEqual([]);
    const gone = await issued();
    await rig.engine.reverse(rig.reversal(gone.psid, gone.requestKey));
    expect(await finds({ by: 'psid', psid: gone.psid })).toEqual([gone.id]);
    expect(requestKey).not.toBe(gone.requestKey);
    for (const criterion of [
      { by: 'id', id: '12' },
      { by: 'psid', psid: '12' },
      { by: 'challan', challanNumber: "' or true" },
    ] as const)
      expect(await finds(criterion)).toEqual([]);
  });

  it('gives every stamp once, page by page', async () => {
    const made = await Promise.all(
      Array.from({ length: SEARCH_PAGE_MAX + 20 }, async () => (await issued()).id),
    );
    const found: string[] = [];
    let place: ReturnType<typeof parseSearchPlace>;
    do {
      const page = await searchStamps(
        rig.test.database,
        { by: 'cnic', cnic: '35202-1234567-1' },
        ...(place === undefined ? [] : [place]),
      );
      found.push(...page.stamps.map((each) => each.id));
      place = page.next === undefined ? undefined : parseSearchPlace(page.next);
    } while (place !== undefined);
    expect(new Set(found).size).toBe(found.length);
    for (const id of made) expect(found).toContain(id);
  });
});

it('leaves the books as the invariants demand', async () => {
  expect(await rig.test.database.transaction((tx) => checkInvariants(tx))).toEqual([]);
});
