/**
 * What a calculation reads: the rows of Schedule I, of the levies and of the valuation table that may bear on
 * one instrument and one property on one date. A book is loaded by `duty-book-store.ts`; the calculation
 * itself touches no database.
 */
import type { AreaUnit, MarlaBasis } from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import type { Paisa } from '../../kernel/money.ts';
import type { Rounding } from '../../kernel/rate.ts';

export const SETTINGS = ['urban', 'rural'] as const;
/** Immovable property in an urban area, or "any other case" of the Schedule. */
export type Setting = (typeof SETTINGS)[number];

export const LAND_CLASSES = [
  'residential',
  'commercial',
  'industrial',
  'institutional',
  'agricultural-irrigated',
  'agricultural-unirrigated',
] as const;
export type LandClass = (typeof LAND_CLASSES)[number];

/** `upper` is any storey above the ground for which the table has no rate of its own. */
export const STOREYS = ['any', 'basement', 'ground', 'first', 'second', 'third', 'upper'] as const;
export type Storey = (typeof STOREYS)[number];

export const TAXPAYER_STATUSES = ['filer', 'late-filer', 'non-filer'] as const;
/** Standing in the Active Taxpayers' List of the Federal Board of Revenue. */
export type TaxpayerStatus = (typeof TAXPAYER_STATUSES)[number];

/** Least and most that a row charges. */
interface Limits {
  readonly minimum?: Paisa;
  readonly maximum?: Paisa;
}

/** How a row of the Schedule or of the levies reckons. */
export type Charge =
  | { readonly kind: 'fixed'; readonly amount: Paisa }
  | ({
      readonly kind: 'percent';
      /** Per cent as decimal text: `1` is one per cent. */
      readonly rate: string;
    } & Limits)
  /** `amount` for each person, page or copy; the input says how many. */
  | ({ readonly kind: 'per-head'; readonly amount: Paisa } & Limits)
  /** `amount` for every `slab` of the value or part of one. */
  | ({ readonly kind: 'slab'; readonly amount: Paisa; readonly slab: Paisa } & Limits)
  /** `amount`, and `rate` per cent of what exceeds the row's `valueAbove`. */
  | ({ readonly kind: 'excess'; readonly amount: Paisa; readonly rate: string } & Limits);

/** What both kinds of dated row have in common. */
export interface DatedRow {
  /** Line of the file it was loaded from. */
  readonly line: number;
  readonly setting: Setting | 'any';
  /** Holds for `valueAbove < value <= valueUpTo`; no upper end when absent. */
  readonly valueAbove: Paisa;
  readonly valueUpTo?: Paisa;
  readonly charge: Charge;
  readonly headCode: string;
  readonly rounding: Extract<Rounding, 'rupee-up' | 'paisa-nearest'>;
  readonly effectiveFrom: BusinessDate;
  /** Last day; open when absent. */
  readonly effectiveTo?: BusinessDate;
  readonly source: string;
  readonly assumed: boolean;
}

/** A row of Schedule I of the Stamp Act 1899. */
export interface ScheduleRow extends DatedRow {
  readonly instrument: string;
  /** `CONVEYANCE` */
  readonly title: string;
  readonly article: string;
  readonly subArticle?: string;
  readonly stampKind: 'non-judicial' | 'judicial';
  /**
   * What a percentage is of, and what the value limits are compared with: the table's value or the declared one,
   * the higher (`property`), the declared one (`consideration`), or the table's alone (`table`).
   */
  readonly valueOf: 'property' | 'consideration' | 'table';
}

/** A fee or tax that is collected together with the duty. */
export interface LevyRow extends DatedRow {
  readonly levy: string;
  readonly title: string;
  /** The title in Urdu; the English one again where the file has none. */
  readonly titleUrdu: string;
  readonly instruments: readonly string[];
  readonly payer: 'either' | 'seller' | 'purchaser';
  readonly taxpayerStatus: TaxpayerStatus | 'any';
  readonly active: boolean;
}

/** How much of a charge a remission takes away. */
export type Relief =
  | { readonly kind: 'exempt' }
  /** So many per cent of the charge are remitted. */
  | { readonly kind: 'percent-off'; readonly rate: string }
  /** So much of the charge is remitted. */
  | { readonly kind: 'amount-off'; readonly amount: Paisa }
  /** The charge is reckoned at this per cent of the value where that is less. */
  | { readonly kind: 'reduced-rate'; readonly rate: string };

