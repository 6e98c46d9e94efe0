/**
 * Store and forward: messages that this side must bring to a participant, such as reversals of its own requests. Each
 * is stored first, then sent; unanswered it is sent again as its repeat (0420 → 0421), after waits that double, until
 * it is answered. A restart goes on with what is stored. Only an answer settles a message: 91 and 96 say that the
 * other side could not, and do not. Card, track, PIN and chip data are never stored.
 */
import { systemTimers, type Clock, type Timers } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Log } from '../../../kernel/log.ts';
import type { IsoMessage } from './message.ts';
import { matchKey, type Silence } from './mux.ts';

/** A message on its way. */
export interface Forward {
  readonly id: bigint;
  /** Code of the participant that it is for. */
  readonly participant: string;
  readonly matchKey: string;
  /** As it is sent first: its MTI ends in 0. */
  readonly message: IsoMessage;
  readonly attempts: number;
}

/** Where forwards are kept. Every method is durable when it resolves. */
export interface ForwardStore {
  /** Keeps a message; false when one with its participant and match key is there already. */
  add(forward: Forward, at: Date): Promise<boolean>;
  /** Unsettled messages whose time has come, the oldest first, at most `limit`. */
  due(at: Date, limit: number): Promise<Forward[]>;
  /**
   * Notes an attempt before it is made, and when the next is due without an answer. False when the message was
   * attempted or settled since it was read: then this attempt is not to be made.
   */
  attempted(forward: Forward, nextAt: Date): Promise<boolean>;
  /** Ends a message with the answer's DE 39. */
  settle(forward: Forward, at: Date, answerCode: string): Promise<void>;
}

export interface ForwarderOptions {
  readonly store: ForwardStore;
  /** Sends a message to a participant and waits for the answer. */
  readonly send: (
    participant: string,
    message: IsoMessage,
  ) => Promise<IsoMessage | Silence | 'unavailable'>;
  readonly nextId: () => bigint;
  readonly clock: Clock;
  readonly log: Log;
  readonly timers?: Timers;
  /** Wait after the first unanswered attempt; 5 s when absent, doubled each time up to `waitMaxMs` (10 min when absent). */
  readonly waitMs?: number;
  readonly waitMaxMs?: number;
  /** How often stored messages are looked for; 1 s when absent. */
  readonly pollMs?: number;
}

/** Fields that are never stored: PAN, expiry, tracks, PIN, security data, chip data, and MACs, which are made anew. */
const NEVER_STORED = [2, 14, 34, 35, 36, 45, 52, 53, 55, 64, 128];
const UNDER_WAY_MAX = 64;
/** Answers that say "not now". */
const TRY_AGAIN = new Set(['91', '96']);

function repeatOf(message: IsoMessage): IsoMessage {
  return { mti: `${message.mti.slice(0, 3)}1`, fields: message.fields };
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #timers: Timers;
  readonly #underWay = new Map<string, Promise<void>>();
  #stopPolling: (() => void) | undefined;
  #polling: Promise<void> | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
  }

  /** Begins to send what is stored and what is added from now on. */
  start(): void {
    this.#stopPolling ??= this.#timers.every(this.#options.pollMs ?? 1_000, () => this.#poll());
    this.#poll();
  }

  /** Sends nothing new and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopPolling?.();
    this.#stopPolling = undefined;
    await this.#polling;
    await Promise.all(this.#underWay.values());
  }

  /**
   * Stores a message for a participant and sends it; resolves when it is stored. The same message a second time is not
   * stored again. Refuses (`bad-input`) what has no repeat: its MTI must end in 0.
   */
  async add(participant: string, message: IsoMessage): Promise<void> {
    if (!/^\d{3}0$/.test(message.mti))
      throw new Fault('bad-input', 'Only a first message can be forwarded, not a repeat.');
    const fields = new Map(message.fields);
    for (const number of NEVER_STORED) fields.delete(number);
    const kept: IsoMessage = { mti: message.mti, fields };
    const forward = {
      id: this.#options.nextId(),
      participant,
      matchKey: matchKey(kept),
      message: kept,
      attempts: 0,
    };
    await this.#options.store.add(forward, this.#options.clock.now());
    if (this.#stopPolling !== undefined) this.#poll();
  }

  #poll(): void {
    // One look at a time; what was added meanwhile is found by the next.
    if (this.#polling !== undefined) return;
    this.#polling = this.#sendDue()
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'Stored ISO 8583 messages could not be sent.');
      })
      .finally(() => {
        this.#polling = undefined;
      });
  }

  async #sendDue(): Promise<void> {
    const { store, clock } = this.#options;
    for (const forward of await store.due(clock.now(), UNDER_WAY_MAX)) {
      const key = `${forward.participant}/${forward.matchKey}`;
      if (this.#underWay.has(key) || this.#underWay.size >= UNDER_WAY_MAX) continue;
      const work = this.#attempt(forward)
        .catch((error: unknown) => {
          this.#options.log.error({ err: error }, 'A stored ISO 8583 message could not be sent.');
        })
        .finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, work);
    }
  }

  async #attempt(forward: Forward): Promise<void> {
    const { store, clock, log, send, waitMs = 5_000, waitMaxMs = 600_000 } = this.#options;
    const wait = Math.min(waitMs * 2 ** Math.min(forward.attempts, 20), waitMaxMs);
    // What was due may have been read before the last attempt was noted, here or in another process.
    if (!(await store.attempted(forward, new Date(clock.now().getTime() + wait)))) return;
    // After a restart nobody knows whether the first got out: only the very first attempt is not a repeat.
    const message = forward.attempts === 0 ? forward.message : repeatOf(forward.message);
    const answer = await send(forward.participant, message);
    if (typeof answer === 'string') return;
    const code = answer.fields.get(39) ?? '';
    if (TRY_AGAIN.has(code)) return;
    await store.settle(forward, clock.now(), code);
    log.info(
      { participant: forward.participant, mti: message.mti, code, attempts: forward.attempts + 1 },
      'A stored ISO 8583 message was answered.',
    );
  }
}
