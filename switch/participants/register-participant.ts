/** Registers a participant and opens its accounts in one transaction. */
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { sqlState, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Random } from '../../kernel/ids.ts';
import type { Paisa } from '../../kernel/money.ts';
import { compileAddressList } from './address-list.ts';
import { parseAnswerCodes } from './answer-codes.ts';
import { insertParticipant, selectParticipants, updateParticipant } from './participant-store.ts';
import type { Participant } from './participant.ts';
import { hashPassword } from './password.ts';

const amount = z.custom<Paisa>((value) => typeof value === 'bigint' && value > 0n);

const draftSchema = z.strictObject({
  code: z.string().regex(/^[A-Z0-9]{2,12}$/),
  name: z.string().trim().min(1).max(120),
  channel: z.enum(['iso8583', 'onebill', 'jazzcash', 'easypaisa', 'otc']),
  institutionId: z
    .string()
    .regex(/^\d{1,11}$/)
    .optional(),
  bankMnemonic: z
    .string()
    .regex(/^[A-Za-z0-9]{1,8}$/)
    .optional(),
  /** At least one: an empty list admits nobody, and everybody must be written as `0.0.0.0/0` and `::/0`. */
  allowedAddresses: z.array(z.string().max(64)).min(1).max(64),
  credentials: z
    .strictObject({
      username: z.string().regex(/^[\x21-\x7e]{1,64}$/),
      password: z.string().max(128),
    })
    .optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
  limitPerTransaction: amount.optional(),
  limitPerDay: amount.optional(),
  /** What it may owe beyond its prefunding; zero: nothing. */
  netDebitCap: z.custom<Paisa>((value) => typeof value === 'bigint' && value >= 0n).optional(),
});

/** A participant to register. `credentials.password` is hashed and then forgotten. */
export type ParticipantDraft = z.input<typeof draftSchema>;

export interface RegistrationDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  /** Opens the participant's ledger accounts in the same transaction. */
  readonly openAccounts: (tx: Queryable, code: string) => Promise<void>;
  /** Reads the settings as the participant's channel will, and refuses (`config-invalid`) what that could not. */
  readonly checkSettings?: (participant: Participant) => void;
}

/**
 * Registers one participant. Refuses a malformed draft (`bad-input`, with the paths in its fields), wrong
 * answer codes (`config-invalid`) and a code, institution, mnemonic or user name that is taken (`conflict`).
 */
export async function registerParticipant(
  given: ParticipantDraft,
  deps: RegistrationDeps,
): Promise<void> {
  const parsed = draftSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw new Fault('bad-input', 'The participant is not well described.', {
      fields: { problems },
    });
  }
  const { credentials, settings = {}, limitPerTransaction, ...rest } = parsed.data;
  const { limitPerDay, netDebitCap, ...draft } = rest;
  compileAddressList(draft.allowedAddresses);
  const answerCodes = parseAnswerCodes(settings, draft.channel);
  const { code, name, channel } = draft;
  deps.checkSettings?.({ code, name, channel, active: true, answerCodes, settings });
  const passwordHash =
    credentials === undefined ? undefined : await hashPassword(credentials.password, deps.random);
  try {
    await deps.database.transaction(async (tx) => {
      await insertParticipant(tx, {
        ...draft,
        institutionId: draft.institutionId,
        bankMnemonic: draft.bankMnemonic,
        username: credentials?.username,
        passwordHash,
        settings,
        limitPerTransactionPaisa: limitPerTransaction,
        limitPerDayPaisa: limitPerDay,
        netDebitCapPaisa: netDebitCap,
        createdAt: deps.clock.now(),
      });
      await deps.openAccounts(tx, draft.code);
    });
  } catch (error) {
    if (sqlState(error) !== '23505') throw error;
    throw new Fault(
      'conflict',
      'A participant with this code, institution, mnemonic or user name exists.',
      { cause: error },
    );
  }
}

/** A participant with its state, for administration. */
export interface ListedParticipant extends Participant {
  readonly allowedAddresses: readonly string[];
  readonly username?: string;
  /** True for one of a sandbox. */
  readonly sandbox: boolean;
}

/** All participants by code, without their password hashes. */
export async function listParticipants(database: Queryable): Promise<ListedParticipant[]> {
  return (await selectParticipants(database)).map((stored) => ({
    ...stored.profile(),
    allowedAddresses: stored.allowedAddresses,
    sandbox: stored.sandbox,
    ...(stored.username === undefined ? {} : { username: stored.username }),
  }));
}

/** What an administrator changes; what is absent stays as it is. */
export interface ParticipantRevision {
  readonly active?: boolean;
  readonly allowedAddresses?: readonly string[];
  readonly password?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly limitPerTransaction?: Paisa;
  readonly limitPerDay?: Paisa;
  readonly netDebitCap?: Paisa;
}

/**
 * Changes a participant; running channels follow within seconds. Refuses an unknown code (`not-found`), a malformed
 * password, address or amount (`bad-input`), and settings that its channel could not read (`config-invalid`).
 */
export async function reviseParticipant(
  code: string,
  revision: ParticipantRevision,
  deps: Pick<RegistrationDeps, 'database' | 'random' | 'checkSettings'>,
): Promise<void> {
  const stored = (await selectParticipants(deps.database)).find((each) => each.code === code);
  if (stored === undefined)
    throw new Fault('not-found', 'There is no participant with this code.', { fields: { code } });
  const { password, allowedAddresses, settings } = revision;
  const { limitPerTransaction, limitPerDay, netDebitCap, active } = revision;
  if (allowedAddresses !== undefined) {
    if (allowedAddresses.length === 0)
      throw new Fault('bad-input', 'A participant has at least one address.');
    compileAddressList(allowedAddresses);
  }
  if (settings !== undefined) {
    const profile = stored.profile();
    const answerCodes = parseAnswerCodes(settings, profile.channel);
    deps.checkSettings?.({ ...profile, answerCodes, settings });
  }
  await updateParticipant(deps.database, code, {
    ...(active === undefined ? {} : { active }),
    ...(allowedAddresses === undefined ? {} : { allowedAddresses }),
    ...(settings === undefined ? {} : { settings }),
    ...(password === undefined ? {} : { passwordHash: await hashPassword(password, deps.random) }),
    ...(limitPerTransaction === undefined ? {} : { limitPerTransactionPaisa: limitPerTransaction }),
    ...(limitPerDay === undefined ? {} : { limitPerDayPaisa: limitPerDay }),
    ...(netDebitCap === undefined ? {} : { netDebitCapPaisa: netDebitCap }),
  });
}
