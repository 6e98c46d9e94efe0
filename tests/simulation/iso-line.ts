/** The product's end of the ISO 8583 line without its sockets: from the bytes of a message to those of the answer. */
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { PaymentEngine } from '../../reconciliation/index.ts';
import { DEFAULT_PROFILE } from '../../switch/channels/iso8583/index.ts';
import { Responder } from '../../switch/channels/iso8583/responder.ts';
import { Session } from '../../switch/channels/iso8583/session.ts';
import type { ParticipantDirectory } from '../../switch/index.ts';

/** The address from which the banks connect. */
export const BANKS_ADDRESS = '10.0.0.1';

export interface IsoLineParts {
  readonly engine: PaymentEngine;
  readonly directory: ParticipantDirectory;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers one connection for each bank. */
export class IsoLine {
  readonly #parts: IsoLineParts;
  readonly #responder: Responder;
  readonly #sessions = new Map<string, Session>();

  constructor(parts: IsoLineParts) {
    this.#parts = parts;
    const { engine, clock, log } = parts;
    this.#responder = new Responder({ engine, profile: DEFAULT_PROFILE, clock, log });
  }

  /** Takes a message of a bank's connection and returns that of the answer, if it takes one. */
  async receive(institution: string, bytes: Buffer): Promise<Buffer | undefined> {
    const received = this.#responder.read(bytes);
    if (received.kind === 'malformed') return received.reply?.bytes;
    if (received.kind !== 'request') return undefined;
    const reply = await this.#responder.answer(received.message, this.#session(institution));
    return reply?.bytes;
  }

  #session(institution: string): Session {
    let session = this.#sessions.get(institution);
    if (session === undefined) {
      session = new Session(this.#parts.directory, BANKS_ADDRESS, this.#parts.clock);
      this.#sessions.set(institution, session);
    }
    return session;
  }
}
