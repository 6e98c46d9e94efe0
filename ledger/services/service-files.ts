/** The files of departments and of the service catalogue (`reference-data/departments.csv`, `services.csv`). */
import type { BusinessDate } from '../../kernel/clock.ts';
import { SANDBOX_BILLER } from '../../kernel/ids.ts';
import type { Paisa } from '../../kernel/money.ts';
import { STAMP_KINDS, type StampKind } from '../../kernel/stamp.ts';
import type { Report, RowReader } from '../duty/import/row-reader.ts';
import {
  readTable,
  type Located,
  type SourceFile,
  type TableResult,
} from '../duty/import/table-file.ts';

const DEPARTMENT_CODE = /^[A-Z0-9]{2,12}$/;
const SERVICE_CODE = /^(?=.{1,60}$)[a-z0-9]+(-[a-z0-9]+)*$/;

const DEPARTMENT_KINDS = ['stamps', 'services', 'external'] as const;
export type DepartmentKind = (typeof DEPARTMENT_KINDS)[number];

/** Who is paid, by the first three digits of the PSID. */
export interface DepartmentRow {
  readonly code: string;
  readonly name: string;
  readonly prefix: string;
  readonly kind: DepartmentKind;
  /** Where an external biller's money is booked; undefined for the others, whose services say it. */
  readonly head: string | undefined;
  readonly source: string;
  readonly assumed: boolean;
}

/** `departments.csv`; every head must be one of `heads`. */
export function readDepartments(
  file: SourceFile,
  heads: ReadonlySet<string>,
): TableResult<DepartmentRow> {
  return readTable<DepartmentRow>(file, {
    columns: ['code', 'name', 'prefix', 'kind', 'head', 'source', 'assumed'],
    toRow: (cell) => ({
      code: cell.code('code', DEPARTMENT_CODE, '2 to 12 capitals and digits'),
      name: cell.text('name'),
      prefix: cell.code('prefix', /^[1-9]\d{2}$/, 'three digits, the first not 0'),
      kind: cell.oneOf('kind', DEPARTMENT_KINDS),
      head: cell.isEmpty('head') ? undefined : cell.text('head'),
      source: cell.text('source'),
      assumed: cell.yesNo('assumed'),
    }),
    check: (rows, report) => checkDepartments(rows, heads, report),
  });
}

function checkDepartments(
  rows: readonly Located<DepartmentRow>[],
  heads: ReadonlySet<string>,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const { line, row } of rows) {
    for (const [column, value] of [
      ['code', row.code],
      ['prefix', row.prefix],
    ] as const) {
      if (seen.has(`${column} ${value}`)) report(line, column, `"${value}" stands there twice`);
      seen.add(`${column} ${value}`);
    }
    if (row.prefix === SANDBOX_BILLER) report(line, 'prefix', `"${row.prefix}" is the sandbox's`);
    if ((row.kind === 'external') !== (row.head !== undefined))
      report(line, 'head', 'an external biller has a head of account, and no other department');
    else if (row.head !== undefined && !heads.has(row.head))
      report(line, 'head', `there is no head of account "${row.head}"`);
  }
}

/** How the amount is found: the same for everybody, or said by the department within bounds. */
export type FeeRule =
  | { readonly basis: 'fixed'; readonly amount: Paisa }
  | { readonly basis: 'given'; readonly minimum: Paisa; readonly maximum: Paisa };

const FULFILMENTS = ['receipt', 'stamp', 'webhook'] as const;
/** What the payer gets: a receipt; an e-stamp; or the department is told and does the rest. */
export type Fulfilment = (typeof FULFILMENTS)[number];

/** One row of the service catalogue: true from its first to its last day. */
export interface ServiceRow {
  readonly line: number;
  readonly code: string;
  readonly title: string;
  readonly department: string;
  readonly head: string;
  readonly fee: FeeRule;
  readonly payableDays: number;
  readonly fulfilment: Fulfilment;
  readonly stamp: { readonly kind: StampKind; readonly article: string } | undefined;
  readonly active: boolean;
  readonly from: BusinessDate;
  readonly to: BusinessDate | undefined;
  readonly source: string;
  readonly assumed: boolean;
}

