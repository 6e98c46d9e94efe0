/** Reads the versions in use of Schedule I, of the levies and of the remissions. */
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { paisa } from '../../kernel/money.ts';
import type {
  Charge,
  DatedRow,
  HeadOfAccount,
  LevyRow,
  RateVersion,
  Relief,
  RemissionRow,
  ScheduleRow,
  Setting,
  TaxpayerStatus,
} from './duty-book.ts';

type DatedColumns = {
  line: number;
  basis: string;
  setting: Setting | 'any';
  value_above_paisa: bigint;
  value_up_to_paisa: bigint | null;
  amount_paisa: bigint | null;
  rate_percent: string | null;
  slab_paisa: bigint | null;
  minimum_paisa: bigint | null;
  maximum_paisa: bigint | null;
  head_code: string;
  rounding: 'rupee-up' | 'paisa-nearest';
  effective_from: string;
  effective_to: string | null;
  source: string;
  assumed: boolean;
};

function chargeOf(row: DatedColumns): Charge {
  const amount = paisa(row.amount_paisa ?? 0n);
  const rate = row.rate_percent ?? '0';
  const limits = {
    ...(row.minimum_paisa === null ? {} : { minimum: paisa(row.minimum_paisa) }),
    ...(row.maximum_paisa === null ? {} : { maximum: paisa(row.maximum_paisa) }),
  };
  if (row.basis === 'per-head') return { kind: 'per-head', amount, ...limits };
  if (row.basis.startsWith('percent-')) return { kind: 'percent', rate, ...limits };
  if (row.basis.startsWith('excess-')) return { kind: 'excess', amount, rate, ...limits };
  if (row.slab_paisa !== null) {
    return { kind: 'slab', amount, slab: paisa(row.slab_paisa), ...limits };
  }
  return { kind: 'fixed', amount };
}

function datedRow(row: DatedColumns): DatedRow {
  return {
    line: row.line,
    setting: row.setting,
    valueAbove: paisa(row.value_above_paisa),
    ...(row.value_up_to_paisa === null ? {} : { valueUpTo: paisa(row.value_up_to_paisa) }),
    charge: chargeOf(row),
    headCode: row.head_code,
    rounding: row.rounding,
    effectiveFrom: row.effective_from,
    ...(row.effective_to === null ? {} : { effectiveTo: row.effective_to }),
    source: row.source,
    assumed: row.assumed,
  };
}

type ScheduleColumns = DatedColumns & {
  instrument_code: string;
  title: string;
  article: string;
  sub_article: string | null;
  stamp_kind: 'non-judicial' | 'judicial';
};

const VALUE_BASES = ['consideration', 'property', 'table'] as const;

function scheduleRow(row: ScheduleColumns): ScheduleRow {
  return {
    ...datedRow(row),
    instrument: row.instrument_code,
    title: row.title,
    article: row.article,
    ...(row.sub_article === null ? {} : { subArticle: row.sub_article }),
    stampKind: row.stamp_kind,
    valueOf: VALUE_BASES.find((of) => row.basis.endsWith(`-of-${of}`)) ?? 'consideration',
  };
}

/** Rows of the newest Schedule I, of one instrument or of all. */
export async function loadScheduleRows(db: Queryable, instrument?: string): Promise<ScheduleRow[]> {
  const rows = await db.query<ScheduleColumns>(
    prepared(
      'load_schedule_rows',
      sql`select line, instrument_code, title, article, sub_article, stamp_kind, head_code, basis, setting,
            value_above_paisa, value_up_to_paisa, amount_paisa, trim_scale(rate_percent)::text as rate_percent,
            slab_paisa, minimum_paisa, maximum_paisa, rounding, effective_from, effective_to, source, assumed
          from schedule_row
          where version = (select max(version) from schedule_version)
            and (${instrument ?? null}::text is null or instrument_code = ${instrument ?? null})
          order by line`,
    ),
  );
  return rows.map(scheduleRow);
}

type LevyColumns = DatedColumns & {
  levy_code: string;
  title: string;
  title_urdu: string;
  instrument_codes: string[];
  payer: 'either' | 'seller' | 'purchaser';
  taxpayer_status: TaxpayerStatus | 'any';
  active: boolean;
};

