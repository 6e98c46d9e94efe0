/** Reads what one calculation needs: by instrument, district, tehsil and locality, never a whole table. */
import { AREA_UNITS, MARLA_BASES, type AreaUnit, type MarlaBasis } from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { paisa } from '../../kernel/money.ts';
import type {
  Charge,
  DatedRow,
  DcRate,
  DcTable,
  DutyBook,
  HeadOfAccount,
  LandClass,
  LevyRow,
  Place,
  RateVersion,
  ScheduleRow,
  Setting,
  Storey,
  TaxpayerStatus,
} from './duty-book.ts';

/** What a book is loaded for. */
interface DutyBookQuery {
  readonly date: BusinessDate;
  readonly instrument: string;
  readonly property?:
    { readonly district: string; readonly tehsil: string; readonly locality: string } | undefined;
}

type DatedColumns = {
  line: number;
  setting: Setting | 'any';
  value_above_paisa: bigint;
  value_up_to_paisa: bigint | null;
  amount_paisa: bigint | null;
  rate_percent: string | null;
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
  if (row.rate_percent === null) return { kind: 'fixed', amount: paisa(row.amount_paisa ?? 0n) };
  return {
    kind: 'percent',
    rate: row.rate_percent,
    ...(row.minimum_paisa === null ? {} : { minimum: paisa(row.minimum_paisa) }),
    ...(row.maximum_paisa === null ? {} : { maximum: paisa(row.maximum_paisa) }),
  };
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
  basis: 'fixed' | 'percent-of-consideration' | 'percent-of-property';
};

function scheduleRow(row: ScheduleColumns): ScheduleRow {
  return {
    ...datedRow(row),
    instrument: row.instrument_code,
    title: row.title,
    article: row.article,
    ...(row.sub_article === null ? {} : { subArticle: row.sub_article }),
    stampKind: row.stamp_kind,
    valueOf: row.basis === 'percent-of-property' ? 'property' : 'consideration',
  };
}

