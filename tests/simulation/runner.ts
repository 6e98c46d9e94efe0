/** Runs many histories, several at a time on databases of their own, and sums up what happened. */
import { createHash } from 'node:crypto';
import { Backend } from './backend.ts';
import { runHistory, type HistoryReport } from './history.ts';
import type { Plant } from './plants.ts';
import { emptyBooks } from './prepare-database.ts';
import { readSignatures } from './statement-reader.ts';

export interface RunOptions {
  /** Prepared databases; each runs one history at a time. */
  readonly urls: readonly string[];
  readonly seed: string;
  /** Numbers of the histories to run. */
  readonly numbers: readonly number[];
  readonly plant?: Plant | undefined;
  /** Histories that may fail before the run ends; 1 when absent. */
  readonly failuresMax?: number;
  /** Told of every history that ended. */
  readonly ended?: (report: HistoryReport) => void;
}

export interface RunSummary {
  readonly histories: number;
  readonly requests: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly failed: readonly HistoryReport[];
  /** SHA-256 over the digests of the histories in order of their numbers. */
  readonly digest: string;
}

function add(sums: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
}

const sorted = (sums: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Runs the histories; ends early once `failuresMax` of them have failed. */
export async function runHistories(options: RunOptions): Promise<RunSummary> {
  const { urls, seed, numbers, plant, failuresMax = 1, ended } = options;
  const queue = [...numbers];
  const digests = new Map<number, string>();
  const failed: HistoryReport[] = [];
  const [faults, answers] = [new Map<string, number>(), new Map<string, number>()];
  let requests = 0;

  const work = async (url: string): Promise<void> => {
    const backend = await Backend.open(url);
    try {
      const signatures = await readSignatures(backend.database);
      for (;;) {
        const number = failed.length < failuresMax ? queue.shift() : undefined;
        if (number === undefined) return;
        await emptyBooks(backend.database);
        const report = await runHistory({ backend, signatures, seed, number, plant });
        digests.set(number, report.digest);
        requests += report.requests;
        add(faults, report.faults);
        add(answers, report.answers);
        if (report.problems.length > 0) failed.push(report);
        ended?.(report);
      }
    } finally {
      await backend.close();
    }
  };
  await Promise.all(urls.map(work));
  const inOrder = [...digests].sort(([a], [b]) => a - b);
  const digest = createHash('sha256')
    .update(inOrder.map(([number, each]) => `${String(number)} ${each}\n`).join(''))
    .digest('hex');
  failed.sort((a, b) => a.number - b.number);
  return {
    histories: digests.size,
    requests,
    faults: sorted(faults),
    answers: sorted(answers),
    failed,
    digest,
  };
}
