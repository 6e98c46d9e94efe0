/**
 * Value of one property by the District Collector's table (Stamp Act 1899, s. 27-A): each piece of land at the
 * rate of its locality, khasra and class, raised for a corner or a main road where the table says so; each
 * covered area at the rate of its storey; of the sum the share that the deed is about. Pure; nothing is rounded
 * before the property's total.
 */
import type { Decimal } from 'decimal.js';
import {
  AREA_UNITS,
  MARLA_BASES,
  squareFeetPer,
  type AreaUnit,
  type MarlaBasis,
} from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';
import { paisa, ZERO, type Paisa } from '../../kernel/money.ts';
import { decimalOf, parseDecimal, roundToPaisa } from '../../kernel/rate.ts';
import type { DcRate, DcTable, LandClass, Storey } from './duty-book.ts';
import { holdsKhasra } from './khasra.ts';
import type { CoveredArea, LandPiece, MeasuredArea, Property } from './property-input.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, rupeesUrdu, type Phrase, type TraceStep } from './trace.ts';
import { CLASS_URDU, SETTING_URDU, STOREY_URDU, UNIT_URDU } from './urdu.ts';

/** The largest value a deed may have here: Rs 1 trillion. Ten per cent of it still fits the books. */
export const VALUE_MAX: Paisa = paisa(10n ** 14n);
/** 100,000 acres of revenue land, in square feet. */
const AREA_MAX = parseDecimal('4356000000');
const VALUE_LIMIT = decimalOf(VALUE_MAX);

