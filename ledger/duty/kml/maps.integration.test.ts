import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../kernel/clock.ts';
import { sql, type Database } from '../../../kernel/database.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/support/test-database.ts';
import {
  importBoundaries,
  importReferenceData,
  kmz,
  memorySource,
  rateMap,
  stampMap,
} from '../index.ts';
import { ZipFile } from '../import/zip-file.ts';
import { referenceFolder, textFile } from '../test-support.ts';
import { checkKml } from './kml-structure.test-support.ts';

const clock = new ManualClock(new Date('2026-11-23T10:00:00Z'));
const LAHORE = { district: 'LHR', fiscalYear: '2026-27', version: 1 };
const BY = { clock, importedBy: 'gis-officer' };
let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await openTestDatabase();
  database = test.database;
  await importReferenceData(database, referenceFolder, clock);
});

afterAll(async () => {
  await test.drop();
});

async function text(pieces: AsyncIterable<string>): Promise<string> {
  let whole = '';
  for await (const piece of pieces) whole += piece;
  return whole;
}

function square(longitude: number, latitude: number): number[][] {
  const east = Number((longitude + 0.01).toFixed(4));
  const north = Number((latitude + 0.01).toFixed(4));
  return [
    [longitude, latitude],
    [east, latitude],
    [east, north],
    [longitude, north],
    [longitude, latitude],
  ];
}

function geoJson(features: readonly object[]): ReturnType<typeof memorySource> {
  return memorySource(
    textFile(JSON.stringify({ type: 'FeatureCollection', features }), 'boundaries.geojson'),
  );
}

const GULBERG = {
  type: 'Feature',
  properties: { tehsil: 'LHR-MODEL-TOWN', locality: 'gulberg-iii', name: 'Gulberg <III> & around' },
  geometry: { type: 'Polygon', coordinates: [square(74.34, 31.51)] },
};
const MALL = {
  type: 'Feature',
  properties: { tehsil: 'LHR-CITY', locality: 'the-mall', name: 'The Mall' },
  geometry: { type: 'MultiPolygon', coordinates: [[square(74.31, 31.56)], [square(74.33, 31.56)]] },
};

// The tests of this file follow one another on one database.
describe('boundaries', () => {
  it('are refused as a whole when one is wrong, each by its feature', async () => {
    const swapped = { ...MALL, geometry: { type: 'Polygon', coordinates: [square(31.5, 74.3)] } };
    const open = {
      ...GULBERG,
      geometry: { type: 'Polygon', coordinates: [square(74, 31).slice(1)] },
    };
    const nowhere = { ...GULBERG, properties: { tehsil: 'LHR-X', locality: 'A b' } };
    const result = await importBoundaries(database, geoJson([swapped, open, nowhere]), BY);
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { line: 1, column: 'geometry', reason: expect.stringContaining('longitude comes first') },
        { line: 2, column: 'geometry', reason: 'a ring is not closed' },
        { line: 3, column: 'tehsil' },
        { line: 3, column: 'locality' },
      ],
    });
    expect(await database.query(sql`select 1 from dc_boundary`)).toEqual([]);
  });

  it('are kept with their localities, and a later file is a later version', async () => {
    expect(await importBoundaries(database, geoJson([GULBERG, MALL]), BY)).toEqual({
      ok: true,
      boundaries: 2,
    });
    expect(await importBoundaries(database, geoJson([GULBERG]), BY)).toMatchObject({ ok: true });
    const rows = await database.query(sql`
      select locality_code, version from dc_boundary order by locality_code, version`);
    expect(rows).toEqual([
      { locality_code: 'gulberg-iii', version: 1 },
      { locality_code: 'gulberg-iii', version: 2 },
      { locality_code: 'the-mall', version: 1 },
    ]);
  });

  it('come back from our own KML and KMZ', async () => {
    const map = (): AsyncGenerator<string> =>
      rateMap(database, { ...LAHORE, landClass: 'residential' });
    const lines = (await text(map())).split('\n');
    const marks = lines.filter((line) => line.includes('<Polygon>'));
    expect(marks).toHaveLength(2);
    const styles = lines.filter((line) => line.startsWith('<Style '));
    const kml = `<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>${styles.join('')}${marks.join('')}</Document></kml>`;
    checkKml(kml);
    expect(
      await importBoundaries(database, memorySource(textFile(kml, 'a.kml')), BY),
    ).toMatchObject({
      ok: true,
      boundaries: 2,
    });
    async function* once(): AsyncGenerator<string> {
      await Promise.resolve();
      yield kml;
    }
    const packed: Uint8Array[] = [];
    for await (const piece of kmz(once())) packed.push(piece);
    const source = memorySource({ fileName: 'a.kmz', bytes: Buffer.concat(packed) });
    expect(await importBoundaries(database, source, BY)).toMatchObject({ ok: true, boundaries: 2 });
    const [row] = await database.query<{ same: boolean }>(sql`
      select count(distinct coordinates) = 1 as same from dc_boundary where locality_code = 'gulberg-iii'`);
    expect(row?.same).toBe(true);
  });
});

