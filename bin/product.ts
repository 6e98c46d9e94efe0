/**
 * The product: books, lane, chain, channels, API and pages, started and stopped in order. All of it in one process,
 * or the channels with the lane in one and the anchoring worker in another, over the same books.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock, systemTimers } from '../kernel/clock.ts';
import type { Config } from '../kernel/config.ts';
import { sql } from '../kernel/database.ts';
import { processLives } from '../kernel/embedded-postgres.ts';
import { Fault } from '../kernel/fault.ts';
import { IdMaker, secureRandom } from '../kernel/ids.ts';
import { makeLog, type Log } from '../kernel/log.ts';
import { makeMetrics, type Metrics } from '../kernel/metrics.ts';
import { openAccount, settlementAccount } from '../ledger/index.ts';
import { makePortal } from '../portal/src/index.ts';
import {
  makeAnchoringWorker,
  makeCertificateOffice,
  makeEngine,
  openEmbeddedChain,
  PostingLane,
  startWatch,
  type AnchorChain,
  type AnchoringWorker,
} from '../reconciliation/index.ts';
import {
  listen,
  loadProfile,
  makeCutovers,
  makeHttpServer,
  makeParticipantDirectory,
  makeSecretBox,
  oneBillChannel,
  registerParticipant,
  startIso8583Listener,
  type Iso8583Tls,
} from '../switch/index.ts';
import { openBooks, type Books } from './books.ts';
import { loadKeys, type Keys } from './keys.ts';
import { makeServices } from './services.ts';

/** The shard of a small installation; every PSID it makes names it. */
const SHARD = 0;

/** Credentials with which a newcomer can try the channels; made at the first start, kept in the data folder. */
export interface Trial {
  readonly iso8583: { readonly institutionId: string };
  readonly onebill: {
    readonly username: string;
    readonly password: string;
    readonly bankMnemonic: string;
  };
}

export interface Addresses {
  readonly http: string;
  readonly iso8583: string;
}

/** What a process runs. Two processes may share a shard's books: the lane's and the worker's leases see to that. */
export type Part = 'all' | 'channels' | 'anchoring';

export interface Product {
  /** Absent where only the anchoring worker runs. */
  readonly addresses: Addresses | undefined;
  readonly trial: Trial | undefined;
  readonly books: Books;
  /** Settles when a part of the product that it cannot do without has ended by itself. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

async function refuseSecondStart(runFile: string): Promise<void> {
  if (!existsSync(runFile)) return;
  const { pid } = JSON.parse(await readFile(runFile, 'utf8')) as { pid: number };
  if (pid !== process.pid && processLives(pid)) {
    throw new Fault(
      'conflict',
      'Sanad already runs on this data folder; stop it first, or set SANAD_DATA_DIR.',
      { fields: { pid } },
    );
  }
}

/** Registers two trial participants, reachable from this machine only, when there are no participants at all. */
async function ensureTrial(config: Config, books: Books, ids: IdMaker): Promise<Trial | undefined> {
  const file = path.join(config.dataFolder, 'trial.json');
  const [known] = await books.database.query<{ count: bigint }>(
    sql`select count(*) as count from participant`,
  );
  if (known?.count !== 0n) {
    return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Trial) : undefined;
  }
  const trial: Trial = {
    iso8583: { institutionId: '586001' },
    onebill: {
      username: 'trial-onelink',
      password: secureRandom.bytes(18).toString('base64url'),
      bankMnemonic: 'TRIALBNK',
    },
  };
  // The file first: a start that is cut off between the two begins anew with a file that nobody has used.
  await writeFile(file, JSON.stringify(trial, null, 2), { mode: 0o600 });
  const deps = {
    database: books.database,
    clock: systemClock,
    random: secureRandom,
    openAccounts: async (tx: Parameters<typeof openAccount>[0], code: string) => {
      await openAccount(tx, settlementAccount(SHARD, code), ids);
    },
  };
  const allowedAddresses = ['127.0.0.1', '::1'];
  await registerParticipant(
    {
      code: 'TRIALATM',
      name: 'Trial Bank (ATM)',
      channel: 'iso8583',
      institutionId: trial.iso8583.institutionId,
      allowedAddresses,
    },
    deps,
  );
  await registerParticipant(
    {
      code: 'TRIAL1LINK',
      name: 'Trial Bank (1BILL)',
      channel: 'onebill',
      allowedAddresses,
      credentials: { username: trial.onebill.username, password: trial.onebill.password },
    },
    deps,
  );
  return trial;
}

/** The line's TLS from its files; nothing when it is plain TCP. */
async function readTls(config: Config): Promise<{ tls?: Iso8583Tls }> {
  const files = config.iso8583Tls;
  if (files === undefined) return {};
  const read = async (file: string): Promise<string> => {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw new Fault('config-invalid', 'A file of the ISO 8583 TLS settings cannot be read.', {
        fields: { file },
        cause,
      });
    }
  };
  const { crl } = files;
  return {
    tls: {
      key: await read(files.key),
      cert: await read(files.cert),
      ca: await read(files.ca),
      ...(crl === undefined ? {} : { crl: await read(crl) }),
    },
  };
}

type Stop = () => Promise<void>;

