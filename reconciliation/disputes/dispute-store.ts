/** The register of disputes. One function per statement. */
import { sql, type Queryable, type Row } from '../../kernel/database.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import { shardOfPsid, type Psid } from '../../kernel/ids.ts';
import type { Claim, DisputeKind } from './claim.ts';
import type { Explanation } from './judge.ts';

export type Opener = 'payer' | 'participant' | 'teller';
export type DisputeState = 'open' | 'closed' | 'handed-over';

/** A dispute as it is kept. */
export interface Dispute {
  readonly shard: number;
  readonly id: bigint;
  readonly opener: Opener;
  readonly claim: Claim;
  readonly state: DisputeState;
  readonly answer?: string;
  readonly explanation?: Explanation;
  readonly decision?: string;
  readonly secret: Buffer;
  readonly contentHash: Buffer;
  readonly openedAt: Date;
  readonly dueAt: Date;
  readonly closedAt?: Date;
}

/** How a dispute stands after it was judged. */
export interface Standing {
  readonly state: DisputeState;
  readonly answer?: string;
  readonly explanation: Explanation;
  readonly lookAgainAt?: Date;
  readonly at: Date;
}

export interface NewDispute {
  readonly id: bigint;
  readonly opener: Opener;
  readonly claim: Claim;
  readonly contact?: string;
  readonly idempotencyHash: Buffer;
  readonly contentHash: Buffer;
  readonly secret: Buffer;
  readonly openedAt: Date;
  readonly dueAt: Date;
}

/** Inserts a dispute; false when one with this idempotency hash is there already. */
export async function insertDispute(
  tx: Queryable,
  row: NewDispute,
  standing: Standing,
): Promise<boolean> {
  const { claim } = row;
  const rows = await tx.query(
    sql`insert into dispute (shard_id, dispute_id, kind, opener, psid, paid_psid, participant_code, reference, second_reference,
          amount_paisa, paid_on, contact, idempotency_hash, content_hash, secret, state, answer, explanation, opened_at, due_at,
          look_again_at, closed_at)
        values (${shardOfPsid(claim.psid)}, ${row.id}, ${claim.kind}, ${row.opener}, ${claim.psid}, ${claim.paidPsid ?? null},
          ${claim.participant ?? null}, ${claim.reference ?? null}, ${claim.secondReference ?? null}, ${claim.amount ?? null},
          ${claim.paidOn ?? null}, ${row.contact ?? null}, ${row.idempotencyHash}, ${row.contentHash}, ${row.secret}, ${standing.state},
          ${standing.answer ?? null}, ${JSON.stringify(standing.explanation)}::jsonb, ${row.openedAt}, ${row.dueAt},
          ${standing.lookAgainAt ?? null}, ${standing.state === 'closed' ? standing.at : null})
        on conflict (shard_id, idempotency_hash) do nothing returning 1`,
  );
  return rows.length === 1;
}

interface DisputeRow extends Row {
  readonly shard_id: number;
  readonly dispute_id: bigint;
  readonly kind: DisputeKind;
  readonly opener: Opener;
  readonly psid: Psid;
  readonly paid_psid: Psid | null;
  readonly participant_code: string | null;
  readonly reference: string | null;
  readonly second_reference: string | null;
  readonly amount_paisa: bigint | null;
  readonly paid_on: BusinessDate | null;
  readonly state: DisputeState;
  readonly answer: string | null;
  readonly explanation: Explanation | null;
  readonly decision: string | null;
  readonly secret: Buffer;
  readonly content_hash: Buffer;
  readonly opened_at: Date;
  readonly due_at: Date;
  readonly closed_at: Date | null;
}

function claimOf(row: DisputeRow): Claim {
  return {
    kind: row.kind,
    psid: row.psid,
    ...(row.paid_psid === null ? {} : { paidPsid: row.paid_psid }),
    ...(row.participant_code === null ? {} : { participant: row.participant_code }),
    ...(row.reference === null ? {} : { reference: row.reference }),
    ...(row.second_reference === null ? {} : { secondReference: row.second_reference }),
    ...(row.amount_paisa === null ? {} : { amount: row.amount_paisa }),
    ...(row.paid_on === null ? {} : { paidOn: row.paid_on }),
  };
}

