/**
 * KML of a valuation table (localities coloured by rate, with a legend) and of the stamps of a period by locality,
 * written piece by piece. The legend is the list of folders, one for each colour, and the document's description.
 */
import type { Queryable } from '../../../kernel/database.ts';
import { paisa } from '../../../kernel/money.ts';
import { zipOne } from '../import/zip-file.ts';
import type { LandClass } from '../duty-book.ts';
import { rupeesText } from '../trace.ts';
import {
  mappedLocalities,
  rateFifths,
  stampsByLocality,
  type LocalityStamps,
  type MappedLocality,
} from './boundary-store.ts';
import { centreOf } from './geometry.ts';
import {
  DOCUMENT_END,
  documentStart,
  FOLDER_END,
  folderStart,
  multiGeometry,
  placemark,
  point,
  style,
} from './kml-text.ts';

/** Pale to dark red, as `aabbggrr` with some of the ground shining through. */
const COLOURS = ['b2d4f0fe', 'b28accfd', 'b2598dfc', 'b24530e3', 'b20000b3'] as const;
const NO_RATE = 'b2aaaaaa';

export interface RateMapRequest {
  readonly district: string;
  readonly fiscalYear: string;
  readonly version: number;
  /** The class of land whose rate is shown. */
  readonly landClass: LandClass;
}

interface LegendEntry {
  readonly styleId: string;
  readonly colour: string;
  readonly title: string;
  readonly holds: (perMarla: bigint | undefined) => boolean;
}

function legendOf(ends: readonly bigint[]): readonly LegendEntry[] {
  const bounds = [undefined, ...ends, undefined];
  const entries = bounds.slice(1).map((upTo, index): LegendEntry => {
    const above = bounds[index];
    const from = above === undefined ? '' : `above ${rupeesText(paisa(above))}`;
    const to = upTo === undefined ? '' : `up to ${rupeesText(paisa(upTo))}`;
    return {
      styleId: `rate-${String(index + 1)}`,
      colour: COLOURS[index] ?? NO_RATE,
      title: `${from === '' && to === '' ? 'any rate' : [from, to].filter((part) => part !== '').join(', ')} per marla`,
      holds: (rate) =>
        rate !== undefined &&
        (above === undefined || rate > above) &&
        (upTo === undefined || rate <= upTo),
    };
  });
  const none = { styleId: 'rate-none', colour: NO_RATE, title: 'no rate of this class' };
  return [...entries, { ...none, holds: (rate) => rate === undefined }];
}

function localityMark(each: MappedLocality, styleId: string): string {
  return placemark({
    id: `${each.tehsil}.${each.locality}`,
    name: each.name,
    description: `${each.rates}${each.assumed ? ' (assumed)' : ''}${each.coordinates === undefined ? '; its boundary is not known' : ''}`,
    styleId,
    facts: {
      tehsil: each.tehsil,
      locality: each.locality,
      setting: each.setting,
      ...(each.perMarla === undefined ? {} : { paisaPerMarla: each.perMarla.toString() }),
      assumed: each.assumed ? 'yes' : 'no',
    },
    ...(each.coordinates === undefined ? {} : { geometry: multiGeometry(each.coordinates) }),
  });
}

/** KML of one version of a table, every locality in the folder of its colour. */
export async function* rateMap(db: Queryable, request: RateMapRequest): AsyncGenerator<string> {
  const legend = legendOf(await rateFifths(db, request, request.landClass));
  const title = `DC rates ${request.district} ${request.fiscalYear}, version ${String(request.version)}: ${request.landClass} land`;
  yield documentStart(title, `Legend: ${legend.map((each) => each.title).join(' | ')}`);
  yield legend.map((each) => style(each.styleId, each)).join('');
  // One pass for each colour keeps memory small; a table is read from its index every time.
  for (const entry of legend) {
    yield folderStart(entry.title);
    for await (const page of mappedLocalities(db, request, request.landClass)) {
      const marks = page.filter((each) => entry.holds(each.perMarla));
      if (marks.length > 0) yield marks.map((each) => localityMark(each, entry.styleId)).join('');
    }
    yield FOLDER_END;
  }
  yield DOCUMENT_END;
}

/** Marks grow with the number of stamps: the limits of each size. */
const SIZES: readonly (readonly [upTo: bigint | undefined, scale: string])[] = [
  [1n, '0.6'],
  [10n, '0.9'],
  [100n, '1.3'],
  [1000n, '1.8'],
  [undefined, '2.4'],
];

function stampMark(each: LocalityStamps, styleId: string): string {
  return placemark({
    id: `${each.tehsil}.${each.locality}`,
    name: each.name,
    description: `${each.stamps.toString()} stamps, duty ${rupeesText(paisa(each.amountPaisa))}`,
    styleId,
    facts: {
      district: each.district,
      tehsil: each.tehsil,
      locality: each.locality,
      stamps: each.stamps.toString(),
      amountPaisa: each.amountPaisa.toString(),
    },
    ...(each.coordinates === undefined ? {} : { geometry: point(centreOf(each.coordinates)) }),
  });
}

/** KML of the stamps that were issued from `from` until before `until`, by locality. Says nothing of any person. */
export async function* stampMap(
  db: Queryable,
  period: { readonly from: Date; readonly until: Date },
): AsyncGenerator<string> {
  const localities = await stampsByLocality(db, period);
  const days = `${period.from.toISOString()} to ${period.until.toISOString()}`;
  yield documentStart('Stamps by locality', `Stamps issued ${days}; a larger mark is more stamps`);
  yield SIZES.map(([, scale], index) =>
    style(`stamps-${String(index + 1)}`, { colour: 'ff4530e3', scale }),
  ).join('');
  for (const [index, [upTo]] of SIZES.entries()) {
    const above = SIZES[index - 1]?.[0] ?? 0n;
    const within = localities.filter(
      (each) => each.stamps > above && (upTo === undefined || each.stamps <= upTo),
    );
    yield folderStart(
      upTo === undefined
        ? `more than ${above.toString()} stamps`
        : `up to ${upTo.toString()} stamps`,
    );
    for (const each of within) yield stampMark(each, `stamps-${String(index + 1)}`);
    yield FOLDER_END;
  }
  yield DOCUMENT_END;
}

/** A KML document as KMZ: a zip with `doc.kml`. */
export function kmz(kml: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  return zipOne('doc.kml', kml);
}
