/** Value of all that a deed passes: each property by the table in force on the book's date. Pure. */
import { paisa, sumPaisa, type Paisa } from '../../kernel/money.ts';
import type { DcTable, DutyBook, Place, Setting } from './duty-book.ts';
import type { Property } from './property-input.ts';
import { measure, VALUE_MAX, valueByTable } from './property-value.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, rupeesUrdu, type TraceStep } from './trace.ts';
import { SETTING_URDU } from './urdu.ts';

/** One property of a deed, valued. */
export interface PropertyValue {
  readonly ok: true;
  readonly district: string;
  readonly tehsil: string;
  readonly locality: string;
  readonly setting: Setting;
  /** Absent when the district has no valuation table; then only the declared value counts. */
  readonly byTable?: Paisa;
  readonly table?: DcTable;
  /** True when a rate that was used is an assumption. */
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

/** All properties of a deed, valued. */
export interface DeedValue {
  readonly ok: true;
  readonly properties: readonly PropertyValue[];
  /** Sum of the values by table; absent when a property has none. */
  readonly byTable?: Paisa;
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

function valueWithoutTable(
  property: Property,
  districtName: string,
  path: string,
): PropertyValue | DutyRefusal {
  const { setting } = property;
  if (setting === undefined) {
    return refuse(
      'setting-missing',
      `${path}.setting`,
      `No DC table of ${districtName} is loaded; say whether the property is urban or rural.`,
    );
  }
  for (const { area } of [...property.land, ...property.coveredAreas]) {
    const size = measure(area, '272.25', `${path}.area`);
    if ('ok' in size) return size;
  }
  return {
    ok: true,
    district: property.district,
    tehsil: property.tehsil,
    locality: property.locality,
    setting,
    assumed: true,
    steps: [
      {
        step: 'dc-none',
        text: `No DC table of ${districtName} is loaded, so there is no value by table; the property is taken as ${setting}, as stated.`,
        textUrdu: `${districtName} کا کوئی ڈی سی ٹیبل موجود نہیں، اس لیے ٹیبل کے مطابق کوئی مالیت نہیں؛ جائیداد بیان کے مطابق ${SETTING_URDU[setting]} مانی گئی۔`,
        figures: { district: property.district, setting },
        assumed: true,
      },
    ],
  };
}

function valueOne(
  property: Property,
  place: Place | undefined,
  at: { readonly date: string; readonly path: string },
): PropertyValue | DutyRefusal {
  if (place?.districtName === undefined) {
    return refuse(
      'unknown-district',
      `${at.path}.district`,
      'There is no district with this code.',
    );
  }
  if (place.tehsilName === undefined) {
    return refuse(
      'unknown-tehsil',
      `${at.path}.tehsil`,
      `${place.districtName} has no tehsil with this code.`,
    );
  }
  const { table } = place;
  if (table === undefined) {
    return place.hasTables
      ? refuse(
          'date-outside-dc-tables',
          'date',
          `No DC table of ${place.districtName} is in force on ${at.date}.`,
        )
      : valueWithoutTable(property, place.districtName, at.path);
  }
  const valued = valueByTable(property, table, at);
  if (!valued.ok) return valued;
  return {
    ok: true,
    district: property.district,
    tehsil: property.tehsil,
    locality: property.locality,
    // valueByTable refuses a table without the locality.
    setting: table.locality?.setting ?? 'rural',
    byTable: valued.value,
    table,
    assumed: valued.assumed,
    steps: valued.steps,
  };
}

function sumStep(count: number, value: Paisa, assumed: boolean): TraceStep {
  return {
    step: 'dc-sum',
    text: `Value by table of the ${String(count)} properties together: ${rupeesText(value)}.`,
    textUrdu: `تمام ${String(count)} جائیدادوں کی ٹیبل کے مطابق کل مالیت ${rupeesUrdu(value)}۔`,
    figures: { properties: String(count), value: value.toString() },
    assumed,
  };
}

/**
 * The values of a deed's properties by the tables in force on the book's date, with every step. Refuses a place,
 * class, khasra or area that a table does not hold. Where a district has no table at all there is no such value.
 */
export function valuate(properties: readonly Property[], book: DutyBook): DeedValue | DutyRefusal {
  const values: PropertyValue[] = [];
  for (const [index, property] of properties.entries()) {
    const path = properties.length === 1 ? 'property' : `properties.${String(index)}`;
    const value = valueOne(property, book.places[index], { date: book.date, path });
    if (!value.ok) return value;
    values.push(value);
  }
  const assumed = values.some((each) => each.assumed);
  const steps = values.flatMap((each) => each.steps);
  const known = values.flatMap((each) => (each.byTable === undefined ? [] : [each.byTable]));
  if (known.length < values.length || values.length === 0) {
    return { ok: true, properties: values, assumed, steps };
  }
  const exact = known.reduce<bigint>((sum, each) => sum + each, 0n);
  if (exact > VALUE_MAX) {
    return refuse('value-too-large', 'properties', 'The value is more than Rs 1 trillion.');
  }
  const byTable = values.length === 1 ? paisa(exact) : sumPaisa(known);
  if (values.length > 1) steps.push(sumStep(values.length, byTable, assumed));
  return { ok: true, properties: values, byTable, assumed, steps };
}

/** A part of a deed's value that lies in one setting. */
export interface Portion {
  readonly setting: Setting | undefined;
  readonly value: Paisa | undefined;
}

/**
 * Divides the chargeable value between the settings of a deed: by the values of the tables; the last portion takes
 * what rounding leaves. Undefined when a deed has properties in both settings and no table values to divide by.
 */
export function portionsOf(
  deed: DeedValue | undefined,
  chargeable: Paisa | undefined,
): readonly Portion[] | undefined {
  const settings = [...new Set(deed?.properties.map((each) => each.setting))];
  if (deed === undefined || settings.length < 2) {
    return [{ setting: settings[0], value: chargeable }];
  }
  if (deed.byTable === undefined || deed.byTable === 0n || chargeable === undefined)
    return undefined;
  const urban = deed.properties
    .filter((each) => each.setting === 'urban')
    .reduce((sum, each) => sum + (each.byTable ?? 0n), 0n);
  // Half up: the urban part to the nearest paisa, the rest is rural.
  const share = (2n * urban * chargeable + deed.byTable) / (2n * deed.byTable);
  return [
    { setting: 'urban', value: paisa(share) },
    { setting: 'rural', value: paisa(chargeable - share) },
  ];
}
