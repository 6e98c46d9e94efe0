/** Runs a load generator as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Fault } from '../../kernel/fault.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import type { LoadCommand, LoadReport } from '../programs/protocol.ts';

export interface LoadProcess {
  /** Runs one command to its end. */
  run(command: LoadCommand): Promise<LoadReport>;
  stop(): Promise<void>;
}

/** Starts `dist/bench/programs/NAME.js` with these arguments. */
export function startLoad(
  name: 'iso8583-load' | 'http-load',
  args: readonly string[],
): LoadProcess {
  const program = path.join(packageRoot, 'dist', 'bench', 'programs', `${name}.js`);
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  // Writing to a generator that has ended fails there; `run` says why it ended.
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const answer = await answers.next();
      if (answer.done === true)
        throw new Fault('internal', 'The load generator ended; its message is above.', {
          fields: { program: name },
        });
      // Printed by our own program (programs/protocol.ts).
      return JSON.parse(answer.value) as LoadReport;
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
