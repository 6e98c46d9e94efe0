/**
 * A bank's store-and-forward on a file of JSON lines, so that reversals survive a restart of the simulator without
 * a database. Each change is appended and forced to disk before it counts; opening reads the lines and writes the
 * file anew with what is still open. A last line that was cut off is left out: its change never counted.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import type { Forward, ForwardStore } from '../../channels/iso8583/index.ts';

interface Kept {
  readonly forward: Forward;
  nextMs: number;
  answerCode?: string;
}

interface Line {
  readonly id: string;
  readonly participant: string;
  readonly matchKey: string;
  readonly mti: string;
  readonly fields: readonly (readonly [number, string])[];
  readonly attempts: number;
  readonly nextMs: number;
  readonly answerCode?: string;
}

function lineOf({ forward, nextMs, answerCode }: Kept): string {
  const { id, participant, matchKey, message, attempts } = forward;
  const line: Line = {
    id: id.toString(),
    participant,
    matchKey,
    mti: message.mti,
    fields: [...message.fields],
    attempts,
    nextMs,
    ...(answerCode === undefined ? {} : { answerCode }),
  };
  return `${JSON.stringify(line)}\n`;
}

function readLines(file: string): Map<string, Kept> {
  const kept = new Map<string, Kept>();
  if (!existsSync(file)) return kept;
  for (const text of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    // Written by `lineOf` of this file.
    const { id, participant, matchKey, mti, fields, attempts, nextMs, answerCode } = JSON.parse(
      text,
    ) as Line;
    const message = { mti, fields: new Map(fields) };
    const forward = { id: BigInt(id), participant, matchKey, message, attempts };
    kept.set(`${participant}/${matchKey}`, {
      forward,
      nextMs,
      ...(answerCode === undefined ? {} : { answerCode }),
    });
  }
  return kept;
}

/** A store on a file, with a way to close it. */
export interface FileForwardStore extends ForwardStore {
  /** Messages not yet answered. */
  readonly open: number;
  close(): void;
}

/** Opens the store on `file`, which is made when it is absent. One process may have it open. */
export function openFileForwardStore(file: string): FileForwardStore {
  const kept = readLines(file);
  const next = `${file}.new`;
  const descriptor = openSync(next, 'w', 0o600);
  const append = (each: Kept): void => {
    writeSync(descriptor, lineOf(each));
    fsyncSync(descriptor);
  };
  for (const each of kept.values()) writeSync(descriptor, lineOf(each));
  fsyncSync(descriptor);
  renameSync(next, file);
  const keyOf = ({ participant, matchKey }: Forward): string => `${participant}/${matchKey}`;
  const change = (forward: Forward, make: (each: Kept) => Kept): Promise<void> => {
    const known = kept.get(keyOf(forward));
    if (known !== undefined) {
      const changed = make(known);
      kept.set(keyOf(forward), changed);
      append(changed);
    }
    return Promise.resolve();
  };
  return {
    get open() {
      return [...kept.values()].filter(({ answerCode }) => answerCode === undefined).length;
    },
    add(forward, at) {
      if (kept.has(keyOf(forward))) return Promise.resolve(false);
      const each = { forward, nextMs: at.getTime() };
      kept.set(keyOf(forward), each);
      append(each);
      return Promise.resolve(true);
    },
    due(at, limit) {
      const due = [...kept.values()]
        .filter(({ nextMs, answerCode }) => answerCode === undefined && nextMs <= at.getTime())
        .sort((left, right) => left.nextMs - right.nextMs)
        .slice(0, limit);
      return Promise.resolve(due.map(({ forward }) => forward));
    },
    async attempted(forward, nextAt) {
      const known = kept.get(keyOf(forward));
      if (known?.forward.attempts !== forward.attempts || known.answerCode !== undefined)
        return false;
      await change(forward, (each) => ({
        forward: { ...each.forward, attempts: each.forward.attempts + 1 },
        nextMs: nextAt.getTime(),
      }));
      return true;
    },
    settle(forward, at, answerCode) {
      return change(forward, (known) => ({ ...known, nextMs: at.getTime(), answerCode }));
    },
    close() {
      closeSync(descriptor);
    },
  };
}
