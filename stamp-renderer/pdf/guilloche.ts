/**
 * The line work of the certificate: woven bands and rosettes of thin curves, which a photocopier renders badly and a
 * forger has to redraw. Pure geometry, so the same on every print. Each curve is a piece that is repeated by moving or
 * turning the page under it: a piece repeated word for word packs into almost nothing.
 */
import { deflateSync } from 'node:zlib';

/** A point of a curve at `t` from 0 to 1. */
type Curve = (t: number) => readonly [number, number];

const TAU = Math.PI * 2;
const WAVE = 22;

interface PageSize {
  readonly width: number;
  readonly height: number;
}

const packed = new Map<string, Buffer>();

/** Page operators for the whole background of a page, packed by deflate; made once for each size. */
export function packedGuilloche({ width, height }: PageSize): Buffer {
  const key = `${String(width)}x${String(height)}`;
  const known = packed.get(key);
  if (known !== undefined) return known;
  const operators = [field(width, height), frame(width, height), rosettes(width, height)].join(
    '\n',
  );
  const made = deflateSync(Buffer.from(operators, 'latin1'), { level: 9 });
  packed.set(key, made);
  return made;
}

/** Operators for a rosette: rings of petals, each the same petal turned round. */
export function rosette(
  at: { readonly x: number; readonly y: number; readonly radius: number },
  petals: number,
): string {
  const step = TAU / petals;
  const [cos, sin] = [Math.cos(step), Math.sin(step)].map((value) => value.toFixed(6)) as [
    string,
    string,
  ];
  const turn = `${cos} ${sin} ${sin.startsWith('-') ? sin.slice(1) : `-${sin}`} ${cos} 0 0 cm`;
  const rings = Array.from({ length: 5 }, (_, ring) => {
    const radius = at.radius * (1 - ring * 0.13);
    const petal = polyline((t) => {
      const swing = radius * (0.86 + 0.14 * Math.cos(TAU * t + ring * 0.9));
      return [swing * Math.cos(step * t), swing * Math.sin(step * t)];
    }, 10);
    return Array.from({ length: petals }, () => `${petal} ${turn}`).join('\n');
  });
  return rings.map((ring) => `q 1 0 0 1 ${point(at.x)} ${point(at.y)} cm\n${ring}\nQ`).join('\n');
}

/** Pale waves over the whole page. */
function field(width: number, height: number): string {
  const count = Math.round(height / 32);
  const waves = [0, 1, 2].map((kind) =>
    polyline(
      (t) => [
        26 + t * (width - 52),
        11 * Math.sin(TAU * 3 * t + kind * 2.1) * Math.cos(TAU * 0.5 * t + kind * 1.3),
      ],
      54,
    ),
  );
  const lines = Array.from({ length: count }, (_, index) => {
    const middle = 30 + (index * (height - 60)) / (count - 1);
    return `q 1 0 0 1 0 ${point(middle)} cm ${waves[index % 3] ?? ''} Q`;
  });
  return ['q 0.35 w 0.885 0.925 0.89 RG', ...lines, 'Q'].join('\n');
}

/** A woven band around the page: three curves of shifted phase along each edge. */
function frame(width: number, height: number): string {
  const near = 22;
  const [right, top] = [width - near, height - near];
  const weave = [0, 1 / 3, 2 / 3]
    .map((phase) => polyline((t) => [t * WAVE, 5.2 * Math.sin(TAU * (t + phase))], 12))
    .join(' ');
  const edges: readonly (readonly [number, number, number, string])[] = [
    [near, near, right - near, '1 0 0 1'],
    [right, near, top - near, '0 1 -1 0'],
    [right, top, right - near, '-1 0 0 -1'],
    [near, top, top - near, '0 -1 1 0'],
  ];
  const curves = edges.map(([x, y, length, turn]) => {
    const waves = Math.round(length / WAVE);
    const stretch = (length / (waves * WAVE)).toFixed(5);
    const band = Array.from({ length: waves }, () => `${weave} 1 0 0 1 ${String(WAVE)} 0 cm`);
    return `q ${turn} ${point(x)} ${point(y)} cm ${stretch} 0 0 1 0 0 cm\n${band.join('\n')}\nQ`;
  });
  const rules = [near - 7.5, near + 7.5].map(
    (inset) =>
      `${point(inset)} ${point(inset)} ${point(width - 2 * inset)} ${point(height - 2 * inset)} re S`,
  );
  return ['q 0.4 w 0.16 0.42 0.31 RG', ...curves, '0.7 w', ...rules, 'Q'].join('\n');
}

/** Two large rosettes in the middle, hardly darker than the paper. */
function rosettes(width: number, height: number): string {
  const middle = { x: width / 2, y: height * 0.57, radius: Math.min(width, height) * 0.3 };
  return ['q 0.35 w 0.85 0.905 0.86 RG', rosette(middle, 24), rosette(middle, 17), 'Q'].join('\n');
}

function polyline(curve: Curve, steps: number): string {
  const points = Array.from({ length: steps + 1 }, (_, step) => curve(step / steps));
  return `${points
    .map(([x, y], index) => `${point(x)} ${point(y)} ${index === 0 ? 'm' : 'l'}`)
    .join(' ')} S`;
}

function point(value: number): string {
  return String(Math.round(value * 100) / 100);
}
