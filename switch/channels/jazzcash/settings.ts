/**
 * `settings.jazzcash` of a participant: its integrity salts and, for the voucher form, the password of our merchant
 * account, all sealed. Its user name is the merchant id.
 */
import { z } from 'zod';
import {
  keyPeriodSchema,
  readSettings,
  validKey,
  type Participant,
  type SecretOpener,
  type ValidKey,
} from '../../participants/index.ts';

export interface JazzCashSettings {
  /** Up to four salts, of which any that is valid now is taken. */
  readonly salts: readonly ValidKey<Buffer>[];
  /** `pp_Password` of our account with the gateway; needed for vouchers only. */
  readonly merchantPassword?: string;
  /** The gateway's page to which a payer's browser posts a voucher; absent: no vouchers. */
  readonly voucherUrl?: string;
}

const settingsSchema = z.strictObject({
  salts: z
    .array(keyPeriodSchema.extend({ sealed: z.string().max(400) }))
    .min(1)
    .max(4),
  merchantPassword: z.strictObject({ sealed: z.string().max(400) }).optional(),
  voucherUrl: z
    .url({ protocol: /^https$/ })
    .max(200)
    .optional(),
});

/** What a salt of a participant is sealed for. */
export function saltContext(participant: string): string {
  return `${participant}/jazzcash-salt`;
}

/** What the password of our merchant account with a participant is sealed for. */
export function merchantPasswordContext(participant: string): string {
  return `${participant}/jazzcash-password`;
}

/**
 * Reads the settings of a participant. Refuses with `config-invalid` (fields: participant, path) what is malformed,
 * with `unauthorised` what does not open.
 */
export function parseJazzCashSettings(
  participant: Participant,
  secrets: SecretOpener,
): JazzCashSettings {
  const naming = { member: 'jazzcash', title: 'JazzCash' };
  const { salts, merchantPassword, voucherUrl } = readSettings(settingsSchema, participant, naming);
  return {
    salts: salts.map((salt) =>
      validKey(salt, secrets.open(salt.sealed, saltContext(participant.code))),
    ),
    ...(merchantPassword === undefined
      ? {}
      : {
          merchantPassword: secrets
            .open(merchantPassword.sealed, merchantPasswordContext(participant.code))
            .toString('utf8'),
        }),
    ...(voucherUrl === undefined ? {} : { voucherUrl }),
  };
}
