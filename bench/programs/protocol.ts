/**
 * How a benchmark talks to its load generator, which is a process of its own: one JSON command a line on its
 * standard input, one JSON result a line on its standard output.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Fault } from '../../kernel/fault.ts';
import type { Psid } from '../../kernel/ids.ts';
import type { LatencySummary } from '../harness/latency.ts';
import { closedLoop, openLoop, type LoadResult, type Send } from '../harness/load.ts';

/** One run: `inFlight` makes it a closed loop, `rate` an open one. */
export interface LoadCommand {
  readonly first: number;
  readonly available: number;
  readonly seconds: number;
  readonly inFlight?: number;
  readonly rate?: number;
}

export interface LoadReport {
  readonly latency: LatencySummary;
  /** Answers by reason of refusal. */
  readonly refused: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly exhausted: boolean;
  readonly inFlightMax: number;
  /** CPU seconds of the load generator itself. */
  readonly cpuSeconds: number;
}

/** Bytes of one line of the file of payables: PSID, blank, amount in 15 digits, newline. */
export const PAYABLE_BYTES = 34;

/** The line of a payable. */
export function payableLine(psid: Psid, amount: bigint): string {
  return `${psid} ${amount.toString().padStart(15, '0')}\n`;
}

/** The challans to pay, read from lines of fixed length: a million of them are 34 MB and no object each. */
export class PayableFile {
  readonly #bytes: Buffer;

  constructor(file: string) {
    this.#bytes = readFileSync(file);
  }

  at(index: number): { readonly psid: Psid; readonly amount: string } {
    const from = index * PAYABLE_BYTES;
    if (from + PAYABLE_BYTES > this.#bytes.length)
      throw new Fault('bad-input', 'There are fewer challans than the run wants to pay.');
    const line = this.#bytes.toString('latin1', from, from + PAYABLE_BYTES);
    return { psid: line.slice(0, 17), amount: line.slice(18, 33) };
  }
}

function report(load: LoadResult, cpu: NodeJS.CpuUsage): LoadReport {
  return {
    latency: load.latency.summary(),
    refused: Object.fromEntries(load.refused),
    seconds: load.seconds,
    exhausted: load.exhausted,
    inFlightMax: load.inFlightMax,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** Runs commands from standard input until it ends. */
export async function serveCommands(send: Send): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    // Written by the benchmark that started this process.
    const { inFlight, rate, ...options } = JSON.parse(line) as LoadCommand;
    const before = process.cpuUsage();
    const load =
      rate === undefined
        ? await closedLoop({ send, ...options, inFlight: inFlight ?? 1 })
        : await openLoop({ send, ...options, rate });
    process.stdout.write(`${JSON.stringify(report(load, process.cpuUsage(before)))}\n`);
  }
}