/** A property valued by a table. */
export interface TableValue {
  readonly ok: true;
  readonly value: Paisa;
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

interface Part {
  readonly ok: true;
  readonly price: Decimal;
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

type Locality = NonNullable<DcTable['locality']>;

function tooLarge(path: string): DutyRefusal {
  return refuse('value-too-large', path, 'The value is more than Rs 1 trillion.');
}

/** Square feet in each unit on each basis. */
const UNIT_SIZES = new Map(
  AREA_UNITS.flatMap((unit) =>
    MARLA_BASES.map((basis) => [`${unit} ${basis}`, squareFeetPer(unit, basis)] as const),
  ),
);

function unitSize(unit: AreaUnit, basis: MarlaBasis): Decimal {
  return UNIT_SIZES.get(`${unit} ${basis}`) ?? squareFeetPer(unit, basis);
}

/** Square feet of a stated area; refuses nothing and more than 100,000 acres. */
export function measure(
  area: MeasuredArea,
  basis: MarlaBasis,
  path: string,
): Decimal | DutyRefusal {
  const sqFt = parseDecimal(area.value).mul(unitSize(area.unit, area.marlaSqFt ?? basis));
  if (!sqFt.greaterThan(0)) {
    return refuse('area-not-positive', path, 'The area must be more than nothing.');
  }
  return sqFt.greaterThan(AREA_MAX)
    ? refuse('area-too-large', path, 'The area is larger than 100,000 acres; check the unit.')
    : sqFt;
}

function priced(
  rate: DcRate,
  sqFt: Decimal,
  names: { readonly step: string; readonly what: Phrase; readonly path: string },
): Part | DutyRefusal {
  const size = unitSize(rate.unit, rate.marlaBasis);
  // Multiplied before it is divided, so that a price that is a finite decimal is exact.
  const price = sqFt.mul(decimalOf(rate.rate)).div(size);
  if (price.greaterThan(VALUE_LIMIT)) return tooLarge(names.path);
  const inUnit = sqFt.div(size).toDecimalPlaces(6).toFixed();
  const amount = roundToPaisa(price, 'paisa-nearest');
  const unit = UNIT_URDU[rate.unit];
  const basis =
    rate.unit === 'sq-ft'
      ? { en: '', ur: '' }
      : {
          en: ` (1 marla = ${rate.marlaBasis} sq ft)`,
          ur: ` (1 مرلہ = ${rate.marlaBasis} مربع فٹ)`,
        };
  const step: TraceStep = {
    step: names.step,
    text: `${names.what.en}: ${inUnit} ${rate.unit}${basis.en} at ${rupeesText(rate.rate)} per ${rate.unit} is ${rupeesText(amount)}.`,
    textUrdu: `${names.what.ur}: ${inUnit} ${unit}${basis.ur}، ${rupeesUrdu(rate.rate)} فی ${unit} کے حساب سے ${rupeesUrdu(amount)}۔`,
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
  };
  return { ok: true, price, assumed: rate.assumed, steps: [step] };
}

/** Raises a land's price for a corner or a main road; both percentages are of the plain price and add up. [A] */
function raised(part: Part, piece: LandPiece, rate: DcRate): Part {
  const corner = piece.corner ? rate.cornerPercent : '0';
  const road = piece.mainRoad ? rate.mainRoadPercent : '0';
  if (corner === '0' && road === '0') return part;
  const percent = parseDecimal(corner).add(parseDecimal(road));
  const price = part.price.mul(percent.add(100)).div(100);
  const amount = roundToPaisa(price, 'paisa-nearest');
  const reasons = [
    ...(corner === '0'
      ? []
      : [{ en: `${corner} per cent for the corner`, ur: `کونے کے پلاٹ کا ${corner} فیصد` }]),
    ...(road === '0'
      ? []
      : [{ en: `${road} per cent for the main road`, ur: `مین روڈ کا ${road} فیصد` }]),
  ];
  const step: TraceStep = {
    step: 'dc-position',
    text: `Raised by ${reasons.map((each) => each.en).join(' and ')}: ${rupeesText(amount)}.`,
    textUrdu: `${reasons.map((each) => each.ur).join(' اور ')} اضافے کے بعد ${rupeesUrdu(amount)}۔`,
    figures: {
      cornerPercent: corner,
      mainRoadPercent: road,
      value: amount.toString(),
      line: rate.line.toString(),
    },
    source: rate.source,
    assumed: rate.assumed,
  };
  return { ...part, price, steps: [...part.steps, step] };
}

function landRate(piece: LandPiece, locality: Locality, path: string): DcRate | DutyRefusal {
  const ofClass = locality.rates.filter(
    (each) => each.part === 'land' && each.landClass === piece.landClass,
  );
  const { khasra } = piece;
  const apart = ofClass.filter((each) => each.khasras !== '');
  if (khasra === undefined && apart.length > 0) {
    return refuse(
      'khasra-missing',
      `${path}.khasra`,
      `The DC table tells the khasras of ${locality.name} apart; state the khasra number.`,
    );
  }
  const own =
    khasra === undefined ? undefined : apart.find((each) => holdsKhasra(each.khasras, khasra));
  const rate = own ?? ofClass.find((each) => each.khasras === '');
  if (rate !== undefined) return rate;
  if (apart.length > 0) {
    return refuse(
      'unknown-khasra',
      `${path}.khasra`,
      `The DC table has no ${piece.landClass} rate for this khasra of ${locality.name}.`,
    );
  }
  return refuse(
    'no-dc-rate',
    `${path}.landClass`,
    `The DC table has no ${piece.landClass} rate for ${locality.name}; choose a class that it lists, or ask the Collector's office.`,
  );
}

function landPart(piece: LandPiece, locality: Locality, path: string): Part | DutyRefusal {
  const rate = landRate(piece, locality, path);
  if ('ok' in rate) return rate;
  const sqFt = measure(piece.area, rate.marlaBasis, `${path}.area`);
  if ('ok' in sqFt) return sqFt;
  const khasra =
    piece.khasra === undefined
      ? { en: '', ur: '' }
      : { en: `, khasra ${piece.khasra}`, ur: `، خسرہ ${piece.khasra}` };
  const what = {
    en: `Land in ${locality.name}${khasra.en}, ${piece.landClass}`,
    ur: `زمین ${locality.name}${khasra.ur}، ${CLASS_URDU[piece.landClass]}`,
  };
  const part = priced(rate, sqFt, { step: 'dc-land', what, path: `${path}.area` });
  return part.ok ? raised(part, piece, rate) : part;
}

const ABOVE_GROUND: readonly Storey[] = ['first', 'second', 'third'];

/** The storeys whose rate may stand for a storey, the nearest first. */
function storeyOrder(storey: Storey): readonly Storey[] {
  if (storey === 'any') return ['any', 'ground'];
  return ABOVE_GROUND.includes(storey) ? [storey, 'upper', 'any'] : [storey, 'any'];
}

/**
 * A rate for the storey itself, else one for any; a storey above the ground may take the rate for upper ones, and
 * a building without storeys stated takes the ground floor's.
 */
function structureRate(
  rates: readonly DcRate[],
  landClass: LandClass,
  storey: Storey,
): DcRate | undefined {
  const candidates = rates.filter(
    (each) => each.part === 'structure' && each.landClass === landClass,
  );
  return storeyOrder(storey)
    .map((wanted) => candidates.find((each) => each.storey === wanted))
    .find((found) => found !== undefined);
}

function structurePart(covered: CoveredArea, locality: Locality, path: string): Part | DutyRefusal {
  const rate = structureRate(locality.rates, covered.landClass, covered.storey);
  if (rate === undefined) {
    return refuse(
      'no-structure-rate',
      `${path}.coveredArea`,
      `The DC table has no covered-area rate for ${covered.landClass} property in ${locality.name}.`,
    );
  }
  const sqFt = measure(covered.area, rate.marlaBasis, `${path}.coveredArea`);
  if ('ok' in sqFt) return sqFt;
  const storey =
    covered.storey === 'any'
      ? { en: '', ur: '' }
      : { en: `, ${covered.storey} storey`, ur: `، ${STOREY_URDU[covered.storey]}` };
  const what = {
    en: `Covered area${storey.en}, ${covered.landClass}`,
    ur: `مسقف رقبہ${storey.ur}، ${CLASS_URDU[covered.landClass]}`,
  };
  return priced(rate, sqFt, { step: 'dc-structure', what, path: `${path}.coveredArea` });
}

/** Numerator and denominator of a share that the input's schema has checked. */
function shareOf(whole: Decimal, share: string): Decimal {
  const [part = '1', of = '1'] = share.split('/');
  return whole.mul(part).div(of);
}

function shareStep(share: string, whole: Paisa, value: Paisa): TraceStep {
  return {
    step: 'dc-share',
    text: `The deed is about ${share} of the property: ${share} of ${rupeesText(whole)} is ${rupeesText(value)}.`,
    textUrdu: `دستاویز جائیداد کے ${share} حصے کی ہے: ${rupeesUrdu(whole)} کا ${share} حصہ ${rupeesUrdu(value)}۔`,
    figures: { share, whole: whole.toString(), value: value.toString() },
    assumed: false,
  };
}

function tableStep(
  table: DcTable,
  locality: Locality,
  of: { readonly value: Paisa; readonly date: BusinessDate; readonly assumed: boolean },
): TraceStep {
  const version = String(table.version);
  return {
    step: 'dc-value',
    text: `Value by the DC table ${table.districtCode} ${table.fiscalYear}, version ${version}, in force on ${of.date}: ${rupeesText(of.value)}; the locality is ${locality.setting}.`,
    textUrdu: `ڈی سی ٹیبل ${table.districtCode} ${table.fiscalYear}، ورژن ${version}، نافذ بتاریخ ${of.date} کے مطابق مالیت ${rupeesUrdu(of.value)}؛ علاقہ ${SETTING_URDU[locality.setting]} ہے۔`,
    figures: {
      value: of.value.toString(),
      district: table.districtCode,
      fiscalYear: table.fiscalYear,
      version,
      sha256: table.sha256,
      locality: locality.code,
      setting: locality.setting,
    },
    assumed: of.assumed,
  };
}

/** Values a property by a table; `path` is where the input states the property. */
export function valueByTable(
  property: Property,
  table: DcTable,
  at: { readonly date: BusinessDate; readonly path: string },
): TableValue | DutyRefusal {
  const { path } = at;
  const { locality } = table;
  if (locality === undefined) {
    return refuse(
      'unknown-locality',
      `${path}.locality`,
      'The DC table of this tehsil does not name the locality; choose one that it lists.',
    );
  }
  const single = property.land.length === 1;
  const parts: Part[] = [];
  for (const [index, piece] of property.land.entries()) {
    const part = landPart(piece, locality, single ? path : `${path}.land.${String(index)}`);
    if (!part.ok) return part;
    parts.push(part);
  }
  for (const covered of property.coveredAreas) {
    const part = structurePart(covered, locality, path);
    if (!part.ok) return part;
    parts.push(part);
  }
  const whole = parts.reduce((sum, each) => sum.add(each.price), decimalOf(ZERO));
  if (whole.greaterThan(VALUE_LIMIT)) return tooLarge(path);
  const { share } = property;
  const value = roundToPaisa(share === undefined ? whole : shareOf(whole, share), 'paisa-nearest');
  const assumed = parts.some((each) => each.assumed);
  const steps = parts.flatMap((each) => each.steps);
  if (share !== undefined) {
    steps.push(shareStep(share, roundToPaisa(whole, 'paisa-nearest'), value));
  }
  steps.push(tableStep(table, locality, { value, date: at.date, assumed }));
  return { ok: true, value, assumed, steps };
}
