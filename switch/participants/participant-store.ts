/** The table `participant`: one function per query. */
import { sql, type Queryable, type Row } from '../../kernel/database.ts';
import { paisa } from '../../kernel/money.ts';
import type { ChannelName } from '../payment/index.ts';
import { parseAnswerCodes } from './answer-codes.ts';
import type { Participant } from './participant.ts';

/** A row as it is stored; the check on `channel` in the table guards its type. */
interface ParticipantRow extends Row {
  readonly code: string;
  readonly name: string;
  readonly channel: ChannelName;
  readonly active: boolean;
  readonly institution_id: string | null;
  readonly bank_mnemonic: string | null;
  readonly allowed_addresses: readonly string[];
  readonly username: string | null;
  readonly password_hash: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly limit_per_transaction_paisa: bigint | null;
  readonly limit_per_day_paisa: bigint | null;
  readonly net_debit_cap_paisa: bigint | null;
}

/** What the directory and the registration need beside the profile. */
export interface StoredParticipant {
  readonly active: boolean;
  readonly code: string;
  /** True for one of a sandbox (`settings.sandbox`). */
  readonly sandbox: boolean;
  readonly allowedAddresses: readonly string[];
  readonly username?: string;
  readonly passwordHash?: string;
  /** Reads the profile; a Fault `config-invalid` when its settings are wrong. */
  readonly profile: () => Participant;
}

/** More participants than any country has; the directory keeps them all in memory. */
const PARTICIPANTS_MAX = 10_000;

function profileOf(row: ParticipantRow): Participant {
  return {
    code: row.code,
    name: row.name,
    channel: row.channel,
    active: row.active,
    ...(row.institution_id === null ? {} : { institutionId: row.institution_id }),
    ...(row.bank_mnemonic === null ? {} : { bankMnemonic: row.bank_mnemonic }),
    answerCodes: parseAnswerCodes(row.settings, row.channel),
    settings: row.settings,
    ...(row.limit_per_transaction_paisa === null
      ? {}
      : { limitPerTransaction: paisa(row.limit_per_transaction_paisa) }),
    ...(row.limit_per_day_paisa === null ? {} : { limitPerDay: paisa(row.limit_per_day_paisa) }),
    ...(row.net_debit_cap_paisa === null ? {} : { netDebitCap: paisa(row.net_debit_cap_paisa) }),
  };
}

/** Every participant, active or not, by code. */
export async function selectParticipants(database: Queryable): Promise<StoredParticipant[]> {
  const rows = await database.query<ParticipantRow>(sql`
    select code, name, channel, active, institution_id, bank_mnemonic, allowed_addresses, username,
      password_hash, settings, limit_per_transaction_paisa, limit_per_day_paisa, net_debit_cap_paisa
    from participant order by code limit ${PARTICIPANTS_MAX}`);
  return rows.map((row) => ({
    active: row.active,
    code: row.code,
    sandbox: row.settings['sandbox'] === true,
    allowedAddresses: row.allowed_addresses,
    ...(row.username === null ? {} : { username: row.username }),
    ...(row.password_hash === null ? {} : { passwordHash: row.password_hash }),
    profile: () => profileOf(row),
  }));
}

export interface NewParticipantRow {
  readonly code: string;
  readonly name: string;
  readonly channel: ChannelName;
  readonly institutionId: string | undefined;
  readonly bankMnemonic: string | undefined;
  readonly allowedAddresses: readonly string[];
  readonly username: string | undefined;
  readonly passwordHash: string | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly limitPerTransactionPaisa: bigint | undefined;
  readonly limitPerDayPaisa: bigint | undefined;
  readonly netDebitCapPaisa: bigint | undefined;
  readonly createdAt: Date;
}

/** Adds a participant. A code, institution, mnemonic or user name that is taken breaks a unique key. */
export async function insertParticipant(tx: Queryable, row: NewParticipantRow): Promise<void> {
  await tx.query(sql`
    insert into participant (code, name, channel, institution_id, bank_mnemonic, allowed_addresses, username,
      password_hash, settings, limit_per_transaction_paisa, limit_per_day_paisa, net_debit_cap_paisa, created_at)
    values (${row.code}, ${row.name}, ${row.channel}, ${row.institutionId ?? null}, ${row.bankMnemonic ?? null},
      ${row.allowedAddresses}, ${row.username ?? null}, ${row.passwordHash ?? null},
      ${JSON.stringify(row.settings)}::jsonb, ${row.limitPerTransactionPaisa ?? null}, ${row.limitPerDayPaisa ?? null},
      ${row.netDebitCapPaisa ?? null}, ${row.createdAt})`);
}

/** What of a participant may change; what is absent stays as it is. */
export interface ParticipantChange {
  readonly active?: boolean;
  readonly allowedAddresses?: readonly string[];
  readonly passwordHash?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly limitPerTransactionPaisa?: bigint;
  readonly limitPerDayPaisa?: bigint;
  readonly netDebitCapPaisa?: bigint;
}

/** Changes one participant; false when there is none with this code. */
export async function updateParticipant(
  db: Queryable,
  code: string,
  change: ParticipantChange,
): Promise<boolean> {
  const settings = change.settings === undefined ? null : JSON.stringify(change.settings);
  const rows = await db.query(sql`
    update participant set
      active = coalesce(${change.active ?? null}::boolean, active),
      allowed_addresses = coalesce(${change.allowedAddresses ?? null}::text[], allowed_addresses),
      password_hash = coalesce(${change.passwordHash ?? null}::text, password_hash),
      settings = coalesce(${settings}::jsonb, settings),
      limit_per_transaction_paisa = coalesce(${change.limitPerTransactionPaisa ?? null}::bigint, limit_per_transaction_paisa),
      limit_per_day_paisa = coalesce(${change.limitPerDayPaisa ?? null}::bigint, limit_per_day_paisa),
      net_debit_cap_paisa = coalesce(${change.netDebitCapPaisa ?? null}::bigint, net_debit_cap_paisa)
    where code = ${code} returning 1 as done`);
  return rows.length > 0;
}

/** True when a participant of a sandbox has paid anything in these books. */
export async function hasTrialPayments(db: Queryable): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 as one from payment m join participant p on p.code = m.participant_code
    where p.settings ->> 'sandbox' = 'true' limit 1`);
  return rows.length > 0;
}
