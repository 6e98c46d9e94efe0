/** Reads what one calculation needs: by instrument, district, tehsil and locality, never a whole table. */
import type { BusinessDate } from '../../kernel/clock.ts';
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { loadLocalities, loadTableHeads, tableInForce } from './dc-table-lookup.ts';
import type { DutyBook, Place } from './duty-book.ts';
import {
  loadHeads,
  loadLevyRows,
  loadRemissionRows,
  loadScheduleRows,
  loadVersions,
} from './rate-book-store.ts';

/** Where a property lies. */
export interface Locus {
  readonly district: string;
  readonly tehsil: string;
  readonly locality: string;
}

/** What a book is loaded for. */
export interface DutyBookQuery {
  readonly date: BusinessDate;
  readonly instrument: string;
  readonly properties: readonly Locus[];
}

async function loadPlace(db: Queryable, locus: Locus, date: BusinessDate): Promise<Place> {
  const [row] = await db.query<{ district: string; tehsil: string | null }>(
    prepared(
      'load_place',
      sql`select d.name as district, t.name as tehsil
          from district d
          left join tehsil t on t.district_code = d.code and t.code = ${locus.tehsil}
          where d.code = ${locus.district}`,
    ),
  );
  if (row === undefined) return { hasTables: false };
  const tables = await loadTableHeads(db, locus.district);
  const table = tableInForce(tables, date);
  const known = {
    districtName: row.district,
    ...(row.tehsil === null ? {} : { tehsilName: row.tehsil }),
    hasTables: tables.length > 0,
  };
  if (table === undefined) return known;
  const [locality] = await loadLocalities(db, [{ table, ...locus }]);
  return { ...known, table: locality === undefined ? table : { ...table, locality } };
}

/**
 * Loads the book for one calculation. A name that the tables do not know is no fault here: the calculation
 * refuses it in words. Throws `config-invalid` when no rates are loaded at all.
 */
export async function loadDutyBook(db: Queryable, query: DutyBookQuery): Promise<DutyBook> {
  const versions = await loadVersions(db);
  const places: Place[] = [];
  for (const locus of query.properties) places.push(await loadPlace(db, locus, query.date));
  return {
    date: query.date,
    scheduleVersion: versions.schedule,
    schedule: await loadScheduleRows(db, query.instrument),
    levyVersion: versions.levies,
    levies: await loadLevyRows(db, query.instrument),
    remissionVersion: versions.remissions,
    remissions: await loadRemissionRows(db, query.instrument),
    heads: await loadHeads(db),
    places,
  };
}
