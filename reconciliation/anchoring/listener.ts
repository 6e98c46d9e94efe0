/**
 * Listens to what the chain tells of committed batches, and compares each with the batch that was planned here. The
 * worker knows what it sent; the listener hears what the network committed, whoever sent it. Each notice is kept, the
 * last one is where listening goes on after a restart, and `sanad audit` compares all of them once more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { AnchorChain, BatchNotice } from './anchor-chain.ts';
import { batchRecord, insertNotice, lastNotice } from './anchoring-store.ts';

const PAUSE_MS = 500;
const PAUSE_MS_MAX = 30_000;

export interface ChainListenerOptions {
  readonly database: Database;
  readonly chain: AnchorChain;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'anchorAlarm'>;
}

export interface ChainListener {
  /** What the chain committed that was not sent from here, when there was such a batch. */
  stranger(): Fault | undefined;
  /** Ends the listening. */
  stop(): Promise<void>;
}

class Listener implements ChainListener {
  readonly #options: ChainListenerOptions;
  readonly #stopper = new AbortController();
  readonly #ended: Promise<void>;
  #stranger: Fault | undefined;

  constructor(options: ChainListenerOptions) {
    this.#options = options;
    options.metrics.anchorAlarm.set({ alarm: 'stranger' }, 0);
    this.#ended = this.#loop();
  }

  stranger(): Fault | undefined {
    return this.#stranger;
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#ended;
  }

  async #loop(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#stopper;
    for (let failures = 0; !signal.aborted;) {
      try {
        failures = (await this.#listen()) > 0 ? 0 : failures + 1;
      } catch (error) {
        failures += 1;
        log.warn({ err: error, failures }, 'the chain is not heard; it will be listened to again');
      }
      const pauseMs = Math.min(PAUSE_MS * 2 ** Math.min(failures, 10), PAUSE_MS_MAX);
      // An aborted pause is the wish to stop, which the loop's condition reads.
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Listens until the stream ends; returns how many batches were told. */
  async #listen(): Promise<number> {
    const { chain, database, clock } = this.#options;
    const { signal } = this.#stopper;
    let told = 0;
    for await (const notice of chain.follow?.(await lastNotice(database), signal) ?? []) {
      told += 1;
      await this.#compare(notice);
      await insertNotice(database, notice, clock.now());
    }
    return told;
  }

  async #compare(notice: BatchNotice): Promise<void> {
    const { database, log, metrics } = this.#options;
    // The plan is committed before the batch is sent, so a batch of ours is always known.
    const record = await batchRecord(database, notice.start);
    const isOurs =
      record?.count === notice.count && Buffer.compare(record.root, notice.head.root) === 0;
    if (isOurs) return;
    const fields = {
      batchStart: notice.start.toString(),
      entries: notice.count,
      transaction: notice.at.transactionId,
    };
    this.#stranger ??= new Fault(
      'chain-refused',
      'The chain committed a batch that was not sent from here.',
      { fields },
    );
    metrics.anchorAlarm.set({ alarm: 'stranger' }, 1);
    log.error(fields, 'the chain committed a batch that was not sent from here');
  }
}

/** Starts to listen, where the chain tells of its commits; undefined where the commit is the database's own. */
export function listenToChain(options: ChainListenerOptions): ChainListener | undefined {
  return options.chain.follow === undefined ? undefined : new Listener(options);
}
