/** Runs the outbox and the deliveries while the product runs. What fails is logged, and the next round comes in its time. */
import type { Timers } from '../../kernel/clock.ts';
import type { IdMaker } from '../../kernel/ids.ts';
import { makeDeliveryWorker, type DeliveryDeps } from './delivery.ts';
import { fillWebhookOutbox } from './outbox.ts';

export interface WebhookRunnerDeps extends DeliveryDeps {
  readonly timers: Timers;
  readonly ids: IdMaker;
  /** Time between two looks at the journal and the outbox, in ms; 500 when absent. */
  readonly everyMs?: number;
}

/** Steps of one follower in one round; after them the deliveries have their turn. */
const STEPS_MAX = 20;

/** Starts the webhooks of the shards; the returned function ends them after what is under way. */
export function startWebhooks(deps: WebhookRunnerDeps): () => Promise<void> {
  const { timers, log, shards, everyMs = 500 } = deps;
  const worker = makeDeliveryWorker(deps);
  const running = new Set<Promise<unknown>>();
  let filling = false;
  const fill = async (): Promise<void> => {
    if (filling) return;
    filling = true;
    try {
      for (const shard of shards)
        for (let step = 0; step < STEPS_MAX && (await fillWebhookOutbox(deps, shard)); step += 1);
    } finally {
      filling = false;
    }
  };
  const round = async (): Promise<void> => {
    try {
      await fill();
      // Rounds overlap: an endpoint that takes long keeps nobody else waiting.
      await worker.round();
    } catch (error) {
      log.warn({ err: error }, 'A round of the webhooks failed.');
    }
  };
  const end = timers.every(everyMs, () => {
    const work = round().finally(() => running.delete(work));
    running.add(work);
  });
  return async () => {
    end();
    await Promise.all(running);
  };
}