/** Rows of the newest levies, of one instrument or of all. */
export async function loadLevyRows(db: Queryable, instrument?: string): Promise<LevyRow[]> {
  const rows = await db.query<LevyColumns>(
    prepared(
      'load_levy_rows',
      sql`select line, levy_code, title, title_urdu, head_code, instrument_codes, payer, taxpayer_status, basis, setting,
            value_above_paisa, value_up_to_paisa, amount_paisa, trim_scale(rate_percent)::text as rate_percent, slab_paisa,
            minimum_paisa, maximum_paisa, rounding, active, effective_from, effective_to, source, assumed
          from levy_row
          where version = (select max(version) from levy_version) 
            and (${instrument ?? null}::text is null or ${instrument ?? null} = any (instrument_codes))
          order by line`,
    ),
  );
  return rows.map((row) => ({
    ...datedRow(row),
    levy: row.levy_code,
    title: row.title,
    titleUrdu: row.title_urdu === '' ? row.title : row.title_urdu,
    instruments: row.instrument_codes,
    payer: row.payer,
    taxpayerStatus: row.taxpayer_status,
    active: row.active,
  }));
}

type RemissionColumns = {
  line: number;
  remission_code: string;
  title: string;
  title_urdu: string;
  of_line: string;
  instrument_codes: string[];
  setting: Setting | 'any';
  value_above_paisa: bigint;
  value_up_to_paisa: bigint | null;
  relief: Relief['kind'];
  rate_percent: string | null;
  amount_paisa: bigint | null;
  evidence: string;
  active: boolean;
  effective_from: string;
  effective_to: string | null;
  source: string;
  assumed: boolean;
};

function reliefOf(row: RemissionColumns): Relief {
  switch (row.relief) {
    case 'exempt':
      return { kind: 'exempt' };
    case 'amount-off':
      return { kind: 'amount-off', amount: paisa(row.amount_paisa ?? 0n) };
    case 'percent-off':
    case 'reduced-rate':
      return { kind: row.relief, rate: row.rate_percent ?? '0' };
  }
}

/** Rows of the newest remissions, of one instrument or of all. */
export async function loadRemissionRows(
  db: Queryable,
  instrument?: string,
): Promise<RemissionRow[]> {
  const rows = await db.query<RemissionColumns>(
    prepared(
      'load_remission_rows',
      sql`select line, remission_code, title, title_urdu, of_line, instrument_codes, setting, value_above_paisa,
            value_up_to_paisa, relief, trim_scale(rate_percent)::text as rate_percent, amount_paisa, evidence, active,
            effective_from, effective_to, source, assumed
          from remission_row
          where version = (select max(version) from remission_version)
            and (${instrument ?? null}::text is null or ${instrument ?? null} = any (instrument_codes))
          order by line`,
    ),
  );
  return rows.map((row) => ({
    line: row.line,
    remission: row.remission_code,
    title: row.title,
    titleUrdu: row.title_urdu,
    of: row.of_line,
    instruments: row.instrument_codes,
    setting: row.setting,
    valueAbove: paisa(row.value_above_paisa),
    ...(row.value_up_to_paisa === null ? {} : { valueUpTo: paisa(row.value_up_to_paisa) }),
    relief: reliefOf(row),
    evidence: row.evidence,
    active: row.active,
    effectiveFrom: row.effective_from,
    ...(row.effective_to === null ? {} : { effectiveTo: row.effective_to }),
    source: row.source,
    assumed: row.assumed,
  }));
}

type RateKind = 'schedule' | 'levies' | 'remissions';

/** The versions in use. Throws `config-invalid` when no rates are loaded. */
export async function loadVersions(
  db: Queryable,
): Promise<Readonly<Record<RateKind, RateVersion>>> {
  const rows = await db.query<{ kind: RateKind; version: number; sha256: string }>(
    prepared(
      'load_rate_versions',
      sql`(select 'schedule' as kind, version, sha256 from schedule_version order by version desc limit 1)
          union all (select 'levies', version, sha256 from levy_version order by version desc limit 1)
          union all (select 'remissions', version, sha256 from remission_version order by version desc limit 1)`,
    ),
  );
  const find = (kind: RateKind): RateVersion => {
    const row = rows.find((each) => each.kind === kind);
    if (row === undefined) {
      throw new Fault('config-invalid', 'No rates of duty are loaded; import the reference data.');
    }
    return { version: row.version, sha256: row.sha256 };
  };
  return { schedule: find('schedule'), levies: find('levies'), remissions: find('remissions') };
}

/** All heads of account by code. */
export async function loadHeads(db: Queryable): Promise<ReadonlyMap<string, HeadOfAccount>> {
  const heads = await db.query<{ code: string; title: string; assumed: boolean }>(
    prepared('load_heads', sql`select code, title, assumed from head_of_account`),
  );
  return new Map(heads.map(({ code, title, assumed }) => [code, { title, assumed }]));
}
