/**
 * The audit: recomputes the books, the registers and the log from their own rows. Books and registers by the
 * invariants of `ledger/invariants.sql`, the facts of every stamp from its application, the log from its
 * blocks. It trusts no stored total, root or state.
 */
import { onlyRow, prepared, sql, type Database, type Queryable } from '../../kernel/database.ts';
import {
  checkInvariants,
  factsRoot,
  stampFacts,
  type BrokenInvariant,
  type StampApplication,
} from '../../ledger/index.ts';
import {
  ALL_LEAVES,
  auditLogIn,
  registerFindings,
  type LogAuditOptions,
  type LogAuditReport,
  type LogFinding,
} from '../anchoring/index.ts';

export interface AuditReport {
  /** True when nothing at all was found. */
  readonly ok: boolean;
  readonly counts: {
    readonly challans: string;
    readonly payments: string;
    readonly stamps: string;
    readonly postings: string;
    readonly outbox: string;
  };
  readonly brokenInvariants: readonly BrokenInvariant[];
  /** Stamps whose application no longer gives the facts that were committed. */
  readonly alteredFacts: readonly string[];
  /** Where the log and the register or the books tell different stories of a stamp. */
  readonly register: readonly LogFinding[];
  readonly log: LogAuditReport;
}

/** Rows read at once while those before are hashed. */
const PAGE = 2_000;
const FINDINGS_MAX = 1_000;

type FactsRow = {
  shard_id: number;
  psid: string;
  line_no: number;
  challan_number: string;
  stamp_kind: string;
  article: string;
  stamp_description: string;
  amount_paisa: bigint;
  application: StampApplication;
  facts_secret: Buffer;
  facts_root: Buffer;
};

async function factsPage(tx: Queryable, after: FactsRow | undefined): Promise<FactsRow[]> {
  return tx.query<FactsRow>(
    prepared(
      'audit_facts',
      sql`
    select l.shard_id, l.psid, l.line_no, c.challan_number, l.stamp_kind, l.article, l.stamp_description, l.amount_paisa,
      c.application, c.facts_secret, l.facts_root
    from challan_line l join challan c using (shard_id, psid)
    where l.stamp_kind is not null
      and (l.shard_id, l.psid, l.line_no) > (${after?.shard_id ?? -1}::smallint, ${after?.psid ?? ''}::text, ${after?.line_no ?? 0}::smallint)
    order by l.shard_id, l.psid, l.line_no limit ${PAGE}`,
    ),
  );
}

function hasItsFacts(row: FactsRow): boolean {
  const facts = stampFacts(row.application, {
    psid: row.psid,
    challanNumber: row.challan_number,
    lineNo: row.line_no,
    kind: row.stamp_kind,
    article: row.article,
    description: row.stamp_description,
    amountPaisa: row.amount_paisa,
  });
  return factsRoot(row.facts_secret, facts).equals(row.facts_root);
}

/** Recomputes the facts' root of every stamp-bearing line; returns `PSID/line` of those that differ. */
async function findAlteredFacts(tx: Queryable): Promise<string[]> {
  const altered: string[] = [];
  for (let page = await factsPage(tx, undefined); page.length > 0;) {
    // The database reads the next page while this one is hashed.
    const next = factsPage(tx, page.at(-1));
    for (const row of page) {
      if (altered.length < FINDINGS_MAX && !hasItsFacts(row))
        altered.push(`${row.psid}/${String(row.line_no)}`);
    }
    page = await next;
  }
  return altered;
}

async function countRows(tx: Queryable): Promise<AuditReport['counts']> {
  const [row] = await tx.query<{
    challans: bigint;
    payments: bigint;
    stamps: bigint;
    postings: bigint;
    outbox: bigint;
  }>(sql`
    select (select count(*) from challan) as challans, (select count(*) from payment) as payments, (select count(*) from stamp) as stamps,
      (select count(*) from posting) as postings, (select count(*) from outbox) as outbox`);
  const text = (value: bigint | undefined): string => (value ?? 0n).toString();
  return {
    challans: text(row?.challans),
    payments: text(row?.payments),
    stamps: text(row?.stamps),
    postings: text(row?.postings),
    outbox: text(row?.outbox),
  };
}

/** Does `work` in a read-only transaction that sees exactly what another one sees. */
async function withSnapshot<T>(
  database: Database,
  snapshot: string,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  return database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read read only`);
    // The name comes from pg_export_snapshot; the statement takes no parameters.
    await tx.query({ text: `set transaction snapshot '${snapshot}'`, values: [] });
    return work(tx);
  });
}

/**
 * Runs the whole audit over one unchanging view of the books. Books, facts and log are checked side by side, each on a
 * connection of its own: the database works for one while this process hashes for another. Needs three connections.
 */
export async function auditAll(database: Database, log: LogAuditOptions): Promise<AuditReport> {
  const report = await database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read read only`);
    const { snapshot } = onlyRow(
      await tx.query<{ snapshot: string }>(sql`select pg_export_snapshot() as snapshot`),
      'snapshot',
    );
    const parts = [
      withSnapshot(database, snapshot, findAlteredFacts),
      withSnapshot(database, snapshot, (other) => auditLogIn(other, log)),
    ] as const;
    // One part that fails must not leave the others without somebody who waits for them.
    const settled = Promise.allSettled(parts);
    try {
      const brokenInvariants = await checkInvariants(tx);
      const register = await registerFindings(tx, ALL_LEAVES);
      const counts = await countRows(tx);
      const [alteredFacts, logReport] = await Promise.all(parts);
      return { counts, brokenInvariants, alteredFacts, register, log: logReport };
    } finally {
      await settled;
    }
  });
  const ok =
    report.brokenInvariants.length === 0 &&
    report.alteredFacts.length === 0 &&
    report.register.length === 0 &&
    report.log.findingsTotal === 0;
  return { ok, ...report };
}
