/** Work that is done again and again while the product runs. */
import type { Timers } from './clock.ts';

/**
 * Does `round` every `everyMs` milliseconds, never twice at once: a round that takes longer makes the next one wait for
 * its turn. One that fails is told to `failed`, and the next comes in its time. The returned function ends it after the
 * round that is under way.
 */
export function everyRound(
  timers: Timers,
  everyMs: number,
  round: () => Promise<unknown>,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  const end = timers.every(everyMs, () => {
    running ??= round()
      .catch(failed)
      .finally(() => {
        running = undefined;
      });
  });
  return async () => {
    end();
    await running;
  };
}
