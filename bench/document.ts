/** The one JSON document that every benchmark prints (docs/architecture.md, "Names for outsiders"). */
import type { MachineFacts } from './harness/machine.ts';

/** A number with its name and unit. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** A measured figure, beside what it is compared with and what it had to reach. */
export interface Figure extends Measure {
  /** Measured in the same run, on the same machine. */
  readonly baseline: Measure | null;
  /** `value / baseline.value`. */
  readonly ratio: number | null;
  /** What had to be reached, in words. */
  readonly goal: string | null;
  /** Null for a figure without a goal. */
  readonly met: boolean | null;
}

/** What a benchmark returns. */
export interface BenchDocument {
  readonly bench: string;
  readonly machine: MachineFacts;
  /** What the figures rest on: options of the run, and what could not be measured and why. */
  readonly notes: readonly string[];
  readonly figures: readonly Figure[];
  readonly invariants: 'ok' | readonly string[];
}

/** What the command prints. */
export interface RecordedDocument extends BenchDocument {
  /** The command, when it is not `npx sanad bench` with the benchmark's name. */
  readonly command?: string;
  /** What the command was given after the benchmark's name. */
  readonly arguments: readonly string[];
}

/** Conditions of a goal; all of them must hold. */
export interface Goal {
  readonly atLeast?: number;
  readonly below?: number;
  /** `value / baseline` at least. */
  readonly ratioAtLeast?: number;
}

function goalText(goal: Goal, unit: string, baseline: Measure | undefined): string {
  return [
    ...(goal.atLeast === undefined ? [] : [`at least ${String(goal.atLeast)} ${unit}`]),
    ...(goal.below === undefined ? [] : [`below ${String(goal.below)} ${unit}`]),
    ...(goal.ratioAtLeast === undefined
      ? []
      : [`at least ${String(goal.ratioAtLeast)} × ${baseline?.name ?? 'a baseline'}`]),
  ].join(', ');
}

/** Five significant digits, cut and not rounded: no figure is rounded up to its goal. */
export function significant(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = 10 ** (4 - Math.floor(Math.log10(Math.abs(value))));
  return step >= 1 ? Math.floor(value * step) / step : Math.floor(value);
}

/**
 * Makes a figure. The goal is judged on the unrounded value; a goal on the ratio without a baseline is missed,
 * and so is any goal of a value that is no number.
 */
export function figure(
  measure: Measure,
  options: { readonly baseline?: Measure; readonly goal?: Goal } = {},
): Figure {
  const { baseline, goal } = options;
  const ratio =
    baseline === undefined || baseline.value === 0 ? undefined : measure.value / baseline.value;
  const met =
    goal === undefined
      ? null
      : Number.isFinite(measure.value) &&
        (goal.atLeast === undefined || measure.value >= goal.atLeast) &&
        (goal.below === undefined || measure.value < goal.below) &&
        (goal.ratioAtLeast === undefined || (ratio ?? 0) >= goal.ratioAtLeast);
  return {
    ...measure,
    value: significant(measure.value),
    baseline: baseline === undefined ? null : { ...baseline, value: significant(baseline.value) },
    ratio: ratio === undefined ? null : significant(ratio),
    goal: goal === undefined ? null : goalText(goal, measure.unit, baseline),
    met,
  };
}

/** True when every goal was met and every invariant held: what makes the command's exit code 0. */
export function succeeded(document: BenchDocument): boolean {
  return document.invariants === 'ok' && document.figures.every((each) => each.met !== false);
}
