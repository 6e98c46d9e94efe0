/** CPU time and memory of processes, read from /proc (Linux); elsewhere everything is zero and a note says so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc/PID/stat: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const canReadProcesses: boolean = existsSync('/proc/self/stat');

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Of the process itself, in seconds. */
  readonly cpu: number;
  /** Of its children that have ended, in seconds. */
  readonly cpuOfEnded: number;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The name stands in brackets and may itself hold blanks and brackets.
    const close = text.lastIndexOf(')');
    const fields = text.slice(close + 2).split(' ');
    const seconds = (index: number): number => Number(fields[index] ?? 0) / TICKS_PER_SECOND;
    return {
      pid,
      parent: Number(fields[1]),
      name: text.slice(text.indexOf('(') + 1, close),
      cpu: seconds(11) + seconds(12),
      cpuOfEnded: seconds(13) + seconds(14),
    };
  } catch {
    return undefined; // It ended between being listed and being read.
  }
}

/** The process and all that descend from it. */
function tree(root: number): Stat[] {
  if (!canReadProcesses) return [];
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat): stat is Stat => stat !== undefined);
  const inside = new Set([root]);
  // Children may be listed before their parents when ids wrap round.
  for (let size = 0; size !== inside.size;) {
    size = inside.size;
    for (const stat of all) if (inside.has(stat.parent)) inside.add(stat.pid);
  }
  return all.filter((stat) => inside.has(stat.pid));
}

/** CPU seconds that a process, its living descendants and its ended children have used so far. */
export function treeCpuSeconds(root: number): number {
  return tree(root).reduce((sum, stat) => sum + stat.cpu + stat.cpuOfEnded, 0);
}

/** CPU seconds of the Node processes among a process and its descendants, and of all the others, so far. */
export function cpuByKind(root: number): { readonly node: number; readonly others: number } {
  let [node, others] = [0, 0];
  for (const stat of tree(root)) {
    if (isNode(stat)) node += stat.cpu;
    else others += stat.cpu + stat.cpuOfEnded;
  }
  return { node, others };
}

// Node renames its main thread on some versions; both names are Node's own.
const isNode = (stat: Stat): boolean => stat.name === 'node' || stat.name === 'MainThread';

function residentBytes(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) * 1_024;
  } catch {
    return 0; // It ended meanwhile.
  }
}

/** Resident memory of each Node process among a process and its descendants, by process id, in bytes. */
function nodeMemory(root: number): ReadonlyMap<number, number> {
  return new Map(
    tree(root)
      .filter(isNode)
      .map((stat) => [stat.pid, residentBytes(stat.pid)]),
  );
}

/** Samples the memory of the Node processes of a tree while something runs. */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout;
  readonly #highest = new Map<number, number>();
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(root: number, everyMs = 1_000) {
    const look = (): void => {
      const memory = nodeMemory(root);
      for (const [pid, bytes] of memory)
        this.#highest.set(pid, Math.max(this.#highest.get(pid) ?? 0, bytes));
      this.#samples.push({ atMs: performance.now(), bytes: Math.max(0, ...memory.values()) });
    };
    look();
    this.#timer = setInterval(look, everyMs).unref();
  }

  /** Ends the watch. `highest` is the largest process at its peak; `growthPerMinute` the slope of the second half, both in bytes. */
  stop(): { readonly highest: number; readonly growthPerMinute: number } {
    clearInterval(this.#timer);
    const late = this.#samples.slice(this.#samples.length >> 1);
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, each) => sum + each, 0) / Math.max(values.length, 1);
    const [meanAt, meanBytes] = [
      mean(late.map((each) => each.atMs)),
      mean(late.map((each) => each.bytes)),
    ];
    const spread = late.reduce((sum, each) => sum + (each.atMs - meanAt) ** 2, 0);
    const slope =
      spread === 0
        ? 0
        : late.reduce((sum, each) => sum + (each.atMs - meanAt) * (each.bytes - meanBytes), 0) /
          spread;
    return { highest: Math.max(0, ...this.#highest.values()), growthPerMinute: slope * 60_000 };
  }
}
