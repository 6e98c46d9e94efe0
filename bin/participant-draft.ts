/**
 * A participant as an administrator writes it in a JSON file, made into what is registered: secrets are sealed, keys get
 * their periods, and each channel reads its own settings once before anything is stored.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import type { Random } from '../kernel/ids.ts';
import { paisa } from '../kernel/money.ts';
import {
  credentialsContext,
  macKeyContext,
  merchantPasswordContext,
  parseEasypaisaSettings,
  parseJazzCashSettings,
  parseLineSettings,
  saltContext,
  type Participant,
  type ParticipantDraft,
  type SecretBox,
} from '../switch/index.ts';

const amount = z
  .string()
  .regex(/^(0|[1-9]\d{0,16})$/, 'must be paisa as text')
  .transform((text) => paisa(BigInt(text)));

const macSchema = z.strictObject({
  algorithm: z.enum(['retail', 'aes-cmac']),
  key: z.string().regex(/^([0-9a-f]{2}){16,32}$/i, 'must be hexadecimal'),
});

const fileSchema = z.strictObject({
  code: z.string(),
  name: z.string(),
  channel: z.enum(['iso8583', 'onebill', 'jazzcash', 'easypaisa', 'otc']),
  institutionId: z.string().optional(),
  bankMnemonic: z.string().optional(),
  allowedAddresses: z.array(z.string()),
  username: z.string().optional(),
  /** Made, and printed once, when there is a user name without one. */
  password: z.string().optional(),
  limitPerTransactionPaisa: amount.optional(),
  limitPerDayPaisa: amount.optional(),
  netDebitCapPaisa: amount.optional(),
  answerCodes: z.record(z.string(), z.string()).optional(),
  admission: z.record(z.string(), z.number()).optional(),
  iso8583: z.record(z.string(), z.unknown()).optional(),
  easypaisa: z.record(z.string(), z.unknown()).optional(),
  jazzcash: z.strictObject({ voucherUrl: z.string().optional() }).default({}),
  /** Sealed before they are stored. */
  secrets: z
    .strictObject({
      jazzcashSalt: z.string().min(8).max(64).optional(),
      jazzcashPassword: z.string().min(1).max(128).optional(),
      easypaisaAccount: z
        .string()
        .regex(/^[^:]+:.+$/, 'must be username:password')
        .optional(),
      mac: macSchema.optional(),
    })
    .default({}),
  tills: z.array(z.strictObject({ branch: z.string(), till: z.string() })).default([]),
});

type ParticipantFile = z.infer<typeof fileSchema>;

/** What a file comes to. */
export interface Prepared {
  readonly draft: ParticipantDraft;
  readonly tills: readonly { readonly branch: string; readonly till: string }[];
  /** A password that was made here: shown once, stored nowhere. */
  readonly madePassword?: string;
}

/** Reads a file. Refuses (`file-unreadable`, `bad-input` with the path) what is no well-formed participant. */
export async function readParticipantFile(file: string): Promise<ParticipantFile> {
  let given: unknown;
  try {
    given = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Fault('file-unreadable', 'The participant’s file cannot be read as JSON.', {
      fields: { file },
      cause,
    });
  }
  const parsed = fileSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault('bad-input', 'The participant’s file is not well formed.', {
    fields: { path: issue?.path.join('.') ?? '', reason: issue?.message ?? '' },
  });
}

function settingsOf(file: ParticipantFile, box: SecretBox): Record<string, unknown> {
  const { code, secrets, easypaisa, iso8583, answerCodes, admission } = file;
  const seal = (secret: string | Buffer, context: string): { sealed: string } => ({
    sealed: box.seal(Buffer.from(secret), context),
  });
  const settings: Record<string, unknown> = {};
  if (answerCodes !== undefined) settings['answerCodes'] = answerCodes;
  if (admission !== undefined) settings['admission'] = admission;
  if (file.channel === 'jazzcash') {
    const { jazzcashSalt: salt, jazzcashPassword: password } = secrets;
    settings['jazzcash'] = {
      ...file.jazzcash,
      salts: salt === undefined ? [] : [{ id: 'first', ...seal(salt, saltContext(code)) }],
      ...(password === undefined
        ? {}
        : { merchantPassword: seal(password, merchantPasswordContext(code)) }),
    };
  }
  if (easypaisa !== undefined) {
    const { easypaisaAccount: account } = secrets;
    const { otc, ...rest } = easypaisa;
    const sealed =
      typeof otc === 'object' && otc !== null && account !== undefined
        ? { otc: { ...otc, credentials: seal(account, credentialsContext(code)) } }
        : {};
    settings['easypaisa'] = { ...rest, ...sealed };
  }
  if (iso8583 !== undefined || secrets.mac !== undefined) {
    const { mac } = secrets;
    const key =
      mac === undefined ? undefined : seal(Buffer.from(mac.key, 'hex'), macKeyContext(code));
    settings['iso8583'] = {
      ...iso8583,
      ...(mac === undefined
        ? {}
        : { mac: { algorithm: mac.algorithm, keys: [{ id: 'first', ...key }] } }),
    };
  }
  return settings;
}

/** Makes a file into a draft; `sandbox` marks it as one of a sandbox. */
export function prepareParticipant(
  file: ParticipantFile,
  deps: { readonly box: SecretBox; readonly random: Random; readonly sandbox: boolean },
): Prepared {
  const { box, random, sandbox } = deps;
  const { code, name, channel, allowedAddresses, username, password, tills } = file;
  const made = password ?? random.bytes(24).toString('base64url');
  const settings = settingsOf(file, box);
  if (sandbox) settings['sandbox'] = true;
  return {
    draft: {
      code,
      name,
      channel,
      allowedAddresses,
      settings,
      ...(file.institutionId === undefined ? {} : { institutionId: file.institutionId }),
      ...(file.bankMnemonic === undefined ? {} : { bankMnemonic: file.bankMnemonic }),
      ...(username === undefined ? {} : { credentials: { username, password: made } }),
      ...(file.limitPerTransactionPaisa === undefined
        ? {}
        : { limitPerTransaction: file.limitPerTransactionPaisa }),
      ...(file.limitPerDayPaisa === undefined ? {} : { limitPerDay: file.limitPerDayPaisa }),
      ...(file.netDebitCapPaisa === undefined ? {} : { netDebitCap: file.netDebitCapPaisa }),
    },
    tills,
    ...(username === undefined || password !== undefined ? {} : { madePassword: made }),
  };
}

/** Reads the settings as the participant's channel does. Refuses (`config-invalid`) what the channel could not. */
export function checkChannelSettings(box: SecretBox): (participant: Participant) => void {
  return (participant) => {
    if (participant.channel === 'iso8583')
      parseLineSettings(participant.code, participant.settings, box);
    if (participant.channel === 'jazzcash') parseJazzCashSettings(participant, box);
    if (participant.channel === 'easypaisa') parseEasypaisaSettings(participant, box);
  };
}
