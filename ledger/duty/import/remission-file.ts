/** The file of remissions and exemptions (`remissions.csv`). */
import { paisa } from '../../../kernel/money.ts';
import type { Relief, RemissionRow } from '../duty-book.ts';
import type { RowReader } from './row-reader.ts';
import { readTable, type SourceFile, type TableResult } from './table-file.ts';

const CODE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const CODE_FORM = 'small letters and digits with single hyphens';
const RELIEFS = ['exempt', 'percent-off', 'amount-off', 'reduced-rate'] as const;

function reliefOf(cell: RowReader): Relief {
  const kind = cell.oneOf('relief', RELIEFS);
  const empty = (column: string): void => {
    if (!cell.isEmpty(column)) cell.problem(column, `must be empty when the relief is ${kind}`);
  };
  if (kind !== 'amount-off') empty('amount');
  if (kind === 'exempt' || kind === 'amount-off') empty('rate_percent');
  switch (kind) {
    case 'exempt':
      return { kind };
    case 'amount-off':
      return { kind, amount: cell.rupees('amount') };
    case 'percent-off':
    case 'reduced-rate':
      return { kind, rate: cell.percent('rate_percent') };
  }
}

/** What a row of remissions may name. */
interface Known {
  readonly instruments: ReadonlySet<string>;
  readonly levies: ReadonlySet<string>;
}

function remissionRow(cell: RowReader, known: Known): RemissionRow {
  const of = cell.text('of');
  if (of !== '' && of !== 'stamp-duty' && !known.levies.has(of)) {
    cell.problem('of', `"${of}" is neither stamp-duty nor a levy`);
  }
  const instruments = cell.text('instruments').split(/\s+/);
  for (const instrument of instruments) {
    if (instrument !== '' && !known.instruments.has(instrument))
      cell.problem('instruments', `Schedule I has no instrument "${instrument}"`);
  }
  const valueAbove = cell.optionalRupees('value_above') ?? paisa(0n);
  const valueUpTo = cell.optionalRupees('value_up_to');
  if (valueUpTo !== undefined && valueUpTo <= valueAbove) {
    cell.problem('value_up_to', 'is not more than value_above');
  }
  const effectiveFrom = cell.date('from');
  const effectiveTo = cell.optionalDate('to');
  if (effectiveTo !== undefined && effectiveTo < effectiveFrom)
    cell.problem('to', 'is before from');
  return {
    line: cell.line,
    remission: cell.code('remission', CODE, CODE_FORM),
    title: cell.text('title'),
    titleUrdu: cell.text('title_urdu'),
    of,
    instruments,
    setting: cell.oneOf('setting', ['any', 'urban', 'rural']),
    valueAbove,
    ...(valueUpTo === undefined ? {} : { valueUpTo }),
    relief: reliefOf(cell),
    evidence: cell.text('evidence'),
    active: cell.yesNo('active'),
    effectiveFrom,
    ...(effectiveTo === undefined ? {} : { effectiveTo }),
    source: cell.text('source'),
    assumed: cell.yesNo('assumed'),
  };
}

/** Reads remissions; the instruments and levies that they name must be known. */
export function readRemissions(file: SourceFile, known: Known): TableResult<RemissionRow> {
  return readTable<RemissionRow>(file, {
    columns: [
      'remission',
      'title',
      'title_urdu',
      'of',
      'instruments',
      'setting',
      'value_above',
      'value_up_to',
      'relief',
      'rate_percent',
      'amount',
      'evidence',
      'active',
      'from',
      'to',
      'source',
      'assumed',
    ],
    toRow: (cell) => remissionRow(cell, known),
  });
}
