/**
 * Bills of external billers as challans of ours. A bill that its biller told us of gets a challan, so that the lane can
 * pay it as any other, to the account of what we owe the biller. A bill whose amount or day has changed since changes
 * its challan while it is unpaid; for that moment the lane waits, since it judges by the amount that it read.
 */
import { createHash } from 'node:crypto';
import type { BusinessDate, Clock } from '../../kernel/clock.ts';
import {
  isRetryable,
  sql,
  sqlState,
  type Database,
  type Queryable,
} from '../../kernel/database.ts';
import { shardOfPsid, type IdMaker, type Psid, type Random } from '../../kernel/ids.ts';
import type { Paisa } from '../../kernel/money.ts';
import { openAccount } from '../accounts/account-store.ts';
import { insertChallan, insertChallanLine } from '../challans/challan-store.ts';
import type { Department } from './service-store.ts';

/** A bill as its biller describes it. */
export interface ExternalBill {
  readonly psid: Psid;
  readonly consumerName: string;
  readonly amount: Paisa;
  readonly dueDate: BusinessDate;
}

export interface BillDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdMaker;
}

const ATTEMPTS = 5;

async function insertBill(
  tx: Queryable,
  bill: ExternalBill,
  biller: Department,
  { clock, random, ids }: BillDeps,
): Promise<void> {
  const { psid, amount } = bill;
  const shard = shardOfPsid(psid);
  const headCode = biller.headCode ?? '';
  await insertChallan(tx, {
    kind: 'external',
    shard,
    psid,
    challanNumber: `BILL-${psid}`,
    amount,
    payableUntil: bill.dueDate,
    createdAt: clock.now(),
    secret: random.bytes(32),
    payerName: bill.consumerName,
    application: {
      applicant: { name: bill.consumerName },
      firstParties: [],
      secondParties: [],
      purpose: biller.name,
      districtCode: '',
      districtName: '',
      instrumentTitle: biller.name,
    },
    duty: {},
    idempotencyKey: `bill/${psid}`,
    contentHash: createHash('sha256').update(psid).digest(),
  });
  const accountId = await openAccount(
    tx,
    { shard, path: `biller:${biller.code}:settlement`, kind: 'liability', headCode },
    ids,
  );
  await insertChallanLine(tx, {
    shard,
    psid,
    lineNo: 1,
    accountId,
    line: { headCode, description: biller.name, amount, assumed: false },
    factsRoot: undefined,
  });
}

async function changeBill(tx: Queryable, shard: number, bill: ExternalBill): Promise<void> {
  // No batch is under way while this row is locked (`hold_lane`).
  await tx.query(sql`select 1 from lane_lease where shard_id = ${shard} for no key update`);
  const changed = await tx.query(
    sql`update challan set amount_paisa = ${bill.amount}, payable_until = ${bill.dueDate}, payer_name = ${bill.consumerName}
        where shard_id = ${shard} and psid = ${bill.psid} and state = 'payable' returning 1`,
  );
  if (changed.length === 1)
    await tx.query(
      sql`update challan_line set amount_paisa = ${bill.amount} where shard_id = ${shard} and psid = ${bill.psid} and line_no = 1`,
    );
}

async function keepOnce(bill: ExternalBill, biller: Department, deps: BillDeps): Promise<void> {
  const shard = shardOfPsid(bill.psid);
  const [known] = await deps.database.query<{ same: boolean; kind: string }>(
    sql`select kind, amount_paisa = ${bill.amount} and payable_until = ${bill.dueDate} and payer_name = ${bill.consumerName} as same
        from challan where shard_id = ${shard} and psid = ${bill.psid}`,
  );
  if (known === undefined)
    await deps.database.transaction((tx) => insertBill(tx, bill, biller, deps));
  else if (!known.same && known.kind === 'external')
    await deps.database.transaction((tx) => changeBill(tx, shard, bill));
}

/** Makes the challan of a bill, or brings the unpaid one up to date. `biller` is a department of kind `external`. */
export async function keepExternalBill(
  bill: ExternalBill,
  biller: Department,
  deps: BillDeps,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await keepOnce(bill, biller, deps);
      return;
    } catch (error) {
      // A twin of this inquiry made the challan first: look again.
      const again = sqlState(error) === '23505' || isRetryable(error);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}
