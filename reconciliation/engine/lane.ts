/**
 * The posting lane of one shard. Requests wait in one bounded queue; whenever the lane is idle it takes all
 * that has gathered (up to a batch) and posts it with one function call and one commit. No fixed wait: at low
 * load a batch is one payment, under load it grows by itself (MEASURED.md §1).
 *
 * What happens to a request:
 *   queued    → refused with `busy` when the queue is full: nothing was done.
 *   in batch  → the database answers it; the answer is given after the commit.
 *   neighbour's fault (40001, 40P01) → the batch is run again as it is.
 *   connection lost → the commit may or may not have happened. The batch is run again, and whatever was
 *                   committed is found by its request key and answered as a repeat: never posted twice.
 *   poison    → a batch that fails for another reason is split in halves until the request that breaks it is
 *                   alone; only that one is answered `system-malfunction`.
 *   lease lost → another process took the shard over; everything waiting is answered `busy`, and the lane
 *                   tries to take the lease back.
 */
import { systemTimers, type Clock, type Timers } from '../../kernel/clock.ts';
import { isRetryable, isUnreachable, sqlState, type Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { IdMaker, Random } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { openAccount, suspenseAccount } from '../../ledger/index.ts';
import {
  postPayments,
  releaseLease,
  renewLease,
  reversePayment,
  takeLease,
  type Lease,
  type NumberedPayment,
} from './lane-store.ts';
import type { PaymentAnswer, PaymentRequest, ReversalAnswer, ReversalRequest } from './payment.ts';

export interface LaneOptions {
  readonly shard: number;
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly random: Random;
  /** Owns all waiting of the lane; the machine's own when absent. */
  readonly timers?: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Names this process in the lease; two lanes with one name would share it. */
  readonly holder: string;
  /** Most requests that wait; 20,000 when absent. */
  readonly queueMax?: number;
  /** Most payments in one batch; 1,000 when absent. */
  readonly batchMax?: number;
  /** How long a lease holds without renewal, in ms; 10,000 when absent. */
  readonly leaseMs?: number;
  /** How long a batch is tried while the database is away, in ms; 30,000 when absent. */
  readonly patienceMs?: number;
}

type Work =
  | {
      readonly kind: 'payment';
      readonly request: PaymentRequest;
      readonly paymentId: bigint;
      /** `elapsedMs` of the timers when the request came. */
      readonly since: number;
      readonly answer: (answer: PaymentAnswer) => void;
    }
  | {
      readonly kind: 'reversal';
      readonly request: ReversalRequest;
      readonly journalId: bigint;
      readonly answer: (answer: ReversalAnswer) => void;
    };
type PaymentWork = Extract<Work, { kind: 'payment' }>;

/** Bytes of randomness from which a payment's stamps take their ids and salts. */
const SEED_BYTES = 32;
const LEASE_LOST = 'SN005';
const BUSY = { result: 'busy', repeated: false, stampIds: [] } as const;
const MALFUNCTION = { result: 'system-malfunction', repeated: false, stampIds: [] } as const;

export class PostingLane {
  readonly #options: Required<LaneOptions>;
  #queue: Work[] = [];
  #lease: Lease | undefined;
  #running: Promise<void> | undefined;
  #endRenewal: (() => void) | undefined;
  #stopping = false;

  constructor(options: LaneOptions) {
    this.#options = {
      queueMax: 20_000,
      batchMax: 1_000,
      leaseMs: 10_000,
      patienceMs: 30_000,
      timers: systemTimers,
      ...options,
    };
  }

  /** Opens the lane's own account, takes the lease and begins to post. Waits up to one lease's life; then a Fault `lease-lost`: another process runs this shard. */
  async start(): Promise<void> {
    const { shard, database, holder, leaseMs, timers, ids } = this.#options;
    await openAccount(database, suspenseAccount(shard), ids);
    for (let waitedMs = 0; this.#lease === undefined; waitedMs += 250) {
      this.#lease = await takeLease(database, shard, holder, leaseMs);
      if (this.#lease !== undefined) break;
      if (waitedMs > leaseMs + 1_000) {
        throw new Fault(
          'lease-lost',
          'Another process already runs this shard; stop it, or run this one elsewhere.',
          { fields: { shard } },
        );
      }
      await timers.sleep(250);
    }
    this.#endRenewal = timers.every(leaseMs / 3, () => void this.#renew());
  }

  /** Answers what waits, posts no more, and gives the lease back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endRenewal?.();
    await this.#running;
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    try {
      await releaseLease(this.#options.database, lease);
    } catch (error) {
      // A stop must not fail because the database is away; the lease runs out by itself.
      this.#options.log.warn({ err: error }, 'the lease of the lane was not given back');
    }
  }

  /** True while this process may post to the shard. */
  get leads(): boolean {
    return this.#lease !== undefined;
  }

  /** Posts a payment; resolves after the commit. */
  pay(request: PaymentRequest): Promise<PaymentAnswer> {
    if (!this.#admits()) return Promise.resolve(BUSY);
    const { ids, timers } = this.#options;
    return new Promise((answer) => {
      this.#enqueue({
        kind: 'payment',
        request,
        paymentId: ids.next(),
        since: timers.elapsedMs(),
        answer,
      });
    });
  }

  /** Reverses a payment, after everything that came before it; resolves after the commit. */
  reverse(request: ReversalRequest): Promise<ReversalAnswer> {
    if (!this.#admits()) return Promise.resolve(BUSY);
    return new Promise((answer) => {
      this.#enqueue({ kind: 'reversal', request, journalId: this.#options.ids.next(), answer });
    });
  }

  #admits(): boolean {
    return !this.#stopping && this.#queue.length < this.#options.queueMax;
  }

  #enqueue(work: Work): void {
    this.#queue.push(work);
    this.#options.metrics.laneQueue.set(this.#queue.length);
    this.#running ??= this.#run();
  }

  /**
   * Posts what waits, batch after batch. The answers of a batch are given while the next one is under way, so that
   * neither the database nor this process waits for the other.
   */
  async #run(): Promise<void> {
    const { timers, metrics } = this.#options;
    let answerLast: (() => void) | undefined;
    // One turn of the loop lets everything that arrived in the same packet gather into the first batch.
    await timers.turn();
    while (this.#queue.length > 0) {
      const posting = this.#postNext();
      metrics.laneQueue.set(this.#queue.length);
      if (answerLast !== undefined) {
        // The statement leaves for the database before this turn is over.
        await timers.turn();
        answerLast();
      }
      answerLast = await posting;
      if (this.#queue.length === 0) {
        answerLast();
        answerLast = undefined;
      }
    }
    this.#running = undefined;
  }

  /** Posts the reversal or the payments at the head of the queue; resolves with what gives their answers. */
  async #postNext(): Promise<() => void> {
    const [first] = this.#queue;
    if (first?.kind === 'reversal') {
      this.#queue.shift();
      const answer = await this.#guard(() => this.#reverse(first), MALFUNCTION);
      return () => first.answer(answer);
    }
    const { metrics, timers } = this.#options;
    const batch = this.#takePayments();
    metrics.laneBatch.observe(batch.length);
    const numbered = this.#withSeeds(batch);
    const answers = await this.#guard(() => this.#post(numbered), []);
    return () => {
      const now = timers.elapsedMs();
      for (const [index, work] of batch.entries()) {
        metrics.laneMs.observe(now - work.since);
        work.answer(answers[index] ?? MALFUNCTION);
      }
    };
  }

  /** The lane must outlive any single failure: what escaped the handling below is logged, and the loop goes on. */
  async #guard<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#options.log.error(
        { err: error, shard: this.#options.shard },
        'the lane failed unexpectedly',
      );
      return otherwise;
    }
  }

  #takePayments(): PaymentWork[] {
    const batch: PaymentWork[] = [];
    for (const work of this.#queue) {
      if (work.kind !== 'payment' || batch.length === this.#options.batchMax) break;
      batch.push(work);
    }
    this.#queue.splice(0, batch.length);
    return batch;
  }

  /** Gives each payment its own random seed. All are drawn at once, which costs a tenth of drawing each. */
  #withSeeds(batch: readonly PaymentWork[]): NumberedPayment[] {
    const seeds = this.#options.random.bytes(SEED_BYTES * batch.length);
    return batch.map(({ request, paymentId }, index) => ({
      request,
      paymentId,
      seed: seeds.subarray(SEED_BYTES * index, SEED_BYTES * (index + 1)),
    }));
  }

  async #post(batch: readonly NumberedPayment[]): Promise<PaymentAnswer[]> {
    const { database, clock } = this.#options;
    const outcome = await this.#attempt((lease) =>
      postPayments(database, lease, clock.now(), batch),
    );
    if (outcome.ok) return outcome.value;
    if (outcome.why === 'poison' && batch.length > 1) {
      const middle = batch.length >> 1;
      const earlier = await this.#post(batch.slice(0, middle));
      return [...earlier, ...(await this.#post(batch.slice(middle)))];
    }
    return batch.map(() => (outcome.why === 'lease' ? BUSY : MALFUNCTION));
  }

  async #reverse(work: Extract<Work, { kind: 'reversal' }>): Promise<ReversalAnswer> {
    const { database, clock } = this.#options;
    const outcome = await this.#attempt((lease) =>
      reversePayment(database, lease, clock.now(), work.journalId, work.request),
    );
    if (outcome.ok) return outcome.value;
    return outcome.why === 'lease' ? BUSY : MALFUNCTION;
  }

  async #attempt<T>(
    work: (lease: Lease) => Promise<T>,
  ): Promise<{ ok: true; value: T } | { ok: false; why: 'lease' | 'away' | 'poison' }> {
    const { log, patienceMs, shard, timers } = this.#options;
    const deadline = timers.elapsedMs() + patienceMs;
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 500)) {
      if (this.#lease === undefined) return { ok: false, why: 'lease' };
      try {
        return { ok: true, value: await work(this.#lease) };
      } catch (error) {
        if (sqlState(error) === LEASE_LOST) {
          log.error({ shard }, 'the lease of the lane was taken over');
          this.#lease = undefined;
          return { ok: false, why: 'lease' };
        }
        if (!isRetryable(error) && !isUnreachable(error)) {
          log.error({ err: error, shard }, 'a batch was refused by the database');
          return { ok: false, why: 'poison' };
        }
        if (timers.elapsedMs() > deadline) {
          log.error(
            { err: error, shard },
            'the database stayed away; the state of these requests is unknown to their senders',
          );
          return { ok: false, why: 'away' };
        }
        log.warn({ shard, state: sqlState(error) ?? 'connection' }, 'a batch is tried again');
        await timers.sleep(pauseMs);
      }
    }
  }

  async #renew(): Promise<void> {
    const { database, shard, holder, leaseMs, log } = this.#options;
    try {
      if (this.#stopping) return;
      if (this.#lease === undefined)
        this.#lease = await takeLease(database, shard, holder, leaseMs);
      else if (!(await renewLease(database, this.#lease, leaseMs))) this.#lease = undefined;
    } catch (error) {
      // The next batch finds out whether the lease still holds; a database that is away is no reason to give it up.
      log.warn({ err: error, shard }, 'the lease of the lane could not be renewed');
    }
  }
}
