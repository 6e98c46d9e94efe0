/** Writes RESULTS.md from the JSON documents of the benchmarks, so that no figure in it is typed by hand. */
import type { RecordedDocument, Figure } from './document.ts';

const INTRODUCTION = `# Results

Made from the JSON documents in this folder by \`npx sanad bench results bench/results/*.json --out bench/RESULTS.md\`; a
figure is changed by running its benchmark again (bench/README.md). A missed goal says so.
`;

const number = (value: number): string =>
  Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(value);

function row(each: Figure): string {
  const { name, value, unit, baseline, ratio, goal, met } = each;
  const beside =
    baseline === null
      ? ''
      : `${baseline.name}: ${number(baseline.value)} ${baseline.unit} (× ${String(ratio)})`;
  const verdict = met === null ? '' : met ? 'met' : '**missed**';
  return `| ${[name, `${number(value)} ${unit}`, beside, goal ?? '', verdict].join(' | ')} |`;
}

function section(document: RecordedDocument): string {
  const { bench, machine, notes, figures, invariants } = document;
  const settings = Object.entries(machine.postgresSettings)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  return [
    `## ${bench}`,
    '',
    `\`${document.command ?? `npx sanad bench ${bench}`} ${document.arguments.join(' ')}\`, ${machine.date}`,
    '',
    `${String(machine.cores)} cores (${machine.processor}), ${String(Math.round(machine.memoryBytes / 2 ** 30))} GiB, ${machine.system}, Node ${machine.node}, PostgreSQL ${machine.postgres} (${settings}); ${number(machine.fsyncPerSecond)} fsyncs a second; load before the run ${machine.loadBefore.toFixed(2)}.`,
    '',
    ...notes.map((note) => `- ${note}`),
    `- invariants at the end: ${invariants === 'ok' ? 'ok' : `**BROKEN**: ${invariants.join('; ')}`}`,
    '',
    '| figure | value | beside | goal | |',
    '| --- | --- | --- | --- | --- |',
    ...figures.map(row),
    '',
  ].join('\n');
}

/** The page of these documents, in their order. */
export function renderResults(documents: readonly RecordedDocument[]): string {
  return [INTRODUCTION, ...documents.map(section)].join('\n');
}
