/**
 * The product: books, lane, chain, channels, API and pages, started and stopped in order. All of it in one process,
 * or the channels with the lane in one and the anchoring worker in another, over the same books.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createTransport, type Transporter } from 'nodemailer';
import { systemClock, systemTimers } from '../kernel/clock.ts';
import type { Config } from '../kernel/config.ts';
import { processLives } from '../kernel/embedded-postgres.ts';
import { Fault } from '../kernel/fault.ts';
import { IdMaker, secureRandom } from '../kernel/ids.ts';
import { makeLog, type Log } from '../kernel/log.ts';
import { makeMetrics, type Metrics } from '../kernel/metrics.ts';
import { makePortal } from '../portal/src/index.ts';
import {
  makeAnchoringWorker,
  makeCertificateOffice,
  listenToChain,
  makeEngine,
  PostingLane,
  publicEntries,
  publicTile,
  publishedCheckpoint,
  readWitnesses,
  startWatch,
  startWitnessing,
  verifierKey,
  type AnchorChain,
  type AnchoringWorker,
  type ChainListener,
  type PaymentEngine,
} from '../reconciliation/index.ts';
import { openDocumentSigner, type DocumentSigner } from '../stamp-renderer/index.ts';
import {
  Admission,
  easypaisaChannel,
  jazzCashChannel,
  listApi,
  listen,
  loadProfile,
  makeCutovers,
  makeHttpServer,
  makeParticipantDirectory,
  makeSecretBox,
  officeApi,
  oneBillChannel,
  publicLogRoutes,
  type PublicLog,
  otcChannel,
  sandboxEngine,
  startIso8583Listener,
  startRefusalWatch,
  walletApi,
  type Iso8583Tls,
} from '../switch/index.ts';
import { openBooks, type Books } from './books.ts';
import { openChain } from './chain.ts';
import { openDepartmentServices } from './department-services.ts';
import { loadKeys, type Keys } from './keys.ts';
import { makeListServices, makeOfficeServices } from './office-services.ts';
import { followOperators } from './operators.ts';
import { makeServices } from './services.ts';
import { ensureTrial, type Trial } from './trial.ts';
import { SHARD } from './shard.ts';

/** A line to a mail server (`smtp://`, `smtps://`) that reads no file and follows no address of a message. */
function mailTransport(url: string): Transporter {
  return createTransport({
    url,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
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
  readonly chain: AnchorChain;
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

/** The text of a file that the settings name. */
async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Fault('config-invalid', 'A file that the settings name cannot be read.', {
      fields: { file },
      cause,
    });
  }
}

/** What signs the files of certificates; nothing when the settings name no certificate. */
async function openSigner({ signing }: Config): Promise<DocumentSigner | undefined> {
  if (signing === undefined) return undefined;
  return openDocumentSigner({
    certificates: await readNamed(signing.certificates),
    privateKey: await readNamed(signing.privateKey),
  });
}

/** The line's TLS from its files; nothing when it is plain TCP. */
async function readTls(config: Config): Promise<{ tls?: Iso8583Tls }> {
  const files = config.iso8583Tls;
  if (files === undefined) return {};
  const { crl } = files;
  return {
    tls: {
      key: await readNamed(files.key),
      cert: await readNamed(files.cert),
      ca: await readNamed(files.ca),
      ...(crl === undefined ? {} : { crl: await readNamed(crl) }),
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
  readonly alterations: Alterations;
}

/** What only the simulator of a broken switch changes. */
export interface Alterations {
  /** Puts something between the channels and the engine. */
  readonly engine?: (engine: PaymentEngine) => PaymentEngine;
}

/** Starts a part; when something of it cannot start, stops what was started and throws its Fault. */
export async function startProduct(
  config: Config,
  part: Part = 'all',
  alterations: Alterations = {},
): Promise<Product> {
  const stops: Stop[] = [];
  try {
    return await startParts({ config, part, alterations }, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

/** What brings the log on, and what listens to the chain where that is a network. */
interface Anchoring {
  readonly worker: AnchoringWorker;
  readonly listener: ChainListener | undefined;
}

async function startAnchoring({
  config,
  books,
  chain,
  log,
  metrics,
  stops,
}: Ground): Promise<Anchoring> {
  const { database } = books;
  const worker = makeAnchoringWorker({ database, chain, clock: systemClock, log, metrics });
  worker.start();
  stops.push(() => worker.stop());
  const listener = listenToChain({ database, chain, clock: systemClock, log, metrics });
  if (listener !== undefined) stops.push(() => listener.stop());
  if (config.witnessFile !== undefined) {
    const witnesses = await readWitnesses(config.witnessFile);
    const witnessing = startWitnessing({ database, witnesses, clock: systemClock, log, metrics });
    stops.push(() => witnessing.stop());
  }
  return { worker, listener };
}

/** The log as anybody may read it. */
function publicLog({ config, books, keys }: Ground): PublicLog {
  const { database } = books;
  return {
    verifierKey: verifierKey(config.logOrigin, keys.logPublicKey),
    checkpoint: async () => (await publishedCheckpoint(database, config.witnessQuorum))?.note,
    tile: (name) => publicTile(database, name),
    entries: (name) => publicEntries(database, name),
  };
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
  anchoring: Anchoring | undefined,
): Promise<{ addresses: Addresses; trial: Trial | undefined }> {
  const { config, books, keys, chain, ids, log, metrics, stops } = ground;
  const { database } = books;
  const clock = systemClock;
  const box = makeSecretBox([{ id: 'participants', key: keys.sealingKey }], secureRandom);
  const { easypaisaKey } = keys;
  const trial = await ensureTrial({
    database,
    clock,
    random: secureRandom,
    ids,
    shard: SHARD,
    box,
    easypaisaKey,
    dataFolder: config.dataFolder,
  });
  const lane = await startLane(ground);
  stops.push(startRefusalWatch({ metrics, timers: systemTimers, log }));
  const participants = makeParticipantDirectory(database, { clock, log });
  const { engine: alter = (engine: PaymentEngine) => engine } = ground.alterations;
  const departments = await openDepartmentServices({
    config,
    database,
    clock,
    timers: systemTimers,
    random: secureRandom,
    ids,
    log,
    metrics,
    shard: SHARD,
    box,
    participants,
    engine: makeEngine({ database, clock, lanes: new Map([[SHARD, lane]]) }),
    mailTransport,
  });
  stops.push(() => departments.stop());
  const honest = sandboxEngine({
    engine: departments.engine,
    isSandbox: (code) => participants.isSandbox(code),
    clock,
    timers: systemTimers,
  });
  const engine = alter(honest);
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
    box,
    ...(await readTls(config)),
  });
  stops.push(() => iso.stop());
  const iso8583 = `${config.host}:${String(iso.port)}`;

  let http = '';
  const office = makeCertificateOffice({
    database,
    clock,
    signer: keys.signer,
    documentSigner: await openSigner(config),
    publicUrl: () => config.publicUrl ?? http.replace('//127.0.0.1:', '//localhost:'),
  });
  const { trustList } = keys;
  const challans = {
    database,
    clock,
    random: secureRandom,
    ids,
    shard: SHARD,
    challanDays: config.challanDays,
  };
  const services = makeServices({
    database,
    clock,
    office,
    chain,
    ...(anchoring === undefined ? {} : anchoring),
    trustList,
    leads: () => lane.leads,
    challans,
  });
  const { lookupsPerMinute } = config;
  const desk = await followOperators(config.dataFolder, { timers: systemTimers, log });
  stops.push(desk.stop);
  const officers = { operators: desk.operators, clock, lookupsPerMinute };
  const admission = new Admission(clock);
  const parts = { engine, participants, log, metrics, clock, admission };
  const app = await makeHttpServer({
    services,
    log,
    metrics,
    clock,
    channels: [
      oneBillChannel(parts),
      jazzCashChannel({ ...parts, secrets: box }),
      easypaisaChannel({ ...parts, secrets: box, signingKey: easypaisaKey }),
      otcChannel({ ...parts, database, random: secureRandom, ids }),
      walletApi({
        ...parts,
        services,
        secrets: box,
        signingKey: easypaisaKey,
        returnUrl: () => config.publicUrl ?? http,
        random: secureRandom,
      }),
      publicLogRoutes(publicLog(ground)),
      officeApi({ ...officers, office: makeOfficeServices({ database, clock, challans }) }),
      listApi({ ...officers, lists: makeListServices({ database, clock, office, trustList }) }),
      ...departments.routes,
    ],
    pages: makePortal({ iso8583, trial: trial !== undefined }),
    lookupsPerMinute,
  });
  stops.push(() => app.close());
  http = await listen(app, { host: config.host, port: config.httpPort });
  return { addresses: { http, iso8583 }, trial };
}

async function startParts(
  asked: { readonly config: Config; readonly part: Part; readonly alterations: Alterations },
  stops: Stop[],
): Promise<Product> {
  const { config, part, alterations } = asked;
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
  const opening = await openChain(config, books.database, keys);
  const { chain } = opening;
  stops.push(() => {
    opening.close();
    return Promise.resolve();
  });
  const ids = new IdMaker(systemClock, config.node);
  const shared = { ids, log, metrics, stops, alterations };
  const ground: Ground = { config, books, keys, chain, ...shared };
  const anchoring = part === 'channels' ? undefined : await startAnchoring(ground);
  const opened = part === 'anchoring' ? undefined : await startChannels(ground, anchoring);

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
    chain,
    failed,
    stop: () => stopAll(stops),
  };
}
