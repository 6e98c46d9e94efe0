/** The public log as outsiders see it: readers, and witnesses that cosign it. */
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { ManualClock } from '../../kernel/clock.ts';
import { sql } from '../../kernel/database.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics, type Metrics } from '../../kernel/metrics.ts';
import { openEmbeddedChain } from '../../reconciliation/anchoring/adapters/embedded.ts';
import type { AnchorChain } from '../../reconciliation/anchoring/anchor-chain.ts';
import { verifierKey } from '../../reconciliation/anchoring/checkpoint.ts';
import {
  publicEntries,
  publicTile,
  publishedCheckpoint,
} from '../../reconciliation/anchoring/public-log-store.ts';
import {
  emptyAnchoring,
  fillOutbox,
  ORIGIN,
  stampIds,
  tamper,
} from '../../reconciliation/anchoring/test-support.ts';
import { readWitnesses } from '../../reconciliation/anchoring/witness.ts';
import { startWitnessing, type Witnessing } from '../../reconciliation/anchoring/witnessing.ts';
import { makeAnchoringWorker } from '../../reconciliation/anchoring/worker.ts';
import { makeErrorHandler } from '../../switch/http/problem.ts';
import { publicLogRoutes, tileNameOf } from '../../switch/http/routes/log.ts';
import {
  get as ask,
  rawOf,
  readNote,
  readWholeLog as readLog,
  sha256,
  TestWitness,
} from '../support/log-outsider.ts';
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts';

const KEYS = generateKeyPairSync('ed25519');
const NOW = new Date('2026-11-23T10:00:00Z');
const silent = makeLog({ level: 'silent' });
let test: TestDatabase;
let chain: AnchorChain;
let app: FastifyInstance;
let address: string;
let quorum = 0;
let metrics: Metrics;
const clock = new ManualClock(NOW);
const KNOWN = { origin: ORIGIN, publicKey: KEYS.publicKey };
const get = (where: string): ReturnType<typeof ask> => ask(address, where);
const readWholeLog = (): ReturnType<typeof readLog> => readLog({ ...KNOWN, address });
const witnessNamed = (name: string): TestWitness => new TestWitness(name, KNOWN, NOW);

