/** Boundaries on the map: polygons in longitude and latitude (WGS 84), as GeoJSON's MultiPolygon (RFC 7946). */

/** Longitude and latitude in degrees. */
export type Position = readonly [longitude: number, latitude: number];
/** A closed ring: the last position is the first again. */
export type Ring = readonly Position[];
/** The outer ring and the holes in it. */
export type Polygon = readonly Ring[];
export type MultiPolygon = readonly Polygon[];

/** Pakistan with a margin. A point outside of it has its coordinates in the wrong order or in other units. */
const WEST = 60;
const EAST = 78;
const SOUTH = 23;
const NORTH = 38;
const POSITIONS_MAX = 200_000;
const RING_MIN = 4;

function isPosition(value: unknown): value is Position {
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.slice(0, 2).every((each) => typeof each === 'number' && Number.isFinite(each))
  );
}

function ringProblem(ring: unknown): string | undefined {
  if (!Array.isArray(ring) || ring.length < RING_MIN) return 'a ring has fewer than four positions';
  for (const position of ring as unknown[]) {
    if (!isPosition(position)) return 'a position is not longitude and latitude';
    const [longitude, latitude] = position;
    if (longitude < WEST || longitude > EAST || latitude < SOUTH || latitude > NORTH) {
      return `the position ${String(longitude)},${String(latitude)} is not in Pakistan; longitude comes first`;
    }
  }
  const [first, last] = [ring[0] as Position, ring.at(-1) as Position];
  return first[0] === last[0] && first[1] === last[1] ? undefined : 'a ring is not closed';
}

/** What is wrong with coordinates that came from outside; undefined when they are a right MultiPolygon. */
export function multiPolygonProblem(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return 'there is no polygon';
  let positions = 0;
  for (const polygon of value as unknown[]) {
    if (!Array.isArray(polygon) || polygon.length === 0) return 'a polygon has no ring';
    for (const ring of polygon as unknown[]) {
      const problem = ringProblem(ring);
      if (problem !== undefined) return problem;
      positions += (ring as unknown[]).length;
    }
  }
  return positions > POSITIONS_MAX ? `has more than ${String(POSITIONS_MAX)} positions` : undefined;
}

/** Centre of a ring by area (the shoelace sum); its first position when the ring has no area. */
function ringCentre(ring: Ring): { readonly centre: Position; readonly area: number } {
  let area = 0;
  let x = 0;
  let y = 0;
  for (let index = 0; index + 1 < ring.length; index += 1) {
    const [x1, y1] = ring[index] ?? [0, 0];
    const [x2, y2] = ring[index + 1] ?? [0, 0];
    const cross = x1 * y2 - x2 * y1;
    area += cross;
    x += (x1 + x2) * cross;
    y += (y1 + y2) * cross;
  }
  const centre: Position = area === 0 ? (ring[0] ?? [0, 0]) : [x / (3 * area), y / (3 * area)];
  return { centre, area: Math.abs(area / 2) };
}

/** A point to put a mark at: the centre of the largest part. */
export function centreOf(polygons: MultiPolygon): Position {
  let best: { centre: Position; area: number } = { centre: [0, 0], area: -1 };
  for (const [outer] of polygons) {
    if (outer === undefined) continue;
    const found = ringCentre(outer);
    if (found.area > best.area) best = found;
  }
  return best.centre;
}
