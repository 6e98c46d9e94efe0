/** Wires what departments and payers get beside the channels: the catalogue, external billers, webhooks, confirmations, disputes. */
import type { Clock, Timers } from '../kernel/clock.ts';
import type { Config } from '../kernel/config.ts';
import type { Database } from '../kernel/database.ts';
import { Fault } from '../kernel/fault.ts';
import type { IdMaker, Random } from '../kernel/ids.ts';
import type { Log } from '../kernel/log.ts';
import type { Metrics } from '../kernel/metrics.ts';
import {
  makeDisputeDesk,
  startDisputeReview,
  type PaymentEngine,
} from '../reconciliation/index.ts';
import {
  departmentApi,
  disputeApi,
  makeBillerEngine,
  makeCaller,
  makeDepartmentDesk,
  makeDepartmentKeys,
  makeMailGateway,
  makeSmsGateway,
  makeWebhookServices,
  openBillers,
  startBillerRecovery,
  startConfirmations,
  startWebhooks,
  type MailTransport,
  type ParticipantDirectory,
  type SecretBox,
} from '../switch/index.ts';

export interface DepartmentServiceDeps {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly ids: IdMaker;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly shard: number;
  readonly box: SecretBox;
  readonly participants: ParticipantDirectory;
  /** The engine of our own lanes. */
  readonly engine: PaymentEngine;
  /** Opens a mail server by its URL; absent where the program is built without one. */
  readonly mailTransport?: (url: string) => MailTransport;
}

export interface DepartmentServices {
  /** The engine with the external billers behind it. */
  readonly engine: PaymentEngine;
  /** Routes for `makeHttpServer`, among its `channels`. */
  readonly routes: readonly ReturnType<typeof departmentApi>[];
  /** Ends the workers after what is under way. */
  stop(): Promise<void>;
}

type Gateways = Parameters<typeof startConfirmations>[0]['gateways'];

function openGateways({ config, mailTransport }: DepartmentServiceDeps): Gateways {
  const { sms, mail } = config;
  if (mail !== undefined && mailTransport === undefined)
    throw new Fault('config-invalid', 'This program was built without a mail transport.');
  // The operator named these hosts himself; they may lie inside.
  const hostsOf = (url: string): string[] => [new URL(url).host, new URL(url).hostname];
  return {
    ...(sms === undefined
      ? {}
      : {
          sms: makeSmsGateway({
            ...sms,
            call: makeCaller({ allowedHosts: hostsOf(sms.url), allowLoopback: true }),
          }),
        }),
    ...(mail === undefined || mailTransport === undefined
      ? {}
      : { email: makeMailGateway(mailTransport(mail.url), mail.from) }),
  };
}

/** Opens the services and starts their workers. */
export async function openDepartmentServices(
  deps: DepartmentServiceDeps,
): Promise<DepartmentServices> {
  const { config, database, clock, timers, random, ids, log, shard, box, participants } = deps;
  const policy = config.outbound;
  const call = makeCaller(policy);
  const common = { database, clock, timers, random, ids, log, secrets: box, call, shards: [shard] };
  const gateways = openGateways(deps);
  const billers = await openBillers(common);
  const behind = { ...common, billers, engine: deps.engine };
  const desk = makeDisputeDesk({ database, clock, ids, random });
  const { challanDays, lookupsPerMinute } = config;
  const stops = [
    startBillerRecovery(behind),
    startWebhooks(common),
    startConfirmations({ ...common, gateways }),
    startDisputeReview({ desk, timers, log, metrics: deps.metrics, shards: [shard] }),
  ];
  return {
    engine: makeBillerEngine(behind),
    routes: [
      departmentApi({
        keys: makeDepartmentKeys(database, clock, random),
        desk: makeDepartmentDesk({
          clock,
          challans: { database, clock, random, ids, shard, challanDays },
        }),
        webhooks: makeWebhookServices({ ...common, policy }, shard),
        clock,
        lookupsPerMinute,
      }),
      disputeApi({ desk, participants, clock, shard, lookupsPerMinute }),
    ],
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}
