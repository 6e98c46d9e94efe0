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

export const STOREYS = ['any', 'basement', 'ground', 'upper'] as const;
export type Storey = (typeof STOREYS)[number];

export const TAXPAYER_STATUSES = ['filer', 'late-filer', 'non-filer'] as const;
/** Standing in the Active Taxpayers' List of the Federal Board of Revenue. */
export type TaxpayerStatus = (typeof TAXPAYER_STATUSES)[number];

/** How a row of the Schedule or of the levies reckons. */
export type Charge =
  | { readonly kind: 'fixed'; readonly amount: Paisa }
  | {
      readonly kind: 'percent';
      /** Per cent as decimal text: `1` is one per cent. */
      readonly rate: string;
      readonly minimum?: Paisa;
      readonly maximum?: Paisa;
    };

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
  /** What a percentage is of, and what the value limits are compared with. */
  readonly valueOf: 'property' | 'consideration';
}

/** A fee or tax that is collected together with the duty. */
export interface LevyRow extends DatedRow {
  readonly levy: string;
  readonly title: string;
  readonly instruments: readonly string[];
  readonly payer: 'either' | 'seller' | 'purchaser';
  readonly taxpayerStatus: TaxpayerStatus | 'any';
  readonly active: boolean;
}

/** One rate of a valuation table. */
export interface DcRate {
  readonly line: number;
  readonly part: 'land' | 'structure';
  readonly landClass: LandClass;
  readonly storey: Storey;
  readonly unit: AreaUnit;
  readonly marlaBasis: MarlaBasis;
  readonly rate: Paisa;
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
  /** The heads of account that the rows name, by code. */
  readonly heads: ReadonlyMap<string, HeadOfAccount>;
  /** Present when the book was loaded for a property. */
  readonly place?: Place;
}

/** True when the row holds on the date. */
export function inForce(row: DatedRow, date: BusinessDate): boolean {
  return row.effectiveFrom <= date && (row.effectiveTo === undefined || date <= row.effectiveTo);
}

/** True when what the row charges, or whether it is charged, depends on the value. */
export function dependsOnValue(row: DatedRow): boolean {
  return row.charge.kind === 'percent' || row.valueAbove > 0n || row.valueUpTo !== undefined;
}

/** True when the row's value limits hold the value. */
export function holdsValue(row: DatedRow, value: Paisa): boolean {
  return row.valueAbove < value && (row.valueUpTo === undefined || value <= row.valueUpTo);
}
