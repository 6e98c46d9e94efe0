/**
 * The records that a seal and a duty are judged by, with their whole history: seal keys, and the hashes of the
 * versions of DC tables and Schedules. A version is written once and never changed; versions count from 1 without
 * a gap; nothing is deleted. Keys of the world state:
 *
 * - `last:<kind>:<name>`: number of the last version (8 bytes);
 * - `version:<kind>:<name>:<number>`: the record, JSON with its members in a fixed order;
 * - `kid:<id>`: the version that a seal key's id was used for, once for ever;
 * - `revoked:<id>`: when and why a seal key was revoked, once for ever.
 */
import { hash } from 'node:crypto';
import { ContractError } from './contract-error.ts';
import { padded, type WorldState } from './registry.ts';

export const TABLE_KINDS = ['dc-table', 'schedule'] as const;
export type TableKind = (typeof TABLE_KINDS)[number];
export type RecordKind = TableKind | 'seal-key';
/** Most versions that one call lists. */
export const HISTORY_MAX = 100;
const NAME_PATTERN = /^[a-z0-9][a-z0-9./-]{0,63}$/;
const KID_PATTERN = /^[0-9a-f]{8,64}$/;
const HASH_PATTERN = /^[0-9a-f]{64}$/;
const TIME_PATTERN = /^(0|[1-9]\d{0,15})$/;
const PUBLIC_KEY_PATTERN = /^[A-Za-z0-9+/]{40,400}={0,2}$/;
const REASON_PATTERN = /^[\x20-\x7e]{1,200}$/;

export interface TableVersion {
  readonly kind: TableKind;
  /** Which table: `lahore/urban`. */
  readonly name: string;
  readonly version: bigint;
  /** SHA-256 of the table's version as the ledger canonicalises it, 64 hex digits. */
  readonly sha256: string;
  /** Milliseconds since 1970 from which it is in force, decimal. */
  readonly from: string;
}

export interface SealKeyVersion {
  /** Whose key: `punjab`. */
  readonly name: string;
  readonly version: bigint;
  /** The key id that seals carry, hex. */
  readonly kid: string;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
  /** Milliseconds since 1970, decimal; the key seals from the first until before the second. */
  readonly from: string;
  readonly until: string;
}

function check(pattern: RegExp, ...values: readonly string[]): void {
  if (!values.every((value) => pattern.test(value))) throw new ContractError('argument-malformed');
}

function lastKey(kind: RecordKind, name: string): string {
  return `last:${kind}:${name}`;
}

function versionKey(kind: RecordKind, name: string, version: bigint): string {
  return `version:${kind}:${name}:${padded(version)}`;
}

async function lastVersion(state: WorldState, kind: RecordKind, name: string): Promise<bigint> {
  const value = await state.get(lastKey(kind, name));
  if (value === undefined) return 0n;
  if (value.length !== 8) throw new ContractError('state-corrupt');
  return Buffer.from(value).readBigUInt64BE(0);
}

interface NewVersion {
  readonly kind: RecordKind;
  readonly name: string;
  readonly version: bigint;
  readonly record: Readonly<Record<string, string>>;
}

/** Writes a version that must be the next one; returns the record's SHA-256, which a KEY or CONFIG leaf commits to. */
async function putVersion(state: WorldState, added: NewVersion): Promise<string> {
  const { kind, name, version, record } = added;
  check(NAME_PATTERN, name);
  const last = await lastVersion(state, kind, name);
  if (version < 1n || version > last + 1n) throw new ContractError('version-gap');
  if (version <= last) throw new ContractError('version-exists');
  const text = JSON.stringify({ kind, name, version: version.toString(), ...record });
  const number = Buffer.allocUnsafe(8);
  number.writeBigUInt64BE(version);
  await state.put(versionKey(kind, name, version), Buffer.from(text, 'utf8'));
  await state.put(lastKey(kind, name), number);
  return hash('sha256', text, 'hex');
}

/** Registers the next version of a DC table or a Schedule by its hash; returns the record's SHA-256, hex. */
export async function registerTable(state: WorldState, table: TableVersion): Promise<string> {
  const { kind, name, version, sha256, from } = table;
  check(HASH_PATTERN, sha256);
  check(TIME_PATTERN, from);
  return putVersion(state, { kind, name, version, record: { sha256, from } });
}

/**
 * Registers a seal key: version 1 of a name is its first key, each further one rotates it. Returns the record's
 * SHA-256, hex. Refuses a key id that was ever used, under whatever name.
 */
export async function registerSealKey(state: WorldState, key: SealKeyVersion): Promise<string> {
  const { name, version, kid, publicKey, from, until } = key;
  check(KID_PATTERN, kid);
  check(PUBLIC_KEY_PATTERN, publicKey);
  check(TIME_PATTERN, from, until);
  if (BigInt(from) >= BigInt(until)) throw new ContractError('argument-malformed');
  if ((await state.get(`kid:${kid}`)) !== undefined) throw new ContractError('key-known');
  const record = { kid, publicKey, from, until };
  const digest = await putVersion(state, { kind: 'seal-key', name, version, record });
  await state.put(`kid:${kid}`, Buffer.from(versionKey('seal-key', name, version), 'utf8'));
  return digest;
}

/** Revokes a seal key from a time on (milliseconds since 1970), for good. Seals logged before stay genuine. */
export async function revokeSealKey(
  state: WorldState,
  { kid, at, reason }: { readonly kid: string; readonly at: string; readonly reason: string },
): Promise<void> {
  check(KID_PATTERN, kid);
  check(TIME_PATTERN, at);
  check(REASON_PATTERN, reason);
  if ((await state.get(`kid:${kid}`)) === undefined) throw new ContractError('key-unknown');
  if ((await state.get(`revoked:${kid}`)) !== undefined) throw new ContractError('key-revoked');
  await state.put(`revoked:${kid}`, Buffer.from(JSON.stringify({ kid, at, reason }), 'utf8'));
}

/**
 * The versions of a record from a number on, oldest first, at most `HISTORY_MAX` of them, as their JSON texts; a
 * seal key that was revoked is followed by its revocation.
 */
export async function readHistory(
  state: WorldState,
  { kind, name, from }: { readonly kind: RecordKind; readonly name: string; readonly from: bigint },
): Promise<string[]> {
  check(NAME_PATTERN, name);
  const last = await lastVersion(state, kind, name);
  const texts: string[] = [];
  const end = from + BigInt(HISTORY_MAX);
  for (let version = from < 1n ? 1n : from; version <= last && version < end; version += 1n) {
    const value = await state.get(versionKey(kind, name, version));
    if (value === undefined) throw new ContractError('state-corrupt');
    const text = Buffer.from(value).toString('utf8');
    texts.push(text);
    const kid = /"kid":"([0-9a-f]+)"/.exec(text)?.[1];
    const revoked = kid === undefined ? undefined : await state.get(`revoked:${kid}`);
    if (revoked !== undefined) texts.push(Buffer.from(revoked).toString('utf8'));
  }
  return texts;
}
