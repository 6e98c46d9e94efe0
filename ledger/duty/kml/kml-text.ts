/** Text of KML 2.2 (OGC 07-147r2), element by element in the order that its schema asks for. */
import type { MultiPolygon, Position, Ring } from './geometry.ts';

/** What XML 1.0 does not allow in text at all. */

const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const MARKS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Text as it stands between tags or in an attribute. */
function xmlText(text: string): string {
  return text.replace(FORBIDDEN, '').replace(/[&<>"]/g, (mark) => MARKS[mark] ?? mark);
}

/** Seven decimals are a centimetre. */
function degrees(value: number): string {
  return value.toFixed(7).replace(/\.?0+$/, '');
}

function coordinates(positions: readonly Position[]): string {
  return positions.map(([x, y]) => `${degrees(x)},${degrees(y)}`).join(' ');
}

function linearRing(ring: Ring): string {
  return `<LinearRing><coordinates>${coordinates(ring)}</coordinates></LinearRing>`;
}

function polygon([outer = [], ...holes]: readonly Ring[]): string {
  const inner = holes.map((hole) => `<innerBoundaryIs>${linearRing(hole)}</innerBoundaryIs>`);
  return `<Polygon><outerBoundaryIs>${linearRing(outer)}</outerBoundaryIs>${inner.join('')}</Polygon>`;
}

/** The geometry of a boundary. */
export function multiGeometry(polygons: MultiPolygon): string {
  return `<MultiGeometry>${polygons.map(polygon).join('')}</MultiGeometry>`;
}

/** The geometry of a mark. */
export function point(position: Position): string {
  return `<Point><coordinates>${coordinates([position])}</coordinates></Point>`;
}

export interface Placemark {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly styleId: string;
  /** Names and values for programs. */
  readonly facts: Readonly<Record<string, string>>;
  /** Absent for a place whose boundary is not known. */
  readonly geometry?: string;
}

/** A place on the map, on one line. */
export function placemark({ id, name, description, styleId, facts, geometry }: Placemark): string {
  const data = Object.entries(facts).map(
    ([fact, value]) => `<Data name="${xmlText(fact)}"><value>${xmlText(value)}</value></Data>`,
  );
  return `<Placemark id="${xmlText(id)}"><name>${xmlText(name)}</name><description>${xmlText(description)}</description><styleUrl>#${xmlText(styleId)}</styleUrl><ExtendedData>${data.join('')}</ExtendedData>${geometry ?? ''}</Placemark>\n`;
}

/** A shared style: the colour of an area (`aabbggrr`) or the size of a mark. */
export function style(
  id: string,
  look: { readonly colour: string; readonly scale?: string },
): string {
  const icon = `<IconStyle><color>${look.colour}</color><scale>${look.scale ?? '1'}</scale></IconStyle>`;
  return `<Style id="${id}">${icon}<LineStyle><color>ff404040</color><width>1</width></LineStyle><PolyStyle><color>${look.colour}</color></PolyStyle></Style>\n`;
}

/** The beginning of a document. */
export function documentStart(name: string, description: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>${xmlText(name)}</name><description>${xmlText(description)}</description>\n`;
}

export const DOCUMENT_END = '</Document></kml>\n';

export function folderStart(name: string): string {
  return `<Folder><name>${xmlText(name)}</name>\n`;
}

export const FOLDER_END = '</Folder>\n';
