/** Messages to payers: one function per statement. */
import { sql, type Queryable } from '../../kernel/database.ts';
import type { Psid } from '../../kernel/ids.ts';
import type { Means } from './message.ts';

/** How a payer can be told; what he did not give is absent. */
export interface Contact {
  readonly mobile?: string;
  readonly email?: string;
}

/** The contacts that payers gave with these challans. */
export async function findContacts(
  tx: Queryable,
  shard: number,
  psids: readonly Psid[],
): Promise<ReadonlyMap<Psid, Contact>> {
  const rows = await tx.query<{ psid: string; mobile: string | null; email: string | null }>(
    sql`select psid, application -> 'applicant' ->> 'contact' as mobile, application -> 'applicant' ->> 'email' as email
        from challan where shard_id = ${shard} and psid = any (${psids}::text[])`,
  );
  return new Map(
    rows.map(({ psid, mobile, email }) => [
      psid,
      { ...(mobile === null ? {} : { mobile }), ...(email === null ? {} : { email }) },
    ]),
  );
}

export interface NewMessage {
  readonly messageId: bigint;
  readonly psid: Psid;
  readonly journalId: bigint;
  readonly means: Means;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
}

/** Writes messages, due at once; one for each entry and means, however often it is written. */
export async function insertMessages(
  tx: Queryable,
  shard: number,
  at: Date,
  rows: readonly NewMessage[],
): Promise<void> {
  const column = <V>(of: (row: NewMessage) => V): V[] => rows.map(of);
  await tx.query(
    sql`insert into confirmation (shard_id, message_id, psid, journal_id, means, recipient, subject, body, next_at, created_at)
        select ${shard}::smallint, x.*, ${at}::timestamptz, ${at}::timestamptz from unnest(${column((row) => row.messageId)}::bigint[],
          ${column((row) => row.psid)}::text[], ${column((row) => row.journalId)}::bigint[], ${column((row) => row.means)}::text[],
          ${column((row) => row.recipient)}::text[], ${column((row) => row.subject)}::text[], ${column((row) => row.body)}::text[]) as x
        on conflict (shard_id, journal_id, means) do nothing`,
  );
}

export interface DueMessage {
  readonly shard: number;
  readonly messageId: bigint;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  readonly attempts: number;
  readonly createdAt: Date;
}

/** Takes the oldest due messages of a means; nobody else gets them before `until`. */
export async function claimMessages(
  db: Queryable,
  key: { readonly shard: number; readonly means: Means },
  when: { readonly now: Date; readonly until: Date },
  limit: number,
): Promise<DueMessage[]> {
  const rows = await db.query<{
    message_id: bigint;
    recipient: string;
    subject: string;
    body: string;
    attempts: number;
    created_at: Date;
  }>(
    sql`with due as (
          select message_id from confirmation
          where shard_id = ${key.shard} and means = ${key.means} and state = 'pending' and next_at <= ${when.now}
          order by next_at limit ${limit} for update skip locked
        )
        update confirmation c set attempts = c.attempts + 1, next_at = ${when.until} from due
        where c.shard_id = ${key.shard} and c.message_id = due.message_id
        returning c.message_id, c.recipient, c.subject, c.body, c.attempts, c.created_at`,
  );
  return rows.map((row) => ({
    shard: key.shard,
    messageId: row.message_id,
    recipient: row.recipient,
    subject: row.subject,
    body: row.body,
    attempts: row.attempts,
    createdAt: row.created_at,
  }));
}

/** Records the end of an attempt: sent, to be tried again at `next`, or dead. */
export async function settleMessage(
  db: Queryable,
  message: Pick<DueMessage, 'shard' | 'messageId'>,
  end: { readonly sent: boolean; readonly next?: Date; readonly error?: string; readonly at: Date },
): Promise<void> {
  const state = end.sent ? 'sent' : end.next === undefined ? 'dead' : 'pending';
  await db.query(
    sql`update confirmation set state = ${state}, next_at = ${end.next ?? null}, last_error = ${end.error?.slice(0, 200) ?? null},
          settled_at = ${state === 'pending' ? null : end.at}
        where shard_id = ${message.shard} and message_id = ${message.messageId} and state = 'pending'`,
  );
}
