/**
 * The audit: recomputes the books, the registers and the log from their own rows. Books and registers by the
 * invariants of `ledger/invariants.sql`, the facts of every stamp from its application, the log from its
 * blocks. It trusts no stored total, root or state.
 */
import type { KeyObject } from 'node:crypto';
import { sql, type Database, type Queryable } from '../../kernel/database.ts';
import {
  checkInvariants,
  factsRoot,
  stampFacts,
  type BrokenInvariant,
  type StampApplication,
} from '../../ledger/index.ts';
import { auditLog, type LogAuditReport } from '../anchoring/index.ts';

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
  readonly log: LogAuditReport;
}

const PAGE = 1_000;
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
  return tx.query<FactsRow>(sql`
    select l.shard_id, l.psid, l.line_no, c.challan_number, l.stamp_kind, l.article, l.stamp_description, l.amount_paisa,
      c.application, c.facts_secret, l.facts_root
    from challan_line l join challan c using (shard_id, psid)
    where l.stamp_kind is not null
      and (l.shard_id, l.psid, l.line_no) > (${after?.shard_id ?? -1}::smallint, ${after?.psid ?? ''}::text, ${after?.line_no ?? 0}::smallint)
    order by l.shard_id, l.psid, l.line_no limit ${PAGE}`);
}

/** Recomputes the facts' root of every stamp-bearing line; returns `PSID/line` of those that differ. */
async function findAlteredFacts(tx: Queryable): Promise<string[]> {
  const altered: string[] = [];
  for (
    let page = await factsPage(tx, undefined);
    page.length > 0;
    page = await factsPage(tx, page.at(-1))
  ) {
    for (const row of page) {
      const facts = stampFacts(row.application, {
        psid: row.psid,
        challanNumber: row.challan_number,
        lineNo: row.line_no,
        kind: row.stamp_kind,
        article: row.article,
        description: row.stamp_description,
        amountPaisa: row.amount_paisa,
      });
      if (
        !factsRoot(row.facts_secret, facts).equals(row.facts_root) &&
        altered.length < FINDINGS_MAX
      ) {
        altered.push(`${row.psid}/${String(row.line_no)}`);
      }
    }
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

/** Runs the whole audit over one unchanging view of the books. */
export async function auditAll(
  database: Database,
  log: { readonly logPublicKey: KeyObject; readonly origin: string },
): Promise<AuditReport> {
  const books = await database.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read read only`);
    return {
      brokenInvariants: await checkInvariants(tx),
      alteredFacts: await findAlteredFacts(tx),
      counts: await countRows(tx),
    };
  });
  const logReport = await auditLog(database, log);
  const ok =
    books.brokenInvariants.length === 0 &&
    books.alteredFacts.length === 0 &&
    logReport.findingsTotal === 0;
  return { ok, ...books, log: logReport };
}
