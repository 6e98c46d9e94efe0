/** Lists for those who fill in an application: places, localities of a valuation table, instruments. */
import type { BusinessDate } from '../../kernel/clock.ts';
import { sql, type Queryable } from '../../kernel/database.ts';
import { needsDeclaredValue, needsProperty } from './chargeable-value.ts';
import { findDcTable } from './dc-table-lookup.ts';
import { inForce, type LandClass, type ScheduleRow, type Setting } from './duty-book.ts';
import { loadScheduleRows } from './rate-book-store.ts';

export interface NamedPlace {
  readonly code: string;
  readonly name: string;
}

export interface District extends NamedPlace {
  /** Name of its division. */
  readonly division: string;
}

/** All districts by name. */
export async function listDistricts(db: Queryable): Promise<District[]> {
  const rows = await db.query<{ code: string; name: string; division: string }>(
    sql`select d.code, d.name, v.name as division from district d join division v on v.code = d.division_code order by d.name`,
  );
  return rows.map(({ code, name, division }) => ({ code, name, division }));
}

/** The tehsils of a district by name; undefined when there is no such district. */
export async function listTehsils(
  db: Queryable,
  district: string,
): Promise<NamedPlace[] | undefined> {
  const rows = await db.query<{ code: string; name: string }>(
    sql`select code, name from tehsil where district_code = ${district} order by name`,
  );
  return rows.length === 0 ? undefined : rows.map(({ code, name }) => ({ code, name }));
}

export interface Locality extends NamedPlace {
  readonly setting: Setting;
  /** Classes of land that have a rate here. */
  readonly landClasses: readonly LandClass[];
}

/**
 * The localities of a tehsil in the valuation table that is in force on the date, by name; none when no table
 * is. Undefined when there is no such tehsil in the district.
 */
export async function listLocalities(
  db: Queryable,
  tehsil: { readonly district: string; readonly tehsil: string },
  date: BusinessDate,
): Promise<Locality[] | undefined> {
  const known = await db.query(
    sql`select 1 from tehsil where district_code = ${tehsil.district} and code = ${tehsil.tehsil}`,
  );
  if (known.length === 0) return undefined;
  const table = await findDcTable(db, tehsil.district, date);
  if (table === undefined) return [];
  const rows = await db.query<{
    code: string;
    name: string;
    setting: Setting;
    land_classes: LandClass[];
  }>(sql`
    select l.locality_code as code, l.name, l.setting, array_agg(distinct r.land_class) as land_classes
    from dc_locality l
    join dc_rate r using (district_code, fiscal_year, version, tehsil_code, locality_code)
    where l.district_code = ${table.districtCode} and l.fiscal_year = ${table.fiscalYear} and l.version = ${table.version}
      and l.tehsil_code = ${tehsil.tehsil} and r.part = 'land'
    group by l.locality_code, l.name, l.setting order by l.name`);
  return rows.map(({ code, name, setting, land_classes }) => ({
    code,
    name,
    setting,
    landClasses: land_classes,
  }));
}

export interface Instrument {
  readonly code: string;
  /** `CONVEYANCE` */
  readonly title: string;
  readonly article: string;
  /** True when the duty depends on a property. */
  readonly needsProperty: boolean;
  /** True when the amount in the deed must be stated. */
  readonly needsDeclaredValue: boolean;
  /** True when a rate of it is an assumption. */
  readonly assumed: boolean;
}

/** The instruments that have a rate on the date, in the order of the Schedule. */
export async function listInstruments(db: Queryable, date: BusinessDate): Promise<Instrument[]> {
  const byCode = new Map<string, ScheduleRow[]>();
  for (const row of await loadScheduleRows(db)) {
    if (inForce(row, date)) {
      byCode.set(row.instrument, [...(byCode.get(row.instrument) ?? []), row]);
    }
  }
  return [...byCode].flatMap(([code, rows]) => {
    const [first] = rows;
    if (first === undefined) return [];
    return {
      code,
      title: first.title,
      article: first.article,
      needsProperty: needsProperty(rows),
      needsDeclaredValue: needsDeclaredValue(rows),
      assumed: rows.some((row) => row.assumed),
    };
  });
}
