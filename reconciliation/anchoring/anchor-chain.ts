/**
 * The port to the chain that keeps the log. Adapters: `adapters/embedded.ts` (hash-chained signed blocks in
 * PostgreSQL) and, where a network is configured, Hyperledger Fabric. Every adapter passes `conformance.ts`.
 */
import { Fault, type FaultOptions } from '../../kernel/fault.ts';

/** Size and root of the log. */
export interface Head {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** What one transaction appends; the rules are those of the contract (docs/spec/log.md). */
export interface AnchorBatch {
  /** Leaf index of the first entry; the size that the log must have. */
  readonly start: bigint;
  /** Packed entries of 58 bytes each. */
  readonly entries: Uint8Array;
  /** Root of the log after the batch. */
  readonly expectedRoot: Uint8Array;
  /** For each life event in order, the start of the batch that holds its ISSUE. */
  readonly issueBatches: readonly bigint[];
}

export interface Receipt {
  readonly head: Head;
  /** How the chain names the commit: a block number or a transaction id. At most 100 characters. */
  readonly reference: string;
}

/** Where in a chain of blocks something was committed. */
export interface ChainPosition {
  readonly blockNumber: bigint;
  readonly transactionId: string;
}

/** What a chain tells by itself of a batch that it has committed. */
export interface BatchNotice {
  readonly start: bigint;
  readonly count: number;
  /** The head after the batch. */
  readonly head: Head;
  readonly at: ChainPosition;
}

export interface AnchorChain {
  /** What the chain is, in words that make no promise it does not keep. */
  readonly description: string;
  /**
   * The committed head. Where several nodes can answer, one that has at least this many leaves is looked for; a
   * shorter head is the answer when no node that can be reached has them.
   */
  head(atLeast?: bigint): Promise<Head>;
  /** Appends a batch; resolves after the commit. A refusal or a failure is a `ChainFault`. */
  append(batch: AnchorBatch): Promise<Receipt>;
  /** The packed entries of the batch that starts at this index, or undefined. */
  readBatch(start: bigint): Promise<Uint8Array | undefined>;
  /** The committed head as a signed note (C2SP tlog-checkpoint). */
  checkpoint(): Promise<string>;
  /**
   * What was committed, in order, from the batch after a position on (from the first, when there is none), until the
   * signal or a `ChainFault`. Absent where the caller's own commit is the chain's.
   */
  follow?(after: ChainPosition | undefined, signal: AbortSignal): AsyncIterable<BatchNotice>;
}

/** Where a call failed: while reading, while the rules were run, on the way to the order, or while committing. */
export type ChainPhase = 'read' | 'endorse' | 'submit' | 'commit';

/**
 * What the caller may do: `safe`, the same call again; `ask-head-first`, it may have been committed; `never`,
 * the chain will give the same answer again and a person must look.
 */
export type ChainRetry = 'safe' | 'ask-head-first' | 'never';

export interface ChainFaultOptions extends FaultOptions {
  readonly phase: ChainPhase;
  readonly retry: ChainRetry;
  /** The contract's refusal code, when it was the contract that refused. */
  readonly refusal?: string;
}

/** A failure at the chain: `chain-refused` when it said no, `chain-unreachable` when it did not answer. */
export class ChainFault extends Fault {
  readonly phase: ChainPhase;
  readonly retry: ChainRetry;
  readonly refusal: string | undefined;

  constructor(
    code: 'chain-refused' | 'chain-unreachable',
    message: string,
    options: ChainFaultOptions,
  ) {
    const { phase, retry, refusal, fields, cause } = options;
    super(code, message, {
      fields: { phase, retry, ...(refusal === undefined ? {} : { refusal }), ...fields },
      cause,
    });
    this.name = 'ChainFault';
    this.phase = phase;
    this.retry = retry;
    this.refusal = refusal;
  }
}
