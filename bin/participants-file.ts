/**
 * The file with which the other end of a channel proves itself to a switch, by channel: `trial.json` of a fresh data
 * folder is one. Commands that play the other end (`conformance`, `simulator`) read it.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { secureRandom } from '../kernel/ids.ts';
import { loadProfile } from '../switch/index.ts';
import {
  easypaisaDriver,
  iso8583Driver,
  jazzCashDriver,
  oneBillDriver,
  otcDriver,
  type BankSwitchOptions,
  type ConformanceDriver,
} from '../switch/simulators/index.ts';

const credentials = { username: z.string(), password: z.string() };
const schema = z.object({
  iso8583: z
    .object({
      institutionId: z.string(),
      /** What the line speaks: a built-in spec or a profile file; iso87-ascii when absent. */
      profile: z.string().optional(),
      mac: z
        .object({
          algorithm: z.enum(['retail', 'aes-cmac']),
          key: z.string().regex(/^[0-9a-f]+$/i),
        })
        .optional(),
      /** Files in PEM, beside this one or with their whole path. */
      tls: z
        .object({
          ca: z.string(),
          serverName: z.string(),
          key: z.string().optional(),
          cert: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
  onebill: z.object({ ...credentials, bankMnemonic: z.string() }).optional(),
  jazzcash: z.object({ merchantId: z.string(), password: z.string(), salt: z.string() }).optional(),
  easypaisa: z
    .object({
      ...credentials,
      storeId: z.string(),
      /** PKCS #8 PEM of the participant, SPKI PEM of the switch. */
      privateKey: z.string(),
      switchKey: z.string(),
    })
    .optional(),
  otc: z
    .object({ ...credentials, branch: z.string(), till: z.string(), teller: z.string() })
    .optional(),
});

/** The file as read; `folder` is where its own files lie. */
export interface ParticipantsFile {
  readonly folder: string;
  readonly of: z.infer<typeof schema>;
}

/** Reads it. Refuses (`file-unreadable`, `bad-input`) what cannot be read or is not well formed. */
export async function readParticipantsFile(file: string): Promise<ParticipantsFile> {
  let given: unknown;
  try {
    given = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Fault('file-unreadable', 'The file of the participant cannot be read as JSON.', {
      fields: { file },
      cause,
    });
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new Fault('bad-input', 'The file of the participant is not well formed.', {
      fields: { file, path: parsed.error.issues[0]?.path.join('.') ?? '' },
    });
  return { folder: path.dirname(file), of: parsed.data };
}

function have<Part>(part: Part | undefined, channel: string): Part {
  if (part === undefined)
    throw new Fault('bad-input', 'The participant’s file has nothing for this channel.', {
      fields: { channel },
    });
  return part;
}

const both = { clock: systemClock, random: secureRandom };

/** A bank's switch for `HOST:PORT`, with the MAC key, certificates and dialect of the file. */
async function bankSwitchOptions(
  file: ParticipantsFile,
  target: string,
): Promise<BankSwitchOptions> {
  const { institutionId, profile, mac, tls } = have(file.of.iso8583, 'iso8583');
  const [host = '', port = ''] = target.split(':');
  const pem = (name: string): Promise<string> => readFile(path.resolve(file.folder, name), 'utf8');
  const spoken = profile === undefined ? undefined : loadProfile(profile);
  const macKey = mac === undefined ? undefined : Buffer.from(mac.key, 'hex');
  return {
    host,
    port: Number(port),
    institutionId,
    terminalId: 'CONFORM1',
    ...both,
    ...(spoken === undefined ? {} : { spec: spoken.spec, framing: spoken.framing }),
    ...(mac === undefined || macKey === undefined
      ? {}
      : {
          mac: {
            algorithm: mac.algorithm,
            keys: [{ id: 'own', key: macKey, fromMs: -Infinity, untilMs: Infinity }],
          },
        }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ca: await pem(tls.ca),
            serverName: tls.serverName,
            ...(tls.key === undefined ? {} : { key: await pem(tls.key) }),
            ...(tls.cert === undefined ? {} : { cert: await pem(tls.cert) }),
          },
        }),
  };
}

/**
 * Opens the other end of a channel toward a target: `HOST:PORT`, or the address of a REST channel with its scheme.
 * Refuses (`bad-input`) an unknown channel and one that the file has nothing for.
 */
export async function openDriver(
  channel: string,
  target: string,
  file: ParticipantsFile,
): Promise<ConformanceDriver> {
  const baseUrl = target.includes('://') ? target : `http://${target}`;
  const { of } = file;
  switch (channel) {
    case 'onebill':
      return oneBillDriver({ baseUrl, ...have(of.onebill, channel), ...both });
    case 'jazzcash':
      return jazzCashDriver({ baseUrl, ...have(of.jazzcash, channel), ...both });
    case 'easypaisa': {
      const { privateKey, switchKey, ...rest } = have(of.easypaisa, channel);
      const keys = {
        privateKey: createPrivateKey(privateKey),
        switchKey: createPublicKey(switchKey),
      };
      return easypaisaDriver({ baseUrl, ...rest, ...keys, ...both });
    }
    case 'otc':
      return otcDriver({ baseUrl, ...have(of.otc, channel), random: secureRandom });
    case 'iso8583':
      return iso8583Driver(await bankSwitchOptions(file, target));
    default:
      throw new Fault(
        'bad-input',
        'The channels are iso8583, onebill, jazzcash, easypaisa and otc.',
        { fields: { channel } },
      );
  }
}
