/** Those who act on the books beside the banks: a registrar who uses stamps, an officer who cancels and switches off. */
import { sql } from '../../kernel/database.ts';
import { lowestIdAt } from '../../kernel/ids.ts';
import type { Model } from './model.ts';
import type { Seeded } from './seeded.ts';
import type { SimulatedServer } from './server.ts';
import type { World } from './world.ts';

export interface OfficialsParts {
  readonly world: World;
  readonly server: SimulatedServer;
  readonly model: Model;
  readonly random: Seeded;
  readonly shard: number;
}

/** Ids of events that the registrar makes lie above those of the lane's payments and lines of the time. */
const EVENT_BASE = 1n << 62n;

export class Officials {
  readonly #parts: OfficialsParts;
  #events = 0n;

  constructor(parts: OfficialsParts) {
    this.#parts = parts;
  }

  /** One second of the officer's day. */
  tick(): void {
    const { random, model } = this.#parts;
    const deed = random.weighted({ none: 880, cancel: 20, 'switch-off': 20, 'switch-on': 80 });
    if (deed === 'cancel') void this.#cancel(random.pick([...model.books.challans.keys()]));
    if (deed === 'switch-off')
      this.#switch(random.pick([...model.books.participants.keys()]), false);
    if (deed === 'switch-on') this.reopen();
  }

  /** Switches every participant on again. */
  reopen(): void {
    for (const { code, active } of this.#parts.model.books.participants.values())
      if (!active) this.#switch(code, true);
  }

  /** A registrar uses the stamps of a challan's payment, as far as they are unused. */
  async useStamps(psid: string): Promise<void> {
    const { server, world, model, shard } = this.#parts;
    const at = world.clock.now();
    this.#events += 1n;
    const firstEvent = EVENT_BASE + lowestIdAt(at) + this.#events * 128n;
    const statement = sql`
      with used as (
        update stamp set state = 'delisted', state_changed_at = ${at}, used_for = 'deed 7'
        where shard_id = ${shard}::smallint and psid = ${psid} and state = 'issued' returning *
      ), recorded as (
        insert into stamp_event (shard_id, event_id, stamp_id, kind, at, actor, reason, commitment)
        select shard_id, ${firstEvent}::bigint + line_no, stamp_id, 'lock', ${at}, 'sub-registrar:1', 'deed 7',
          event_commitment(salt, stamp_id, 'lock', ${at}, 'deed 7') from used
        returning *
      ), queued as (
        insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, commitment, log_size)
        select e.shard_id, e.event_id, 'lock', e.stamp_id, e.at, u.amount_paisa, e.commitment, 0
        from recorded e join used u on u.stamp_id = e.stamp_id
      )
      select stamp_id from used`;
    await server.administer('the registrar uses the stamps', statement, (rows) => {
      const used = new Set(rows.map((row) => String(row['stamp_id'])));
      for (const payment of model.books.payments.values())
        for (const stamp of payment.stamps) if (used.has(stamp.id)) stamp.state = 'delisted';
    });
  }

  async #cancel(psid: string): Promise<void> {
    const { server, model, shard } = this.#parts;
    const statement = sql`update challan set state = 'cancelled'
      where shard_id = ${shard}::smallint and psid = ${psid} and state = 'payable' returning psid`;
    await server.administer('an officer cancels a challan', statement, (rows) => {
      const challan = model.books.challans.get(psid);
      if (rows.length === 1 && challan !== undefined) challan.state = 'cancelled';
    });
  }

  #switch(code: string, active: boolean): void {
    const { server, model } = this.#parts;
    const statement = sql`update participant set active = ${active} where code = ${code}`;
    void server.administer(
      `an officer switches ${code} ${active ? 'on' : 'off'}`,
      statement,
      () => {
        const participant = model.books.participants.get(code);
        if (participant !== undefined) participant.active = active;
      },
    );
  }
}
