/** The adapter for Fabric against gateways on loopback that speak the real protocol. A real network: `npm run test:fabric`. */
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeEntry } from '../../../chaincode/src/leaf.ts';
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierRoot,
  leafHash,
} from '../../../chaincode/src/merkle.ts';
import { systemTimers } from '../../../kernel/clock.ts';
import type { AnchorBatch, BatchNotice } from '../anchor-chain.ts';
import { anchorChainConformance } from '../conformance.ts';
import type { FabricSettings } from '../../../kernel/config.ts';
import { openFabricChain, type FabricChain } from './fabric-gateway.ts';
import { LoopbackGateway, LoopbackLedger } from './fabric-loopback.ts';
import { makeFabricSigner } from './fabric-signer.ts';

const ORIGIN = 'sanad.example/estamp';
const KEYS = generateKeyPairSync('ed25519');
/** Waits are real but short: a laggard is asked again a hundred times. */
const timers = { ...systemTimers, sleep: () => systemTimers.sleep(2) };
let folder: string;
const closers: (() => void)[] = [];
const at = (name: string): string => path.join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sanad-fabric-'));
  execFileSync(
    'openssl',
    'req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /O=PITB/CN=anchor'.split(
      ' ',
    ),
    { cwd: folder, stdio: 'pipe' },
  );
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function gateways(count: number, ledger = new LoopbackLedger()): Promise<LoopbackGateway[]> {
  const made = Array.from({ length: count }, () => new LoopbackGateway(ledger));
  for (const each of made) {
    await each.listen();
    closers.push(() => each.kill());
  }
  return made;
}

function settings(peers: readonly LoopbackGateway[]): FabricSettings {
  const names = peers.map((_, index) => `peer${String(index)}`);
  writeFileSync(
    at('connection.json'),
    JSON.stringify({
      organizations: { Pitb: { mspid: 'PITB', peers: names } },
      peers: Object.fromEntries(
        peers.map((peer, index) => [
          names[index],
          { url: `grpc://127.0.0.1:${String(peer.port)}` },
        ]),
      ),
    }),
  );
  return {
    connection: at('connection.json'),
    mspId: 'PITB',
    certificate: at('cert.pem'),
    key: at('key.pem'),
    channel: 'estamp',
    chaincode: 'sanad',
    gateways: [],
    endorsers: [],
  };
}

async function open(peers: readonly LoopbackGateway[]): Promise<FabricChain> {
  const chain = await openFabricChain({
    settings: settings(peers),
    signingKey: KEYS.privateKey,
    origin: ORIGIN,
    timers,
  });
  closers.push(() => chain.close());
  return chain;
}

function payments(start: number, count = 1): AnchorBatch {
  const entries = Array.from({ length: start + count }, (_, index) =>
    encodeEntry({
      type: 'payment',
      atMs: BigInt(index),
      amountPaisa: 5n,
      ref: 0n,
      commitment: Buffer.alloc(32),
    }),
  );
  return {
    start: BigInt(start),
    entries: Buffer.concat(entries.slice(start)),
    expectedRoot: frontierRoot(appendLeaves(EMPTY_FRONTIER, entries.map(leafHash))),
    issueBatches: [],
  };
}

