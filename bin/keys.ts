/**
 * The keys of a trial or small installation: files in the data folder, made at the first start, readable by
 * their owner only. Production takes them from a token (issue 6); the shape of the trust list stays the same.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { makeSealSigner, type SealSigner, type TrustList } from '../stamp-renderer/index.ts';

const YEAR_MS = 365 * 86_400_000;
/** A key stops signing this long before it ends, so that its successor overlaps. */
const OVERLAP_MS = 7 * 86_400_000;

const keyFile = z.strictObject({
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  privateKey: z.string(),
});
type KeyFile = z.infer<typeof keyFile>;

export interface Keys {
  /** Signs new seals. */
  readonly signer: SealSigner;
  /** Signs the log's blocks and checkpoints (Ed25519). */
  readonly logKey: KeyObject;
  readonly logPublicKey: KeyObject;
  readonly trustList: TrustList;
  /** 32 bytes under which the participants' secrets are sealed in the database. */
  readonly sealingKey: Buffer;
}

const secretFile = z.strictObject({ key: z.string().regex(/^[0-9a-f]{64}$/) });

async function sealingKey(folder: string): Promise<Buffer> {
  const file = path.join(folder, 'participants.json');
  if (!(await readdir(folder)).includes('participants.json')) {
    const made = { key: randomBytes(32).toString('hex') };
    await writeFile(file, JSON.stringify(made), { mode: 0o600, flag: 'wx' });
  }
  const parsed = secretFile.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success)
    throw new Fault('config-invalid', 'A key file cannot be read; restore it from its backup.', {
      fields: { file },
    });
  return Buffer.from(parsed.data.key, 'hex');
}

async function readKeyFile(file: string): Promise<KeyFile> {
  const parsed = keyFile.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success)
    throw new Fault('config-invalid', 'A key file cannot be read; restore it from its backup.', {
      fields: { file },
    });
  return parsed.data;
}

async function makeKeyFile(file: string, kind: 'seal' | 'log', now: Date): Promise<KeyFile> {
  const { privateKey } =
    kind === 'seal'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519');
  const made: KeyFile = {
    notBefore: now.toISOString(),
    notAfter: new Date(now.getTime() + YEAR_MS).toISOString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  await writeFile(file, JSON.stringify(made, null, 2), { mode: 0o600, flag: 'wx' });
  return made;
}

async function sealKeys(folder: string, now: Date): Promise<KeyFile[]> {
  const names = (await readdir(folder)).filter((name) => /^seal-\d{4}\.json$/.test(name)).sort();
  const keys = await Promise.all(names.map((name) => readKeyFile(path.join(folder, name))));
  const newest = keys.at(-1);
  if (newest === undefined || new Date(newest.notAfter).getTime() - OVERLAP_MS < now.getTime()) {
    const number = String(keys.length + 1).padStart(4, '0');
    keys.push(await makeKeyFile(path.join(folder, `seal-${number}.json`), 'seal', now));
  }
  return keys;
}

/** Reads the keys of a data folder, making those that are missing and the successor of one that is about to end. */
export async function loadKeys(dataFolder: string, origin: string, clock: Clock): Promise<Keys> {
  const folder = path.join(dataFolder, 'keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const now = clock.now();
  const seals = (await sealKeys(folder, now)).map((file) => ({
    file,
    signer: makeSealSigner(createPrivateKey(file.privateKey)),
  }));
  const newest = seals.at(-1);
  if (newest === undefined) throw new Fault('internal', 'There is no key to seal stamps with.');
  const logFile = path.join(folder, 'log.json');
  const names = await readdir(folder);
  const log = names.includes('log.json')
    ? await readKeyFile(logFile)
    : await makeKeyFile(logFile, 'log', now);
  const logKey = createPrivateKey(log.privateKey);
  const logPublicKey = createPublicKey(logKey);
  const raw = logPublicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return {
    signer: newest.signer,
    logKey,
    logPublicKey,
    sealingKey: await sealingKey(folder),
    trustList: {
      issuer: 'Sanad trial authority',
      keys: seals.map(({ file, signer }) => ({
        kid: signer.kid,
        alg: 'ES256',
        publicKey: signer.publicKey,
        authority: 'Board of Revenue, Punjab (trial)',
        notBefore: file.notBefore,
        notAfter: file.notAfter,
      })),
      logs: [{ origin, publicKey: raw.toString('base64') }],
    },
  };
}