/** Rows of the newest Schedule I, of one instrument or of all. */
export async function loadScheduleRows(db: Queryable, instrument?: string): Promise<ScheduleRow[]> {
  const rows = await db.query<ScheduleColumns>(
    prepared(
      'load_schedule_rows',
      sql`select line, instrument_code, title, article, sub_article, stamp_kind, head_code, basis, setting,
            value_above_paisa, value_up_to_paisa, amount_paisa, trim_scale(rate_percent)::text as rate_percent,
            minimum_paisa, maximum_paisa, rounding, effective_from, effective_to, source, assumed
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
  instrument_codes: string[];
  payer: 'either' | 'seller' | 'purchaser';
  taxpayer_status: TaxpayerStatus | 'any';
  active: boolean;
};

async function loadLevyRows(db: Queryable, instrument: string): Promise<LevyRow[]> {
  const rows = await db.query<LevyColumns>(
    prepared(
      'load_levy_rows',
      sql`select line, levy_code, title, head_code, instrument_codes, payer, taxpayer_status, setting, value_above_paisa,
            value_up_to_paisa, amount_paisa, trim_scale(rate_percent)::text as rate_percent, null::bigint as minimum_paisa,
            null::bigint as maximum_paisa, rounding, active, effective_from, effective_to, source, assumed
          from levy_row
          where version = (select max(version) from levy_version) and ${instrument} = any (instrument_codes)
          order by line`,
    ),
  );
  return rows.map((row) => ({
    ...datedRow(row),
    levy: row.levy_code,
    title: row.title,
    instruments: row.instrument_codes,
    payer: row.payer,
    taxpayerStatus: row.taxpayer_status,
    active: row.active,
  }));
}

async function loadVersions(
  db: Queryable,
): Promise<{ readonly schedule: RateVersion; readonly levies: RateVersion }> {
  const rows = await db.query<{ kind: 'schedule' | 'levies'; version: number; sha256: string }>(
    prepared(
      'load_rate_versions',
      sql`(select 'schedule' as kind, version, sha256 from schedule_version order by version desc limit 1)
          union all (select 'levies', version, sha256 from levy_version order by version desc limit 1)`,
    ),
  );
  const find = (kind: 'schedule' | 'levies'): RateVersion => {
    const row = rows.find((each) => each.kind === kind);
    if (row === undefined) {
      throw new Fault('config-invalid', 'No rates of duty are loaded; import the reference data.');
    }
    return { version: row.version, sha256: row.sha256 };
  };
  return { schedule: find('schedule'), levies: find('levies') };
}

type TableColumns = {
  fiscal_year: string;
  version: number;
  sha256: string;
  effective_from: string;
  effective_to: string;
};

/** The table of a district in force on a date: the highest version that covers it. */
export async function findDcTable(
  db: Queryable,
  district: string,
  date: BusinessDate,
): Promise<Omit<DcTable, 'locality'> | undefined> {
  const [row] = await db.query<TableColumns>(
    prepared(
      'find_dc_table',
      sql`select fiscal_year, version, sha256, effective_from, effective_to from dc_table
          where district_code = ${district} and effective_from <= ${date}::date and ${date}::date <= effective_to
          order by version desc limit 1`,
    ),
  );
  return row === undefined
    ? undefined
    : {
        districtCode: district,
        fiscalYear: row.fiscal_year,
        version: row.version,
        sha256: row.sha256,
        effectiveFrom: row.effective_from,
        effectiveTo: row.effective_to,
      };
}

type RateColumns = {
  name: string;
  locality_setting: Setting;
  line: number;
  part: 'land' | 'structure';
  land_class: LandClass;
  storey: Storey;
  unit: string;
  marla_sq_ft: string;
  rate_paisa: bigint;
  source: string;
  assumed: boolean;
};

function areaUnit(text: string): AreaUnit {
  return AREA_UNITS.find((unit) => unit === text) ?? 'sq-ft';
}

function marlaBasis(text: string): MarlaBasis {
  return MARLA_BASES.find((basis) => basis === text) ?? '225';
}

async function loadLocality(
  db: Queryable,
  table: Omit<DcTable, 'locality'>,
  property: NonNullable<DutyBookQuery['property']>,
): Promise<DcTable> {
  const rows = await db.query<RateColumns>(
    prepared(
      'load_dc_rates',
      sql`select l.name, l.setting as locality_setting, r.line, r.part, r.land_class, r.storey, r.unit,
            trim_scale(r.marla_sq_ft)::text as marla_sq_ft, r.rate_paisa, r.source, r.assumed
          from dc_locality l
          join dc_rate r using (district_code, fiscal_year, version, tehsil_code, locality_code)
          where l.district_code = ${table.districtCode} and l.fiscal_year = ${table.fiscalYear}
            and l.version = ${table.version} and l.tehsil_code = ${property.tehsil}
            and l.locality_code = ${property.locality}
          order by r.line`,
    ),
  );
  const [first] = rows;
  if (first === undefined) return table;
  const rates = rows.map((row): DcRate => ({
    line: row.line,
    part: row.part,
    landClass: row.land_class,
    storey: row.storey,
    unit: areaUnit(row.unit),
    marlaBasis: marlaBasis(row.marla_sq_ft),
    rate: paisa(row.rate_paisa),
    source: row.source,
    assumed: row.assumed,
  }));
  return {
    ...table,
    locality: { code: property.locality, name: first.name, setting: first.locality_setting, rates },
  };
}

async function loadPlace(
  db: Queryable,
  property: NonNullable<DutyBookQuery['property']>,
  date: BusinessDate,
): Promise<Place> {
  const [row] = await db.query<{
    district: string;
    tehsil: string | null;
    has_tables: boolean;
  }>(
    prepared(
      'load_place',
      sql`select d.name as district, t.name as tehsil,
            exists (select 1 from dc_table where district_code = d.code) as has_tables
          from district d
          left join tehsil t on t.district_code = d.code and t.code = ${property.tehsil}
          where d.code = ${property.district}`,
    ),
  );
  if (row === undefined) return { hasTables: false };
  const known = {
    districtName: row.district,
    ...(row.tehsil === null ? {} : { tehsilName: row.tehsil }),
    hasTables: row.has_tables,
  };
  const table = row.has_tables ? await findDcTable(db, property.district, date) : undefined;
  return table === undefined ? known : { ...known, table: await loadLocality(db, table, property) };
}

async function loadHeads(
  db: Queryable,
  rows: readonly DatedRow[],
): Promise<ReadonlyMap<string, HeadOfAccount>> {
  const codes = [...new Set(rows.map((row) => row.headCode))];
  const heads = await db.query<{ code: string; title: string; assumed: boolean }>(
    prepared(
      'load_heads',
      sql`select code, title, assumed from head_of_account where code = any (${codes}::text[])`,
    ),
  );
  return new Map(heads.map(({ code, title, assumed }) => [code, { title, assumed }]));
}

/**
 * Loads the book for one calculation. A name that the tables do not know is no fault here: the calculation
 * refuses it in words. Throws `config-invalid` when no rates are loaded at all.
 */
export async function loadDutyBook(db: Queryable, query: DutyBookQuery): Promise<DutyBook> {
  const versions = await loadVersions(db);
  const schedule = await loadScheduleRows(db, query.instrument);
  const levies = await loadLevyRows(db, query.instrument);
  return {
    date: query.date,
    scheduleVersion: versions.schedule,
    schedule,
    levyVersion: versions.levies,
    levies,
    heads: await loadHeads(db, [...schedule, ...levies]),
    ...(query.property === undefined
      ? {}
      : { place: await loadPlace(db, query.property, query.date) }),
  };
}
