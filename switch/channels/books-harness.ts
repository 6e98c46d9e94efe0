/** What the channels' tests do to real books as an officer would. */
import { sql, type Database } from '../../kernel/database.ts';
import type { IdMaker, Psid } from '../../kernel/ids.ts';

/** A sub-registrar uses the stamps that the payment of a challan issued. */
export async function useStamps(
  database: Database,
  psid: Psid,
  { at, ids }: { readonly at: Date; readonly ids: IdMaker },
): Promise<void> {
  const event = ids.next() * 128n;
  await database.query(
    sql`with used as (
          update stamp set state = 'delisted', state_changed_at = ${at}, used_for = 'deed 7'
          where shard_id = 0 and psid = ${psid} and state = 'issued' returning *
        ), recorded as (
          insert into stamp_event (shard_id, event_id, stamp_id, kind, at, actor, reason, commitment)
          select shard_id, ${event}::bigint + line_no, stamp_id, 'lock', ${at}, 'sub-registrar:1', 'deed 7',
            event_commitment(salt, stamp_id, 'lock', ${at}, 'deed 7') from used
          returning *
        )
        insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, commitment, log_size)
        select e.shard_id, e.event_id, 'lock', e.stamp_id, e.at, u.amount_paisa, e.commitment, 0
        from recorded e join used u on u.stamp_id = e.stamp_id`,
  );
}