describe('the log on Fabric', () => {
  it.each(anchorChainConformance)('$name', async ({ run }) => {
    const peers = await gateways(2);
    await run({
      chain: await open(peers),
      logPublicKey: KEYS.publicKey,
      origin: ORIGIN,
      reopen: () => open(peers),
    });
    expect(peers[0]!.calls.length).toBeGreaterThan(0);
  });

  it('goes to the next gateway when one is away, and comes back to it', async () => {
    const ledger = new LoopbackLedger();
    const [first, second] = await gateways(2, ledger);
    const chain = await open([first!, second!]);
    await chain.append(payments(0));
    first!.kill();
    expect((await chain.append(payments(1))).head.size).toBe(2n);
    expect(second!.calls).toContain('endorse');
    second!.faults.push({ step: 'evaluate', when: 'before', code: status.UNAVAILABLE });
    await expect(chain.head()).rejects.toMatchObject({
      code: 'chain-unreachable',
      phase: 'read',
      retry: 'safe',
    });
    expect((await chain.head()).size).toBe(2n);
  });

  it.each([
    ['endorse', 'before', 'endorse', 'safe', 0n],
    ['submit', 'before', 'submit', 'ask-head-first', 0n],
    ['submit', 'after', 'submit', 'ask-head-first', 1n],
    ['commitStatus', 'before', 'commit', 'ask-head-first', 1n],
  ] as const)(
    'says what may be done again when %s fails %s it is done',
    async (step, when, phase, retry, size) => {
      const [peer] = await gateways(1);
      const chain = await open([peer!]);
      peer!.faults.push({ step, when, code: status.UNAVAILABLE });
      await expect(chain.append(payments(0))).rejects.toMatchObject({
        code: 'chain-unreachable',
        phase,
        retry,
        refusal: undefined,
      });
      expect((await chain.head()).size).toBe(size);
    },
  );

  it('waits for an endorser that lags behind instead of taking its word for a gap', async () => {
    const ledger = new LoopbackLedger();
    const [fresh, late] = await gateways(2, ledger);
    await (await open([fresh!])).append(payments(0));
    late!.behind = 1;
    late!.onCall = () => {
      if (late!.calls.length === 5) late!.behind = 0;
    };
    // No other gateway is there to be asked: the laggard has to catch up.
    const alone = await open([late!]);
    expect((await alone.append(payments(1))).head.size).toBe(2n);
    expect(late!.calls.filter((call) => call === 'endorse').length).toBe(2);
    late!.behind = 1;
    late!.onCall = () => undefined;
    expect((await alone.head()).size).toBe(1n);
    expect((await (await open([late!, fresh!])).head(2n)).size).toBe(2n);
  });

  it('never calls a lost race a refusal', async () => {
    const [peer] = await gateways(1);
    const [one, two] = [await open([peer!]), await open([peer!])];
    let raced = false;
    const lost = one.append(payments(0, 2));
    const won = two.append(payments(0, 3));
    const outcomes = await Promise.allSettled([lost, won]);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      raced = true;
      expect(outcome.reason).toMatchObject({ code: 'chain-refused' });
      const { retry, refusal } = outcome.reason as { retry: string; refusal?: string };
      expect([retry, refusal]).toEqual(
        refusal === undefined ? ['ask-head-first', undefined] : ['never', 'batch-overlap'],
      );
    }
    expect(raced).toBe(true);
  });

  it('follows what was committed, from any position on', async () => {
    const [peer] = await gateways(1);
    const chain = await open([peer!]);
    const batches = [payments(0), payments(1, 4), payments(5)];
    for (const batch of batches) await chain.append(batch);
    const told = async (after?: BatchNotice['at']): Promise<BatchNotice[]> => {
      const notices: BatchNotice[] = [];
      for await (const notice of chain.follow(after, new AbortController().signal))
        notices.push(notice);
      return notices;
    };
    const all = await told();
    expect(all.map(({ start, count, head }) => [start, count, head.size])).toEqual([
      [0n, 1, 1n],
      [1n, 4, 5n],
      [5n, 1, 6n],
    ]);
    expect(all.map(({ head }) => Buffer.from(head.root))).toEqual(
      batches.map(({ expectedRoot }) => Buffer.from(expectedRoot)),
    );
    expect(await told(all[1]!.at)).toEqual(all.slice(2));
  });

  it('refuses settings that name nothing it can use', async () => {
    const [peer] = await gateways(1);
    const good = settings([peer!]);
    writeFileSync(at('broken.json'), '{}');
    const wrong: Partial<FabricSettings>[] = [
      { connection: at('none.json') },
      { connection: at('broken.json') },
      { mspId: 'Nobody' },
      { gateways: ['peer7'] },
      { key: at('cert.pem') },
      { certificate: at('none.pem') },
    ];
    for (const change of wrong) {
      await expect(
        openFabricChain({
          settings: { ...good, ...change },
          signingKey: KEYS.privateKey,
          origin: ORIGIN,
          timers,
        }),
      ).rejects.toMatchObject({ code: 'config-invalid' });
    }
  });
});

describe('the signer', () => {
  it('makes signatures that OpenSSL believes, always with the smaller S', async () => {
    const pem = readFileSync(at('key.pem'));
    const signer = makeFabricSigner(pem);
    const half = BigInt('0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8');
    for (let round = 0; round < 200; round += 1) {
      const message = Buffer.from(`message ${String(round)}`);
      const der = await signer(message);
      expect(verify('sha256', message, createPublicKey(pem), der)).toBe(true);
      const sAt = 4 + der[3]!;
      const s = BigInt(`0x${der.subarray(sAt + 2).toString('hex')}`);
      expect(s <= half).toBe(true);
    }
  });

  it('refuses keys of another kind', () => {
    const pem = (key: { export: (options: object) => string | Buffer }): Buffer =>
      Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }));
    expect(() => makeFabricSigner(pem(KEYS.privateKey as never))).toThrow('P-256');
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    expect(() => makeFabricSigner(pem(other as never))).toThrow('P-256');
    expect(() => makeFabricSigner(Buffer.from('no key'))).toThrow('cannot be read');
  });
});
