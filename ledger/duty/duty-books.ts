/**
 * Duty books kept in memory. No calculation sees rates older than the moment it began: before each one the state
 * of the reference data is asked for, and calculations that wait at the same time share one question (the state
 * is a few counts, and what it stands for never changes in place). Localities are loaded when they are first asked
 * for, many with one statement, and the least used ones are let go.
 */
import { prepared, sql, type Database, type Queryable } from '../../kernel/database.ts';
import {
  loadLocalities,
  loadTableHeads,
  localityKeyText,
  tableInForce,
  type LocalityKey,
  type TableHead,
  type TableLocality,
} from './dc-table-lookup.ts';
import type { DutyBookQuery, Locus } from './duty-book-store.ts';
import type { DutyBook, LevyRow, Place, RemissionRow, ScheduleRow } from './duty-book.ts';
import {
  loadHeads,
  loadLevyRows,
  loadRemissionRows,
  loadScheduleRows,
  loadVersions,
} from './rate-book-store.ts';

const LOCALITIES_MAX = 100_000;
/** Localities that one statement asks for. */
const LOAD_MAX = 5_000;

/** All rates of one state of the reference data. */
interface Rates extends Pick<
  DutyBook,
  'scheduleVersion' | 'levyVersion' | 'remissionVersion' | 'heads'
> {
  readonly state: string;
  readonly schedule: ReadonlyMap<string, readonly ScheduleRow[]>;
  readonly levies: ReadonlyMap<string, readonly LevyRow[]>;
  readonly remissions: ReadonlyMap<string, readonly RemissionRow[]>;
  readonly districts: ReadonlyMap<string, string>;
  /** By district and code. */
  readonly tehsils: ReadonlyMap<string, string>;
  readonly tables: ReadonlyMap<string, readonly TableHead[]>;
}

/**
 * The state of the reference data as text. Versions only grow, tables only go from proposed to approved or
 * refused, and places change only with the hash of their file: any change changes it.
 */
async function referenceState(db: Queryable): Promise<string> {
  const [row] = await db.query<{ state: string }>(
    prepared(
      'reference_state',
      sql`select concat_ws(' ',
            (select max(version) from schedule_version), (select max(version) from levy_version),
            (select max(version) from remission_version),
            (select count(*) from dc_table), (select count(*) from dc_table where state = 'approved'),
            (select count(*) from dc_table where state = 'refused'),
            (select string_agg(sha256, ' ' order by kind) from reference_file)) as state`,
    ),
  );
  return row?.state ?? '';
}

function groups<T>(rows: readonly T[], keysOf: (row: T) => readonly string[]): Map<string, T[]> {
  const grouped = new Map<string, T[]>();
  for (const row of rows) {
    for (const key of keysOf(row)) {
      const group = grouped.get(key);
      if (group === undefined) grouped.set(key, [row]);
      else group.push(row);
    }
  }
  return grouped;
}

async function loadRates(tx: Queryable): Promise<Rates> {
  // All reads of one state, whatever is approved meanwhile.
  await tx.query(sql`set transaction isolation level repeatable read, read only`);
  const state = await referenceState(tx);
  const versions = await loadVersions(tx);
  const districts = await tx.query<{ code: string; name: string }>(
    sql`select code, name from district`,
  );
  const tehsils = await tx.query<{ code: string; name: string; district_code: string }>(
    sql`select code, name, district_code from tehsil`,
  );
  return {
    state,
    scheduleVersion: versions.schedule,
    levyVersion: versions.levies,
    remissionVersion: versions.remissions,
    schedule: groups(await loadScheduleRows(tx), (row) => [row.instrument]),
    levies: groups(await loadLevyRows(tx), (row) => row.instruments),
    remissions: groups(await loadRemissionRows(tx), (row) => row.instruments),
    heads: await loadHeads(tx),
    districts: new Map(districts.map(({ code, name }) => [code, name])),
    tehsils: new Map(tehsils.map((row) => [`${row.district_code} ${row.code}`, row.name])),
    tables: groups(await loadTableHeads(tx), (table) => [table.districtCode]),
  };
}

