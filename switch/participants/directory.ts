/**
 * Who may connect, and as whom. The whole table is kept in memory for some seconds, so that a payment costs
 * no query; a participant switched off is refused after that time at the latest. Every refusal is the same
 * `undefined`: nobody outside learns whether an institution, a user or a password exists.
 */
import { systemClock, type Clock } from '../../kernel/clock.ts';
import type { Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { secureRandom, type Random } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { ChannelName } from '../payment/index.ts';
import { compileAddressList, type AddressList } from './address-list.ts';
import { selectParticipants, type StoredParticipant } from './participant-store.ts';
import type { Participant } from './participant.ts';
import { unmatchableHash } from './password.ts';
import { VerifiedCredentials } from './verified-credentials.ts';

/** What a channel asks before it believes a message. */
export interface ParticipantDirectory {
  /** The active ISO 8583 participant with this institution id (ISO 8583 DE 32) that may connect from this address. */
  findByInstitution(institutionId: string, remoteAddress: string): Promise<Participant | undefined>;
  /** The active participant whose credentials these are and that may connect from this address. */
  findByCredentials(
    username: string,
    password: string,
    remoteAddress: string,
  ): Promise<Participant | undefined>;
}

/** The directory for channels whose senders prove themselves by a signature over the message. */
export interface SignerDirectory extends ParticipantDirectory {
  /**
   * The active participant of this channel with this user name that may connect from this address. Nothing is proved
   * by it: the channel must find the message signed with a key of the participant before it believes anything.
   */
  findSigner(
    channel: ChannelName,
    username: string,
    remoteAddress: string,
  ): Promise<Participant | undefined>;
}

/** The directory over a database. */
export interface FullDirectory extends SignerDirectory {
  /** True for an active participant of a sandbox, while the books are one: every participant in them is of it. */
  isSandbox(code: string): Promise<boolean>;
  /** The active participants of a channel by code, with their user names. */
  ofChannel(channel: ChannelName): Promise<readonly NamedParticipant[]>;
}

/** A participant with the user name by which it signs in. */
export interface NamedParticipant {
  readonly participant: Participant;
  readonly username: string;
}

export interface DirectoryOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** How old the copy of the table may get; 5,000 when absent. */
  readonly cacheMs?: number;
  /** Told of rows that are left out since their profile is wrong. */
  readonly log?: Log;
}

interface Entry {
  readonly participant: Participant;
  readonly addresses: AddressList;
  readonly passwordHash: string | undefined;
}

interface Snapshot {
  readonly takenAtMs: number;
  readonly byInstitution: ReadonlyMap<string, Entry>;
  readonly byUsername: ReadonlyMap<string, Entry>;
  /** Every address from which somebody may present credentials. */
  readonly credentialAddresses: AddressList;
  /** Codes of the active participants of a sandbox; empty when a real one is there. */
  readonly sandbox: ReadonlySet<string>;
}

function entryOf(stored: StoredParticipant, log: Log | undefined): Entry | undefined {
  try {
    return {
      participant: stored.profile(),
      addresses: compileAddressList(stored.allowedAddresses),
      passwordHash: stored.passwordHash,
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log?.error(
      { participant: stored.code, ...error.fields },
      'A participant is shut out: its profile is wrong.',
    );
    return undefined;
  }
}

async function takeSnapshot(
  database: Queryable,
  takenAtMs: number,
  log: Log | undefined,
): Promise<Snapshot> {
  const byInstitution = new Map<string, Entry>();
  const byUsername = new Map<string, Entry>();
  const addresses: string[] = [];
  const sandbox = new Set<string>();
  const everybody = await selectParticipants(database);
  // Play money ends where real money begins: the first real participant, active or not, shuts the sandbox's out.
  const isReal = everybody.some((stored) => !stored.sandbox);
  for (const stored of everybody) {
    const isOut = !stored.active || (stored.sandbox && isReal);
    const entry = isOut ? undefined : entryOf(stored, log);
    if (entry === undefined) continue;
    if (stored.sandbox) sandbox.add(stored.code);
    const { institutionId, channel } = entry.participant;
    if (institutionId !== undefined && channel === 'iso8583')
      byInstitution.set(institutionId, entry);
    if (stored.username !== undefined) {
      byUsername.set(stored.username, entry);
      addresses.push(...stored.allowedAddresses);
    }
  }
  const credentialAddresses = compileAddressList(addresses);
  return { takenAtMs, byInstitution, byUsername, credentialAddresses, sandbox };
}

/** Makes the directory over a database; nothing is read before the first question. */
export function makeParticipantDirectory(
  database: Queryable,
  options: DirectoryOptions = {},
): FullDirectory {
  const { clock = systemClock, random = secureRandom, cacheMs = 5_000, log } = options;
  const verified = new VerifiedCredentials(clock, random);
  const nobody = unmatchableHash(random);
  let snapshot: Snapshot | undefined;
  let loading: Promise<Snapshot> | undefined;

  const load = async (nowMs: number): Promise<Snapshot> => {
    try {
      snapshot = await takeSnapshot(database, nowMs, log);
      return snapshot;
    } finally {
      loading = undefined;
    }
  };
  const current = (): Snapshot | Promise<Snapshot> => {
    const nowMs = clock.now().getTime();
    // A clock that was set back must not keep an old copy alive.
    const age = snapshot === undefined ? cacheMs : nowMs - snapshot.takenAtMs;
    if (snapshot !== undefined && age >= 0 && age < cacheMs) return snapshot;
    loading ??= load(nowMs);
    return loading;
  };

  return {
    async findByInstitution(institutionId, remoteAddress) {
      const entry = (await current()).byInstitution.get(institutionId);
      return entry?.addresses.has(remoteAddress) === true ? entry.participant : undefined;
    },
    async findSigner(channel, username, remoteAddress) {
      const entry = (await current()).byUsername.get(username);
      return entry?.participant.channel === channel && entry.addresses.has(remoteAddress)
        ? entry.participant
        : undefined;
    },
    async isSandbox(code) {
      return (await current()).sandbox.has(code);
    },
    async ofChannel(channel) {
      const { byUsername } = await current();
      return [...byUsername]
        .map(([username, { participant }]) => ({ participant, username }))
        .filter(({ participant }) => participant.channel === channel)
        .sort((left, right) => (left.participant.code < right.participant.code ? -1 : 1));
    },
    async findByCredentials(username, password, remoteAddress) {
      const { byUsername, credentialAddresses } = await current();
      // From an address that nobody has, scrypt is not run: a flood from outside costs nothing.
      if (!credentialAddresses.has(remoteAddress)) return undefined;
      const entry = byUsername.get(username);
      const isRight = await verified.check(
        { username, password, storedHash: entry?.passwordHash ?? nobody },
        remoteAddress,
      );
      return isRight && entry?.addresses.has(remoteAddress) === true
        ? entry.participant
        : undefined;
    },
  };
}
