/**
 * What the log says of stamps, payments and events, against the register and the books: every commitment is computed
 * anew by the database from the rows themselves (docs/spec/leaf.md). Set-based, so that millions of leaves take
 * seconds.
 */
import { sql, type Queryable } from '../../kernel/database.ts';
import { Findings, type LogFinding } from './audit-finding.ts';

/** Leaves from the first up to, and without, the second. */
export interface LeafRange {
  readonly from: bigint;
  readonly to: bigint;
}

export const ALL_LEAVES: LeafRange = { from: 0n, to: (1n << 63n) - 1n };

type Row = { leaf_index: bigint | null; stamp_id: string };

/** ISSUE leaves whose stamp is missing, or is not the one that was committed. */
async function strangeStamps(db: Queryable, { from, to }: LeafRange): Promise<Row[]> {
  return db.query<Row>(sql`
    select g.leaf_index, g.stamp_id
    from log_leaf g
    left join stamp s on s.shard_id = g.shard_id and s.stamp_id = g.stamp_id
    left join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
    where g.kind = 'issue' and g.leaf_index >= ${from} and g.leaf_index < ${to}
      and (s.record_root is distinct from substring(g.entry from 27 for 32)
        or g.entry is distinct from '\\x0102'::bytea || epoch_ms(s.issued_at) || int8send(s.amount_paisa) || int8send(s.log_size)
        || sha256('\\x01'::bytea || l.facts_root || sha256('\\x00'::bytea || s.salt || convert_to(s.stamp_id || s.psid, 'UTF8')
          || epoch_ms(s.issued_at) || int8send(s.amount_paisa))))
    order by 1 limit 1000`);
}

/** PAYMENT leaves whose payment is missing, or is not the one that was committed. */
async function strangePayments(db: Queryable, { from, to }: LeafRange): Promise<Row[]> {
  return db.query<Row>(sql`
    select g.leaf_index, g.stamp_id
    from log_leaf g
    left join stamp s on s.shard_id = g.shard_id and s.stamp_id = g.stamp_id
    left join payment m on m.shard_id = s.shard_id and m.payment_id = s.payment_id
    where g.kind = 'payment' and g.leaf_index >= ${from} and g.leaf_index < ${to}
      and g.entry is distinct from '\\x0101'::bytea || epoch_ms(m.posted_at) || int8send(s.amount_paisa) || int8send(0)
        || sha256('\\x02'::bytea || s.salt || int8send(m.payment_id) || convert_to(m.participant_code, 'UTF8') || '\\x00'::bytea
          || convert_to(m.request_key, 'UTF8') || '\\x00'::bytea || int8send(m.amount_paisa) || convert_to(m.business_date::text, 'UTF8'))
    order by 1 limit 1000`);
}

/** Leaves of events whose event is missing, or is not the one that was committed. */
async function strangeEvents(db: Queryable, { from, to }: LeafRange): Promise<Row[]> {
  return db.query<Row>(sql`
    select g.leaf_index, g.stamp_id
    from log_leaf g
    left join stamp s on s.shard_id = g.shard_id and s.stamp_id = g.stamp_id
    left join stamp_event e on e.shard_id = g.shard_id and e.stamp_id = g.stamp_id and e.kind = g.kind
    where g.kind in ('lock', 'cancel', 'refund', 'spoil') and g.leaf_index >= ${from} and g.leaf_index < ${to}
      and substring(g.entry from 27 for 32) is distinct from event_commitment(s.salt, e.stamp_id, e.kind, e.at, e.reason)
    order by 1 limit 1000`);
}

/** Stamps issued in the time that a range of leaves spans, that are neither logged nor on their way. */
async function unloggedStamps(db: Queryable, { from, to }: LeafRange): Promise<Row[]> {
  return db.query<Row>(sql`
    with span as (
      select shard_id, min(substring(entry from 3 for 8)) as first, max(substring(entry from 3 for 8)) as last
      from log_leaf where kind = 'issue' and leaf_index >= ${from} and leaf_index < ${to} group by 1)
    select null::bigint as leaf_index, s.stamp_id
    from span p
    join stamp s on s.shard_id = p.shard_id and epoch_ms(s.issued_at) between p.first and p.last
    where not exists (select 1 from log_leaf g where g.stamp_id = s.stamp_id and g.kind = 'issue')
      and not exists (select 1 from outbox o where o.shard_id = s.shard_id and o.stamp_id = s.stamp_id and o.kind = 'issue')
    order by 2 limit 1000`);
}

const COMPARISONS = [
  ['leaf-stamp-differs', strangeStamps],
  ['leaf-payment-differs', strangePayments],
  ['leaf-event-differs', strangeEvents],
  ['stamp-not-logged', unloggedStamps],
] as const;

/** Compares a range of the log with the register and the books; at most 1,000 findings of each kind. */
export async function registerFindings(db: Queryable, range: LeafRange): Promise<LogFinding[]> {
  const findings = new Findings();
  for (const [code, compare] of COMPARISONS) {
    for (const row of await compare(db, range)) {
      const { leaf_index: index, stamp_id: stampId } = row;
      findings.add(code, {
        stampId,
        ...(index === null ? {} : { leafIndex: index.toString() }),
      });
    }
  }
  return findings.kept;
}
