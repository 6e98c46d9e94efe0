/** Reads what the switch knows of a PSID. One function per statement. */
import { sql, type Queryable } from '../../kernel/database.ts';
import { shardOfPsid, type Psid } from '../../kernel/ids.ts';
import type { KnownBillerPayment, KnownPayment, KnownSuspense, PsidFacts } from './claim.ts';

/** More debits of one PSID than anybody disputes. */
const DEBITS_MAX = 100;

async function findPayments(db: Queryable, shard: number, psid: Psid): Promise<KnownPayment[]> {
  const rows = await db.query<{
    payment_id: bigint;
    participant_code: string;
    reference: string;
    amount_paisa: bigint;
    state: KnownPayment['state'];
    posted_at: Date;
    reversed_at: Date | null;
    stamps: bigint;
    stamps_used: bigint;
  }>(
    sql`select m.payment_id, m.participant_code, m.reference, m.amount_paisa, m.state, m.posted_at, m.reversed_at,
          (select count(*) from stamp t where t.shard_id = m.shard_id and t.payment_id = m.payment_id) as stamps,
          (select count(*) from stamp t where t.shard_id = m.shard_id and t.payment_id = m.payment_id
            and t.state in ('delisted', 'spoiled', 'refund-requested', 'refunded')) as stamps_used
        from (select * from payment p where p.shard_id = ${shard} and p.psid = ${psid} and p.state = 'posted'
          union all select * from payment p where p.shard_id = ${shard} and p.psid = ${psid} and p.state = 'reversed') m
        order by m.payment_id limit ${DEBITS_MAX}`,
  );
  return rows.map((row) => ({
    paymentId: row.payment_id,
    participant: row.participant_code,
    reference: row.reference,
    amount: row.amount_paisa,
    state: row.state,
    paidAt: row.posted_at,
    ...(row.reversed_at === null ? {} : { reversedAt: row.reversed_at }),
    stamps: Number(row.stamps),
    stampsUsed: Number(row.stamps_used),
  }));
}

async function findSuspense(db: Queryable, shard: number, psid: Psid): Promise<KnownSuspense[]> {
  const rows = await db.query<{
    suspense_id: bigint;
    participant_code: string;
    reference: string;
    amount_paisa: bigint;
    state: KnownSuspense['state'];
    posted_at: Date;
  }>(
    sql`select suspense_id, participant_code, reference, amount_paisa, state, posted_at from suspense_item
        where shard_id = ${shard} and psid = ${psid} order by suspense_id limit ${DEBITS_MAX}`,
  );
  return rows.map((row) => ({
    suspenseId: row.suspense_id,
    participant: row.participant_code,
    reference: row.reference,
    amount: row.amount_paisa,
    state: row.state,
    at: row.posted_at,
  }));
}

async function findBillerPayments(
  db: Queryable,
  shard: number,
  psid: Psid,
): Promise<KnownBillerPayment[]> {
  const rows = await db.query<{
    participant_code: string;
    reference: string;
    amount_paisa: bigint;
    state: KnownBillerPayment['state'];
  }>(
    sql`select participant_code, reference, amount_paisa,
          case when state in ('cancelled', 'stuck') then state when state in ('settled', 'refused') then 'done' else 'under-way' end as state
        from biller_payment where shard_id = ${shard} and psid = ${psid} order by biller_payment_id limit ${DEBITS_MAX}`,
  );
  return rows.map((row) => ({
    participant: row.participant_code,
    reference: row.reference,
    amount: row.amount_paisa,
    state: row.state,
  }));
}

/** All that the switch knows of a PSID; empty for one that it has never heard of. */
export async function gatherFacts(db: Queryable, psid: Psid): Promise<PsidFacts> {
  const shard = shardOfPsid(psid);
  const [challan] = await db.query<{
    kind: 'e-stamp' | 'service' | 'external';
    state: 'payable' | 'paid' | 'cancelled';
    amount_paisa: bigint;
  }>(
    sql`select kind, state, amount_paisa from challan where shard_id = ${shard} and psid = ${psid}`,
  );
  return {
    ...(challan === undefined
      ? {}
      : { challan: { kind: challan.kind, state: challan.state, amount: challan.amount_paisa } }),
    payments: await findPayments(db, shard, psid),
    suspense: await findSuspense(db, shard, psid),
    billerPayments: await findBillerPayments(db, shard, psid),
  };
}