function readFee(cell: RowReader): FeeRule {
  const basis = cell.oneOf('basis', ['fixed', 'given']);
  const wanted = basis === 'fixed' ? ['amount'] : ['minimum', 'maximum'];
  for (const column of ['amount', 'minimum', 'maximum'])
    if (!wanted.includes(column) && !cell.isEmpty(column))
      cell.problem(column, `must be empty where the basis is ${basis}`);
  if (basis === 'fixed') return { basis, amount: cell.rupees('amount') };
  const [minimum, maximum] = [cell.rupees('minimum'), cell.rupees('maximum')];
  if (maximum < minimum) cell.problem('maximum', 'is less than the minimum');
  return { basis, minimum, maximum };
}

function readStamp(cell: RowReader, fulfilment: Fulfilment): ServiceRow['stamp'] {
  if (fulfilment === 'stamp')
    return { kind: cell.oneOf('stamp_kind', STAMP_KINDS), article: cell.text('article') };
  for (const column of ['stamp_kind', 'article'])
    if (!cell.isEmpty(column)) cell.problem(column, 'must be empty where no stamp is issued');
  return undefined;
}

function readDays(cell: RowReader): number {
  const text = cell.code('payable_days', /^([1-9]\d?|[12]\d\d|3[0-5]\d|36[0-5])$/, '1 to 365 days');
  return /^\d{1,3}$/.test(text) ? Number.parseInt(text, 10) : 1;
}

function toServiceRow(cell: RowReader): ServiceRow {
  const fulfilment = cell.oneOf('fulfilment', FULFILMENTS);
  return {
    line: cell.line,
    code: cell.code('service', SERVICE_CODE, 'small letters, digits and hyphens'),
    title: cell.text('title'),
    department: cell.text('department'),
    head: cell.text('head'),
    fee: readFee(cell),
    payableDays: readDays(cell),
    fulfilment,
    stamp: readStamp(cell, fulfilment),
    active: cell.yesNo('active'),
    from: cell.date('from'),
    to: cell.optionalDate('to'),
    source: cell.text('source'),
    assumed: cell.yesNo('assumed'),
  };
}

/** What other files say that rows of the catalogue may name. */
export interface KnownToServices {
  readonly heads: ReadonlySet<string>;
  /** Departments of kind `services`. */
  readonly departments: ReadonlySet<string>;
}

function overlaps(left: ServiceRow, right: ServiceRow): boolean {
  return left.from <= (right.to ?? '9999-12-31') && right.from <= (left.to ?? '9999-12-31');
}

function checkServices(
  rows: readonly Located<ServiceRow>[],
  known: KnownToServices,
  report: Report,
): void {
  const before = new Map<string, ServiceRow[]>();
  for (const { line, row } of rows) {
    if (!known.departments.has(row.department))
      report(line, 'department', `there is no department "${row.department}" with services`);
    if (!known.heads.has(row.head))
      report(line, 'head', `there is no head of account "${row.head}"`);
    if (row.to !== undefined && row.to < row.from) report(line, 'to', 'is before the first day');
    const others = before.get(row.code) ?? [];
    const twin = others.find((other) => overlaps(other, row));
    if (twin !== undefined)
      report(
        line,
        'from',
        `the service has another row for these days on line ${String(twin.line)}`,
      );
    if (others.some((other) => other.department !== row.department))
      report(line, 'department', 'a service stays with its department');
    before.set(row.code, [...others, row]);
  }
}

/** `services.csv` */
export function readServices(file: SourceFile, known: KnownToServices): TableResult<ServiceRow> {
  return readTable<ServiceRow>(file, {
    columns: [
      ...['service', 'title', 'department', 'head', 'basis', 'amount', 'minimum', 'maximum'],
      ...['payable_days', 'fulfilment', 'stamp_kind', 'article', 'active', 'from', 'to'],
      ...['source', 'assumed'],
    ],
    toRow: toServiceRow,
    check: (rows, report) => checkServices(rows, known, report),
  });
}
