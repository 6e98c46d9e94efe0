/**
 * Brings every new checkpoint before the witnesses and keeps their cosignatures. Anchoring does not wait for them: a
 * witness that is slow or away holds back what is published under a quorum, and nothing else. A witness that has seen
 * a longer log, or one that does not begin with this one, is the alarm that this whole design is for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { consistencyNodes, consistencyProof } from '../../chaincode/src/merkle.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { findTiles } from './anchoring-store.ts';
import {
  insertCosignature,
  newestCheckpoint,
  witnessedSize,
  type PublishedCheckpoint,
} from './public-log-store.ts';
import { readNodesFromTiles, tilesOfNodes } from './tiles.ts';
import { addCheckpointBody, cosignatureIn, type Witness } from './witness.ts';

const PAUSE_MS = 1_000;
const CALL_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 1024;

export interface WitnessingOptions {
  readonly database: Database;
  readonly witnesses: readonly Witness[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'anchorAlarm'>;
  /** Pause between two looks for a new checkpoint; 1 s when absent. */
  readonly everyMs?: number;
}

export interface Witnessing {
  /** Ends the calls that are under way. */
  stop(): Promise<void>;
}

/** What a witness answered. */
type Verdict =
  | { readonly kind: 'cosigned' }
  | { readonly kind: 'has-size'; readonly size: bigint }
  | { readonly kind: 'accuses'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** The body of an answer, which is a few lines; more of it is not read. */
async function textOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  for (let length = 0; reader !== undefined;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw new Fault('message-malformed', 'A witness answered too much.');
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks).toString('utf8');
}

class WitnessLoop implements Witnessing {
  readonly #options: WitnessingOptions;
  readonly #stopper = new AbortController();
  readonly #ended: Promise<unknown>;
  /** Newest size that each witness has cosigned, as far as it is known. */
  readonly #sizes = new Map<string, bigint>();
  readonly #failures = new Map<string, number>();

  constructor(options: WitnessingOptions) {
    this.#options = options;
    options.metrics.anchorAlarm.set({ alarm: 'witness' }, 0);
    this.#ended = Promise.all(options.witnesses.map((witness) => this.#loop(witness)));
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#ended;
  }

  async #loop(witness: Witness): Promise<void> {
    const { log, everyMs = PAUSE_MS } = this.#options;
    const { signal } = this.#stopper;
    while (!signal.aborted) {
      try {
        await this.#round(witness);
        this.#failures.delete(witness.name);
      } catch (error) {
        const failures = (this.#failures.get(witness.name) ?? 0) + 1;
        this.#failures.set(witness.name, failures);
        log.warn({ err: error, witness: witness.name, failures }, 'a witness did not cosign');
      }
      const pauseMs = everyMs * 2 ** Math.min(this.#failures.get(witness.name) ?? 0, 6);
      // An aborted pause is the wish to stop, which the loop's condition reads.
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #round(witness: Witness): Promise<void> {
    const { database } = this.#options;
    const newest = await newestCheckpoint(database);
    if (newest === undefined) return;
    const known = this.#sizes.get(witness.name) ?? (await witnessedSize(database, witness.name));
    if (known === newest.size) return;
    const verdict = await this.#submit(witness, newest, known);
    if (verdict.kind === 'cosigned') return;
    if (verdict.kind === 'has-size' && verdict.size <= newest.size) {
      // It knows another size than this side remembers: the next call starts from there.
      const second = await this.#submit(witness, newest, verdict.size);
      if (second.kind === 'cosigned') return;
      throw this.#trouble(witness, second);
    }
    throw this.#trouble(witness, verdict);
  }

  async #submit(witness: Witness, newest: PublishedCheckpoint, oldSize: bigint): Promise<Verdict> {
    const { database, clock } = this.#options;
    const nodes = consistencyNodes(oldSize, newest.size);
    const read = readNodesFromTiles(await findTiles(database, tilesOfNodes(nodes)));
    const proof = consistencyProof(oldSize, newest.size, read);
    const response = await fetch(`${witness.url}/add-checkpoint`, {
      method: 'POST',
      body: addCheckpointBody(oldSize, proof, newest.note),
      redirect: 'error',
      signal: AbortSignal.any([this.#stopper.signal, AbortSignal.timeout(CALL_MS)]),
    });
    const text = await textOf(response);
    if (response.status === 409) {
      const size = /^(0|[1-9]\d{0,18})\n$/.exec(text)?.[1];
      return size === undefined
        ? { kind: 'failed', why: 'a conflict without a size' }
        : { kind: 'has-size', size: BigInt(size) };
    }
    if (response.status === 422) return { kind: 'accuses', why: 'it holds another log' };
    if (response.status !== 200)
      return { kind: 'failed', why: `HTTP status ${response.status.toString()}` };
    const { note, size } = newest;
    const made = cosignatureIn(text, { note, witness, now: clock.now() });
    if (made === undefined) return { kind: 'failed', why: 'no good cosignature' };
    await insertCosignature(database, { size, witness: witness.name, ...made });
    this.#sizes.set(witness.name, size);
    return { kind: 'cosigned' };
  }

  #trouble(witness: Witness, verdict: Verdict): Fault {
    const { log, metrics } = this.#options;
    const isLonger = verdict.kind === 'has-size';
    if (isLonger || verdict.kind === 'accuses') {
      metrics.anchorAlarm.set({ alarm: 'witness' }, 1);
      const why = isLonger
        ? `it has cosigned ${verdict.size.toString()} leaves`
        : 'it holds another log';
      log.error({ witness: witness.name, why }, 'a witness contradicts the log');
      return new Fault('chain-refused', 'A witness contradicts the log.', {
        fields: { witness: witness.name, why },
      });
    }
    return new Fault('chain-unreachable', 'A witness did not cosign.', {
      fields: {
        witness: witness.name,
        why: verdict.kind === 'failed' ? verdict.why : '',
      },
    });
  }
}

/** Starts to bring checkpoints before the witnesses. */
export function startWitnessing(options: WitnessingOptions): Witnessing {
  return new WitnessLoop(options);
}
