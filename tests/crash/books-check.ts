/** Holds what the banks know against what stands in the books. */
import { sql, type Database } from '../../kernel/database.ts';
import { checkInvariants } from '../../ledger/index.ts';
import type { Deal } from './customer.ts';

type Row = {
  psid: string;
  state: string;
  posted: bigint;
  reversed: bigint;
  authorisation: string | null;
  stamps: string[];
};

async function paymentsOf(db: Database, psids: readonly string[]): Promise<Map<string, Row>> {
  const rows = await db.query<Row>(sql`
    select c.psid, c.state, count(m.payment_id) filter (where m.state = 'posted') as posted,
      count(m.payment_id) filter (where m.state = 'reversed') as reversed,
      max(m.authorisation) as authorisation,
      array(select s.stamp_id from stamp s where s.shard_id = c.shard_id and s.payment_id = c.payment_id order by s.line_no) as stamps
    from challan c left join payment m on m.shard_id = c.shard_id and m.psid = c.psid
    where c.psid = any(${psids}) group by c.shard_id, c.psid, c.state, c.payment_id`);
  return new Map(rows.map((row) => [row.psid, row]));
}

function faultOf(deal: Deal, row: Row | undefined): string | undefined {
  if (row === undefined) return 'its challan is gone';
  if (row.posted + row.reversed > 1n) return 'it was posted more than once';
  if (deal.state === 'approved') {
    if (row.posted !== 1n || row.state !== 'paid') return 'it was acknowledged and is not posted';
    if (deal.channel === 'iso8583' && row.authorisation !== deal.authorisation)
      return 'its authorisation is another';
    if (deal.stampIds.length > 0 && row.stamps.join() !== deal.stampIds.join())
      return 'its stamps are others';
  }
  if (deal.state === 'reversed' && (row.posted !== 0n || row.reversed !== 1n))
    return 'its reversal was acknowledged and is not posted';
  return undefined;
}

/** What is wrong, in words; an empty list when the banks and the books agree. `whole` adds every invariant. */
export async function compareBooks(
  db: Database,
  deals: readonly Deal[],
  whole: boolean,
): Promise<string[]> {
  const rows = await paymentsOf(
    db,
    deals.map((deal) => deal.challan.psid),
  );
  const faults = deals.flatMap((deal) => {
    const fault = faultOf(deal, rows.get(deal.challan.psid));
    return fault === undefined ? [] : [`${deal.challan.psid} (${deal.channel}): ${fault}`];
  });
  if (!whole) return faults;
  const broken = await db.transaction(async (tx) => {
    await tx.query(sql`set transaction isolation level repeatable read, read only`);
    return checkInvariants(tx);
  });
  return [...faults, ...broken.map((each) => `${each.invariant}: ${JSON.stringify(each.rows)}`)];
}
