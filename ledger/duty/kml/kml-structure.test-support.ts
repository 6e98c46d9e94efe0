/**
 * Used by tests only: a strict check of KML by the content models of the OGC KML 2.2 schema (07-147r2, ogckml22.xsd)
 * for the elements that we write: which children an element may have, in which order, how often, and the form of
 * simple values. An element or attribute that is not listed here is refused.
 */
import { XmlReader, type XmlToken } from '../import/xml-tokens.ts';

type Occurs = 'one' | 'optional' | 'many';
interface Model {
  /** Children in the order of the schema's sequence. A group is children that may stand in any order. */
  readonly sequence: readonly (readonly [names: readonly string[], occurs: Occurs])[];
  readonly attributes?: readonly string[];
  /** Form of the text; elements without it have no text but white space. */
  readonly text?: RegExp;
}

const FEATURES = ['Placemark', 'Folder', 'Document'];
const GEOMETRIES = ['Point', 'LinearRing', 'Polygon', 'MultiGeometry'];
const COLOUR = /^[0-9a-f]{8}$/;
const POSITIVE = /^\d+(\.\d+)?$/;
const TUPLE = '-?\\d+(\\.\\d+)?,-?\\d+(\\.\\d+)?(,-?\\d+(\\.\\d+)?)?';
const feature = (
  more: readonly (readonly [readonly string[], Occurs])[],
): readonly (readonly [readonly string[], Occurs])[] => [
  [['name'], 'optional'],
  [['description'], 'optional'],
  [['styleUrl'], 'optional'],
  [['Style'], 'many'],
  [['ExtendedData'], 'optional'],
  ...more,
];
const ANY = /^[^]*$/;

const MODELS: Readonly<Record<string, Model>> = {
  kml: { sequence: [[FEATURES, 'optional']], attributes: ['xmlns'] },
  Document: { sequence: feature([[FEATURES, 'many']]), attributes: ['id'] },
  Folder: { sequence: feature([[FEATURES, 'many']]), attributes: ['id'] },
  Placemark: { sequence: feature([[GEOMETRIES, 'optional']]), attributes: ['id'] },
  name: { sequence: [], text: ANY },
  description: { sequence: [], text: ANY },
  styleUrl: { sequence: [], text: /^#[A-Za-z_][\w.-]*$/ },
  Style: {
    sequence: [
      [['IconStyle'], 'optional'],
      [['LineStyle'], 'optional'],
      [['PolyStyle'], 'optional'],
    ],
    attributes: ['id'],
  },
  IconStyle: {
    sequence: [
      [['color'], 'optional'],
      [['scale'], 'optional'],
    ],
  },
  LineStyle: {
    sequence: [
      [['color'], 'optional'],
      [['width'], 'optional'],
    ],
  },
  PolyStyle: { sequence: [[['color'], 'optional']] },
  color: { sequence: [], text: COLOUR },
  scale: { sequence: [], text: POSITIVE },
  width: { sequence: [], text: POSITIVE },
  ExtendedData: { sequence: [[['Data'], 'many']] },
  Data: { sequence: [[['value'], 'one']], attributes: ['name'] },
  value: { sequence: [], text: ANY },
  MultiGeometry: { sequence: [[GEOMETRIES, 'many']] },
  Polygon: {
    sequence: [
      [['outerBoundaryIs'], 'one'],
      [['innerBoundaryIs'], 'many'],
    ],
  },
  outerBoundaryIs: { sequence: [[['LinearRing'], 'one']] },
  innerBoundaryIs: { sequence: [[['LinearRing'], 'one']] },
  LinearRing: { sequence: [[['coordinates'], 'one']] },
  Point: { sequence: [[['coordinates'], 'one']] },
  coordinates: { sequence: [], text: new RegExp(`^${TUPLE}( ${TUPLE})*$`) },
};

interface Open {
  readonly name: string;
  readonly model: Model;
  step: number;
  taken: number;
  text: string;
}

function fail(reason: string): never {
  throw new Error(`not KML 2.2: ${reason}`);
}

function takeChild(parent: Open, name: string): void {
  const { sequence } = parent.model;
  while (parent.step < sequence.length) {
    const [names = [], occurs = 'one'] = sequence[parent.step] ?? [];
    if (names.includes(name) && (occurs === 'many' || parent.taken === 0)) {
      parent.taken += 1;
      return;
    }
    if (occurs === 'one' && parent.taken === 0) break;
    parent.step += 1;
    parent.taken = 0;
  }
  fail(`${name} may not stand here in ${parent.name}`);
}

function close(open: Open): void {
  const { sequence, text } = open.model;
  for (let step = open.step; step < sequence.length; step += 1) {
    const taken = step === open.step ? open.taken : 0;
    if (sequence[step]?.[1] === 'one' && taken === 0) fail(`${open.name} lacks a child`);
  }
  if (!(text ?? /^\s*$/).test(open.text)) fail(`the text of ${open.name} has not its form`);
}

/** Throws with the first thing that the schema does not allow; returns how many elements of each name there are. */
export function checkKml(text: string): ReadonlyMap<string, number> {
  const reader = new XmlReader('the document');
  const tokens: XmlToken[] = reader.push(text);
  reader.end();
  const counts = new Map<string, number>();
  const ids = new Set<string>();
  const links: string[] = [];
  const open: Open[] = [];
  for (const token of tokens) {
    const parent = open.at(-1);
    if (token.kind === 'text') {
      if (parent !== undefined) parent.text += token.text;
      continue;
    }
    if (token.kind === 'close') {
      const closed = open.pop() ?? fail('it closes nothing');
      close(closed);
      if (closed.name === 'styleUrl') links.push(closed.text.slice(1));
      continue;
    }
    const model = MODELS[token.name] ?? fail(`there is no element ${token.name}`);
    if (parent === undefined && token.name !== 'kml') fail('the root is not kml');
    if (parent !== undefined) takeChild(parent, token.name);
    for (const [name, value] of token.attributes) {
      if (model.attributes?.includes(name) !== true) fail(`${token.name} has no ${name}`);
      // xs:ID: a name without a colon, once in the document.
      if (name === 'id' && (!/^[A-Za-z_][\w.-]*$/.test(value) || ids.has(value)))
        fail(`the id ${value}`);
      if (name === 'id') ids.add(value);
      if (name === 'xmlns' && value !== 'http://www.opengis.net/kml/2.2') fail('the name space');
    }
    counts.set(token.name, (counts.get(token.name) ?? 0) + 1);
    open.push({ name: token.name, model, step: 0, taken: 0, text: '' });
  }
  for (const link of links) if (!ids.has(link)) fail(`there is no style ${link}`);
  return counts;
}
