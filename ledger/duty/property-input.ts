/** A property as a deed states it, and its JSON form. */
import { z } from 'zod';
import { AREA_UNITS, MARLA_BASES, type Area, type MarlaBasis } from '../../kernel/area.ts';
import {
  LAND_CLASSES,
  SETTINGS,
  STOREYS,
  type LandClass,
  type Setting,
  type Storey,
} from './duty-book.ts';
import { isKhasra } from './khasra.ts';

/** An area, with the marla it was measured in where the deed says so; else the marla of the table's row. */
export interface MeasuredArea extends Area {
  readonly marlaSqFt?: MarlaBasis | undefined;
}

/** Land of one class. */
export interface LandPiece {
  readonly landClass: LandClass;
  readonly area: MeasuredArea;
  /** Khasra number; asked for where the table tells khasras of the locality apart. */
  readonly khasra?: string | undefined;
  readonly corner: boolean;
  readonly mainRoad: boolean;
}

/** Covered area of one storey, or of the whole building when the storey is `any`. */
export interface CoveredArea {
  readonly storey: Storey;
  readonly landClass: LandClass;
  readonly area: MeasuredArea;
}

export interface Property {
  readonly district: string;
  readonly tehsil: string;
  /** Code of the locality in the valuation table. */
  readonly locality: string;
  /** Read only where the district has no valuation table; else the table says it. */
  readonly setting?: Setting | undefined;
  /** One piece, or several: other khasras, or parts in other use. */
  readonly land: readonly LandPiece[];
  readonly coveredAreas: readonly CoveredArea[];
  /** The share that the deed is about: `1/4`. All of it when absent. */
  readonly share?: string | undefined;
}

const STOREYS_MAX = 20;
const LAND_MAX = 50;

/** A code of the reference tables. */
export const code = (what: string, example: string): z.ZodString =>
  z
    .string({ error: `${what} is required, for example "${example}"` })
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9-]{0,59}$/,
      `${what} must be a code of the reference tables, for example "${example}"`,
    );

/** One of a list, with a message that names the list. */
export function oneOf<const T extends readonly string[]>(
  what: string,
  values: T,
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: `${what} must be one of: ${values.join(', ')}` });
}

const decimalText = z
  .string({ error: 'an area is required, as text: "10" or "5.5"' })
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be digits with at most six decimals, as text: "5.5"');

const area = z.strictObject({
  value: decimalText,
  unit: oneOf('unit', AREA_UNITS),
  marlaSqFt: oneOf('marlaSqFt', MARLA_BASES).optional(),
});

const landUse = {
  landClass: oneOf('landClass', LAND_CLASSES),
  area,
  khasra: z
    .string()
    .refine(isKhasra, 'must be a khasra number such as "145", "145/2" or, in a square, "14:7"')
    .optional(),
  corner: z.boolean().optional(),
  mainRoad: z.boolean().optional(),
};

type StatedLand = Omit<LandPiece, 'corner' | 'mainRoad'> & {
  readonly corner?: boolean | undefined;
  readonly mainRoad?: boolean | undefined;
};

function landPiece({ corner, mainRoad, ...rest }: StatedLand): LandPiece {
  return { ...rest, corner: corner ?? false, mainRoad: mainRoad ?? false };
}

type StatedCover = Omit<CoveredArea, 'landClass'> & { readonly landClass?: LandClass | undefined };

const coveredArea = z
  .union(
    [
      decimalText.transform((value): StatedCover[] => [
        { storey: 'any', area: { value, unit: 'sq-ft' } },
      ]),
      area.transform((whole): StatedCover[] => [{ storey: 'any', area: whole }]),
      z
        .array(
          area.extend({
            storey: oneOf('storey', STOREYS),
            landClass: oneOf('landClass', LAND_CLASSES).optional(),
          }),
        )
        .min(1)
        .max(STOREYS_MAX)
        .transform((storeys): StatedCover[] =>
          storeys.map(({ storey, landClass, ...measured }) => ({
            storey,
            ...(landClass === undefined ? {} : { landClass }),
            area: measured,
          })),
        ),
    ],
    {
      error:
        'must be square feet as text ("1800"), {"value", "unit"}, or a list of {"storey", "value", "unit", "landClass"?}',
    },
  )
  .optional();

const SHARE = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/;

function isShare(text: string): boolean {
  const match = SHARE.exec(text);
  return match !== null && Number(match[1]) <= Number(match[2]);
}

const place = {
  district: code('district', 'LHR'),
  tehsil: code('tehsil', 'LHR-CITY'),
  locality: code('locality', 'gulberg-iii'),
  setting: oneOf('setting', SETTINGS).optional(),
  share: z
    .string()
    .refine(isShare, 'must be a share of the whole written as a fraction, for example "1/4"')
    .optional(),
  coveredArea,
};

function property(
  stated: Omit<Property, 'land' | 'coveredAreas'> & {
    readonly coveredArea?: readonly StatedCover[] | undefined;
  },
  land: readonly LandPiece[],
): Property {
  const { coveredArea: covered, ...rest } = stated;
  const mainClass = land[0]?.landClass ?? 'residential';
  return {
    ...rest,
    land,
    coveredAreas: (covered ?? []).map((each) => ({
      ...each,
      landClass: each.landClass ?? mainClass,
    })),
  };
}

const onePiece = z
  .strictObject({ ...place, ...landUse })
  .transform(({ landClass, area: stated, khasra, corner, mainRoad, ...rest }): Property =>
    property(rest, [landPiece({ landClass, area: stated, khasra, corner, mainRoad })]),
  );

const severalPieces = z
  .strictObject({ ...place, land: z.array(z.strictObject(landUse)).min(1).max(LAND_MAX) })
  .transform(({ land, ...rest }): Property => property(rest, land.map(landPiece)));

/**
 * The JSON form of a property: `landClass`, `area` and what else is known of the land directly, or a list `land`
 * of such pieces (several khasras, or a building in mixed use). A covered area without a class of its own takes
 * the first piece's.
 */
export const propertySchema = z.unknown().transform((stated, context): Property => {
  const several = typeof stated === 'object' && stated !== null && 'land' in stated;
  const result = (several ? severalPieces : onePiece).safeParse(stated);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    context.addIssue({ code: 'custom', message: issue.message, path: [...issue.path] });
  }
  return z.NEVER;
});
