/**
 * What one connection has agreed: which institutions signed on over it. States of an institution on a
 * connection: absent → signed on (0800/001) → absent (0800/002, or the connection ends). A participant that is
 * switched off in the register is noticed within `REFRESH_MS`.
 */
import type { Clock } from '../../../kernel/clock.ts';

/** A participant as the line needs it. */
export interface Iso8583Participant {
  /** Code as registered; part of every request key. */
  readonly code: string;
  readonly name: string;
  readonly active: boolean;
}

/** What the line asks of the register of participants. */
export interface Iso8583Participants {
  /** The participant whose acquiring institution (DE 32) this is and who may connect from this address. */
  findByInstitution(
    institutionId: string,
    remoteAddress: string,
  ): Promise<Iso8583Participant | undefined>;
}

const REFRESH_MS = 5_000;
/** Institutions that one connection may carry. */
const INSTITUTIONS_MAX = 32;

interface SignedOn {
  readonly participant: Iso8583Participant;
  readonly checkedAtMs: number;
}

export class Session {
  readonly #participants: Iso8583Participants;
  readonly #remoteAddress: string;
  readonly #clock: Clock;
  readonly #signedOn = new Map<string, SignedOn>();

  constructor(participants: Iso8583Participants, remoteAddress: string, clock: Clock) {
    this.#participants = participants;
    this.#remoteAddress = remoteAddress;
    this.#clock = clock;
  }

  /** Signs an institution on; undefined when the register does not know it, has switched it off, or there are too many. */
  async signOn(institutionId: string): Promise<Iso8583Participant | undefined> {
    if (this.#signedOn.size >= INSTITUTIONS_MAX && !this.#signedOn.has(institutionId))
      return undefined;
    return this.#lookUp(institutionId);
  }

  /** Signs one institution off, or all of the connection when none is named. */
  signOff(institutionId: string | undefined): void {
    if (institutionId === undefined) this.#signedOn.clear();
    else this.#signedOn.delete(institutionId);
  }

  /** The participant signed on as this institution, asked again of the register when that is long ago. */
  participant(
    institutionId: string,
  ): Iso8583Participant | undefined | Promise<Iso8583Participant | undefined> {
    const known = this.#signedOn.get(institutionId);
    if (known === undefined) return undefined;
    if (this.#clock.now().getTime() - known.checkedAtMs < REFRESH_MS) return known.participant;
    return this.#lookUp(institutionId);
  }

  async #lookUp(institutionId: string): Promise<Iso8583Participant | undefined> {
    const found = await this.#participants.findByInstitution(institutionId, this.#remoteAddress);
    if (found?.active !== true) {
      this.#signedOn.delete(institutionId);
      return undefined;
    }
    this.#signedOn.set(institutionId, {
      participant: found,
      checkedAtMs: this.#clock.now().getTime(),
    });
    return found;
  }
}
