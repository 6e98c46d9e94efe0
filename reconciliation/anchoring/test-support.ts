/** What the integration tests of this folder share. */
import { randomBytes } from 'node:crypto';
import { sql, type Database } from '../../kernel/database.ts';
import { secureRandom } from '../../kernel/ids.ts';
import type { OutboxItem } from './plan-batch.ts';

export const ORIGIN = 'sanad.example/estamp';
const AT = new Date('2026-11-23T09:59:00.123Z');

/** As many new stamp ids. */
export function stampIds(count: number): string[] {
  return Array.from({ length: count }, () => secureRandom.digits(16));
}

/** Brings all tables of the anchoring back to what the migration left. */
export async function emptyAnchoring(database: Database): Promise<void> {
  await tamper(
    database,
    `delete from outbox; truncate anchor_batch, log_leaf, log_tile, chain_state, chain_block, chain_notice, log_cosignature;
     update anchor_head set size = 0; update anchor_lease set holder = '', expires_at = '2000-01-01Z'`,
  );
}

/** What somebody with the rights of a superuser can do, triggers or not. */
export async function tamper(database: Database, statement: string): Promise<void> {
  await database.transaction(async (tx) => {
    // On a Citus cluster the first setting carries the second to every node; elsewhere it means nothing.
    await tx.query(sql`set local citus.propagate_set_commands = 'local'`);
    await tx.query(sql`set local session_replication_role = replica`);
    await tx.query({ text: statement, values: [] });
  });
}

let nextId = 1n;

/** Adds items as the posting function does; every stamp costs 100 paisa. */
export async function fillOutbox(
  database: Database,
  items: readonly { readonly kind: OutboxItem['kind']; readonly stampId: string }[],
): Promise<void> {
  for (const { kind, stampId } of items) {
    nextId += 1n;
    await database.query(sql`
      insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, payment_commitment, commitment, log_size)
      select 0, ${nextId}, ${kind}, ${stampId}, ${AT}, 100, ${kind === 'issue' ? randomBytes(32) : null}, ${randomBytes(32)}, size
      from anchor_head`);
  }
}