interface Waiting {
  readonly key: LocalityKey;
  readonly text: string;
  readonly resolve: (locality: TableLocality | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

export class DutyBooks {
  readonly #database: Database;
  readonly #halfMax: number;
  #rates: Rates | undefined;
  /** The check that runs, and the one that begins after it for those who came meanwhile. */
  #running: Promise<Rates> | undefined;
  #next: Promise<Rates> | undefined;
  /** Used localities, and those that were used before them; null: the table does not name it. */
  #recent = new Map<string, TableLocality | null>();
  #older = new Map<string, TableLocality | null>();
  #waiting: Waiting[] = [];
  #loading = false;

  constructor(database: Database, options: { readonly localitiesMax?: number } = {}) {
    this.#database = database;
    this.#halfMax = ((options.localitiesMax ?? LOCALITIES_MAX) + 1) >> 1;
  }

  /** The book for one calculation, as `loadDutyBook` would load it now. Throws `config-invalid` without rates. */
  async book(query: DutyBookQuery): Promise<DutyBook> {
    const rates = await this.#fresh();
    const places: Place[] = [];
    for (const locus of query.properties) {
      const place = this.#place(rates, locus, query.date);
      places.push(place instanceof Promise ? await place : place);
    }
    return {
      date: query.date,
      scheduleVersion: rates.scheduleVersion,
      schedule: rates.schedule.get(query.instrument) ?? [],
      levyVersion: rates.levyVersion,
      levies: rates.levies.get(query.instrument) ?? [],
      remissionVersion: rates.remissionVersion,
      remissions: rates.remissions.get(query.instrument) ?? [],
      heads: rates.heads,
      places,
    };
  }

  /** The rates as they are now: of a check that began after this call. */
  #fresh(): Promise<Rates> {
    if (this.#running === undefined) {
      this.#running = this.#check();
      return this.#running;
    }
    this.#next ??= this.#running.then(
      () => this.#startNext(),
      () => this.#startNext(),
    );
    return this.#next;
  }

  #startNext(): Promise<Rates> {
    this.#next = undefined;
    this.#running = this.#check();
    return this.#running;
  }

  async #check(): Promise<Rates> {
    try {
      const state = await referenceState(this.#database);
      if (this.#rates?.state !== state) this.#rates = await this.#database.transaction(loadRates);
      return this.#rates;
    } finally {
      if (this.#next === undefined) this.#running = undefined;
    }
  }

  #place(rates: Rates, locus: Locus, date: string): Place | Promise<Place> {
    const districtName = rates.districts.get(locus.district);
    if (districtName === undefined) return { hasTables: false };
    const tehsilName = rates.tehsils.get(`${locus.district} ${locus.tehsil}`);
    const tables = rates.tables.get(locus.district) ?? [];
    const table = tableInForce(tables, date);
    const known = {
      districtName,
      ...(tehsilName === undefined ? {} : { tehsilName }),
      hasTables: tables.length > 0,
    };
    if (table === undefined) return known;
    const placed = (locality: TableLocality | undefined): Place => ({
      ...known,
      table: locality === undefined ? table : { ...table, locality },
    });
    const key = { table, tehsil: locus.tehsil, locality: locus.locality };
    const text = localityKeyText(key);
    const kept = this.#kept(text);
    return kept === undefined ? this.#load(key, text).then(placed) : placed(kept ?? undefined);
  }

  /** A kept locality, null for one that the table does not name, undefined for one that is not kept. */
  #kept(text: string): TableLocality | null | undefined {
    const recent = this.#recent.get(text);
    if (recent !== undefined) return recent;
    const older = this.#older.get(text);
    if (older !== undefined) this.#keep(text, older);
    return older;
  }

  #keep(text: string, locality: TableLocality | null): void {
    if (this.#recent.size >= this.#halfMax) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(text, locality);
  }

  #load(key: LocalityKey, text: string): Promise<TableLocality | undefined> {
    const loaded = new Promise<TableLocality | undefined>((resolve, reject) => {
      this.#waiting.push({ key, text, resolve, reject });
    });
    if (!this.#loading) {
      this.#loading = true;
      // Those who ask in the same turn go with the first statement.
      queueMicrotask(() => void this.#loadWaiting());
    }
    return loaded;
  }

  async #loadWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, LOAD_MAX);
      try {
        const found = await loadLocalities(
          this.#database,
          batch.map((each) => each.key),
        );
        for (const [index, each] of batch.entries()) {
          const locality = found[index];
          this.#keep(each.text, locality ?? null);
          each.resolve(locality);
        }
      } catch (error) {
        for (const each of batch) each.reject(error);
      }
    }
    this.#loading = false;
  }
}
