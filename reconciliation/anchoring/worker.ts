/**
 * The anchoring worker: it empties the outbox into the chain. One batch is on the way at a time, in three steps,
 * and a crash between any two of them leaves neither a gap nor a double:
 *
 * - plan: one transaction takes items out of the outbox and writes their leaves with the indexes they will have;
 * - append: the chain appends exactly at that start, or refuses;
 * - confirm: one transaction marks the batch, adds its hashes to the tiles and moves the head that the lane reads.
 *
 * A worker that finds a planned batch asks the chain for its head: at the batch's start it appends again; at the
 * batch's end it reads the batch back, compares and confirms; at anything else it stops for a person, because
 * then the chain and this database do not tell the same story. Workers exclude each other by a lease whose epoch
 * is checked in both transactions; should a lease lapse during an append, the chain's own rule (a batch starts
 * at the size) still lets only one of them through.
 *
 * Anchoring never stops issuing: when the chain is away the worker backs off, and only the lag grows.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendLeaves, frontierNodes, frontierRoot, leafHash } from '../../chaincode/src/merkle.ts';
import { ENTRY_BYTES, splitEntries } from '../../chaincode/src/leaf.ts';
import { BATCH_ENTRIES_MAX } from '../../chaincode/src/registry.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database, Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { ChainFault, type AnchorBatch, type AnchorChain } from './anchor-chain.ts';
import {
  anchoredSize,
  confirmBatch,
  findTiles,
  holdLease,
  issuePlaces,
  lastAnchoredRoot,
  outboxItems,
  plannedBatch,
  putTiles,
  releaseLease,
  storePlan,
  takeLease,
  type Lease,
} from './anchoring-store.ts';
import { readCheckpoint } from './checkpoint.ts';
import { LagWatch } from './lag-watch.ts';
import { planBatch } from './plan-batch.ts';
import { frontierFromTiles, openTiles, TileBuilder, tilesOfNodes } from './tiles.ts';

/** How long a silent worker keeps others out. */
const LEASE_MS = 5_000;
const GATHER_MS = 500;
/** Stamps are in the log within seconds; minutes mean that the chain is away. */
const LAG_ALARM_MS = 5 * 60_000;
const IDLE_MS = 200;
const BACK_OFF_MS_MAX = 30_000;

export interface AnchoringWorkerOptions {
  readonly database: Database;
  readonly chain: AnchorChain;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'anchorLag' | 'anchorLagSeconds' | 'anchorAlarm'>;
  /** Most entries of one batch; the contract's limit when absent. */
  readonly batchEntriesMax?: number;
  /** What tells this worker from others; a random name when absent. */
  readonly holder?: string;
  /** Pause between looks at an empty outbox; 200 ms when absent. */
  readonly idleMs?: number;
  /**
   * Pause after a batch that was not full, so that the next one gathers more; 500 ms when absent. Each batch costs
   * the chain and the database a commit and a signature, whatever its size.
   */
  readonly gatherMs?: number;
  /** Age in ms of the oldest stamp outside the log at which the alarm is raised; 5 minutes when absent. */
  readonly lagAlarmMs?: number;
}

export interface AnchoringWorker {
  /** Brings at most one batch into the log and returns its number of leaves; 0 when there was nothing to do. */
  runOnce(): Promise<number>;
  /** Works until `stop()`: straight on while there is work, with pauses when idle, with back-off when the chain is away. */
  start(): void;
  /** Ends after the round that is under way, and gives the lease back. */
  stop(): Promise<void>;
  /** Stamps issued and not yet in the log. */
  lag(): Promise<number>;
  /** Why anchoring stopped for a person, when it did: chain and database do not tell the same story. */
  halted(): Fault | undefined;
}

class Worker implements AnchoringWorker {
  readonly #options: AnchoringWorkerOptions;
  readonly #holder: string;
  readonly #entriesMax: number;
  readonly #lag: LagWatch;
  #lease: Lease | undefined;
  #leaseUntilMs = 0;
  #headIsChecked = false;
  #halted: Fault | undefined;
  #running: { readonly stopper: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: AnchoringWorkerOptions) {
    this.#options = options;
    this.#holder = options.holder ?? randomUUID();
    this.#entriesMax = Math.min(options.batchEntriesMax ?? BATCH_ENTRIES_MAX, BATCH_ENTRIES_MAX);
    this.#lag = new LagWatch({ ...options, alarmMs: options.lagAlarmMs ?? LAG_ALARM_MS });
    options.metrics.anchorAlarm.set({ alarm: 'halted' }, 0);
    if (!(this.#entriesMax >= 2)) {
      throw new Fault('config-invalid', 'A batch must have room for a payment and its stamp.');
    }
  }

