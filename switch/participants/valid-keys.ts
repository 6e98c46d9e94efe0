/**
 * Keys of a participant that are valid for a time. Two may be valid at once, so that both sides can change over
 * without a pause: the new one is added first, the old one ends later.
 */
import { z } from 'zod';

/** The members that every key of a participant's settings has beside the key itself. */
export const keyPeriodSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9-]{1,40}$/),
  from: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
});

/** A key with its period: valid from (included) until (excluded), in milliseconds since 1970. */
export interface ValidKey<Key> {
  readonly id: string;
  readonly key: Key;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Opens what is kept sealed in a participant's settings; a `SecretBox` of the switch is one. */
export interface SecretOpener {
  /** Opens a secret that was sealed for this context; a Fault `unauthorised` when it is another's or was changed. */
  open(sealed: string, context: string): Buffer;
}

/** Puts a key and the period of its settings together; what is absent is open at that end. */
export function validKey<Key>(
  period: {
    readonly id: string;
    readonly from?: string | undefined;
    readonly until?: string | undefined;
  },
  key: Key,
): ValidKey<Key> {
  return {
    id: period.id,
    key,
    fromMs: period.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(period.from),
    untilMs: period.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(period.until),
  };
}

/** The keys valid at an instant, the newest first: that one signs what this side begins. */
export function keysValidAt<Key>(
  keys: readonly ValidKey<Key>[],
  nowMs: number,
): readonly ValidKey<Key>[] {
  return keys
    .filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs)
    .sort((left, right) => right.fromMs - left.fromMs);
}
