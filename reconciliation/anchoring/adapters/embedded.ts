/**
 * The embedded chain: the contract's rules over a world state in PostgreSQL, each call recorded in a block that
 * is hash-chained to the one before and signed. It is tamper-evident, not distributed: who holds its key and its
 * database can begin another log, but cannot change this one without every checkpoint held elsewhere showing it.
 */
import type { KeyObject } from 'node:crypto';
import { ContractError } from '../../../chaincode/src/contract-error.ts';
import { emptyRoot } from '../../../chaincode/src/merkle.ts';
import {
  appendBatch,
  batchKey,
  readHead,
  type WorldState,
} from '../../../chaincode/src/registry.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { sqlState, type Database, type Queryable } from '../../../kernel/database.ts';
import { Fault, InvariantBroken } from '../../../kernel/fault.ts';
import {
  ChainFault,
  type AnchorBatch,
  type AnchorChain,
  type ChainPhase,
  type Head,
  type Receipt,
} from '../anchor-chain.ts';
import { publicHalf, rawPublicKey, signCheckpoint } from '../checkpoint.ts';
import {
  encodeBatch,
  encodeGenesis,
  hasGoodHash,
  hasGoodSignature,
  hashWrites,
  NO_BLOCK,
  sealBlock,
  sha256,
  type SealedBlock,
} from './embedded-block.ts';
import {
  blocksFrom,
  insertBlock,
  insertGenesis,
  lastBlock,
  lockChain,
  putState,
  stateValues,
} from './embedded-store.ts';

export interface EmbeddedChainOptions {
  readonly database: Database;
  /** Ed25519 private key; signs blocks and checkpoints. */
  readonly signingKey: KeyObject;
  /** The name of the log for ever, `sanad.example/estamp`. */
  readonly origin: string;
  readonly clock: Clock;
}

/** A transaction as world state: reads of one tick travel together, writes are held until `written` is stored. */
function worldStateOf(tx: Queryable): { state: WorldState; writes: Map<string, Uint8Array> } {
  const writes = new Map<string, Uint8Array>();
  let waiting: { keys: string[]; values: Promise<Map<string, Buffer>> } | undefined;
  const state: WorldState = {
    async get(key) {
      if (waiting === undefined) {
        const keys: string[] = [];
        const values = Promise.resolve().then(() => {
          waiting = undefined;
          return stateValues(tx, keys);
        });
        waiting = { keys, values };
      }
      waiting.keys.push(key);
      return (await waiting.values).get(key);
    },
    put(key, value) {
      writes.set(key, value);
      return Promise.resolve();
    },
  };
  return { state, writes };
}

function refused(message: string, cause?: unknown): ChainFault {
  return new ChainFault('chain-refused', message, { phase: 'endorse', retry: 'never', cause });
}

/** Turns what a call threw into a fault with phase and retry; a broken invariant stays what it is. */
function chainFault(error: unknown, phase: ChainPhase): Error {
  if (error instanceof ChainFault || error instanceof InvariantBroken) return error;
  if (error instanceof ContractError) {
    return new ChainFault('chain-refused', 'The contract refused the batch.', {
      phase: 'endorse',
      retry: 'never',
      refusal: error.code,
      ...(error.entry === undefined ? {} : { fields: { entry: error.entry } }),
      cause: error,
    });
  }
  return new ChainFault('chain-unreachable', 'The embedded chain could not be reached.', {
    phase,
    retry: phase === 'read' ? 'safe' : 'ask-head-first',
    fields: { sqlState: sqlState(error) ?? '' },
    cause: error,
  });
}

class EmbeddedChain implements AnchorChain {
  readonly description =
    'embedded: hash-chained signed blocks in PostgreSQL; tamper-evident, not distributed';
  readonly #options: EmbeddedChainOptions;
  readonly #publicKey: KeyObject;

  constructor(options: EmbeddedChainOptions) {
    this.#options = options;
    this.#publicKey = publicHalf(options.signingKey);
  }

  /** Writes the first block when there is none, and refuses a log that was begun under another name or key. */
  async begin(): Promise<void> {
    const { database, origin, clock, signingKey } = this.#options;
    const args = encodeGenesis(rawPublicKey(this.#publicKey), origin);
    const block = sealBlock(
      {
        number: 0n,
        previousHash: NO_BLOCK,
        function: 'genesis',
        argumentsHash: sha256(args),
        writesHash: hashWrites([]),
        head: { size: 0n, root: emptyRoot() },
        atMs: BigInt(clock.now().getTime()),
      },
      signingKey,
    );
    await insertGenesis(database, { block, arguments: args });
    const [first] = await blocksFrom(database, 0n, 1);
    if (first === undefined || Buffer.compare(first.arguments, args) !== 0) {
      throw new Fault(
        'config-invalid',
        'The log in this database was begun with another key or under another origin.',
        { fields: { origin } },
      );
    }
  }

  async head(): Promise<Head> {
    return (await this.#read((db) => this.#genuineLast(db))).head;
  }

  async readBatch(start: bigint): Promise<Uint8Array | undefined> {
    const key = batchKey(start);
    return this.#read(async (db) => (await stateValues(db, [key])).get(key));
  }

  async checkpoint(): Promise<string> {
    return signCheckpoint(this.#options.origin, await this.head(), this.#options.signingKey);
  }

  async append(batch: AnchorBatch): Promise<Receipt> {
    try {
      return await this.#options.database.transaction((tx) => this.#appendIn(tx, batch));
    } catch (error) {
      throw chainFault(error, 'commit');
    }
  }

  async #appendIn(tx: Queryable, batch: AnchorBatch): Promise<Receipt> {
    await lockChain(tx);
    const previous = await this.#genuineLast(tx);
    const { state, writes } = worldStateOf(tx);
    const stated = await readHead(state);
    if (
      stated.size !== previous.head.size ||
      Buffer.compare(stated.root, previous.head.root) !== 0
    ) {
      throw refused(
        'The world state is not that of the last block; it was changed or rolled back.',
      );
    }
    const head = await appendBatch(state, batch);
    const args = encodeBatch(batch);
    const now = BigInt(this.#options.clock.now().getTime());
    const block = sealBlock(
      {
        number: previous.number + 1n,
        previousHash: previous.hash,
        function: 'appendBatch',
        argumentsHash: sha256(args),
        writesHash: hashWrites(writes),
        head,
        // The clock of a machine may step back; the chain's time does not.
        atMs: now > previous.atMs ? now : previous.atMs,
      },
      this.#options.signingKey,
    );
    await putState(tx, writes);
    await insertBlock(tx, { block, arguments: args });
    return { head, reference: `block ${block.number.toString()}` };
  }

  async #genuineLast(db: Queryable): Promise<SealedBlock> {
    const last = await lastBlock(db);
    if (last === undefined)
      throw new InvariantBroken('The embedded chain has lost its first block.');
    if (!hasGoodHash(last) || !hasGoodSignature(last, this.#publicKey)) {
      throw refused('The last block of the embedded chain was changed.');
    }
    return last;
  }

  async #read<T>(work: (db: Queryable) => Promise<T>): Promise<T> {
    try {
      return await work(this.#options.database);
    } catch (error) {
      throw chainFault(error, 'read');
    }
  }
}

/**
 * Opens the embedded chain of a database, beginning it when it is new. Refuses with `config-invalid` a key that
 * is not Ed25519, and a log that was begun with another key or origin.
 */
export async function openEmbeddedChain(options: EmbeddedChainOptions): Promise<AnchorChain> {
  const chain = new EmbeddedChain(options);
  await chain.begin();
  return chain;
}
