/**
 * A change of Schedule I by officers: one proposes new rows from a day on, another approves or refuses. Approval
 * writes a new version of the whole Schedule in which the rows that the new ones replace end the day before. A
 * challan keeps the version that it names.
 */
import { createHash } from 'node:crypto';
import { businessDate, type BusinessDate, type Clock } from '../../kernel/clock.ts';
import { sql, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Random } from '../../kernel/ids.ts';
import type { ScheduleRow } from './duty-book.ts';
import { findColumns } from './import/column-mapping.ts';
import { loadCodes } from './import/import-store.ts';
import { checkSchedule, SCHEDULE_COLUMNS, scheduleRow } from './import/rate-files.ts';
import { insertSchedule } from './import/rate-store.ts';
import { RowReader } from './import/row-reader.ts';
import { Problems, type FileProblem } from './import/table-file.ts';
import { loadScheduleRows, loadVersions } from './rate-book-store.ts';

const ROWS_MAX = 500;

/** A new row as cells of `schedule-i.csv`, without `from` and `to`. */
export type ScheduleCells = Readonly<Record<string, string>>;

export interface ScheduleProposal {
  /** All rows of each instrument from the day on: together they replace those that hold then. */
  readonly cells: readonly ScheduleCells[];
  readonly effectiveFrom: BusinessDate;
  readonly reason: string;
  readonly by: string;
}

export type ProposalResult =
  | { readonly ok: true; readonly changeId: string; readonly baseVersion: number }
  /** `line` is the number of the row in the proposal, from 1. */
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const OPTIONAL_COLUMNS = ['slab'];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

function readCells(
  proposal: Pick<ScheduleProposal, 'cells' | 'effectiveFrom'>,
  heads: ReadonlySet<string>,
  problems: Problems,
): ScheduleRow[] {
  const header = [...SCHEDULE_COLUMNS, ...OPTIONAL_COLUMNS];
  const { finder } = findColumns(header, {
    required: SCHEDULE_COLUMNS,
    optional: OPTIONAL_COLUMNS,
  });
  return proposal.cells.map((cells, index) => {
    const line = index + 1;
    for (const column of Object.keys(cells)) {
      if (!header.includes(column)) problems.add(line, column, 'the column is not known');
      if (column === 'from' || column === 'to')
        problems.add(line, column, 'is the day of the proposal and is not stated by row');
    }
    const stated: Readonly<Record<string, string>> = {
      ...cells,
      from: proposal.effectiveFrom,
      to: '',
    };
    const record = { line, cells: header.map((column) => (stated[column] ?? '').trim()) };
    return scheduleRow(new RowReader(record, finder, problems.add), heads);
  });
}

function dayBefore(day: BusinessDate): BusinessDate {
  const instant = new Date(`${day}T00:00:00Z`);
  instant.setUTCDate(instant.getUTCDate() - 1);
  return instant.toISOString().slice(0, 10);
}

/**
 * The whole Schedule with the change in it: rows of the same instrument that hold on the day end before it, rows
 * that were to begin later are dropped, the rest stays as it is. Lines are numbered anew.
 */
function changedSchedule(
  current: readonly ScheduleRow[],
  fresh: readonly ScheduleRow[],
  from: BusinessDate,
): ScheduleRow[] {
  const replaced = new Set(fresh.map((row) => row.instrument));
  const kept = current.flatMap((row): ScheduleRow[] => {
    if (!replaced.has(row.instrument) || (row.effectiveTo ?? '9999') < from) return [row];
    return row.effectiveFrom >= from ? [] : [{ ...row, effectiveTo: dayBefore(from) }];
  });
  return [...kept, ...fresh].map((row, index) => ({ ...row, line: index + 2 }));
}

async function judge(
  db: Queryable,
  proposal: Pick<ScheduleProposal, 'cells' | 'effectiveFrom'>,
): Promise<
  | { readonly ok: true; readonly rows: readonly ScheduleRow[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] }
> {
  const problems = new Problems('proposal');
  const fresh = readCells(proposal, await loadCodes(db, 'head'), problems);
  if (problems.list.length > 0) return { ok: false, problems: problems.list };
  const rows = changedSchedule(await loadScheduleRows(db), fresh, proposal.effectiveFrom);
  const firstFresh = rows.length - fresh.length + 2;
  checkSchedule(
    rows.map((row) => ({ line: row.line, row })),
    (line, column, reason) => problems.add(Math.max(1, line - firstFresh + 1), column, reason),
  );
  return problems.list.length > 0 ? { ok: false, problems: problems.list } : { ok: true, rows };
}

/**
 * Proposes a change. Wrong rows come back by row and column. Throws `bad-input` for a proposal without officer,
 * reason or rows, or for a day that has begun already: what was computed stays computed.
 */
export async function proposeScheduleChange(
  database: Database,
  proposal: ScheduleProposal,
  deps: { readonly clock: Clock; readonly random: Random },
): Promise<ProposalResult> {
  const { cells, effectiveFrom, reason, by } = proposal;
  const now = deps.clock.now();
  if (by === '' || reason.trim() === '' || cells.length === 0 || cells.length > ROWS_MAX) {
    throw new Fault('bad-input', 'A change of the Schedule needs an officer, a reason and rows.');
  }
  if (!DAY.test(effectiveFrom) || effectiveFrom <= businessDate(now)) {
    throw new Fault('bad-input', 'A change of the Schedule takes effect on a day to come.', {
      fields: { effectiveFrom },
    });
  }
  const judged = await judge(database, proposal);
  if (!judged.ok) return judged;
  const changeId = Buffer.from(deps.random.bytes(16)).toString('hex');
  const versions = await loadVersions(database);
  await database.query(sql`
    insert into schedule_change (change_id, base_version, effective_from, cells, reason, proposed_by, proposed_at)
    values (${changeId}, ${versions.schedule.version}, ${effectiveFrom}, ${JSON.stringify(cells)}::jsonb, ${reason}, ${by}, ${now})`);
  return { ok: true, changeId, baseVersion: versions.schedule.version };
}

