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
import { readConfig } from '../kernel/config.ts';
import { Fault } from '../kernel/fault.ts';
import type { SealSigner, TrustList } from '../stamp-renderer/index.ts';
import { loadSealKeys, type SealSecrets } from './seal-keys.ts';

const YEAR_MS = 365 * 86_400_000;

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
  /** RSA of 2,048 bits: signs what the switch says to Easypaisa. */
  readonly easypaisaKey: KeyObject;
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

const MAKE = {
  log: () => generateKeyPairSync('ed25519'),
  easypaisa: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
} as const;

async function makeKeyFile(file: string, kind: keyof typeof MAKE, now: Date): Promise<KeyFile> {
  const { privateKey } = MAKE[kind]();
  const made: KeyFile = {
    notBefore: now.toISOString(),
    notAfter: new Date(now.getTime() + YEAR_MS).toISOString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  await writeFile(file, JSON.stringify(made, null, 2), { mode: 0o600, flag: 'wx' });
  return made;
}

/** Reads the keys of a data folder, making those that are missing and the successor of one that is about to end. */
export async function loadKeys(
  dataFolder: string,
  origin: string,
  clock: Clock,
  secrets: SealSecrets = readConfig(),
): Promise<Keys> {
  const folder = path.join(dataFolder, 'keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const now = clock.now();
  const seals = await loadSealKeys(folder, now, secrets);
  const names = await readdir(folder);
  const keyOf = (kind: 'log' | 'easypaisa'): Promise<KeyFile> => {
    const file = path.join(folder, `${kind}.json`);
    return names.includes(`${kind}.json`) ? readKeyFile(file) : makeKeyFile(file, kind, now);
  };
  const log = await keyOf('log');
  const logKey = createPrivateKey(log.privateKey);
  const logPublicKey = createPublicKey(logKey);
  const raw = logPublicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return {
    signer: seals.signer,
    logKey,
    logPublicKey,
    sealingKey: await sealingKey(folder),
    easypaisaKey: createPrivateKey((await keyOf('easypaisa')).privateKey),
    trustList: {
      issuer: 'Sanad trial authority',
      keys: seals.trusted,
      logs: [{ origin, publicKey: raw.toString('base64') }],
    },
  };
}
