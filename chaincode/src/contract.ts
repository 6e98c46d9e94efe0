/**
 * The rules of the log as a Fabric contract: it reads the arguments, asks who calls, runs the rules over the world
 * state of the peer, and says what happened as an event. No decorators: fabric-contract-api does not offer them to
 * ES modules, and finds the functions by itself. Every argument and answer is text, so bytes travel as base64.
 *
 * Only this file imports a Fabric library.
 */
import { Contract, type Context } from 'fabric-contract-api';
import { checkMay, type Deed } from './caller.ts';
import { ContractError, refusalText } from './contract-error.ts';
import { ENTRY_BYTES } from './leaf.ts';
import { PackedLives } from './packed-lives.ts';
import { IndexGrowth, proveConsistency, proveInclusion } from './proof-index.ts';
import {
  appendBatch,
  BATCH_ENTRIES_MAX,
  readBatch,
  readHead,
  type LogHead,
  type WorldState,
} from './registry.ts';
import {
  readHistory,
  registerSealKey,
  registerTable,
  revokeSealKey,
  TABLE_KINDS,
} from './trust-list.ts';

/** The event of a committed batch; its payload is the JSON of `BatchEvent`. */
export const BATCH_EVENT = 'BatchAppended';
const BATCH_CHARACTERS_MAX = Math.ceil((BATCH_ENTRIES_MAX * ENTRY_BYTES) / 3) * 4;
const NUMBER_PATTERN = /^(0|[1-9]\d{0,18})$/;

/** The world state as the peer gives it: a key without a value reads as no bytes, and the contract writes none such. */
function stateOf(ctx: Context): WorldState {
  return {
    async get(key) {
      const value = await ctx.stub.getState(key);
      return value.length === 0 ? undefined : value;
    },
    put: (key, value) => ctx.stub.putState(key, value),
  };
}

function numberIn(text: string): bigint {
  if (!NUMBER_PATTERN.test(text)) throw new ContractError('argument-malformed');
  return BigInt(text);
}

/** One more entry than allowed still gets through here, so that it is refused as what it is: `batch-too-large`. */
function bytesIn(text: string, charactersMax: number): Buffer {
  if (text.length > charactersMax) throw new ContractError('batch-too-large');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new ContractError('argument-malformed');
  return bytes;
}

function numbersIn(text: string): bigint[] {
  if (text === '') return [];
  const numbers = text.split(',', BATCH_ENTRIES_MAX + 1);
  if (numbers.length > BATCH_ENTRIES_MAX) throw new ContractError('argument-malformed');
  return numbers.map(numberIn);
}

function headText({ size, root }: LogHead): string {
  return JSON.stringify({ size: size.toString(), root: Buffer.from(root).toString('base64') });
}

function pathText(path: readonly Uint8Array[]): string {
  return JSON.stringify(path.map((each) => Buffer.from(each).toString('base64')));
}

/** Checks the caller and runs the call; a refusal leaves as text that carries its code. */
async function called<T>(
  ctx: Context,
  deed: Deed,
  work: (state: WorldState) => Promise<T>,
): Promise<T> {
  try {
    checkMay(ctx.clientIdentity, deed);
    return await work(stateOf(ctx));
  } catch (error) {
    if (error instanceof ContractError) throw new Error(refusalText(error), { cause: error });
    throw error;
  }
}

/** The contract `EstampLog`. Numbers are decimal text, times milliseconds since 1970; refusals are docs/spec/log.md's. */
export class EstampLog extends Contract {
  constructor() {
    super('EstampLog');
  }