type ChangeColumns = {
  state: 'proposed' | 'approved' | 'refused';
  base_version: number;
  effective_from: string;
  cells: ScheduleCells[];
  proposed_by: string;
};

export interface ScheduleDecision {
  readonly changeId: string;
  readonly decision: 'approved' | 'refused';
  /** The officer who decides; not the one who proposed. */
  readonly by: string;
  readonly note?: string;
}

async function lockChange(tx: Queryable, decision: ScheduleDecision): Promise<ChangeColumns> {
  const [change] = await tx.query<ChangeColumns>(sql`
    select state, base_version, effective_from, cells, proposed_by from schedule_change
    where change_id = ${decision.changeId} for update`);
  if (change === undefined) {
    throw new Fault('not-found', 'There is no such change of the Schedule.');
  }
  if (change.state !== 'proposed') {
    throw new Fault('conflict', 'This change of the Schedule is decided already.', {
      fields: { state: change.state },
    });
  }
  if (change.proposed_by === decision.by) {
    throw new Fault('conflict', 'The officer who proposed a change does not decide on it.');
  }
  return change;
}

async function approve(
  tx: Queryable,
  changeId: string,
  change: ChangeColumns,
  now: Date,
): Promise<number> {
  // Versions are taken one after the other; a second approver waits here.
  await tx.query(sql`lock table schedule_version in exclusive mode`);
  const { schedule } = await loadVersions(tx);
  if (schedule.version !== change.base_version) {
    throw new Fault('conflict', 'The Schedule has changed since the proposal; propose it again.', {
      fields: { baseVersion: change.base_version, version: schedule.version },
    });
  }
  if (change.effective_from <= businessDate(now)) {
    throw new Fault('conflict', 'The day of this change has begun; propose it for a later one.');
  }
  const judged = await judge(tx, { cells: change.cells, effectiveFrom: change.effective_from });
  if (!judged.ok) {
    throw new Fault('conflict', 'The proposed rows do not fit any more; propose them again.', {
      fields: {
        column: judged.problems[0]?.column ?? '',
        reason: judged.problems[0]?.reason ?? '',
      },
    });
  }
  const content = JSON.stringify([changeId, change.base_version, change.cells]);
  return insertSchedule(
    tx,
    {
      fileName: `change ${changeId}`,
      sha256: createHash('sha256').update(content).digest('hex'),
      rowCount: judged.rows.length,
      importedAt: now,
      origin: 'officer',
    },
    judged.rows,
  );
}

/**
 * Approves or refuses a proposal; returns the new version of an approved one. Throws `not-found`, and `conflict`
 * when it is decided already, when the officer proposed it, when the Schedule changed since, or when its day has
 * begun.
 */
export async function decideScheduleChange(
  database: Database,
  decision: ScheduleDecision,
  clock: Clock,
): Promise<number | undefined> {
  if (decision.by === '')
    throw new Fault('bad-input', 'A decision needs the officer who makes it.');
  return database.transaction(async (tx) => {
    const change = await lockChange(tx, decision);
    const now = clock.now();
    const version =
      decision.decision === 'approved'
        ? await approve(tx, decision.changeId, change, now)
        : undefined;
    await tx.query(sql`
      update schedule_change set state = ${decision.decision}, decided_by = ${decision.by}, decided_at = ${now},
        decision_note = ${decision.note ?? null}, resulting_version = ${version ?? null}
      where change_id = ${decision.changeId}`);
    return version;
  });
}

/** A proposal as the register lists it. */
export interface ScheduleChange {
  readonly changeId: string;
  readonly state: 'proposed' | 'approved' | 'refused';
  readonly baseVersion: number;
  readonly effectiveFrom: BusinessDate;
  readonly cells: readonly ScheduleCells[];
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedAt: Date;
  readonly decidedBy?: string;
  readonly decidedAt?: Date;
  readonly note?: string;
  readonly resultingVersion?: number;
}

/** Every proposal, the newest first. */
export async function listScheduleChanges(db: Queryable): Promise<ScheduleChange[]> {
  const rows = await db.query<
    ChangeColumns & {
      change_id: string;
      reason: string;
      proposed_at: Date;
      decided_by: string | null;
      decided_at: Date | null;
      decision_note: string | null;
      resulting_version: number | null;
    }
  >(sql`
    select change_id, state, base_version, effective_from, cells, reason, proposed_by, proposed_at, decided_by, decided_at,
      decision_note, resulting_version
    from schedule_change order by proposed_at desc, change_id`);
  return rows.map((row) => ({
    changeId: row.change_id,
    state: row.state,
    baseVersion: row.base_version,
    effectiveFrom: row.effective_from,
    cells: row.cells,
    reason: row.reason,
    proposedBy: row.proposed_by,
    proposedAt: row.proposed_at,
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
    ...(row.decision_note === null ? {} : { note: row.decision_note }),
    ...(row.resulting_version === null ? {} : { resultingVersion: row.resulting_version }),
  }));
}