/** Stops every part, the last started first, whatever one of them says; the first trouble is thrown at the end. */
async function stopAll(stops: Stop[]): Promise<void> {
  const troubles: unknown[] = [];
  for (const stop of stops.reverse()) await stop().catch((error: unknown) => troubles.push(error));
  if (troubles.length > 0) throw troubles[0];
}

/** What every part stands on. */
interface Ground {
  readonly config: Config;
  readonly books: Books;
  readonly keys: Keys;
  readonly chain: AnchorChain;
  readonly ids: IdMaker;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly stops: Stop[];
}

/** Starts a part; when something of it cannot start, stops what was started and throws its Fault. */
export async function startProduct(config: Config, part: Part = 'all'): Promise<Product> {
  const stops: Stop[] = [];
  try {
    return await startParts(config, part, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

function startWorker({ books, chain, log, metrics, stops }: Ground): AnchoringWorker {
  const worker = makeAnchoringWorker({
    database: books.database,
    chain,
    clock: systemClock,
    log,
    metrics,
  });
  worker.start();
  stops.push(() => worker.stop());
  return worker;
}

async function startLane({
  config,
  books,
  ids,
  log,
  metrics,
  stops,
}: Ground): Promise<PostingLane> {
  const { database } = books;
  const lane = new PostingLane({
    shard: SHARD,
    database,
    clock: systemClock,
    ids,
    random: secureRandom,
    log,
    metrics,
    holder: `${config.node.toString()}/${process.pid.toString()}`,
  });
  await lane.start();
  stops.push(() => lane.stop());
  const watch = startWatch({
    database,
    clock: systemClock,
    timers: systemTimers,
    log,
    metrics,
    shards: [SHARD],
  });
  stops.push(() => watch.stop());
  return lane;
}

async function startChannels(
  ground: Ground,
  worker: AnchoringWorker | undefined,
): Promise<{ addresses: Addresses; trial: Trial | undefined }> {
  const { config, books, keys, chain, ids, log, metrics, stops } = ground;
  const { database } = books;
  const clock = systemClock;
  const trial = await ensureTrial(config, books, ids);
  const lane = await startLane(ground);
  const engine = makeEngine({ database, clock, lanes: new Map([[SHARD, lane]]) });
  const participants = makeParticipantDirectory(database, { clock, log });
  const iso = await startIso8583Listener({
    host: config.host,
    port: config.iso8583Port,
    engine,
    participants,
    clock,
    log,
    metrics,
    profile: loadProfile(config.iso8583Profile),
    cutovers: makeCutovers(database),
    box: makeSecretBox([{ id: 'participants', key: keys.sealingKey }], secureRandom),
    ...(await readTls(config)),
  });
  stops.push(() => iso.stop());
  const iso8583 = `${config.host}:${String(iso.port)}`;

  let http = '';
  const office = makeCertificateOffice({
    database,
    clock,
    signer: keys.signer,
    publicUrl: () => config.publicUrl ?? http.replace('//127.0.0.1:', '//localhost:'),
  });
  const services = makeServices({
    database,
    clock,
    office,
    chain,
    ...(worker === undefined ? {} : { worker }),
    trustList: keys.trustList,
    leads: () => lane.leads,
    challans: {
      database,
      clock,
      random: secureRandom,
      ids,
      shard: SHARD,
      challanDays: config.challanDays,
    },
  });
  const app = await makeHttpServer({
    services,
    log,
    metrics,
    clock,
    channels: [oneBillChannel({ engine, participants, log, metrics })],
    pages: makePortal({ iso8583, trial: trial !== undefined }),
    lookupsPerMinute: config.lookupsPerMinute,
  });
  stops.push(() => app.close());
  http = await listen(app, { host: config.host, port: config.httpPort });
  return { addresses: { http, iso8583 }, trial };
}

async function startParts(config: Config, part: Part, stops: Stop[]): Promise<Product> {
  const log = makeLog({ level: config.logLevel });
  const metrics = makeMetrics(true);
  const runFile = path.join(
    config.dataFolder,
    part === 'anchoring' ? 'run-anchoring.json' : 'run.json',
  );
  await refuseSecondStart(runFile);
  // The process with the channels looks after the embedded server; a worker beside it only uses it.
  const books = await openBooks(config, 20, part === 'anchoring' ? undefined : { log });
  stops.push(() => books.close());
  const keys = await loadKeys(config.dataFolder, config.logOrigin, systemClock);
  const chain = await openEmbeddedChain({
    database: books.database,
    signingKey: keys.logKey,
    origin: config.logOrigin,
    clock: systemClock,
  });
  const ids = new IdMaker(systemClock, config.node);
  const ground: Ground = { config, books, keys, chain, ids, log, metrics, stops };
  const worker = part === 'channels' ? undefined : startWorker(ground);
  const opened = part === 'anchoring' ? undefined : await startChannels(ground, worker);

  await writeFile(runFile, JSON.stringify({ pid: process.pid, ...opened?.addresses }));
  stops.push(() => rm(runFile, { force: true }));
  const failed =
    books.postgres === undefined || part === 'anchoring'
      ? new Promise<string>(() => undefined)
      : books.postgres.exited.then(
          () =>
            'The embedded PostgreSQL ended too often; see postgres.log in the data folder and start again.',
        );
  return {
    addresses: opened?.addresses,
    trial: opened?.trial,
    books,
    failed,
    stop: () => stopAll(stops),
  };
}
