/**
 * `settings.iso8583` of a participant: its MAC keys (sealed), the client certificates that may speak for it, and
 * its limits. Two MAC keys may be valid at once, so that both sides can change over without a pause.
 */
import { z } from 'zod';
import { Fault } from '../../../kernel/fault.ts';
import {
  keyPeriodSchema,
  readSettings,
  validKey,
  type ValidKey,
} from '../../participants/index.ts';
import type { SecretBox } from './key-sealing.ts';
import { MAC_ALGORITHMS, checkMacKey, type MacAlgorithm } from './mac.ts';

export type MacKey = ValidKey<Buffer>;

export interface MacSettings {
  readonly algorithm: MacAlgorithm;
  readonly keys: readonly MacKey[];
}

/** A client certificate by the SHA-256 of its DER (hexadecimal) or by its subject. */
export type CertificateRule = { readonly sha256: string } | { readonly subject: string };

export interface LineSettings {
  /** Absent: messages carry no MAC, and one that comes is not looked at. */
  readonly mac?: MacSettings;
  readonly certificates: readonly CertificateRule[];
  /** Connections on which the participant is signed on at once. */
  readonly connectionsMax: number;
}

const settingsSchema = z.strictObject({
  mac: z
    .strictObject({
      algorithm: z.enum(MAC_ALGORITHMS),
      keys: z
        .array(keyPeriodSchema.extend({ sealed: z.string().max(400) }))
        .min(1)
        .max(4),
    })
    .optional(),
  certificates: z
    .array(
      z.union([
        z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
        z.strictObject({ subject: z.string().min(1).max(400) }),
      ]),
    )
    .max(16)
    .default([]),
  connectionsMax: z.int().min(1).max(100_000).default(64),
});

/** What a sealed MAC key of a participant is sealed for. */
export function macKeyContext(participant: string): string {
  return `${participant}/iso8583-mac`;
}

/**
 * Reads the settings of a participant. Refuses with `config-invalid` (fields: path) what is malformed, a key that
 * does not open or does not fit its algorithm, and keys without a box to open them.
 */
export function parseLineSettings(
  participant: string,
  settings: Readonly<Record<string, unknown>> | undefined,
  box: SecretBox | undefined,
): LineSettings {
  const given = { code: participant, settings: { iso8583: settings?.['iso8583'] ?? {} } };
  const naming = { member: 'iso8583', title: 'ISO 8583' };
  const { mac, ...rest } = readSettings(settingsSchema, given, naming);
  if (mac === undefined) return rest;
  if (box === undefined) {
    throw new Fault('config-invalid', 'There is no sealing key to open MAC keys with.', {
      fields: { participant },
    });
  }
  const keys = mac.keys.map((each) => {
    const key = box.open(each.sealed, macKeyContext(participant));
    checkMacKey(mac.algorithm, key);
    return validKey(each, key);
  });
  return { ...rest, mac: { algorithm: mac.algorithm, keys } };
}
