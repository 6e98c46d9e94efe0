/**
 * How much of the switch one participant may take up over the REST channels, so that one that floods or stalls leaves
 * the others their share: requests under way at once, and requests a second (a bucket that refills evenly and holds one
 * second's worth). What is over is answered `busy` (503) before anything is done. The limits of the ISO 8583 line are
 * its own (channels/iso8583/limits.ts).
 */
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import type { Participant } from './participant.ts';

export interface AdmissionLimits {
  /** Requests of one participant under way at once. */
  readonly underWayMax: number;
  /** Requests of one participant a second, evenly; a burst may bring one second's worth at once. */
  readonly perSecond: number;
}

/** More than the busiest bank sends over one channel; `settings.admission` of a participant says otherwise. [A] */
const DEFAULT_LIMITS: AdmissionLimits = { underWayMax: 2_000, perSecond: 10_000 };

const settingsSchema = z
  .strictObject({
    underWayMax: z.int().min(1).max(100_000).optional(),
    perSecond: z.int().min(1).max(1_000_000).optional(),
  })
  .optional();

/** The limits of a participant: its own where its settings have well-formed ones, else those of everybody. */
function limitsOf({ settings }: Participant, everybody: AdmissionLimits): AdmissionLimits {
  const parsed = settingsSchema.safeParse(settings['admission']);
  const own = parsed.success ? parsed.data : undefined;
  return {
    underWayMax: own?.underWayMax ?? everybody.underWayMax,
    perSecond: own?.perSecond ?? everybody.perSecond,
  };
}

interface Share {
  limits: AdmissionLimits;
  /** The profile that the limits were read from. */
  profile: Participant;
  underWay: number;
  tokens: number;
  filledAtMs: number;
}

/** Says who may begin a request. One for all REST channels: a participant has one channel. */
export class Admission {
  readonly #clock: Clock;
  readonly #limits: AdmissionLimits;
  /** By code: as many as there are participants. */
  readonly #shares = new Map<string, Share>();

  constructor(clock: Clock, limits: AdmissionLimits = DEFAULT_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Lets a request in and returns what must be called when it ends; undefined when it is one too many. */
  enter(participant: Participant): (() => void) | undefined {
    const nowMs = this.#clock.now().getTime();
    const share = this.#shareOf(participant, nowMs);
    const { limits } = share;
    // A clock that was set back fills nothing.
    const gained = (Math.max(0, nowMs - share.filledAtMs) * limits.perSecond) / 1_000;
    share.tokens = Math.min(limits.perSecond, share.tokens + gained);
    share.filledAtMs = nowMs;
    if (share.underWay >= limits.underWayMax || share.tokens < 1) return undefined;
    share.tokens -= 1;
    share.underWay += 1;
    let isOpen = true;
    return () => {
      if (isOpen) share.underWay -= 1;
      isOpen = false;
    };
  }

  #shareOf(participant: Participant, nowMs: number): Share {
    const known = this.#shares.get(participant.code);
    if (known !== undefined) {
      // A profile that was read anew may have new limits; what is under way stays counted.
      if (known.profile !== participant) {
        known.profile = participant;
        known.limits = limitsOf(participant, this.#limits);
      }
      return known;
    }
    const limits = limitsOf(participant, this.#limits);
    const share: Share = {
      limits,
      profile: participant,
      underWay: 0,
      tokens: limits.perSecond,
      filledAtMs: nowMs,
    };
    this.#shares.set(participant.code, share);
    return share;
  }
}
