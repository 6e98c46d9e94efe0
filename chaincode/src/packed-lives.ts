/**
 * The lives of stamps as a peer keeps them: those of 2,048 neighbouring leaves in one key, `lives:<first leaf>`. A peer
 * and its contract exchange a message for every key that is read or written, one after the other, so that ending
 * many lives in one batch would spend its time on those messages (docs/spec/log.md, "World state").
 *
 * The rules know nothing of it. Stamps whose lives stand in keys of their own, as an earlier version of the contract
 * wrote them, are carried over when their group is first read.
 */
import { ContractError } from './contract-error.ts';
import { lifeIndex, lifeKey, padded, type WorldState } from './registry.ts';

const GROUP_LEAVES = 2_048n;
/** Offset in the group (2) ‖ spoiled (1) ‖ type that ended the life (1). */
const LIFE_BYTES = 4;

/** The keys and values from one key on, up to and without another; what a peer's range query answers. */
export type ReadRange = (
  from: string,
  to: string,
) => AsyncIterable<{ readonly key: string; readonly value: Uint8Array }>;

type Group = Map<number, Uint8Array>;

function decodeGroup(value: Uint8Array): Group {
  if (value.length % LIFE_BYTES !== 0) throw new ContractError('state-corrupt');
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const group: Group = new Map();
  let last = -1;
  for (let at = 0; at < bytes.length; at += LIFE_BYTES) {
    const offset = bytes.readUInt16BE(at);
    if (offset <= last || offset >= Number(GROUP_LEAVES)) throw new ContractError('state-corrupt');
    group.set(offset, bytes.subarray(at + 2, at + LIFE_BYTES));
    last = offset;
  }
  return group;
}

function encodeGroup(group: Group): Buffer {
  const bytes = Buffer.allocUnsafe(group.size * LIFE_BYTES);
  for (const [at, [offset, life]] of [...group].sort(([a], [b]) => a - b).entries()) {
    bytes.writeUInt16BE(offset, at * LIFE_BYTES);
    bytes.set(life, at * LIFE_BYTES + 2);
  }
  return bytes;
}

/** A world state whose `life:` keys are kept in groups; `flush` writes the groups that changed, at the end of a call. */
export class PackedLives implements WorldState {
  readonly #state: WorldState;
  readonly #range: ReadRange;
  readonly #groups = new Map<bigint, Promise<Group>>();
  readonly #changed = new Set<bigint>();

  constructor(state: WorldState, range: ReadRange) {
    this.#state = state;
    this.#range = range;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const index = lifeIndex(key);
    if (index === undefined) return this.#state.get(key);
    const group = await this.#group(index / GROUP_LEAVES);
    return group.get(Number(index % GROUP_LEAVES));
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    const index = lifeIndex(key);
    if (index === undefined) return this.#state.put(key, value);
    const number = index / GROUP_LEAVES;
    (await this.#group(number)).set(Number(index % GROUP_LEAVES), value);
    this.#changed.add(number);
  }

  async flush(): Promise<void> {
    for (const number of this.#changed)
      await this.#state.put(groupKey(number), encodeGroup(await this.#group(number)));
    this.#changed.clear();
  }

  #group(number: bigint): Promise<Group> {
    const known = this.#groups.get(number);
    if (known !== undefined) return known;
    const read = this.#read(number);
    this.#groups.set(number, read);
    return read;
  }

  async #read(number: bigint): Promise<Group> {
    const value = await this.#state.get(groupKey(number));
    if (value !== undefined) return decodeGroup(value);
    const first = number * GROUP_LEAVES;
    const group: Group = new Map();
    for await (const { key, value: life } of this.#range(
      lifeKey(first),
      lifeKey(first + GROUP_LEAVES),
    )) {
      const index = lifeIndex(key);
      if (index === undefined || life.length !== 2) throw new ContractError('state-corrupt');
      group.set(Number(index - first), life);
    }
    return group;
  }
}

/** The key of a group: the index of its first leaf. */
function groupKey(number: bigint): string {
  return `lives:${padded(number * GROUP_LEAVES)}`;
}
