/** `settings.easypaisa` of a participant: its store, its public keys, where notifications and tokens come from. */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  keyPeriodSchema,
  readSettings,
  validKey,
  type Participant,
  type SecretOpener,
  type ValidKey,
} from '../../participants/index.ts';
import { readPublicKey } from './signature.ts';

export interface EasypaisaSettings {
  readonly storeId: string;
  readonly keys: readonly ValidKey<KeyObject>[];
  /** Absent: notifications are refused. */
  readonly ipn?: {
    /** Scheme, host and port from which alone a notification is fetched. */
    readonly origin: string;
    /** False when the fetched document is the plain one of the public guides, without a signature. */
    readonly signed: boolean;
  };
  /** Absent: no tokens are asked for. */
  readonly otc?: {
    /** `https://…/easypay-service/rest/v4` */
    readonly baseUrl: string;
    /** `username:password` of our account there. */
    readonly credentials: string;
  };
}

/** TLS, or this machine: what is fetched moves money. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isLocal = protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  return (protocol === 'https:' || isLocal) && username === '' && password === '';
}

const settingsSchema = z.strictObject({
  storeId: z.string().regex(/^[0-9A-Za-z]{1,20}$/),
  keys: z
    .array(keyPeriodSchema.extend({ publicKey: z.string().max(2_000) }))
    .min(1)
    .max(4),
  ipn: z
    .strictObject({
      origin: z.string().refine((text) => isSafeUrl(text) && new URL(text).origin === text),
      signed: z.boolean().default(true),
    })
    .optional(),
  otc: z
    .strictObject({
      baseUrl: z.string().max(200).refine(isSafeUrl),
      credentials: z.strictObject({ sealed: z.string().max(600) }),
    })
    .optional(),
});

/** What the credentials of our account with a participant are sealed for. */
export function credentialsContext(participant: string): string {
  return `${participant}/easypaisa-credentials`;
}

/**
 * Reads the settings of a participant. Refuses with `config-invalid` (fields: participant, path) what is malformed and
 * keys that are not RSA of 2,048 bits, with `unauthorised` what does not open.
 */
export function parseEasypaisaSettings(
  participant: Participant,
  secrets: SecretOpener,
): EasypaisaSettings {
  const naming = { member: 'easypaisa', title: 'Easypaisa' };
  const { storeId, keys, ipn, otc } = readSettings(settingsSchema, participant, naming);
  return {
    storeId,
    keys: keys.map((each) => validKey(each, readPublicKey(each.publicKey))),
    ...(ipn === undefined ? {} : { ipn }),
    ...(otc === undefined
      ? {}
      : {
          otc: {
            baseUrl: otc.baseUrl.replace(/\/$/, ''),
            credentials: secrets
              .open(otc.credentials.sealed, credentialsContext(participant.code))
              .toString('utf8'),
          },
        }),
  };
}
