/** A posting lane over a database of its own, with reference data, banks and challans: what engine tests stand on. */
import path from 'node:path';
import { ManualClock } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import { IdMaker, secureRandom, type Psid } from '../../kernel/ids.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { rupees } from '../../kernel/money.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import {
  createChallan,
  importReferenceData,
  openAccount,
  settlementAccount,
} from '../../ledger/index.ts';
import {
  makeEngine,
  PostingLane,
  type PaymentEngine,
  type PaymentRequest,
  type ReversalRequest,
} from '../../reconciliation/index.ts';
import { openTestDatabase, type TestDatabase } from './test-database.ts';

/** Amount of every challan of the rig: a stamp of 1,000 rupees and a fee of 500. */
export const CHALLAN_AMOUNT = rupees(1_500n);

export interface BankLimits {
  readonly perTransaction?: bigint;
  readonly perDay?: bigint;
  readonly netDebitCap?: bigint;
}

export class LaneRig {
  readonly test: TestDatabase;
  readonly clock: ManualClock;
  readonly ids: IdMaker;
  readonly lane: PostingLane;
  readonly engine: PaymentEngine;
  #challans = 0;
  readonly #heads: readonly string[];

  private constructor(
    test: TestDatabase,
    clock: ManualClock,
    ids: IdMaker,
    heads: readonly string[],
  ) {
    this.test = test;
    this.clock = clock;
    this.ids = ids;
    this.#heads = heads;
    this.lane = this.makeLane('test');
    this.engine = makeEngine({
      database: test.database,
      clock,
      lanes: new Map([[0, this.lane]]),
    });
  }

  /** A rig at noon of 23 November 2026 in Karachi, with the bank BOP and the lane of shard 0 running. */
  static async open(): Promise<LaneRig> {
    const test = await openTestDatabase();
    const clock = new ManualClock(new Date('2026-11-23T09:00:00.000Z'));
    await importReferenceData(
      test.database,
      path.join(packageRoot, 'ledger', 'reference-data'),
      clock,
    );
    const heads = await test.database.query<{ code: string }>(
      sql`select code from head_of_account order by code limit 2`,
    );
    const rig = new LaneRig(
      test,
      clock,
      new IdMaker(clock, 0),
      heads.map((head) => head.code),
    );
    await rig.registerBank('BOP');
    await rig.lane.start();
    return rig;
  }

  async close(): Promise<void> {
    await this.lane.stop();
    await this.test.drop();
  }

  makeLane(holder: string, options: { queueMax?: number; leaseMs?: number } = {}): PostingLane {
    return new PostingLane({
      shard: 0,
      database: this.test.database,
      clock: this.clock,
      ids: this.ids,
      random: secureRandom,
      log: makeLog({ level: 'silent' }),
      metrics: makeMetrics(false),
      holder,
      ...options,
    });
  }

  async registerBank(code: string, limits: BankLimits = {}): Promise<void> {
    const { perTransaction = null, perDay = null, netDebitCap = null } = limits;
    await this.test.database.query(
      sql`insert into participant (code, name, channel, limit_per_transaction_paisa, limit_per_day_paisa, net_debit_cap_paisa)
          values (${code}, ${code}, 'iso8583', ${perTransaction}, ${perDay}, ${netDebitCap})`,
    );
    await openAccount(this.test.database, settlementAccount(0, code), this.ids);
  }

  /** Makes a challan of `CHALLAN_AMOUNT` with one stamp-bearing line and one fee. */
  async challan(): Promise<Psid> {
    this.#challans += 1;
    const [stampHead = '', feeHead = ''] = this.#heads;
    const party = {
      name: 'Ayesha Khan',
      cnic: '35202-1234567-1',
      contact: '03001234567',
      address: 'Lahore',
    };
    const made = await createChallan(
      {
        application: {
          applicant: party,
          firstParties: [party],
          secondParties: [party],
          purpose: 'sale',
          districtCode: 'LHR',
          districtName: 'Lahore',
          instrumentTitle: 'CONVEYANCE - 23',
        },
        lines: [
          {
            headCode: stampHead,
            description: 'CONVEYANCE - 23',
            amount: rupees(1_000n),
            assumed: false,
            stamp: { kind: 'non-judicial', article: '23', description: 'CONVEYANCE - 23' },
          },
          {
            headCode: feeHead,
            description: 'Registration fee',
            amount: rupees(500n),
            assumed: true,
          },
        ],
        duty: { total: '150000' },
        idempotencyKey: `key-${String(this.#challans)}`,
        contentHash: Buffer.alloc(32, this.#challans % 256),
      },
      {
        database: this.test.database,
        clock: this.clock,
        random: secureRandom,
        ids: this.ids,
        shard: 0,
        challanDays: 15,
      },
    );
    return made.psid;
  }

  payment(psid: Psid, key: string, change: Partial<PaymentRequest> = {}): PaymentRequest {
    return {
      channel: 'iso8583',
      participant: 'BOP',
      requestKey: key,
      psid,
      amount: CHALLAN_AMOUNT,
      reference: 'RRN000000001',
      ...change,
    };
  }

  reversal(
    psid: Psid,
    originalKey: string,
    change: Partial<ReversalRequest> = {},
  ): ReversalRequest {
    return {
      channel: 'iso8583',
      participant: 'BOP',
      requestKey: `r-${originalKey}`,
      originalKey,
      psid,
      amount: CHALLAN_AMOUNT,
      ...change,
    };
  }

  /** Debits less credits and what is reserved, of the account with this path, in paisa. */
  async balance(accountPath: string): Promise<{ balance: bigint; held: bigint }> {
    const [row] = await this.test.database.query<{ balance: bigint; held: bigint }>(
      sql`select debits_paisa - credits_paisa as balance, held_paisa as held
          from account_balance join account using (shard_id, account_id) where shard_id = 0 and path = ${accountPath}`,
    );
    if (row === undefined) throw new Error(`no account ${accountPath}`);
    return row;
  }
}
