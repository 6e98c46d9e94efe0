/** The second officer's word on a Collector's table: until it is approved it is not in force. */
import type { Clock } from '../../kernel/clock.ts';
import { sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';

export interface DcTableDecision {
  readonly district: string;
  readonly fiscalYear: string;
  readonly version: number;
  readonly decision: 'approved' | 'refused';
  /** The officer who decides; not the one who proposed. */
  readonly by: string;
  readonly note?: string;
}

/**
 * Approves or refuses a proposed table. Throws `not-found` for a table that is not there and `conflict` when it
 * is decided already or when the officer proposed it.
 */
export async function decideDcTable(
  db: Queryable,
  decision: DcTableDecision,
  clock: Clock,
): Promise<void> {
  const { district, fiscalYear, version, by } = decision;
  if (by === '') throw new Fault('bad-input', 'A decision needs the officer who makes it.');
  // One statement: of two officers who decide at once, the second finds nothing left to decide.
  const decided = await db.query(sql`
    update dc_table set state = ${decision.decision}, decided_by = ${by}, decided_at = ${clock.now()},
      decision_note = ${decision.note ?? null}
    where district_code = ${district} and fiscal_year = ${fiscalYear} and version = ${version}
      and state = 'proposed' and proposed_by <> ${by}
    returning version`);
  if (decided.length === 1) return;
  const [table] = await db.query<{ state: string; proposed_by: string | null }>(sql`
    select state, proposed_by from dc_table
    where district_code = ${district} and fiscal_year = ${fiscalYear} and version = ${version}`);
  if (table === undefined) {
    throw new Fault('not-found', 'There is no such version of a valuation table.', {
      fields: { district, fiscalYear, version },
    });
  }
  if (table.state !== 'proposed') {
    throw new Fault('conflict', 'This valuation table is decided already.', {
      fields: { district, fiscalYear, version, state: table.state },
    });
  }
  throw new Fault('conflict', 'The officer who proposed a valuation table does not approve it.', {
    fields: { district, fiscalYear, version },
  });
}

/** A version of a table as the register lists it. */
export interface DcTableVersionInfo {
  readonly district: string;
  readonly fiscalYear: string;
  readonly version: number;
  readonly state: 'proposed' | 'approved' | 'refused';
  readonly origin: 'bundled' | 'collector';
  readonly effectiveFrom: string;
  readonly effectiveTo: string;
  readonly fileName: string;
  readonly sha256: string;
  readonly rates: number;
  readonly leftOut: number;
  readonly importedAt: Date;
  readonly proposedBy?: string;
  readonly decidedBy?: string;
  readonly decidedAt?: Date;
  readonly note?: string;
}

type InfoColumns = {
  district_code: string;
  fiscal_year: string;
  version: number;
  state: DcTableVersionInfo['state'];
  origin: DcTableVersionInfo['origin'];
  effective_from: string;
  effective_to: string;
  file_name: string;
  sha256: string;
  rate_count: number;
  refused_rows: number;
  imported_at: Date;
  proposed_by: string | null;
  decided_by: string | null;
  decided_at: Date | null;
  decision_note: string | null;
};

/** Every version of every table, or of one district, the newest first. */
export async function listDcTables(
  db: Queryable,
  district?: string,
): Promise<DcTableVersionInfo[]> {
  const rows = await db.query<InfoColumns>(sql`
    select district_code, fiscal_year, version, state, origin, effective_from, effective_to, file_name, sha256, rate_count,
      refused_rows, imported_at, proposed_by, decided_by, decided_at, decision_note
    from dc_table where ${district ?? null}::text is null or district_code = ${district ?? null}
    order by district_code, fiscal_year desc, version desc`);
  return rows.map((row) => ({
    district: row.district_code,
    fiscalYear: row.fiscal_year,
    version: row.version,
    state: row.state,
    origin: row.origin,
    effectiveFrom: row.effective_from,
    effectiveTo: row.effective_to,
    fileName: row.file_name,
    sha256: row.sha256,
    rates: row.rate_count,
    leftOut: row.refused_rows,
    importedAt: row.imported_at,
    ...(row.proposed_by === null ? {} : { proposedBy: row.proposed_by }),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
    ...(row.decision_note === null ? {} : { note: row.decision_note }),
  }));
}