  halted(): Fault | undefined {
    return this.#halted;
  }

  lag(): Promise<number> {
    return this.#lag.look();
  }

  async runOnce(): Promise<number> {
    if (this.#halted !== undefined) throw this.#halted;
    const lease = await this.#holdLease();
    if (lease === undefined) return 0;
    const { database } = this.#options;
    const left = await plannedBatch(database);
    if (left !== undefined) return this.#resume(lease, left);
    if (!this.#headIsChecked) await this.#checkHead(lease);
    const planned = await database.transaction((tx) => this.#plan(tx, lease));
    return planned === undefined ? 0 : this.#append(lease, planned);
  }

  start(): void {
    if (this.#running !== undefined) return;
    const stopper = new AbortController();
    this.#running = { stopper, ended: this.#loop(stopper.signal) };
  }

  async stop(): Promise<void> {
    this.#running?.stopper.abort();
    await this.#running?.ended;
    this.#running = undefined;
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    try {
      await releaseLease(this.#options.database, lease);
    } catch (error) {
      // A stop must not fail because the database is away; the lease runs out by itself.
      this.#options.log.warn({ err: error }, 'the anchoring lease was not given back');
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let pauseMs = this.#options.idleMs ?? IDLE_MS;
      try {
        const leaves = this.#halted === undefined ? await this.runOnce() : 0;
        failures = 0;
        if (leaves > 0)
          pauseMs = leaves * 2 > this.#entriesMax ? 0 : (this.#options.gatherMs ?? GATHER_MS);
      } catch (error) {
        failures += 1;
        pauseMs = Math.min(pauseMs * 2 ** Math.min(failures, 20), BACK_OFF_MS_MAX);
        this.#tell(error, failures);
      }
      // The lag is told whatever happened: it is what shows that the chain is away.
      await this.#lag.lookSometimes().catch((error: unknown) => this.#tell(error, failures));
      // An aborted pause is the wish to stop, which the loop's condition reads.
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #tell(error: unknown, failures: number): void {
    if (error === this.#halted) return;
    const fields = error instanceof Fault ? { code: error.code, ...error.fields } : {};
    this.#options.log.warn(
      { err: error, ...fields, failures },
      'anchoring failed; it will be tried again',
    );
  }

  /** Stops anchoring for a person, unless another worker has taken over: then what looks wrong is its work. */
  async #halt(
    lease: Lease,
    why: {
      readonly message: string;
      readonly fields: Record<string, string>;
      readonly cause?: unknown;
    },
  ): Promise<never> {
    const { database, log, metrics } = this.#options;
    await database.transaction((tx) => this.#fenced(tx, lease, () => Promise.resolve()));
    const { message, fields, cause } = why;
    this.#halted = new Fault('chain-refused', message, { fields, cause });
    metrics.anchorAlarm.set({ alarm: 'halted' }, 1);
    log.error({ err: this.#halted, ...fields }, 'anchoring stopped; a person must look');
    throw this.#halted;
  }

  async #holdLease(): Promise<Lease | undefined> {
    const now = this.#options.clock.now();
    if (this.#lease !== undefined && now.getTime() < this.#leaseUntilMs - LEASE_MS / 2) {
      return this.#lease;
    }
    const until = new Date(now.getTime() + LEASE_MS);
    this.#lease = await takeLease(this.#options.database, this.#holder, { now, until });
    this.#leaseUntilMs = until.getTime();
    return this.#lease;
  }

  /** Runs a step in a transaction that holds the lease; a lost lease is forgotten, so that the next round asks anew. */
  async #fenced<T>(tx: Queryable, lease: Lease, step: () => Promise<T>): Promise<T> {
    try {
      await holdLease(tx, lease);
    } catch (error) {
      this.#lease = undefined;
      throw error;
    }
    return step();
  }

  /** With nothing on the way, the chain must stand where this database last saw it. */
  async #checkHead(lease: Lease): Promise<void> {
    const { chain, database } = this.#options;
    const size = await anchoredSize(database);
    const head = await chain.head(size);
    const root = await lastAnchoredRoot(database);
    if (head.size !== size || (root !== undefined && Buffer.compare(root, head.root) !== 0)) {
      await this.#halt(lease, {
        message: 'The head of the chain is not the one that was confirmed here.',
        fields: { chainSize: head.size.toString(), confirmedSize: size.toString() },
      });
    }
    this.#headIsChecked = true;
  }

  async #plan(tx: Queryable, lease: Lease): Promise<AnchorBatch | undefined> {
    return this.#fenced(tx, lease, async () => {
      const items = await outboxItems(tx, this.#entriesMax);
      if (items.length === 0) return undefined;
      const start = await anchoredSize(tx);
      const named = items.filter((item) => item.kind !== 'issue').map((item) => item.stampId);
      const issues = await issuePlaces(tx, [...new Set(named)]);
      const plan = planBatch({ items, issues, start, entriesMax: this.#entriesMax });
      if (plan.waiting.length > 0) {
        this.#options.log.warn(
          { items: plan.waiting.length },
          'life events wait for the issue of their stamp',
        );
      }
      if (plan.leaves.length === 0) return undefined;
      const frontier = frontierFromTiles(
        start,
        await findTiles(tx, tilesOfNodes(frontierNodes(start))),
      );
      const root = frontierRoot(
        appendLeaves(
          frontier,
          plan.leaves.map((leaf) => leaf.leafHash),
        ),
      );
      await storePlan(tx, plan, { start, root, plannedAt: this.#options.clock.now() });
      return {
        start,
        entries: Buffer.concat(plan.leaves.map((leaf) => leaf.entry)),
        expectedRoot: root,
        issueBatches: plan.issueBatches,
      };
    });
  }

  /** A batch was planned before: whether it was appended, only the chain knows. */
  async #resume(lease: Lease, batch: AnchorBatch): Promise<number> {
    const head = await this.#options.chain.head(batch.start);
    if (head.size === batch.start) return this.#append(lease, batch);
    return this.#confirmFound(lease, batch);
  }

  async #append(lease: Lease, batch: AnchorBatch): Promise<number> {
    let reference: string;
    try {
      reference = (await this.#options.chain.append(batch)).reference;
    } catch (error) {
      // Refused may mean: appended before, and the answer was lost. Whatever else failed is asked about next round.
      if (error instanceof ChainFault && error.retry === 'never') {
        return this.#confirmFound(lease, batch, error);
      }
      throw error;
    }
    return this.#confirm(lease, batch, reference);
  }

  async #confirmFound(lease: Lease, batch: AnchorBatch, refusal?: ChainFault): Promise<number> {
    const { chain } = this.#options;
    const head = await chain.head(endOf(batch));
    const fields = {
      batchStart: batch.start.toString(),
      batchEnd: endOf(batch).toString(),
      chainSize: head.size.toString(),
      ...(refusal?.refusal === undefined ? {} : { refusal: refusal.refusal }),
    };
    if (head.size !== endOf(batch) || Buffer.compare(head.root, batch.expectedRoot) !== 0) {
      return this.#halt(lease, {
        message: 'The chain refuses the planned batch and does not hold it.',
        fields,
        cause: refusal,
      });
    }
    const found = await chain.readBatch(batch.start);
    if (found === undefined || Buffer.compare(found, batch.entries) !== 0) {
      return this.#halt(lease, {
        message: 'The chain holds another batch where this one was planned.',
        fields,
        cause: refusal,
      });
    }
    return this.#confirm(lease, batch, 'found at the chain');
  }

  async #confirm(lease: Lease, batch: AnchorBatch, reference: string): Promise<number> {
    const { chain, clock, database } = this.#options;
    const checkpoint = await chain.checkpoint();
    const head = readCheckpoint(checkpoint);
    const end = endOf(batch);
    if (head?.size !== end || Buffer.compare(head.root, batch.expectedRoot) !== 0) {
      return this.#halt(lease, {
        message: 'The checkpoint of the chain is not that of the batch it appended.',
        fields: {
          batchEnd: end.toString(),
          checkpointSize: head?.size.toString() ?? '',
        },
      });
    }
    const leaves = splitEntries(batch.entries).map(leafHash);
    await database.transaction((tx) =>
      this.#fenced(tx, lease, async () => {
        const at = clock.now();
        const isNew = await confirmBatch(tx, {
          start: batch.start,
          end,
          reference,
          checkpoint,
          at,
        });
        if (!isNew) return;
        const open = await findTiles(tx, openTiles(batch.start));
        const builder = new TileBuilder(batch.start, open);
        const filled = leaves.flatMap((leaf) => builder.append(leaf));
        await putTiles(tx, [...filled, ...builder.unfinished()]);
      }),
    );
    return leaves.length;
  }
}

function endOf(batch: AnchorBatch): bigint {
  return batch.start + BigInt(batch.entries.length / ENTRY_BYTES);
}

/** Makes a worker; it does nothing before `start()` or `runOnce()`. */
export function makeAnchoringWorker(options: AnchoringWorkerOptions): AnchoringWorker {
  return new Worker(options);
}
