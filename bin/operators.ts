/**
 * The operators of a data folder, followed while the product runs: whom `sanad operator add` adds may come a moment
 * later, and whom `remove` takes out is shut out, without a restart.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Timers } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { everyRound } from '../kernel/rounds.ts';
import {
  makeOperatorDirectory,
  parseOperators,
  type OperatorDirectory,
  type OperatorRecord,
} from '../switch/index.ts';

const LOOK_EVERY_MS = 2_000;

/** Where the operators of a data folder stand; absent until the first one is added. */
export function operatorsFile(dataFolder: string): string {
  return path.join(dataFolder, 'operators.json');
}

/** The file's text; undefined when there is none. */
async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new Fault('config-invalid', 'The file of the operators cannot be read.', {
      fields: { file },
      cause,
    });
  });
}

function parseText(text: string | undefined, file: string): OperatorRecord[] {
  if (text === undefined) return [];
  try {
    return parseOperators(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('config-invalid', 'The file of the operators is no JSON.', {
      fields: { file },
      cause,
    });
  }
}

/** The operators of a data folder; none when there is no such file. */
export async function readOperators(dataFolder: string): Promise<OperatorRecord[]> {
  const file = operatorsFile(dataFolder);
  return parseText(await readText(file), file);
}

/**
 * Reads the operators now and every two seconds. A file that turns wrong while the product runs is an error in the
 * log, and the operators stay as they were. `stop` ends it.
 */
export async function followOperators(
  dataFolder: string,
  { timers, log }: { readonly timers: Timers; readonly log: Log },
): Promise<{ readonly operators: OperatorDirectory; readonly stop: () => Promise<void> }> {
  const file = operatorsFile(dataFolder);
  let text = await readText(file);
  let directory = makeOperatorDirectory(parseText(text, file));
  const look = async (): Promise<void> => {
    const now = await readText(file);
    if (now === text) return;
    // It is complained of once, not every two seconds.
    text = now;
    directory = makeOperatorDirectory(parseText(now, file));
  };
  const stop = everyRound(timers, LOOK_EVERY_MS, look, (error) =>
    log.error({ err: error }, 'the operators are those of before'),
  );
  return {
    operators: {
      authenticate: (token, remoteAddress) => directory.authenticate(token, remoteAddress),
    },
    stop,
  };
}
