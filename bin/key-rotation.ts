/**
 * Changing a participant's key without a pause: the new one is valid at once beside the old ones, which end after an
 * overlap, so that both sides can change over. Keys that have ended are dropped from the settings.
 */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { macKeyContext, saltContext, type Participant, type SecretBox } from '../switch/index.ts';

const DAY_MS = 86_400_000;

/** A key of any channel: what all have, and what the channel adds. */
const keySchema = z.looseObject({ id: z.string(), until: z.iso.datetime().optional() });
const settingsSchema = z.looseObject({
  jazzcash: z.looseObject({ salts: z.array(keySchema).default([]) }).optional(),
  easypaisa: z.looseObject({ keys: z.array(keySchema).default([]) }).optional(),
  iso8583: z
    .looseObject({
      mac: z
        .looseObject({ algorithm: z.string(), keys: z.array(keySchema).default([]) })
        .optional(),
    })
    .optional(),
});
type Key = z.infer<typeof keySchema>;

export interface Rotation {
  /** The new key: JazzCash a salt, Easypaisa a public key (PEM), ISO 8583 a MAC key in hexadecimal. */
  readonly key: string;
  readonly now: Date;
  /** Days for which the old keys stay valid. */
  readonly overlapDays: number;
}

/** The old keys that still hold, ending after the overlap at the latest, and the new one. */
function rotated(old: readonly Key[], added: object, { now, overlapDays }: Rotation): Key[] {
  const ends = new Date(now.getTime() + overlapDays * DAY_MS).toISOString();
  const standing = old
    .filter(({ until }) => until === undefined || Date.parse(until) > now.getTime())
    .map((key) => ({
      ...key,
      until: key.until === undefined || key.until > ends ? ends : key.until,
    }));
  const id = `from-${now.toISOString().replace(/[:.]/g, '-')}`;
  return [...standing, { id, from: now.toISOString(), ...added }];
}

/** The participant's settings with a new key. Refuses (`bad-input`) channels without keys and a key that is none. */
export function rotateKey(
  participant: Pick<Participant, 'code' | 'channel' | 'settings'>,
  rotation: Rotation,
  box: SecretBox,
): Record<string, unknown> {
  const { code, channel } = participant;
  const parsed = settingsSchema.safeParse(participant.settings);
  if (!parsed.success)
    throw new Fault('config-invalid', 'The settings of the participant are wrong.', {
      fields: { code, path: parsed.error.issues[0]?.path.join('.') ?? '' },
    });
  const settings = parsed.data;
  const { key } = rotation;
  if (channel === 'jazzcash') {
    const { jazzcash = { salts: [] } } = settings;
    const sealed = box.seal(Buffer.from(key), saltContext(code));
    const salts = rotated(jazzcash.salts, { sealed }, rotation);
    return { ...settings, jazzcash: { ...jazzcash, salts } };
  }
  if (channel === 'easypaisa' && settings.easypaisa !== undefined) {
    const { easypaisa } = settings;
    const keys = rotated(easypaisa.keys, { publicKey: publicKeyText(key) }, rotation);
    return { ...settings, easypaisa: { ...easypaisa, keys } };
  }
  if (channel === 'iso8583' && settings.iso8583?.mac !== undefined) {
    const { iso8583 } = settings;
    const { mac } = settings.iso8583;
    if (!/^([0-9a-f]{2}){16,32}$/i.test(key))
      throw new Fault('bad-input', 'A MAC key is 16 to 32 bytes in hexadecimal.');
    const sealed = box.seal(Buffer.from(key, 'hex'), macKeyContext(code));
    const keys = rotated(mac.keys, { sealed }, rotation);
    return { ...settings, iso8583: { ...iso8583, mac: { ...mac, keys } } };
  }
  throw new Fault('bad-input', 'The participant has no key that could be changed.', {
    fields: { code, channel },
  });
}

/** The SubjectPublicKeyInfo of a PEM in base64. */
function publicKeyText(pem: string): string {
  try {
    return createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64');
  } catch (cause) {
    throw new Fault('bad-input', 'The public key cannot be read; give it as PEM.', { cause });
  }
}
