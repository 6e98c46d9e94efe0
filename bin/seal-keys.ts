/**
 * The keys that seal stamps. Each has a file in the data folder that says when it is good and where its private half
 * is: in the file, in the environment (SANAD_SEAL_KEY) or on a PKCS#11 token. The newest key that is good and not
 * revoked signs; all of them stand in the trust list, so that what an older one sealed stays provable.
 *
 * Rotation: a successor is made, or taken over, before its forerunner ends; both are good meanwhile. Revocation: the
 * file gets `revokedAt`; seals of the key are good from then on only where the public log proves that they are older.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import {
  makeSealSigner,
  makeSealSignerOf,
  openTokenKey,
  sealKeyId,
  type SealPublicKey,
  type SealSigner,
  type TrustedKey,
} from '../stamp-renderer/index.ts';
import { writePrivateJson } from './private-file.ts';

const DAY_MS = 86_400_000;
const LIFE_DAYS = 365;
/** A key stops signing this long before it ends, so that its successor overlaps. */
const OVERLAP_DAYS = 7;
const FILE_NAME = /^seal-\d{4}\.json$/;

/** What the environment may hold. */
export interface SealSecrets {
  /** PKCS #8 PEM. */
  readonly sealKey?: string | undefined;
  readonly sealPin?: string | undefined;
}

const publicKey = z.strictObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
});

const keyFile = z
  .strictObject({
    notBefore: z.iso.datetime(),
    notAfter: z.iso.datetime(),
    revokedAt: z.iso.datetime().optional(),
    reason: z.string().min(1).max(200).optional(),
    /** The private half itself, PEM; or where it is. */
    privateKey: z.string().optional(),
    environment: z.literal(true).optional(),
    token: z.strictObject({ module: z.string(), token: z.string(), key: z.string() }).optional(),
    /** The public half, kept where the private one is elsewhere. */
    publicKey: publicKey.optional(),
  })
  .refine(
    ({ privateKey, publicKey: kept }) => privateKey !== undefined || kept !== undefined,
    'has no key',
  );
type SealKeyFile = z.infer<typeof keyFile>;

interface KnownKey {
  readonly file: string;
  readonly content: SealKeyFile;
  readonly publicKey: SealPublicKey;
  readonly kid: string;
}

export interface SealKeys {
  /** Signs new seals. */
  readonly signer: SealSigner;
  /** Every key, the oldest first. */
  readonly trusted: readonly TrustedKey[];
}

function publicHalf(pem: string): SealPublicKey {
  return makeSealSigner(createPrivateKey(pem)).publicKey;
}

async function readKeys(folder: string): Promise<KnownKey[]> {
  const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      const parsed = keyFile.safeParse(JSON.parse(await readFile(file, 'utf8')));
      if (!parsed.success)
        throw new Fault(
          'config-invalid',
          'A key file cannot be read; restore it from its backup.',
          { fields: { file } },
        );
      const content = parsed.data;
      const half = content.publicKey ?? publicHalf(content.privateKey ?? '');
      return { file, content, publicKey: half, kid: sealKeyId(half) };
    }),
  );
}

async function addFile(folder: string, known: number, content: SealKeyFile): Promise<KnownKey> {
  const file = path.join(folder, `seal-${String(known + 1).padStart(4, '0')}.json`);
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  const half = content.publicKey ?? publicHalf(content.privateKey ?? '');
  return { file, content, publicKey: half, kid: sealKeyId(half) };
}

function life(now: Date, days: number): { notBefore: string; notAfter: string } {
  return {
    notBefore: now.toISOString(),
    notAfter: new Date(now.getTime() + days * DAY_MS).toISOString(),
  };
}

async function makeKey(folder: string, known: number, now: Date, days: number): Promise<KnownKey> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return addFile(folder, known, { ...life(now, days), privateKey: pem });
}

/** True when the key may seal now and for as long as its successor needs to become known. */
function maySign({ content }: KnownKey, now: Date): boolean {
  return (
    content.revokedAt === undefined &&
    Date.parse(content.notBefore) <= now.getTime() &&
    Date.parse(content.notAfter) - OVERLAP_DAYS * DAY_MS >= now.getTime()
  );
}

