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
}

/** What the directory and the registration need beside the profile. */
export interface StoredParticipant {
  readonly active: boolean;
  readonly code: string;
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
  };
}

/** Every participant, active or not, by code. */
export async function selectParticipants(database: Queryable): Promise<StoredParticipant[]> {
  const rows = await database.query<ParticipantRow>(sql`
    select code, name, channel, active, institution_id, bank_mnemonic, allowed_addresses, username,
      password_hash, settings, limit_per_transaction_paisa
    from participant order by code limit ${PARTICIPANTS_MAX}`);
  return rows.map((row) => ({
    active: row.active,
    code: row.code,
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
  readonly createdAt: Date;
}

/** Adds a participant. A code, institution, mnemonic or user name that is taken breaks a unique key. */
export async function insertParticipant(tx: Queryable, row: NewParticipantRow): Promise<void> {
  await tx.query(sql`
    insert into participant (code, name, channel, institution_id, bank_mnemonic, allowed_addresses, username,
      password_hash, settings, limit_per_transaction_paisa, created_at)
    values (${row.code}, ${row.name}, ${row.channel}, ${row.institutionId ?? null}, ${row.bankMnemonic ?? null},
      ${row.allowedAddresses}, ${row.username ?? null}, ${row.passwordHash ?? null},
      ${JSON.stringify(row.settings)}::jsonb, ${row.limitPerTransactionPaisa ?? null}, ${row.createdAt})`);
}
