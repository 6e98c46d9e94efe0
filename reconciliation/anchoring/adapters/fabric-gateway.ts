/**
 * The log kept by Hyperledger Fabric, through the gateway of one of several peers. The contract on the peers is the
 * same code as that of the embedded chain; here is only what a network adds: calls that get lost, peers that lag
 * behind, gateways that are away.
 *
 * Only this file imports the gateway client and gRPC.
 */
import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import {
  connect,
  GatewayError,
  hash,
  StatusCode,
  type ChaincodeEvent,
  type Contract,
  type Gateway,
  type Network,
} from '@hyperledger/fabric-gateway';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Timers } from '../../../kernel/clock.ts';
import type { FabricSettings } from '../../../kernel/config.ts';
import type {
  AnchorBatch,
  AnchorChain,
  BatchNotice,
  ChainPhase,
  ChainPosition,
  Head,
  Receipt,
} from '../anchor-chain.ts';
import { ChainFault } from '../anchor-chain.ts';
import { publicHalf, signCheckpoint } from '../checkpoint.ts';
import {
  readFabricIdentity,
  readGatewayPeers,
  type FabricIdentity,
  type GatewayPeer,
} from './fabric-connection.ts';
import { faultOfCommit, faultOfGateway } from './fabric-fault.ts';
import { makeFabricSigner } from './fabric-signer.ts';

const CONTRACT = 'EstampLog';
const BATCH_EVENT = 'BatchAppended';
/** A batch of the largest size is 1.6 MB of arguments and twice that with what it writes. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;
const READ_MS = 10_000;
const ENDORSE_MS = 30_000;
const SUBMIT_MS = 10_000;
const COMMIT_MS = 60_000;
/** How often and how long apart a peer that lags behind is asked again: 5 s in all. */
const LAG_TRIES = 50;
const LAG_PAUSE_MS = 100;

const number = z.string().regex(/^(0|[1-9]\d{0,18})$/);
const headSchema = z.strictObject({ size: number, root: z.base64() });
const eventSchema = z.strictObject({
  start: number,
  count: z.number().int().min(1),
  head: z.string(),
});

export interface FabricChainOptions {
  readonly settings: FabricSettings;
  /** Ed25519 private key; signs checkpoints. */
  readonly signingKey: KeyObject;
  /** The name of the log for ever. */
  readonly origin: string;
  readonly timers: Timers;
}

/** A log on Fabric; `close()` gives its connections back. */
export interface FabricChain extends AnchorChain {
  follow(after: ChainPosition | undefined, signal: AbortSignal): AsyncIterable<BatchNotice>;
  close(): void;
}

interface Line {
  readonly peer: GatewayPeer;
  readonly client: Client;
  readonly gateway: Gateway;
  readonly network: Network;
  readonly contract: Contract;
}