describe('a map of rates', () => {
  it('has every locality of the table once, coloured, with a legend, by the schema', async () => {
    const kml = await text(rateMap(database, { ...LAHORE, landClass: 'residential' }));
    const counts = checkKml(kml);
    const [row] = await database.query<{ n: bigint }>(
      sql`select count(*) as n from dc_locality where district_code = 'LHR' and version = 1`,
    );
    expect(BigInt(counts.get('Placemark') ?? 0)).toBe(row?.n);
    expect(counts.get('Polygon')).toBe(3);
    expect(kml).toContain('Legend: up to Rs ');
    expect(kml).toContain('(assumed)');
    expect((kml.match(/<Folder><name>/g) ?? []).length).toBeGreaterThanOrEqual(5);
  });

  it('as KMZ unpacks to the same bytes', async () => {
    const request = { ...LAHORE, landClass: 'commercial' as const };
    const packed: Uint8Array[] = [];
    for await (const piece of kmz(rateMap(database, request))) packed.push(piece);
    const zip = new ZipFile(Buffer.concat(packed));
    expect(zip.names).toEqual(['doc.kml']);
    const unpacked: Uint8Array[] = [];
    for await (const piece of zip.read('doc.kml')) unpacked.push(piece);
    expect(Buffer.concat(unpacked).toString()).toBe(await text(rateMap(database, request)));
  });

  it('of a table that is not there is an empty document, still by the schema', async () => {
    const kml = await text(rateMap(database, { ...LAHORE, version: 99, landClass: 'residential' }));
    expect(checkKml(kml).get('Placemark')).toBeUndefined();
  });
});

describe('a map of stamps', () => {
  it('is by the schema when there are none', async () => {
    const day = new Date('2026-11-23T00:00:00Z');
    const kml = await text(
      stampMap(database, { from: day, until: new Date('2026-11-24T00:00:00Z') }),
    );
    expect(checkKml(kml).get('Folder')).toBe(5);
  });
});

describe('the check of KML', () => {
  const document = (inside: string): string =>
    `<kml xmlns="http://www.opengis.net/kml/2.2"><Document>${inside}</Document></kml>`;
  it.each([
    ['an element of another language', document('<svg/>')],
    ['a description before the name', document('<description>a</description><name>b</name>')],
    [
      'a colour in words',
      document('<Style id="a"><PolyStyle><color>red</color></PolyStyle></Style>'),
    ],
    ['a style that is not there', document('<Placemark><styleUrl>#a</styleUrl></Placemark>')],
    ['an id that comes twice', document('<Placemark id="a"/><Placemark id="a"/>')],
    [
      'spaces after a comma',
      document('<Placemark><Point><coordinates>74, 31</coordinates></Point></Placemark>'),
    ],
    ['a polygon without a ring', document('<Placemark><Polygon></Polygon></Placemark>')],
  ])('refuses %s', (_name, kml) => {
    expect(() => checkKml(kml)).toThrow('not KML 2.2');
  });
});
