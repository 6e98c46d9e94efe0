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
  for (const stored of await selectParticipants(database)) {
    const entry = stored.active ? entryOf(stored, log) : undefined;
    if (entry === undefined) continue;
    const { institutionId, channel } = entry.participant;
    if (institutionId !== undefined && channel === 'iso8583')
      byInstitution.set(institutionId, entry);
    if (stored.username !== undefined) {
      byUsername.set(stored.username, entry);
      addresses.push(...stored.allowedAddresses);
    }
  }
  const credentialAddresses = compileAddressList(addresses);
  return { takenAtMs, byInstitution, byUsername, credentialAddresses };
}

/** Makes the directory over a database; nothing is read before the first question. */
export function makeParticipantDirectory(
  database: Queryable,
  options: DirectoryOptions = {},
): ParticipantDirectory {
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
    async findByCredentials(username, password, remoteAddress) {
      const { byUsername, credentialAddresses } = await current();
      // From an address that nobody has, scrypt is not run: a flood from outside costs nothing.
      if (!credentialAddresses.has(remoteAddress)) return undefined;
      const entry = byUsername.get(username);
      const isRight = await verified.check(username, password, entry?.passwordHash ?? nobody);
      return isRight && entry?.addresses.has(remoteAddress) === true
        ? entry.participant
        : undefined;
    },
  };
}
