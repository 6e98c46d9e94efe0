/** Webhooks as the HTTP API and an operator use them, over one shard's events. */
import { findEndpoint } from './endpoint-store.ts';
import { makeEndpointDesk, type EndpointDeps, type EndpointDesk } from './endpoints.ts';
import { listDeliveries, resendDead, resendEvent, type ListedDelivery } from './delivery-store.ts';
import { findEventDepartment } from './event-store.ts';

const RESEND_MAX = 1_000;

/** Names an event: its shard and its row. */
export interface EventKey {
  readonly shard: number;
  readonly eventId: bigint;
}

export interface DeliveryPage {
  readonly state?: ListedDelivery['state'] | undefined;
  readonly psid?: string | undefined;
  /** Only what is older than this event. */
  readonly before?: EventKey | undefined;
  readonly limit: number;
}

/** What was delivered, and sending again, in one shard. */
export interface DeliveryDesk {
  /** A page of a department's deliveries, the newest event first. */
  deliveries(
    department: string,
    page: DeliveryPage,
  ): Promise<{ readonly shard: number; readonly deliveries: readonly ListedDelivery[] }>;
  /** Puts an event's deliveries back in line; undefined: the department has no such event. */
  resend(department: string, key: EventKey): Promise<number | undefined>;
  /** Puts an endpoint's dead letters back in line; undefined: the department has no such endpoint. */
  resendDead(department: string, endpointId: bigint): Promise<number | undefined>;
}

export interface WebhookServices extends DeliveryDesk {
  readonly endpoints: EndpointDesk;
}

/** Makes the desk of one shard. */
export function makeDeliveryDesk(
  { database, clock }: Pick<EndpointDeps, 'database' | 'clock'>,
  shard: number,
): DeliveryDesk {
  return {
    async deliveries(department, { state, psid, before, limit }) {
      const filter = { shard, department, state, psid, before: before?.eventId, limit };
      return { shard, deliveries: await listDeliveries(database, filter) };
    },
    async resend(department, key) {
      if ((await findEventDepartment(database, key)) !== department) return undefined;
      return resendEvent(database, { ...key, department }, clock.now());
    },
    async resendDead(department, endpointId) {
      const endpoint = await findEndpoint(database, endpointId);
      if (endpoint?.departmentCode !== department) return undefined;
      return resendDead(database, { shard, endpointId, limit: RESEND_MAX }, clock.now());
    },
  };
}

/** Makes the services of one shard. */
export function makeWebhookServices(deps: EndpointDeps, shard: number): WebhookServices {
  return { ...makeDeliveryDesk(deps, shard), endpoints: makeEndpointDesk(deps) };
}
