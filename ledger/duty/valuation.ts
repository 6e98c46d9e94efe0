/**
 * Value of immovable property by the District Collector's table (Stamp Act 1899, s. 27-A): land at the rate of
 * its locality and class, and covered area at the rate per square foot. Pure; nothing is rounded before the
 * total.
 */
import type { Decimal } from 'decimal.js';
import { areaText, priceOfArea, squareFeet } from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import { paisa, ZERO, type Paisa } from '../../kernel/money.ts';
import { decimalOf, roundToPaisa } from '../../kernel/rate.ts';
import type { DcRate, DcTable, DutyBook, Setting, Storey } from './duty-book.ts';
import type { CoveredArea, Property } from './duty-input.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, type TraceStep } from './trace.ts';

/** The largest value a deed may have here: Rs 1 trillion. Ten per cent of it still fits the books. */
export const VALUE_MAX: Paisa = paisa(10n ** 14n);
/** 100,000 acres of revenue land, in square feet. */
const AREA_MAX = '4356000000';

export interface PropertyValue {
  readonly ok: true;
  readonly setting: Setting;
  /** Absent when the district has no valuation table; then only the declared value counts. */
  readonly byTable?: Paisa;
  readonly table?: DcTable;
  /** True when a rate that was used is an assumption. */
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

interface Part {
  readonly ok: true;
  readonly price: Decimal;
  readonly assumed: boolean;
  readonly step: TraceStep;
}

/** Says which version of which table a rate stands in. */
function tableName(table: DcTable, date: BusinessDate): string {
  return `DC table ${table.districtCode} ${table.fiscalYear}, version ${String(table.version)}, in force on ${date}`;
}

function tooLarge(): DutyRefusal {
  return refuse('value-too-large', 'property.area', 'The value is more than Rs 1 trillion.');
}

function part(
  rate: DcRate,
  sqFt: Decimal,
  names: { step: string; what: string },
): Part | DutyRefusal {
  const per = { unit: rate.unit, basis: rate.marlaBasis };
  const price = priceOfArea(sqFt, rate.rate, per);
  if (price.greaterThan(VALUE_MAX.toString())) return tooLarge();
  const inUnit = areaText(sqFt, rate.unit, rate.marlaBasis);
  const amount = roundToPaisa(price, 'paisa-nearest');
  const basisText = rate.unit === 'sq-ft' ? '' : ` (1 marla = ${rate.marlaBasis} sq ft)`;
  return {
    ok: true,
    price,
    assumed: rate.assumed,
    step: {
      step: names.step,
      text: `${names.what}: ${inUnit} ${rate.unit}${basisText} at ${rupeesText(rate.rate)} per ${rate.unit} is ${rupeesText(amount)}.`,
      figures: {
        area: inUnit,
        unit: rate.unit,
        squareFeet: sqFt.toFixed(),
        marlaSquareFeet: rate.marlaBasis,
        rate: rate.rate.toString(),
        value: amount.toString(),
        line: rate.line.toString(),
      },
      source: rate.source,
      assumed: rate.assumed,
    },
  };
}

function checkSize(sqFt: Decimal, path: string): DutyRefusal | undefined {
  if (!sqFt.greaterThan(0)) {
    return refuse('area-not-positive', path, 'The area must be more than nothing.');
  }
  if (sqFt.greaterThan(AREA_MAX)) {
    return refuse('area-too-large', path, 'The area is larger than 100,000 acres; check the unit.');
  }
  return undefined;
}

type Locality = NonNullable<DcTable['locality']>;

function landPart(property: Property, locality: Locality): Part | DutyRefusal {
  const rate = locality.rates.find(
    (each) => each.part === 'land' && each.landClass === property.landClass,
  );
  if (rate === undefined) {
    return refuse(
      'no-dc-rate',
      'property.landClass',
      `The DC table has no ${property.landClass} rate for ${locality.name}; choose a class that it lists, or ask the Collector's office.`,
    );
  }
  const sqFt = squareFeet(property.area, rate.marlaBasis);
  return (
    checkSize(sqFt, 'property.area') ??
    part(rate, sqFt, { step: 'dc-land', what: `Land in ${locality.name}, ${property.landClass}` })
  );
}

/** A rate for the storey itself, else one for any; a building without storeys stated takes the ground floor's. */
function structureRate(
  rates: readonly DcRate[],
  landClass: string,
  storey: Storey,
): DcRate | undefined {
  const candidates = rates.filter(
    (each) => each.part === 'structure' && each.landClass === landClass,
  );
  const order: readonly Storey[] = storey === 'any' ? ['any', 'ground'] : [storey, 'any'];
  return order
    .map((wanted) => candidates.find((each) => each.storey === wanted))
    .find((found) => found !== undefined);
}

function structurePart(
  covered: CoveredArea,
  property: Property,
  locality: Locality,
): Part | DutyRefusal {
  const rate = structureRate(locality.rates, property.landClass, covered.storey);
  if (rate === undefined) {
    return refuse(
      'no-structure-rate',
      'property.coveredArea',
      `The DC table has no covered-area rate for ${property.landClass} property in ${locality.name}.`,
    );
  }
  const sqFt = squareFeet(covered.area, rate.marlaBasis);
  const what = covered.storey === 'any' ? 'Covered area' : `Covered area, ${covered.storey} storey`;
  return (
    checkSize(sqFt, 'property.coveredArea') ?? part(rate, sqFt, { step: 'dc-structure', what })
  );
}

function valueByTable(
  property: Property,
  table: DcTable,
  date: BusinessDate,
): PropertyValue | DutyRefusal {
  const { locality } = table;
  if (locality === undefined) {
    return refuse(
      'unknown-locality',
      'property.locality',
      'The DC table of this tehsil does not name the locality; choose one that it lists.',
    );
  }
  const parts: Part[] = [];
  const results = [
    landPart(property, locality),
    ...property.coveredAreas.map((covered) => structurePart(covered, property, locality)),
  ];
  for (const result of results) {
    if (!result.ok) return result;
    parts.push(result);
  }
  const exact = parts.reduce((sum, each) => sum.add(each.price), decimalOf(ZERO));
  if (exact.greaterThan(VALUE_MAX.toString())) return tooLarge();
  const byTable = roundToPaisa(exact, 'paisa-nearest');
  const assumed = parts.some((each) => each.assumed);
  return {
    ok: true,
    setting: locality.setting,
    byTable,
    table,
    assumed,
    steps: [
      ...parts.map((each) => each.step),
      {
        step: 'dc-value',
        text: `Value by the ${tableName(table, date)}: ${rupeesText(byTable)}; the locality is ${locality.setting}.`,
        figures: {
          value: byTable.toString(),
          district: table.districtCode,
          fiscalYear: table.fiscalYear,
          version: table.version.toString(),
          sha256: table.sha256,
          locality: locality.code,
          setting: locality.setting,
        },
        assumed,
      },
    ],
  };
}

function valueWithoutTable(property: Property, districtName: string): PropertyValue | DutyRefusal {
  if (property.setting === undefined) {
    return refuse(
      'setting-missing',
      'property.setting',
      `No DC table of ${districtName} is loaded; say whether the property is urban or rural.`,
    );
  }
  const size = checkSize(squareFeet(property.area, '272.25'), 'property.area');
  if (size !== undefined) return size;
  return {
    ok: true,
    setting: property.setting,
    assumed: true,
    steps: [
      {
        step: 'dc-none',
        text: `No DC table of ${districtName} is loaded, so there is no value by table; the property is taken as ${property.setting}, as stated.`,
        figures: { district: property.district, setting: property.setting },
        assumed: true,
      },
    ],
  };
}

/**
 * The value of a property by the table in force on the book's date, with every step. Refuses a place, class or
 * area that the table does not hold. Where the district has no table at all there is no such value.
 */
export function valuate(property: Property, book: DutyBook): PropertyValue | DutyRefusal {
  const { place } = book;
  if (place?.districtName === undefined) {
    return refuse('unknown-district', 'property.district', 'There is no district with this code.');
  }
  if (place.tehsilName === undefined) {
    return refuse(
      'unknown-tehsil',
      'property.tehsil',
      `${place.districtName} has no tehsil with this code.`,
    );
  }
  if (place.table !== undefined) return valueByTable(property, place.table, book.date);
  return place.hasTables
    ? refuse(
        'date-outside-dc-tables',
        'date',
        `No DC table of ${place.districtName} is in force on ${book.date}.`,
      )
    : valueWithoutTable(property, place.districtName);
}