async function signerOf(known: KnownKey, secrets: SealSecrets): Promise<SealSigner> {
  const { content, kid } = known;
  const missing = (what: string): Fault =>
    new Fault('config-invalid', 'The private half of the seal key is not where its file says.', {
      fields: { kid, missing: what },
    });
  let signer: SealSigner;
  if (content.token !== undefined) {
    if (secrets.sealPin === undefined) throw missing('SANAD_SEAL_PIN');
    signer = makeSealSignerOf(await openTokenKey({ ...content.token, pin: secrets.sealPin }));
  } else if (content.environment === true) {
    if (secrets.sealKey === undefined) throw missing('SANAD_SEAL_KEY');
    signer = makeSealSigner(createPrivateKey(secrets.sealKey));
  } else if (content.privateKey !== undefined) {
    signer = makeSealSigner(createPrivateKey(content.privateKey));
  } else throw missing('the key in its file');
  if (signer.kid !== kid) throw missing('the same key as when it was taken over');
  return signer;
}

function trustedKey({ content, kid, publicKey: half }: KnownKey): TrustedKey {
  const { notBefore, notAfter, revokedAt, reason } = content;
  return {
    kid,
    alg: 'ES256',
    publicKey: half,
    authority: 'Board of Revenue, Punjab (trial)',
    notBefore,
    notAfter,
    ...(revokedAt === undefined ? {} : { revokedAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Reads the keys of a folder, making the first one, and the successor of one that is about to end or was revoked. */
export async function loadSealKeys(
  folder: string,
  now: Date,
  secrets: SealSecrets,
): Promise<SealKeys> {
  const keys = await readKeys(folder);
  const newest = keys.findLast((key) => maySign(key, now));
  const signing = newest ?? (await makeKey(folder, keys.length, now, LIFE_DAYS));
  if (newest === undefined) keys.push(signing);
  return { signer: await signerOf(signing, secrets), trusted: keys.map(trustedKey) };
}

/** Every key as the trust list has it, without opening a token. */
export async function listSealKeys(folder: string): Promise<readonly TrustedKey[]> {
  return (await readKeys(folder)).map(trustedKey);
}

/** Makes the successor of the present key now; the forerunner stays good until its end. Returns its key id. */
export async function rotateSealKey(folder: string, now: Date, days = LIFE_DAYS): Promise<string> {
  if (days <= OVERLAP_DAYS)
    throw new Fault('bad-input', 'A key must live longer than its overlap of seven days.', {
      fields: { days },
    });
  return (await makeKey(folder, (await readKeys(folder)).length, now, days)).kid;
}

/** Takes over a key whose private half is in the environment or on a token. Returns its key id. */
export async function adoptSealKey(
  folder: string,
  now: Date,
  options: {
    readonly secrets: SealSecrets;
    readonly token?: { readonly module: string; readonly token: string; readonly key: string };
    readonly days?: number;
  },
): Promise<string> {
  const { secrets, token, days = LIFE_DAYS } = options;
  const keys = await readKeys(folder);
  const half = await adoptedHalf(secrets, token);
  if (keys.some(({ kid }) => kid === sealKeyId(half)))
    throw new Fault('conflict', 'This key was taken over before.', {
      fields: { kid: sealKeyId(half) },
    });
  const place = token === undefined ? { environment: true as const } : { token };
  const content = { ...life(now, days), ...place, publicKey: half };
  return (await addFile(folder, keys.length, content)).kid;
}

async function adoptedHalf(
  { sealKey, sealPin }: SealSecrets,
  token: { readonly module: string; readonly token: string; readonly key: string } | undefined,
): Promise<SealPublicKey> {
  if (token === undefined) {
    if (sealKey === undefined) throw new Fault('config-invalid', 'Set SANAD_SEAL_KEY to the PEM.');
    const { crv, kty, x, y } = createPublicKey(sealKey).export({ format: 'jwk' });
    return publicKey.parse({ crv, kty, x, y });
  }
  if (sealPin === undefined)
    throw new Fault('config-invalid', 'Set SANAD_SEAL_PIN to the PIN of the token.');
  const key = await openTokenKey({ ...token, pin: sealPin });
  key.close();
  return key.publicKey;
}

/** Revokes a key from now on, with the reason that everybody will read. False when there is none, or it was before. */
export async function revokeSealKey(
  folder: string,
  now: Date,
  { kid, reason }: { readonly kid: string; readonly reason: string },
): Promise<boolean> {
  const found = (await readKeys(folder)).find(
    (key) => key.kid === kid && key.content.revokedAt === undefined,
  );
  if (found === undefined) return false;
  const content = keyFile.parse({ ...found.content, revokedAt: now.toISOString(), reason });
  await writePrivateJson(found.file, content);
  return true;
}
