/**
 * Boundaries of localities from a file: KML 2.2, KMZ, or GeoJSON (RFC 7946). A feature names its locality by the
 * facts `tehsil` and `locality` (KML: ExtendedData; GeoJSON: properties). Every wrong feature is named; a file with
 * one is not used.
 */
import { BrokenFile } from '../import/csv-records.ts';
import { Problems, type FileProblem } from '../import/table-file.ts';
import type { TableSource } from '../import/table-source.ts';
import { xmlTokens, type XmlToken } from '../import/xml-tokens.ts';
import { ZipFile } from '../import/zip-file.ts';
import { multiPolygonProblem, type MultiPolygon } from './geometry.ts';

const BYTES_MAX = 256 * 1024 * 1024;
const FEATURES_MAX = 100_000;

export interface Boundary {
  readonly tehsil: string;
  readonly locality: string;
  readonly name: string;
  readonly coordinates: MultiPolygon;
}

export type BoundaryResult =
  | { readonly ok: true; readonly boundaries: readonly Boundary[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** A feature before it is judged. */
interface Feature {
  readonly name: string;
  readonly facts: ReadonlyMap<string, string>;
  readonly coordinates: unknown;
}

async function wholeFile(source: TableSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source.chunks()) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new BrokenFile(1, 'the file is larger than 256 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A ring from the text of a KML `coordinates` element: `lon,lat[,height]` with spaces between. */
function ringOf(text: string): unknown[] {
  return text
    .trim()
    .split(/\s+/)
    .map((position) => position.split(',').slice(0, 2).map(Number));
}

/** Gathers the Placemarks of a KML document as its tokens come. */
class KmlFeatures {
  readonly found: Feature[] = [];
  readonly #path: string[] = [];
  #name = '';
  #facts = new Map<string, string>();
  #polygons: unknown[][] = [];
  #fact = '';
  #text = '';

  take(token: XmlToken): void {
    if (token.kind === 'text') {
      this.#text += token.text;
      return;
    }
    if (token.kind === 'open') {
      this.#path.push(token.name);
      this.#text = '';
      this.#open(token.name, token.attributes);
      return;
    }
    this.#path.pop();
    this.#close(token.name, this.#text.trim());
    this.#text = '';
  }

  #open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (name === 'Placemark') {
      this.#name = '';
      this.#facts = new Map();
      this.#polygons = [];
    }
    if (name === 'Data' || name === 'SimpleData') this.#fact = attributes.get('name') ?? '';
    if (name === 'Polygon') this.#polygons.push([]);
  }

  #close(name: string, text: string): void {
    const parent = this.#path.at(-1);
    if (name === 'name' && parent === 'Placemark') this.#name = text;
    if (name === 'value' && parent === 'Data') this.#facts.set(this.#fact, text);
    if (name === 'SimpleData') this.#facts.set(this.#fact, text);
    if (name === 'coordinates' && parent === 'LinearRing')
      this.#polygons.at(-1)?.push(ringOf(text));
    if (name === 'Placemark') {
      this.found.push({ name: this.#name, facts: this.#facts, coordinates: this.#polygons });
      if (this.found.length > FEATURES_MAX)
        throw new BrokenFile(1, 'the file has too many features');
    }
  }
}

async function kmlFeatures(chunks: AsyncIterable<Uint8Array>): Promise<readonly Feature[]> {
  const features = new KmlFeatures();
  for await (const tokens of xmlTokens(chunks, 'the KML file')) {
    for (const token of tokens) features.take(token);
  }
  return features.found;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function geoJsonFeatures(bytes: Uint8Array): readonly Feature[] {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BrokenFile(1, 'the file is neither KML nor JSON', { cause });
  }
  if (
    !isObject(document) ||
    document['type'] !== 'FeatureCollection' ||
    !Array.isArray(document['features'])
  ) {
    throw new BrokenFile(1, 'the JSON is not a GeoJSON FeatureCollection');
  }
  return (document['features'] as unknown[]).slice(0, FEATURES_MAX + 1).map((feature) => {
    const properties =
      isObject(feature) && isObject(feature['properties']) ? feature['properties'] : {};
    const geometry = isObject(feature) && isObject(feature['geometry']) ? feature['geometry'] : {};
    const text = (name: string): string => {
      const value = properties[name];
      return typeof value === 'string' ? value.trim() : '';
    };
    const facts = new Map(['tehsil', 'locality'].map((name) => [name, text(name)]));
    const { type, coordinates } = geometry;
    const polygons =
      type === 'Polygon' ? [coordinates] : type === 'MultiPolygon' ? coordinates : [];
    return { name: text('name'), facts, coordinates: polygons };
  });
}

async function features(source: TableSource): Promise<readonly Feature[]> {
  const bytes = await wholeFile(source);
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (isZip) {
    const zip = new ZipFile(bytes);
    const name = zip.names.find((each) => each.toLowerCase().endsWith('.kml'));
    if (name === undefined) throw new BrokenFile(1, 'the KMZ file has no KML in it');
    return kmlFeatures(zip.read(name));
  }
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  if (!start.startsWith('{')) return kmlFeatures(source.chunks());
  return geoJsonFeatures(bytes);
}

/** Only longitude and latitude are kept. */
function flat(coordinates: MultiPolygon): MultiPolygon {
  return coordinates.map((polygon) =>
    polygon.map((ring) => ring.map(([longitude, latitude]) => [longitude, latitude] as const)),
  );
}

/**
 * Reads the boundaries of a file. In a problem `line` is the number of the feature, from 1. `tehsils` are those
 * that may be named.
 */
export async function readBoundaries(
  source: TableSource,
  tehsils: ReadonlyMap<string, string>,
): Promise<BoundaryResult> {
  const problems = new Problems(source.fileName);
  const boundaries: Boundary[] = [];
  const seen = new Map<string, number>();
  try {
    for (const [index, feature] of (await features(source)).entries()) {
      const number = index + 1;
      const tehsil = feature.facts.get('tehsil') ?? '';
      const locality = feature.facts.get('locality') ?? '';
      if (!tehsils.has(tehsil)) problems.add(number, 'tehsil', `there is no tehsil "${tehsil}"`);
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(locality) || locality.length > 60)
        problems.add(number, 'locality', `"${locality}" is not the code of a locality`);
      const place = `${tehsil} ${locality}`;
      const earlier = seen.get(place);
      if (earlier === undefined) seen.set(place, number);
      else problems.add(number, 'locality', `has a boundary already in feature ${String(earlier)}`);
      const wrong = multiPolygonProblem(feature.coordinates);
      if (wrong !== undefined) problems.add(number, 'geometry', wrong);
      else {
        // multiPolygonProblem has judged it.
        const coordinates = flat(feature.coordinates as MultiPolygon);
        boundaries.push({ tehsil, locality, name: feature.name, coordinates });
      }
    }
    if (seen.size === 0) problems.add(1, '*', 'the file has no features');
  } catch (error) {
    if (!(error instanceof BrokenFile)) throw error;
    problems.add(error.line, '*', error.message);
  }
  return problems.list.length === 0
    ? { ok: true, boundaries }
    : { ok: false, problems: problems.list };
}