/** A remission or exemption (Stamp Act 1899, ss. 9 and 9-A), granted on a claim that an officer can check. */
export interface RemissionRow {
  readonly line: number;
  readonly remission: string;
  readonly title: string;
  readonly titleUrdu: string;
  /** `stamp-duty` or the code of a levy. */
  readonly of: string;
  readonly instruments: readonly string[];
  readonly setting: Setting | 'any';
  readonly valueAbove: Paisa;
  readonly valueUpTo?: Paisa;
  readonly relief: Relief;
  /** What the officer must see. */
  readonly evidence: string;
  readonly active: boolean;
  readonly effectiveFrom: BusinessDate;
  readonly effectiveTo?: BusinessDate;
  readonly source: string;
  readonly assumed: boolean;
}

/** One rate of a valuation table. */
export interface DcRate {
  readonly line: number;
  /** Khasra numbers that the rate is for, as `khasra.ts` writes them; empty is the rest of the locality. */
  readonly khasras: string;
  readonly part: 'land' | 'structure';
  readonly landClass: LandClass;
  readonly storey: Storey;
  readonly unit: AreaUnit;
  readonly marlaBasis: MarlaBasis;
  readonly rate: Paisa;
  /** Per cent that a plot on a corner, or on a main road, is dearer; `0` where the table says nothing. */
  readonly cornerPercent: string;
  readonly mainRoadPercent: string;
  readonly source: string;
  readonly assumed: boolean;
}

/** A valuation table in force, cut down to one locality. */
export interface DcTable {
  readonly districtCode: string;
  readonly fiscalYear: string;
  readonly version: number;
  readonly sha256: string;
  readonly effectiveFrom: BusinessDate;
  readonly effectiveTo: BusinessDate;
  /** Absent when the table does not name the locality that was asked for. */
  readonly locality?: {
    readonly code: string;
    readonly name: string;
    readonly setting: Setting;
    readonly rates: readonly DcRate[];
  };
}

/** Where the property lies, as far as the register of places and the valuation tables know it. */
export interface Place {
  /** Absent when there is no such district, or no such tehsil in it. */
  readonly districtName?: string;
  readonly tehsilName?: string;
  /** True when any valuation table of the district is loaded, for whatever date. */
  readonly hasTables: boolean;
  /** The table in force on the book's date. */
  readonly table?: DcTable;
}

/** A receipt head of the Chart of Accounts. */
export interface HeadOfAccount {
  readonly title: string;
  /** True when the code or title is not confirmed. */
  readonly assumed: boolean;
}

/** The version of a file of rates. */
export interface RateVersion {
  readonly version: number;
  readonly sha256: string;
}

export interface DutyBook {
  readonly date: BusinessDate;
  readonly scheduleVersion: RateVersion;
  /** Rows of the instrument for all dates, so that a date outside all of them can be told from a wrong name. */
  readonly schedule: readonly ScheduleRow[];
  readonly levyVersion: RateVersion;
  /** Rows of the instrument for all dates, in the order of the file. */
  readonly levies: readonly LevyRow[];
  readonly remissionVersion: RateVersion;
  /** Rows of the instrument for all dates. */
  readonly remissions: readonly RemissionRow[];
  /** The heads of account that the rows name, by code. */
  readonly heads: ReadonlyMap<string, HeadOfAccount>;
  /** Where each property of the input lies, in its order. */
  readonly places: readonly Place[];
}

/** What tells whether a row applies. */
type Applicability = Pick<
  DatedRow,
  'setting' | 'valueAbove' | 'valueUpTo' | 'effectiveFrom' | 'effectiveTo'
>;

/** True when the row holds on the date. */
export function inForce(row: Applicability, date: BusinessDate): boolean {
  return row.effectiveFrom <= date && (row.effectiveTo === undefined || date <= row.effectiveTo);
}

/** True when what the row charges, or whether it is charged, depends on the value. */
export function dependsOnValue(row: DatedRow): boolean {
  const { kind } = row.charge;
  return (
    (kind !== 'fixed' && kind !== 'per-head') || row.valueAbove > 0n || row.valueUpTo !== undefined
  );
}

/**
 * True when the row is for this setting and its limits (`above` < value <= `up to`) hold the value; a row with
 * limits needs one.
 */
export function matches(
  row: Applicability,
  setting: Setting | undefined,
  value: Paisa | undefined,
): boolean {
  if (row.setting !== 'any' && row.setting !== setting) return false;
  if (value === undefined) return row.valueAbove === 0n && row.valueUpTo === undefined;
  return row.valueAbove < value && (row.valueUpTo === undefined || value <= row.valueUpTo);
}
