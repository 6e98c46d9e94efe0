/**
 * The line work of the certificate: woven bands and rosettes of thin curves, which a photocopier renders badly
 * and a forger has to redraw. Pure geometry, so the same on every print; made once and kept as PDF operators.
 */

/** A point of a curve at `t` from 0 to 1. */
type Curve = (t: number) => readonly [number, number];

const TAU = Math.PI * 2;

/** Page operators (in PDF's own coordinates, y upwards) for the whole background of a page. */
export function guilloche(width: number, height: number): string {
  const key = `${String(width)}x${String(height)}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const operators = [field(width, height), frame(width, height), rosettes(width, height)].join(
    '\n',
  );
  drawn.set(key, operators);
  return operators;
}

const drawn = new Map<string, string>();

/** Operators for a rosette alone, as the emblem of a document. */
export function rosette(
  at: { readonly x: number; readonly y: number; readonly radius: number },
  petals: number,
): string {
  return Array.from({ length: 5 }, (_, ring) => {
    const radius = at.radius * (1 - ring * 0.13);
    return polyline((t) => {
      const swing = radius * (0.86 + 0.14 * Math.cos(petals * TAU * t + ring * 0.9));
      return [at.x + swing * Math.cos(TAU * t), at.y + swing * Math.sin(TAU * t)];
    }, petals * 8);
  }).join('\n');
}

/** Pale waves over the whole page. */
function field(width: number, height: number): string {
  const lines = Array.from({ length: 26 }, (_, index) => {
    const middle = 30 + (index * (height - 60)) / 25;
    return polyline(
      (t) => [
        26 + t * (width - 52),
        middle + 11 * Math.sin(TAU * 3 * t + index * 0.55) * Math.cos(TAU * 0.5 * t + index * 0.2),
      ],
      54,
    );
  });
  return ['q 0.35 w 0.885 0.925 0.89 RG', ...lines, 'Q'].join('\n');
}

/** A woven band around the page: three curves of shifted phase along each edge. */
function frame(width: number, height: number): string {
  const near = 22;
  const [right, top] = [width - near, height - near];
  const edges: [number, number, number, number][] = [
    [near, near, right, near],
    [right, near, right, top],
    [right, top, near, top],
    [near, top, near, near],
  ];
  const curves = edges.flatMap(([x1, y1, x2, y2]) => {
    const length = Math.hypot(x2 - x1, y2 - y1);
    const waves = Math.round(length / 22);
    const [alongX, alongY] = [(x2 - x1) / length, (y2 - y1) / length];
    return [0, 1 / 3, 2 / 3].map((phase) =>
      polyline((t) => {
        const swing = 5.2 * Math.sin(TAU * (waves * t + phase));
        return [
          x1 + alongX * length * t - alongY * swing,
          y1 + alongY * length * t + alongX * swing,
        ];
      }, waves * 9),
    );
  });
  const rules = [near - 7.5, near + 7.5].map(
    (inset) =>
      `${point(inset)} ${point(inset)} ${point(width - 2 * inset)} ${point(height - 2 * inset)} re S`,
  );
  return ['q 0.4 w 0.16 0.42 0.31 RG', ...curves, '0.7 w', ...rules, 'Q'].join('\n');
}

/** A large rosette in the middle, hardly darker than the paper. */
function rosettes(width: number, height: number): string {
  const middle = { x: width / 2, y: height * 0.43, radius: Math.min(width, height) * 0.3 };
  return ['q 0.35 w 0.85 0.905 0.86 RG', rosette(middle, 24), rosette(middle, 17), 'Q'].join('\n');
}

function polyline(curve: Curve, steps: number): string {
  const points = Array.from({ length: steps + 1 }, (_, step) => curve(step / steps));
  return `${points
    .map(([x, y], index) => `${point(x)} ${point(y)} ${index === 0 ? 'm' : 'l'}`)
    .join(' ')} S`;
}

function point(value: number): string {
  return String(Math.round(value * 10) / 10);
}