function headIn(text: string): Head {
  const { size, root } = headSchema.parse(JSON.parse(text));
  return { size: BigInt(size), root: Buffer.from(root, 'base64') };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function noticeOf(event: ChaincodeEvent): BatchNotice {
  const { start, count, head } = eventSchema.parse(JSON.parse(textOf(event.payload)));
  const { blockNumber, transactionId } = event;
  return { start: BigInt(start), count, head: headIn(head), at: { blockNumber, transactionId } };
}

function nameOfStatus(code: number): string {
  return Object.entries(StatusCode).find(([, each]) => each === code)?.[0] ?? code.toString();
}

function deadline(ms: number): { deadline: number } {
  return { deadline: Date.now() + ms };
}

function failed(error: unknown, phase: ChainPhase, peer: string): ChainFault {
  if (error instanceof ChainFault) return error;
  const isGateway = error instanceof GatewayError;
  const messages = error instanceof Error ? [error.message] : [];
  return faultOfGateway({
    phase,
    ...(isGateway ? { grpcCode: error.code } : {}),
    messages: isGateway ? [...messages, ...error.details.map((each) => each.message)] : messages,
    peer,
    cause: error,
  });
}

class FabricLog implements FabricChain {
  readonly description: string;
  readonly #options: FabricChainOptions;
  readonly #peers: readonly GatewayPeer[];
  readonly #identity: FabricIdentity;
  readonly #sign: (message: Uint8Array) => Promise<Uint8Array>;
  readonly #lines = new Map<string, Line>();
  #turn = 0;
  /** Leaves that the log is known to have: a peer that tells of fewer lags behind. */
  #known = 0n;

  constructor(
    options: FabricChainOptions,
    peers: readonly GatewayPeer[],
    identity: FabricIdentity,
  ) {
    const { channel, chaincode, mspId } = options.settings;
    this.description = `Hyperledger Fabric: contract ${chaincode} on channel ${channel}, as ${mspId}`;
    this.#options = options;
    this.#peers = peers;
    this.#identity = identity;
    this.#sign = makeFabricSigner(identity.key);
  }

  async head(atLeast = 0n): Promise<Head> {
    const wanted = atLeast > this.#known ? atLeast : this.#known;
    let head = await this.#readHead();
    for (let tries = 1; head.size < wanted && tries < LAG_TRIES; tries += 1) {
      await this.#options.timers.sleep(LAG_PAUSE_MS);
      this.#turn += 1;
      const other = await this.#readHead();
      if (other.size > head.size) head = other;
    }
    // What this process saw committed itself is committed; a network that has lost it needs no answer but an alarm.
    this.#known = head.size > this.#known ? head.size : this.#known;
    return head;
  }

  async readBatch(start: bigint): Promise<Uint8Array | undefined> {
    const text = await this.#read('readBatch', [start.toString()]);
    return text === '' ? undefined : Buffer.from(text, 'base64');
  }

  async checkpoint(): Promise<string> {
    return signCheckpoint(this.#options.origin, await this.head(), this.#options.signingKey);
  }

  async append(batch: AnchorBatch): Promise<Receipt> {
    for (let tries = 1; ; tries += 1) {
      try {
        const receipt = await this.#appendOnce(batch);
        this.#known = receipt.head.size;
        return receipt;
      } catch (error) {
        if (!(error instanceof ChainFault) || !(await this.#isOfLaggard(error, batch))) throw error;
        if (tries === LAG_TRIES) {
          throw new ChainFault('chain-unreachable', 'A peer that endorses lags behind.', {
            phase: 'endorse',
            retry: 'ask-head-first',
            cause: error,
          });
        }
        await this.#options.timers.sleep(LAG_PAUSE_MS);
      }
    }
  }

  /** Batches as they are committed, from the one after `after` on (from the first, when absent), until the signal. */
  async *follow(
    after: ChainPosition | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<BatchNotice> {
    const line = this.#line(this.#peers[this.#turn % this.#peers.length]);
    try {
      const events = await line.network.getChaincodeEvents(this.#options.settings.chaincode, {
        startBlock: 0n,
        ...(after === undefined
          ? {}
          : {
              checkpoint: {
                getBlockNumber: () => after.blockNumber,
                getTransactionId: () => after.transactionId,
              },
            }),
      });
      const stop = (): void => events.close();
      signal.addEventListener('abort', stop);
      try {
        if (signal.aborted) return;
        for await (const event of events) {
          if (event.eventName === BATCH_EVENT) yield noticeOf(event);
        }
      } finally {
        signal.removeEventListener('abort', stop);
        events.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#turn += 1;
      throw failed(error, 'read', line.peer.name);
    }
  }

  close(): void {
    for (const { gateway, client } of this.#lines.values()) {
      gateway.close();
      client.close();
    }
    this.#lines.clear();
  }

  async #readHead(): Promise<Head> {
    return headIn(await this.#read('readHead', []));
  }

  async #read(name: string, args: string[]): Promise<string> {
    return this.#onAnyPeer('read', async ({ contract }) =>
      textOf(await contract.newProposal(name, { arguments: args }).evaluate(deadline(READ_MS))),
    );
  }

  async #appendOnce(batch: AnchorBatch): Promise<Receipt> {
    const { endorsers } = this.#options.settings;
    const { line, transaction } = await this.#onAnyPeer('endorse', async (used) => ({
      line: used,
      transaction: await used.contract
        .newProposal('appendBatch', {
          arguments: [
            batch.start.toString(),
            Buffer.from(batch.entries).toString('base64'),
            Buffer.from(batch.expectedRoot).toString('base64'),
            batch.issueBatches.join(),
          ],
          ...(endorsers.length === 0 ? {} : { endorsingOrganizations: [...endorsers] }),
        })
        .endorse(deadline(ENDORSE_MS)),
    }));
    const commit = await this.#onPeer(line, 'submit', () =>
      transaction.submit(deadline(SUBMIT_MS)),
    );
    const status = await this.#onPeer(line, 'commit', () => commit.getStatus(deadline(COMMIT_MS)));
    if (!status.successful) {
      throw faultOfCommit({
        name: nameOfStatus(status.code),
        transactionId: status.transactionId,
      });
    }
    return {
      head: headIn(textOf(transaction.getResult())),
      reference: `transaction ${status.transactionId}`,
    };
  }

  /**
   * True when the refusal comes from a peer that has not seen the newest block, or has seen one that the gateway has
   * not: then the committed head does not agree with what the refusal says of it.
   */
  async #isOfLaggard(fault: ChainFault, batch: AnchorBatch): Promise<boolean> {
    if (fault.refusal !== 'batch-gap' && fault.refusal !== 'batch-overlap') return false;
    const head = await this.head(batch.start);
    return fault.refusal === 'batch-gap' ? head.size >= batch.start : head.size <= batch.start;
  }

  /** Tries one peer after the other, the one that answered last first; only for calls that order nothing. */
  async #onAnyPeer<T>(phase: 'read' | 'endorse', work: (line: Line) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const line = this.#line(this.#peers[this.#turn % this.#peers.length]);
      try {
        return await work(line);
      } catch (error) {
        const fault = failed(error, phase, line.peer.name);
        if (fault.refusal !== undefined) throw fault;
        this.#turn += 1;
        if (tries >= this.#peers.length) throw fault;
      }
    }
  }

  async #onPeer<T>(line: Line, phase: ChainPhase, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#turn += 1;
      throw failed(error, phase, line.peer.name);
    }
  }

  #line(peer: GatewayPeer | undefined): Line {
    if (peer === undefined) throw new RangeError('There is no peer to call.');
    const known = this.#lines.get(peer.name);
    if (known !== undefined) return known;
    const security: ChannelCredentials =
      peer.tlsRoot === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(peer.tlsRoot);
    const client = new Client(peer.address, security, {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
      // A peer that came back is found within seconds.
      'grpc.max_reconnect_backoff_ms': 2_000,
      'grpc.keepalive_time_ms': 60_000,
      ...(peer.tlsName === undefined ? {} : { 'grpc.ssl_target_name_override': peer.tlsName }),
    });
    const { mspId, certificate } = this.#identity;
    const gateway = connect({
      client,
      identity: { mspId, credentials: certificate },
      signer: this.#sign,
      // The signer hashes by itself.
      hash: hash.none,
    });
    const { channel, chaincode } = this.#options.settings;
    const network = gateway.getNetwork(channel);
    const line = {
      peer,
      client,
      gateway,
      network,
      contract: network.getContract(chaincode, CONTRACT),
    };
    this.#lines.set(peer.name, line);
    return line;
  }
}

/**
 * Opens a log on Fabric. It reads the files of the settings and calls nobody: the network may come up later. Refuses
 * with `config-invalid` what it cannot read, and a signing key that is not Ed25519.
 */
export async function openFabricChain(options: FabricChainOptions): Promise<FabricChain> {
  publicHalf(options.signingKey);
  const peers = await readGatewayPeers(options.settings);
  return new FabricLog(options, peers, await readFabricIdentity(options.settings));
}
