/** Books with seven stamps whose log is anchored on the embedded chain: what tests of tampering and of the audit stand on. */
import { generateKeyPairSync } from 'node:crypto';
import { sql, type Database } from '../../kernel/database.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { openEmbeddedChain } from '../../reconciliation/anchoring/adapters/embedded.ts';
import type { AnchorChain } from '../../reconciliation/anchoring/anchor-chain.ts';
import { emptyAnchoring, ORIGIN, tamper } from '../../reconciliation/anchoring/test-support.ts';
import {
  makeAnchoringWorker,
  type AnchoringWorker,
} from '../../reconciliation/anchoring/worker.ts';
import { LaneRig } from './lane-rig.ts';

const TABLES =
  'stamp_event, stamp, posting, journal_entry, account_day, payment, request_record, challan_line, challan, outbox';

export class AnchoredRig {
  readonly keys = generateKeyPairSync('ed25519');
  readonly log = { logPublicKey: this.keys.publicKey, origin: ORIGIN };
  readonly #rig: LaneRig;
  #round = 0;
  #chain: AnchorChain | undefined;
  #worker: AnchoringWorker | undefined;
  stamps: string[] = [];

  private constructor(rig: LaneRig) {
    this.#rig = rig;
  }

  static async open(): Promise<AnchoredRig> {
    return new AnchoredRig(await LaneRig.open());
  }

  close(): Promise<void> {
    return this.#rig.close();
  }

  get database(): Database {
    return this.#rig.test.database;
  }

  get chain(): AnchorChain {
    return this.#chain!;
  }

  get worker(): AnchoringWorker {
    return this.#worker!;
  }

  /** Takes a new worker, which knows nothing of what the one before has seen. */
  restartWorker(): AnchoringWorker {
    this.#worker = makeAnchoringWorker({
      database: this.database,
      chain: this.chain,
      clock: this.#rig.clock,
      log: makeLog({ level: 'silent' }),
      metrics: makeMetrics(false),
      holder: 'test',
      batchEntriesMax: 6,
    });
    return this.#worker;
  }

  /** Anchors all that waits. */
  async drain(): Promise<void> {
    while ((await this.worker.runOnce()) > 0);
  }

  /** Begins anew with seven stamps, an hour apart, in several batches; the second is cancelled, the third delisted. */
  async begin(): Promise<void> {
    const { clock, engine } = this.#rig;
    this.#round += 1;
    await tamper(
      this.database,
      `truncate ${TABLES} cascade; update account_balance set debits_paisa = 0, credits_paisa = 0, held_paisa = 0, postings = 0`,
    );
    await emptyAnchoring(this.database);
    this.#chain = await openEmbeddedChain({
      database: this.database,
      signingKey: this.keys.privateKey,
      origin: ORIGIN,
      clock,
    });
    this.restartWorker();
    this.stamps = [];
    for (let number = 0; number < 7; number += 1) {
      clock.advance(3_600_000);
      const psid = await this.#rig.challan();
      const key = `t${String(this.#round)}-${String(number)}`;
      const answer = await engine.pay(this.#rig.payment(psid, key));
      this.stamps.push(answer.stampIds[0]!);
      if (number === 1) await engine.reverse(this.#rig.reversal(psid, key));
      await this.drain();
      if (number === 2) {
        await this.#lock(this.stamps[2]!);
        await this.drain();
      }
    }
  }

  async #lock(stampId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const eventId = this.#rig.ids.next();
      const at = this.#rig.clock.now();
      await tx.query(sql`
        insert into stamp_event (shard_id, event_id, stamp_id, kind, at, actor, reason, commitment)
        select 0, ${eventId}, ${stampId}, 'lock', ${at}, 'sub-registrar', 'deed 7', event_commitment(salt, ${stampId}, 'lock', ${at}, 'deed 7')
        from stamp where stamp_id = ${stampId}`);
      await tx.query(sql`
        insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, commitment, log_size)
        select 0, ${eventId}::bigint * 128, 'lock', stamp_id, at, 100000, commitment, 0 from stamp_event where event_id = ${eventId}`);
      await tx.query(
        sql`update stamp set state = 'delisted', state_changed_at = ${at} where stamp_id = ${stampId}`,
      );
    });
  }
}
