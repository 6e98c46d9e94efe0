/** Timers whose ticks the test makes. */
import { systemTimers, type Timers } from '../../kernel/clock.ts';

export interface HandTimers {
  readonly timers: Timers;
  /** Does the work of the last `every`, unless it was ended. */
  readonly tick: () => void;
  readonly ended: () => boolean;
}

export function handTimers(): HandTimers {
  let work: (() => void) | undefined;
  return {
    timers: {
      ...systemTimers,
      every(_ms, given) {
        work = given;
        return () => {
          work = undefined;
        };
      },
    },
    tick: () => work?.(),
    ended: () => work === undefined,
  };
}