  /**
   * Appends a batch: start, packed entries (base64), expected root (base64), for each life event in order the start
   * of the batch that holds its ISSUE (separated by commas). Answers with the new head.
   */
  async appendBatch(
    ctx: Context,
    start: string,
    entries: string,
    expectedRoot: string,
    issueBatches: string,
  ): Promise<string> {
    return called(ctx, 'append', async (state) => {
      const batch = {
        start: numberIn(start),
        entries: bytesIn(entries, BATCH_CHARACTERS_MAX),
        expectedRoot: bytesIn(expectedRoot, 64),
        issueBatches: numbersIn(issueBatches),
      };
      const growth = new IndexGrowth();
      const lives = new PackedLives(state, (from, to) => ctx.stub.getStateByRange(from, to));
      const head = await appendBatch(lives, batch, growth.observe);
      await lives.flush();
      await growth.write(state, batch.start);
      const text = headText(head);
      const event = { start, count: batch.entries.length / ENTRY_BYTES, head: text };
      ctx.stub.setEvent(BATCH_EVENT, Buffer.from(JSON.stringify(event), 'utf8'));
      return text;
    });
  }

  /** The head: `{ size, root }`. */
  async readHead(ctx: Context): Promise<string> {
    return called(ctx, 'read', async (state) => headText(await readHead(state)));
  }

  /** The packed entries (base64) of the batch that starts at this index; nothing when none starts there. */
  async readBatch(ctx: Context, start: string): Promise<string> {
    return called(ctx, 'read', async (state) => {
      const entries = await readBatch(state, numberIn(start));
      return Buffer.from(entries ?? new Uint8Array()).toString('base64');
    });
  }

  /** The inclusion proof of a leaf in the tree of that size: hashes in base64, from the leaf upwards. */
  async proveInclusion(ctx: Context, index: string, size: string): Promise<string> {
    return called(ctx, 'read', async (state) =>
      pathText(await proveInclusion(state, numberIn(index), numberIn(size))),
    );
  }

  /** The consistency proof between two sizes of the log: hashes in base64. */
  async proveConsistency(ctx: Context, oldSize: string, newSize: string): Promise<string> {
    return called(ctx, 'read', async (state) =>
      pathText(await proveConsistency(state, numberIn(oldSize), numberIn(newSize))),
    );
  }

  /** Registers the next version of a DC table or a Schedule by its hash; answers with the record's SHA-256. */
  async registerTable(
    ctx: Context,
    kind: string,
    name: string,
    version: string,
    sha256: string,
    from: string,
  ): Promise<string> {
    return called(ctx, 'register-table', async (state) => {
      const known = TABLE_KINDS.find((each) => each === kind);
      if (known === undefined) throw new ContractError('argument-malformed');
      return registerTable(state, { kind: known, name, version: numberIn(version), sha256, from });
    });
  }

  /** Registers a seal key, or rotates the one before it; answers with the record's SHA-256. */
  async registerSealKey(
    ctx: Context,
    name: string,
    version: string,
    kid: string,
    publicKey: string,
    from: string,
    until: string,
  ): Promise<string> {
    return called(ctx, 'register-key', (state) =>
      registerSealKey(state, { name, version: numberIn(version), kid, publicKey, from, until }),
    );
  }

  /** Revokes a seal key from a time on, for good. */
  async revokeSealKey(ctx: Context, kid: string, at: string, reason: string): Promise<void> {
    return called(ctx, 'register-key', (state) => revokeSealKey(state, { kid, at, reason }));
  }

  /** The versions of a record from a number on: a JSON array of records, oldest first, at most 100 versions. */
  async readHistory(ctx: Context, kind: string, name: string, from: string): Promise<string> {
    return called(ctx, 'read', async (state) => {
      const known = [...TABLE_KINDS, 'seal-key' as const].find((each) => each === kind);
      if (known === undefined) throw new ContractError('argument-malformed');
      const texts = await readHistory(state, { kind: known, name, from: numberIn(from) });
      return `[${texts.join(',')}]`;
    });
  }

  /** Refuses any other function by name, so that the caller is told in the same form. */
  override unknownTransaction(): Promise<void> {
    return Promise.reject(new Error(refusalText(new ContractError('function-unknown'))));
  }
}

/** What fabric-shim looks for in the package's main module. */
export const contracts = [EstampLog];