function disputeOf(row: DisputeRow): Dispute {
  return {
    shard: row.shard_id,
    id: row.dispute_id,
    opener: row.opener,
    claim: claimOf(row),
    state: row.state,
    ...(row.answer === null ? {} : { answer: row.answer }),
    ...(row.explanation === null ? {} : { explanation: row.explanation }),
    ...(row.decision === null ? {} : { decision: row.decision }),
    secret: row.secret,
    contentHash: row.content_hash,
    openedAt: row.opened_at,
    dueAt: row.due_at,
    ...(row.closed_at === null ? {} : { closedAt: row.closed_at }),
  };
}

/** One dispute; undefined when there is none. */
export async function findDispute(
  db: Queryable,
  key: { readonly shard: number; readonly id: bigint },
): Promise<Dispute | undefined> {
  const [row] = await db.query<DisputeRow>(
    sql`select d.*, c.decision from dispute d
        left join exception_case c on c.shard_id = d.shard_id and c.origin = 'dispute' and c.origin_id = d.dispute_id
        where d.shard_id = ${key.shard} and d.dispute_id = ${key.id}`,
  );
  return row === undefined ? undefined : disputeOf(row);
}

/** The dispute that an earlier request with this key opened. */
export async function findByIdempotency(
  db: Queryable,
  shard: number,
  idempotencyHash: Buffer,
): Promise<Dispute | undefined> {
  const [row] = await db.query<DisputeRow>(
    sql`select d.*, null as decision from dispute d where d.shard_id = ${shard} and d.idempotency_hash = ${idempotencyHash}`,
  );
  return row === undefined ? undefined : disputeOf(row);
}

/** The disputes about a participant, the newest first. */
export async function listByParticipant(
  db: Queryable,
  shard: number,
  filter: {
    readonly participant: string;
    readonly state?: DisputeState | undefined;
    readonly before?: bigint | undefined;
    readonly limit: number;
  },
): Promise<Dispute[]> {
  const { participant, state = null, before = null, limit } = filter;
  const rows = await db.query<DisputeRow>(
    sql`select d.*, c.decision from dispute d
        left join exception_case c on c.shard_id = d.shard_id and c.origin = 'dispute' and c.origin_id = d.dispute_id
        where d.shard_id = ${shard} and d.participant_code = ${participant} and (${state}::text is null or d.state = ${state}::text)
          and (${before}::bigint is null or d.dispute_id < ${before}::bigint)
        order by d.dispute_id desc limit ${limit}`,
  );
  return rows.map(disputeOf);
}

/** Takes open disputes whose time has come, so that no other process takes them; call it in a transaction. */
export async function claimDue(
  tx: Queryable,
  shard: number,
  now: Date,
  limit: number,
): Promise<Dispute[]> {
  const rows = await tx.query<DisputeRow>(
    sql`select d.*, null as decision from dispute d where d.shard_id = ${shard} and d.state = 'open' and d.look_again_at <= ${now}
        order by d.look_again_at limit ${limit} for update skip locked`,
  );
  return rows.map(disputeOf);
}

/** Writes how an open dispute stands now. */
export async function updateStanding(
  tx: Queryable,
  key: { readonly shard: number; readonly id: bigint },
  standing: Standing,
): Promise<void> {
  await tx.query(
    sql`update dispute set state = ${standing.state}, answer = ${standing.answer ?? null},
          explanation = ${JSON.stringify(standing.explanation)}::jsonb, look_again_at = ${standing.lookAgainAt ?? null},
          closed_at = ${standing.state === 'closed' ? standing.at : null}
        where shard_id = ${key.shard} and dispute_id = ${key.id} and state = 'open'`,
  );
}

/** How many disputes of a shard have passed their time without a final answer. */
export async function countOverdue(db: Queryable, shard: number, now: Date): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    sql`select count(*) as count from dispute where shard_id = ${shard} and state <> 'closed' and due_at < ${now}`,
  );
  return Number(row?.count ?? 0n);
}