let folder: string;
const closers: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sanad-public-log-'));
  test = await openTestDatabase();
  app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(makeErrorHandler(silent));
  const { database } = test;
  await app.register(
    publicLogRoutes({
      verifierKey: verifierKey(ORIGIN, KEYS.publicKey),
      checkpoint: async () => (await publishedCheckpoint(database, quorum))?.note,
      tile: (name) => publicTile(database, name),
      entries: (name) => publicEntries(database, name),
    }),
  );
  address = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await test.drop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  quorum = 0;
  metrics = makeMetrics(false);
  await emptyAnchoring(test.database);
  chain = await openEmbeddedChain({
    database: test.database,
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    clock,
  });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function grow(stamps: number): Promise<void> {
  await fillOutbox(
    test.database,
    stampIds(stamps).map((stampId) => ({ kind: 'issue', stampId })),
  );
  const worker = makeAnchoringWorker({
    database: test.database,
    chain,
    clock,
    log: silent,
    metrics,
    batchEntriesMax: 700,
  });
  while ((await worker.runOnce()) > 0);
  await worker.stop();
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function start(...witnesses: TestWitness[]): Promise<Witnessing> {
  for (const each of witnesses) {
    await each.listen();
    closers.push(() => each.close());
  }
  const file = path.join(folder, 'witnesses');
  writeFileSync(file, `# witnesses\n\n${witnesses.map((each) => each.line).join('\n')}\n`);
  const witnessing = startWitnessing({
    database: test.database,
    witnesses: await readWitnesses(file),
    clock,
    log: silent,
    metrics,
    everyMs: 5,
  });
  closers.push(() => witnessing.stop());
  return witnessing;
}

async function alarm(): Promise<number | undefined> {
  return (await metrics.anchorAlarm.get()).values.find(({ labels }) => labels.alarm === 'witness')
    ?.value;
}

describe('the public log', () => {
  it('can be read whole by an outsider, at sizes around the edges of tiles', async () => {
    expect((await get('/log/checkpoint')).status).toBe(404);
    for (const [stamps, size] of [
      [1, 2],
      [127, 256],
      [1, 258],
      [512, 1_282],
    ] as const) {
      await grow(stamps);
      const { note, entries } = await readWholeLog();
      expect([note.origin, note.size, entries.length]).toEqual([ORIGIN, size, size]);
    }
    const key = (await get('/log/key')).bytes.toString('utf8').trim();
    expect(key).toBe(
      `${ORIGIN}+${sha256(Buffer.from(`${ORIGIN}\n`), Buffer.of(1), rawOf(KEYS.publicKey))
        .toString('hex')
        .slice(0, 8)}+${Buffer.concat([Buffer.of(1), rawOf(KEYS.publicKey)]).toString('base64')}`,
    );
  });

  it('gives a partial tile of an older size, and none that the log has not reached', async () => {
    await grow(200);
    const full = (await get('/log/tile/0/000')).bytes;
    expect(full).toHaveLength(8_192);
    expect((await get('/log/tile/0/000.p/17')).bytes).toEqual(full.subarray(0, 17 * 32));
    expect((await get('/log/tile/entries/001.p/3')).bytes).toHaveLength(3 * 60);
    for (const name of [
      '0/001',
      '0/002.p/1',
      '1/000',
      '2/000.p/1',
      'entries/001',
      'entries/009.p/1',
    ])
      expect([name, (await get(`/log/tile/${name}`)).status]).toEqual([name, 404]);
  });

  it.each([
    '0/00',
    '0/0000',
    '00/000',
    '64/000',
    '0/x000/001',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/01',
    '0/001/000',
    'data/000',
    '',
    '0/x001/x000/x000/x000/x000/x000/000',
  ])('knows no tile called %s', (name) => {
    expect(() => tileNameOf(name)).toThrow('no tile');
  });

  it('names tiles as the specification does', () => {
    expect(tileNameOf('1/x001/x234/067.p/17')).toEqual({ level: 1, index: 1_234_067n, width: 17 });
    expect(tileNameOf('entries/000')).toEqual({ level: undefined, index: 0n, width: 256 });
  });
});

describe('the witnesses', () => {
  it('cosign what grew, and what they said is published with the checkpoint', async () => {
    const [one, two] = [witnessNamed('one.example/w'), witnessNamed('two.example/w')];
    quorum = 2;
    await grow(20);
    expect((await get('/log/checkpoint')).status).toBe(404);
    await start(one, two);
    for (const size of [40, 340, 342]) {
      if (size > 40) await grow(size === 340 ? 150 : 1);
      await until(async () => {
        const { status, bytes } = await get('/log/checkpoint');
        return status === 200 && readNote(bytes.toString('utf8')).size === size;
      });
      const { note } = await readWholeLog();
      for (const witness of [one, two]) {
        const { id, bytes } = note.signatures.find(({ name }) => name === witness.name)!;
        expect(id).toEqual(witness.id);
        const message = `cosignature/v1\ntime ${String(bytes.readBigUInt64BE(0))}\n${note.text}`;
        expect(verify(null, Buffer.from(message), witness.keys.publicKey, bytes.subarray(8))).toBe(
          true,
        );
      }
    }
    expect(await alarm()).toBe(0);
  });

  it('hold back what is published, not what is anchored, while one of them is away', async () => {
    const [one, away] = [witnessNamed('one.example/w'), witnessNamed('away.example/w')];
    away.answer = () => ({ status: 500, text: '' });
    quorum = 2;
    await grow(3);
    await start(one, away);
    await until(() => one.size === 6 && away.calls.length > 1);
    expect((await get('/log/checkpoint')).status).toBe(404);
    await grow(3);
    expect((await chain.head()).size).toBe(12n);
    away.answer = undefined;
    await until(async () => (await get('/log/checkpoint')).status === 200);
    expect(await alarm()).toBe(0);
  });

  it('are told from where to go on by themselves, when the books have forgotten', async () => {
    const one = witnessNamed('one.example/w');
    await grow(10);
    const first = await start(one);
    await until(() => one.size === 20);
    await first.stop();
    await tamper(test.database, 'truncate log_cosignature');
    await grow(10);
    one.close();
    const again = one;
    again.calls = [];
    await start(again);
    await until(() => one.size === 40);
    expect(again.calls.slice(0, 2)).toEqual([409, 200]);
  });

  it('raise the alarm when they have seen a longer log, or another one', async () => {
    const longer = witnessNamed('longer.example/w');
    longer.size = 5_000;
    await grow(4);
    await start(longer);
    await until(async () => (await alarm()) === 1);
    await closers.pop()!();
    metrics = makeMetrics(false);
    const other = witnessNamed('other.example/w');
    other.size = 3;
    other.root = Buffer.alloc(32, 1);
    await start(other);
    await until(async () => (await alarm()) === 1);
    expect(other.calls).toContain(422);
  });

  it('are not believed when their answer is not what they promise', async () => {
    const liar = witnessNamed('liar.example/w');
    const honest = witnessNamed('liar.example/w');
    const soon = BigInt(Math.floor(NOW.getTime() / 1_000));
    const text = (body: string): string => readNote(body.slice(body.indexOf('\n\n') + 2)).text;
    const answers: ((body: string) => string)[] = [
      () => '',
      () => '— liar.example/w AAAA\n',
      // Of another key under the same name.
      (body) => honest.cosign(text(body)),
      // Of another text.
      (body) => liar.cosign(text(body).replace(ORIGIN, 'other.example/log')),
      // From the future, and without a time.
      (body) => liar.cosign(text(body), soon + 100_000n),
      (body) => liar.cosign(text(body), 0n),
      () => 'x'.repeat(100_000),
    ];
    let asked = 0;
    liar.answer = (body) => ({ status: 200, text: answers[asked++ % answers.length]!(body) });
    await grow(4);
    await start(liar);
    await until(() => asked > answers.length);
    expect(await test.database.query(sql`select 1 from log_cosignature`)).toEqual([]);
    liar.answer = (body) => ({ status: 200, text: liar.cosign(text(body)) });
    await until(
      async () => (await test.database.query(sql`select 1 from log_cosignature`)).length === 1,
    );
  });

  it.each([
    ['no key', 'config-invalid'],
    ['one.example/w+00000000+BAAA http://127.0.0.1/', 'config-invalid'],
    [`${verifierKey('log.example', KEYS.publicKey)} http://127.0.0.1/`, 'config-invalid'],
  ])('are not read from a wrong line: %s', async (line, code) => {
    const file = path.join(folder, 'wrong');
    writeFileSync(file, line);
    await expect(readWitnesses(file)).rejects.toMatchObject({ code });
    await expect(readWitnesses(path.join(folder, 'none'))).rejects.toMatchObject({ code });
  });
});
