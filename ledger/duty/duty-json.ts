/** The JSON form of a calculation: money as digits of paisa, nothing left to read between the lines. */
import type { ChallanLineDraft } from '../challans/challan-line-draft.ts';
import type { Duty, DutyLine, DutyResult } from './calculate-duty.ts';
import type { TraceStep } from './trace.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

function lineToJson(line: DutyLine): Json {
  return {
    line: line.line,
    headCode: line.headCode,
    headTitle: line.headTitle,
    description: line.description,
    amount: line.amount.toString(),
    assumed: line.assumed,
    stampBearing: line.stamp !== undefined,
    ...(line.stamp === undefined
      ? {}
      : { stampKind: line.stamp.kind, article: line.stamp.article }),
  };
}

function stepToJson(step: TraceStep): Json {
  return {
    step: step.step,
    text: step.text,
    textUrdu: step.textUrdu,
    figures: step.figures,
    ...(step.source === undefined ? {} : { source: step.source }),
    assumed: step.assumed,
  };
}

function valuesToJson(value: Duty['value']): Json {
  return Object.fromEntries(Object.entries(value).map(([name, amount]) => [name, String(amount)]));
}

/**
 * A result as JSON: `{"ok": true, "date", "instrument", "value", "properties", "lines", "total", "assumed",
 * "trace", "versions"}`, or a refusal `{"ok": false, "code", "path", "message"}`.
 */
export function dutyResultToJson(result: DutyResult): { readonly [key: string]: Json } {
  if (!result.ok) {
    return { ok: false, code: result.code, path: result.path, message: result.message };
  }
  const { schedule, levies, remissions, dcTable, dcTables } = result.versions;
  return {
    ok: true,
    date: result.date,
    instrument: { ...result.instrument },
    value: valuesToJson(result.value),
    properties: result.properties.map(({ byTable, ...place }) => ({
      ...place,
      ...(byTable === undefined ? {} : { byTable: byTable.toString() }),
    })),
    lines: result.lines.map(lineToJson),
    total: result.total.toString(),
    assumed: result.assumed,
    trace: result.trace.map(stepToJson),
    versions: {
      schedule: { ...schedule },
      levies: { ...levies },
      remissions: { ...remissions },
      ...(dcTable === undefined ? {} : { dcTable: { ...dcTable } }),
      ...(dcTables.length < 2 ? {} : { dcTables: dcTables.map((each) => ({ ...each })) }),
    },
  };
}

/** The lines as drafts of a challan; the first bears the e-stamp. */
export function dutyChallanLines(duty: Duty): ChallanLineDraft[] {
  return duty.lines.map((line) => ({
    headCode: line.headCode,
    description: line.description,
    amount: line.amount,
    assumed: line.assumed,
    ...(line.stamp === undefined
      ? {}
      : {
          stamp: {
            kind: line.stamp.kind,
            article: line.stamp.article,
            description: line.description,
          },
        }),
  }));
}
