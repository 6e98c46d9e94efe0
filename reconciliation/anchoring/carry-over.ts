/**
 * Carries the log of the embedded chain over to another chain, batch by batch, and proves both equal. It can be cut
 * off at any moment and run again: the other chain's head says where to go on, and what it holds already is compared.
 */
import type { KeyObject } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { emptyRoot } from '../../chaincode/src/merkle.ts';
import type { Clock, Timers } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { decodeBatch } from './adapters/embedded-block.ts';
import { blocksFrom } from './adapters/embedded-store.ts';
import { ChainFault, type AnchorBatch, type AnchorChain, type Head } from './anchor-chain.ts';
import { plannedBatch, releaseLease, takeLease, type Lease } from './anchoring-store.ts';
import { auditLog } from './audit-log.ts';

/** Long enough for any one batch; it is renewed before each. */
const LEASE_MS = 180_000;
const TRIES_MAX = 20;
const PAUSE_MS = 500;

export interface CarryOverOptions {
  readonly database: Database;
  readonly to: AnchorChain;
  readonly logPublicKey: KeyObject;
  readonly origin: string;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Is told how far it has come. */
  readonly say: (line: string) => void;
}

export interface CarryOverReport {
  /** The head that both chains have now. */
  readonly size: string;
  readonly root: string;
  readonly batches: number;
  /** Batches that were brought over now; the others were there and compared. */
  readonly carried: number;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function differs(message: string, start: bigint): Fault {
  return new Fault('chain-refused', message, { fields: { batchStart: start.toString() } });
}

class CarryOver {
  readonly #options: CarryOverOptions;
  readonly #holder = `migration ${randomUUID()}`;
  #lease: Lease | undefined;

  constructor(options: CarryOverOptions) {
    this.#options = options;
  }

  async run(): Promise<CarryOverReport> {
    await this.#holdLease();
    try {
      return await this.#carryAll();
    } finally {
      if (this.#lease !== undefined) await releaseLease(this.#options.database, this.#lease);
    }
  }

  /** Keeps the anchoring worker out: while the log is carried over it must not grow. */
  async #holdLease(): Promise<void> {
    const { clock, database } = this.#options;
    const now = clock.now();
    const until = new Date(now.getTime() + LEASE_MS);
    this.#lease = await takeLease(database, this.#holder, { now, until });
    if (this.#lease === undefined) {
      throw new Fault('conflict', 'An anchoring worker runs on these books; stop it first.');
    }
  }

  async #carryAll(): Promise<CarryOverReport> {
    const { database, to, logPublicKey, origin, say } = this.#options;
    if ((await plannedBatch(database)) !== undefined) {
      throw new Fault(
        'conflict',
        'A batch is on its way to the embedded chain; let the product run without the Fabric settings until it is there.',
      );
    }
    const audit = await auditLog(database, { logPublicKey, origin });
    if (audit.findingsTotal > 0 || audit.head === undefined) {
      throw new Fault(
        'chain-refused',
        'The audit of the embedded chain has findings; see sanad audit.',
        {
          fields: { findings: audit.findingsTotal },
        },
      );
    }
    let there = await to.head();
    let head: Head = { size: 0n, root: emptyRoot() };
    let batches = 0;
    let carried = 0;
    for (let number = 1n; ; number += 1n) {
      const [stored] = await blocksFrom(database, number, 1);
      if (stored === undefined) break;
      const batch = decodeBatch(stored.arguments);
      if (batch.start < there.size) await this.#compare(batch);
      else {
        await this.#holdLease();
        there = await this.#append(batch);
        carried += 1;
      }
      head = stored.block.head;
      batches += 1;
      if (batches % 100 === 0) say(`${head.size.toString()} leaves`);
    }
    const final = await to.head(head.size);
    if (final.size !== head.size || !same(final.root, head.root)) {
      throw differs('The chain that was carried to ends with another head.', final.size);
    }
    const root = Buffer.from(head.root).toString('hex');
    return { size: head.size.toString(), root, batches, carried };
  }

  async #compare(batch: AnchorBatch): Promise<void> {
    const held = await this.#options.to.readBatch(batch.start);
    if (held === undefined || !same(held, batch.entries)) {
      throw differs('The chain that was carried to holds another log.', batch.start);
    }
  }

  /** Appends a batch; when it is not known whether that was done, the head tells. */
  async #append(batch: AnchorBatch): Promise<Head> {
    const { to, timers } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        return (await to.append(batch)).head;
      } catch (error) {
        if (!(error instanceof ChainFault)) throw error;
        if (error.retry === 'never' || tries === TRIES_MAX) throw error;
      }
      await timers.sleep(PAUSE_MS);
      const head = await this.#headOrNothing(batch.start);
      if (head !== undefined && head.size > batch.start) {
        await this.#compare(batch);
        return head;
      }
    }
  }

  async #headOrNothing(atLeast: bigint): Promise<Head | undefined> {
    try {
      return await this.#options.to.head(atLeast);
    } catch (error) {
      // A chain that is away for a moment is asked again with the next try.
      if (error instanceof ChainFault && error.retry === 'safe') return undefined;
      throw error;
    }
  }
}

/**
 * Carries the log over. Refuses with `conflict` while a worker runs, and with `chain-refused` an embedded chain whose
 * audit finds something and a chain that holds another log.
 */
export async function carryOverLog(options: CarryOverOptions): Promise<CarryOverReport> {
  return new CarryOver(options).run();
}
