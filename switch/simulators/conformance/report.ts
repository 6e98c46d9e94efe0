/** The conformance report as a page for people. It holds no script and no outside address. */
import type { ConformanceReport, RuleOutcome } from '../../channels/conformance.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (found) => ESCAPES[found] ?? '');

const MARKS: Readonly<Record<RuleOutcome['outcome'], string>> = {
  passed: 'passed',
  failed: 'FAILED',
  'not-run': 'not run',
  'not-of-channel': 'not of this channel',
};

/** The report as one HTML document. */
export function conformanceHtml(
  report: ConformanceReport,
  run: { readonly target: string; readonly at: Date },
): string {
  const rows = report.rules
    .map(
      ({ rule, outcome, reason }) =>
        `<tr class="${outcome}"><td>${escape(rule)}</td><td>${MARKS[outcome]}</td><td>${escape(reason ?? '')}</td></tr>`,
    )
    .join('\n');
  const verdict = report.conforms ? 'conforms' : 'does not conform';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Conformance of the channel ${escape(report.channel)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #ccd5cf; padding: 0.35rem 0.6rem; text-align: left; vertical-align: top; }
.passed td:nth-child(2) { color: #0d4a34; }
.failed td { background: #fbeceb; }
.failed td:nth-child(2) { color: #a3161f; font-weight: bold; }
.not-run td, .not-of-channel td { color: #67756d; }
</style>
</head>
<body>
<h1>Channel ${escape(report.channel)} ${verdict}</h1>
<p>${escape(run.target)}, ${escape(run.at.toISOString())}: ${String(report.passed)} rules passed, ${String(report.failed)} failed, ${String(report.notRun)} not run, ${String(report.notOfChannel)} not of this channel.</p>
<table>
<thead><tr><th>Rule</th><th>Outcome</th><th>Reason</th></tr></thead>
<tbody>
${rows}
</tbody>
</table>
</body>
</html>
`;
}
