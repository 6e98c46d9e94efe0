/**
 * Sends what the outbox holds. Every endpoint has a turn of its own with a few messages at once, so that a slow or
 * dead one delays only itself. An attempt that fails is made again after a growing time; after the last one the
 * delivery is dead and waits for a person. A crash between sending and recording sends again: receivers know a
 * repeat by the event's id.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import type { Random } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import { backOffMs, type BackOff, type Caller, type OutboundResult } from '../outbound/index.ts';
import type { SecretOpener } from '../participants/index.ts';
import { findEndpoint, switchEndpoint, type Endpoint } from './endpoint-store.ts';
import { signingSecrets } from './endpoints.ts';
import {
  claimDeliveries,
  dueEndpoints,
  settleAttempt,
  type AttemptEnd,
  type ClaimedDelivery,
} from './delivery-store.ts';
import { eventIdText } from './event.ts';
import { signedHeaders } from './signature.ts';

export interface DeliveryDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly secrets: SecretOpener;
  readonly call: Caller;
  readonly log: Log;
  /** The shards whose deliveries this process sends. */
  readonly shards: readonly number[];
  readonly settings?: Partial<DeliverySettings>;
}

/** All [A]; sixteen attempts with these times take about three days. */
export interface DeliverySettings {
  readonly attemptsMax: number;
  readonly backOff: BackOff;
  /** How long an endpoint that failed is left alone, whatever else is due for it. */
  readonly endpointPause: BackOff;
  readonly timeoutMs: number;
  /** Messages to one endpoint at once. */
  readonly atOnce: number;
  /** Endpoints that are served at once. */
  readonly endpointsAtOnce: number;
}

const DEFAULTS: DeliverySettings = {
  attemptsMax: 16,
  backOff: { firstMs: 10_000, longestMs: 12 * 3_600_000 },
  endpointPause: { firstMs: 1_000, longestMs: 5 * 60_000 },
  timeoutMs: 10_000,
  atOnce: 4,
  endpointsAtOnce: 32,
};

/** What an answer means: `gone` (410) switches the endpoint off, as Standard Webhooks asks. */
export function judgeAnswer(result: OutboundResult): {
  readonly outcome: 'delivered' | 'failed' | 'gone';
  readonly status?: number;
  readonly error?: string;
} {
  if (result.kind !== 'answered')
    return { outcome: 'failed', error: `${result.kind}: ${result.reason}` };
  const { status } = result;
  if (status >= 200 && status < 300) return { outcome: 'delivered', status };
  if (status === 410) return { outcome: 'gone', status, error: 'gone' };
  return {
    outcome: 'failed',
    status,
    error: status >= 300 && status < 400 ? 'redirects are not followed' : 'refused',
  };
}

export interface DeliveryWorker {
  /** Sends what is due now and waits for it; answers how many attempts were made. */
  round(): Promise<number>;
}

interface Turn {
  readonly deps: DeliveryDeps;
  readonly settings: DeliverySettings;
  readonly shard: number;
  readonly endpoint: Endpoint;
}

async function attempt(turn: Turn, delivery: ClaimedDelivery): Promise<boolean> {
  const { deps, settings, shard, endpoint } = turn;
  const { database, clock, random, secrets, call, log } = deps;
  const id = eventIdText(shard, delivery.eventId);
  const sentAt = clock.now();
  const result = await call({
    method: 'POST',
    url: endpoint.url,
    headers: {
      'content-type': 'application/json',
      ...signedHeaders(id, sentAt, delivery.body, signingSecrets(endpoint, secrets, sentAt)),
    },
    body: delivery.body,
    timeoutMs: settings.timeoutMs,
  });
  const { outcome, status, error } = judgeAnswer(result);
  const at = clock.now();
  const again = outcome === 'failed' && delivery.attempts < settings.attemptsMax;
  const end: AttemptEnd = {
    delivered: outcome === 'delivered',
    at,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error }),
    ...(again
      ? {
          next: new Date(at.getTime() + backOffMs(delivery.attempts, settings.backOff, random)),
        }
      : {}),
  };
  const { endpointId } = endpoint;
  await settleAttempt(database, { shard, endpointId, eventId: delivery.eventId }, end);
  if (outcome === 'gone') await switchEndpoint(database, endpointId, false, at);
  if (outcome !== 'delivered')
    log.warn(
      {
        eventId: id,
        department: endpoint.departmentCode,
        attempts: delivery.attempts,
        error,
        dead: !again,
      },
      'A webhook was not delivered.',
    );
  return outcome === 'delivered';
}

/** Serves one endpoint until nothing is due or one message has failed: the rest then waits for the next round. */
async function serve(turn: Turn): Promise<{ attempts: number; failed: boolean }> {
  const { deps, settings, shard, endpoint } = turn;
  const { endpointId } = endpoint;
  let attempts = 0;
  for (;;) {
    const now = deps.clock.now();
    // Long enough for the attempt and its recording; after a crash the message is due again then.
    const until = new Date(now.getTime() + settings.timeoutMs * 3);
    const claimed = await claimDeliveries(
      deps.database,
      { shard, endpointId },
      { now, until },
      settings.atOnce,
    );
    if (claimed.length === 0) return { attempts, failed: false };
    const delivered = await Promise.all(claimed.map((delivery) => attempt(turn, delivery)));
    attempts += claimed.length;
    if (!delivered.every(Boolean)) return { attempts, failed: true };
  }
}

/** Makes the worker. Rounds of one worker may overlap; an endpoint that still has its turn is passed over. */
export function makeDeliveryWorker(deps: DeliveryDeps): DeliveryWorker {
  const settings = { ...DEFAULTS, ...deps.settings };
  const busy = new Set<bigint>();
  const paused = new Map<bigint, { readonly failures: number; readonly until: number }>();
  const serveOne = async (shard: number, endpointId: bigint): Promise<number> => {
    if (busy.has(endpointId) || busy.size >= settings.endpointsAtOnce) return 0;
    const pause = paused.get(endpointId);
    if (pause !== undefined && deps.clock.now().getTime() < pause.until) return 0;
    busy.add(endpointId);
    try {
      const endpoint = await findEndpoint(deps.database, endpointId);
      if (endpoint?.active !== true) return 0;
      const { attempts, failed } = await serve({ deps, settings, shard, endpoint });
      if (failed) {
        const failures = (pause?.failures ?? 0) + 1;
        const pauseMs = backOffMs(failures, settings.endpointPause, deps.random);
        paused.set(endpointId, { failures, until: deps.clock.now().getTime() + pauseMs });
      } else paused.delete(endpointId);
      return attempts;
    } finally {
      busy.delete(endpointId);
    }
  };
  return {
    async round() {
      let attempts = 0;
      for (const shard of deps.shards) {
        const due = await dueEndpoints(deps.database, shard, deps.clock.now());
        const made = await Promise.all(due.map((endpointId) => serveOne(shard, endpointId)));
        attempts += made.reduce((sum, each) => sum + each, 0);
      }
      return attempts;
    },
  };
}
