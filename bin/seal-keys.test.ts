/** Keys of the seal: made, followed, taken over from the environment or a token, revoked. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseTrustList, verifyQr, type TrustList } from '../stamp-renderer/index.ts';
import { qrOf, stampDocument } from '../stamp-renderer/test-support/samples.ts';
import {
  adoptSealKey,
  listSealKeys,
  loadSealKeys,
  revokeSealKey,
  rotateSealKey,
} from './seal-keys.ts';

const DAY_MS = 86_400_000;
const START = new Date('2026-11-20T00:00:00.000Z');
const after = (days: number): Date => new Date(START.getTime() + days * DAY_MS);
const SOFTHSM = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
].find((file) => existsSync(file));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sanad-keys-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Sets a variable where native code sees it: jest gives each test file an environment of its own. */
async function setRealEnvironment(name: string, value: string): Promise<void> {
  const worker = new Worker(
    'const { workerData: [name, value] } = require("node:worker_threads"); process.env[name] = value;',
    {
      eval: true,
      env: SHARE_ENV,
      workerData: [name, value],
    },
  );
  await once(worker, 'exit');
}

const trust = (keys: TrustList['keys']): TrustList =>
  parseTrustList(JSON.parse(JSON.stringify({ issuer: 'test', keys, logs: [] })));

/** What a verifier says of a stamp that this signer sealed on 23 November 2026. */
async function reasons(
  signer: Parameters<typeof qrOf>[1],
  keys: TrustList['keys'],
): Promise<string[]> {
  const report = await verifyQr(qrOf(stampDocument(), signer), {
    trustList: trust(keys),
    now: after(4),
  });
  return report.reasons.map(({ code }) => code);
}

describe('a seal key', () => {
  it('is made at the first start and kept', async () => {
    const first = await loadSealKeys(folder, START, {});
    const second = await loadSealKeys(folder, after(1), {});
    expect(second.signer.kid).toBe(first.signer.kid);
    expect(second.trusted).toHaveLength(1);
    expect(await reasons(second.signer, second.trusted)).toEqual([]);
  });

  it('is followed by another before it ends, and both are good meanwhile', async () => {
    const first = await loadSealKeys(folder, START, {});
    const later = await loadSealKeys(folder, after(360), {});
    expect(later.signer.kid).not.toBe(first.signer.kid);
    const [old, young] = later.trusted;
    expect(Date.parse(old!.notAfter)).toBeGreaterThan(Date.parse(young!.notBefore));
    expect(await reasons(first.signer, later.trusted)).toEqual([]);
  });

  it('is followed at once when that is asked for', async () => {
    const first = await loadSealKeys(folder, START, {});
    const kid = await rotateSealKey(folder, after(1), 90);
    const keys = await loadSealKeys(folder, after(1), {});
    expect(keys.signer.kid).toBe(kid);
    expect(keys.trusted.map((key) => key.kid)).toEqual([first.signer.kid, kid]);
    await expect(rotateSealKey(folder, after(1), 7)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('that was revoked signs no more, and its seals are refused with that reason', async () => {
    const first = await loadSealKeys(folder, START, {});
    const { kid } = first.signer;
    expect(await revokeSealKey(folder, after(2), { kid, reason: 'lost laptop' })).toBe(true);
    expect(await revokeSealKey(folder, after(2), { kid, reason: 'again' })).toBe(false);
    expect(await revokeSealKey(folder, after(2), { kid: '00000000', reason: 'x' })).toBe(false);
    const keys = await loadSealKeys(folder, after(2), {});
    expect(keys.signer.kid).not.toBe(kid);
    expect(keys.trusted[0]).toMatchObject({ kid, reason: 'lost laptop' });
    expect(await reasons(first.signer, keys.trusted)).toEqual(['key-revoked']);
    expect((await listSealKeys(folder)).map((key) => key.kid)).toContain(kid);
  });

  it('may be in the environment, and nowhere else then', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const sealKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const kid = await adoptSealKey(folder, START, { secrets: { sealKey } });
    const keys = await loadSealKeys(folder, START, { sealKey });
    expect(keys.signer.kid).toBe(kid);
    expect(await reasons(keys.signer, keys.trusted)).toEqual([]);
    await expect(loadSealKeys(folder, START, {})).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(adoptSealKey(folder, START, { secrets: { sealKey } })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('may be on a PKCS#11 token', async () => {
    if (SOFTHSM === undefined)
      throw new Error('This test needs SoftHSM: apt-get install softhsm2 opensc.');
    const tokens = path.join(folder, 'tokens');
    await mkdir(tokens);
    const conf = path.join(folder, 'softhsm2.conf');
    await writeFile(conf, `directories.tokendir = ${tokens}\nlog.level = ERROR\n`);
    await setRealEnvironment('SOFTHSM2_CONF', conf);
    const pin = '4711';
    const run = (program: string, args: string[]): void => {
      execFileSync(program, args, { stdio: 'pipe', env: { ...process.env, SOFTHSM2_CONF: conf } });
    };
    run('softhsm2-util', [
      '--init-token',
      '--free',
      '--label',
      'estamp',
      '--pin',
      pin,
      '--so-pin',
      '99999999',
    ]);
    run('pkcs11-tool', [
      ...['--module', SOFTHSM, '--token-label', 'estamp', '--login', '--pin', pin],
      ...['--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'seal-2026', '--id', '01'],
    ]);
    const token = { module: SOFTHSM, token: 'estamp', key: 'seal-2026' };
    await expect(
      adoptSealKey(folder, START, { secrets: { sealPin: 'wrong' }, token }),
    ).rejects.toMatchObject({ code: 'config-invalid', fields: { reason: 'the PIN was refused' } });
    await expect(
      adoptSealKey(folder, START, { secrets: { sealPin: pin }, token: { ...token, key: 'other' } }),
    ).rejects.toMatchObject({ fields: { reason: 'there is no key pair with this label' } });
    const kid = await adoptSealKey(folder, START, { secrets: { sealPin: pin }, token });
    const keys = await loadSealKeys(folder, START, { sealPin: pin });
    expect(keys.signer.kid).toBe(kid);
    expect(await reasons(keys.signer, keys.trusted)).toEqual([]);
  });
});
