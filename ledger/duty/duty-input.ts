/** What is asked of a calculation, and its JSON form for the API and the command line. */
import { z } from 'zod';
import { AREA_UNITS, type Area } from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import { parsePaisa, type Paisa } from '../../kernel/money.ts';
import {
  LAND_CLASSES,
  SETTINGS,
  STOREYS,
  TAXPAYER_STATUSES,
  type LandClass,
  type Setting,
  type Storey,
  type TaxpayerStatus,
} from './duty-book.ts';

/** Covered area of one storey, or of the whole building when the storey is `any`. */
export interface CoveredArea {
  readonly storey: Storey;
  readonly area: Area;
}

export interface Property {
  readonly district: string;
  readonly tehsil: string;
  /** Code of the locality in the valuation table. */
  readonly locality: string;
  /** Read only where the district has no valuation table; else the table says it. */
  readonly setting?: Setting | undefined;
  readonly landClass: LandClass;
  readonly area: Area;
  readonly coveredAreas: readonly CoveredArea[];
}

export interface DutyInput {
  readonly instrument: string;
  /** Date of execution; the caller's today when absent. */
  readonly date?: BusinessDate | undefined;
  /** The consideration or amount that the deed states. */
  readonly declaredValue?: Paisa | undefined;
  readonly property?: Property | undefined;
  /** Standing of the parties for the federal advance tax; the tax is left out, and said so, when absent. */
  readonly seller?: TaxpayerStatus | undefined;
  readonly purchaser?: TaxpayerStatus | undefined;
}

const STOREYS_MAX = 20;

const code = (what: string, example: string): z.ZodString =>
  z
    .string({ error: `${what} is required, for example "${example}"` })
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9-]{0,59}$/,
      `${what} must be a code of the reference tables, for example "${example}"`,
    );

function oneOf<const T extends readonly string[]>(
  what: string,
  values: T,
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: `${what} must be one of: ${values.join(', ')}` });
}

const decimalText = z
  .string({ error: 'an area is required, as text: "10" or "5.5"' })
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be digits with at most six decimals, as text: "5.5"');

const area = z.strictObject({ value: decimalText, unit: oneOf('unit', AREA_UNITS) });

const coveredArea = z
  .union(
    [
      decimalText.transform((value): CoveredArea[] => [
        { storey: 'any', area: { value, unit: 'sq-ft' } },
      ]),
      area.transform((whole): CoveredArea[] => [{ storey: 'any', area: whole }]),
      z
        .array(area.extend({ storey: oneOf('storey', STOREYS) }))
        .min(1)
        .max(STOREYS_MAX)
        .transform((storeys): CoveredArea[] =>
          storeys.map(({ storey, value, unit }) => ({ storey, area: { value, unit } })),
        ),
    ],
    {
      error:
        'must be square feet as text ("1800"), {"value", "unit"}, or a list of {"storey", "value", "unit"}',
    },
  )
  .optional();

const property = z
  .strictObject({
    district: code('district', 'LHR'),
    tehsil: code('tehsil', 'LHR-CITY'),
    locality: code('locality', 'gulberg-iii'),
    setting: oneOf('setting', SETTINGS).optional(),
    landClass: oneOf('landClass', LAND_CLASSES),
    area,
    coveredArea,
  })
  .transform(({ coveredArea: coveredAreas, ...rest }): Property => ({
    ...rest,
    coveredAreas: coveredAreas ?? [],
  }));

function isCalendarDay(text: string): boolean {
  const instant = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text);
}

/**
 * The JSON form of a `DutyInput`: strict, money as digits of paisa, areas as text. An unknown key, a number
 * where text is asked for, or a unit that is not known is refused with a sentence that names what is right.
 */
export const dutyInputSchema = z.strictObject({
  instrument: code('instrument', 'conveyance'),
  date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day written YYYY-MM-DD')
    .refine(isCalendarDay, 'must be a day of the calendar')
    .optional(),
  declaredValue: z
    .string({ error: 'must be paisa as text, digits only: "450000000" is Rs 45 lakh' })
    .regex(/^(0|[1-9]\d{0,14})$/, 'must be a whole number of paisa as text, digits only')
    .transform(parsePaisa)
    .optional(),
  property: property.optional(),
  seller: oneOf('seller', TAXPAYER_STATUSES).optional(),
  purchaser: oneOf('purchaser', TAXPAYER_STATUSES).optional(),
});
