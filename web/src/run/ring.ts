/** The ring of sites as a figure: angles are sites, distance from the centre is the value. */

export const SIZE = 320;
const CENTRE = SIZE / 2;
const INNER = 34;
const OUTER = 150;

export type Range = readonly [number, number];

/** Distance from the centre. */
export function radius(value: number, [low, high]: Range): number {
  const share = (value - low) / (high - low || 1);
  return INNER + Math.min(1.05, Math.max(-0.2, share)) * (OUTER - INNER);
}

/** Where the value of a site stands; site 0 is on top, and sites go round with the clock. */
export function point(site: number, count: number, value: number, range: Range): [number, number] {
  const angle = (2 * Math.PI * site) / count;
  const r = radius(value, range);
  return [CENTRE + r * Math.sin(angle), CENTRE - r * Math.cos(angle)];
}

/** A state as an SVG path; open where sites are missing, or values are not finite. */
export function path(state: Float32Array, count: number, range: Range): string {
  const parts: string[] = [];
  let pen = "M";
  for (let site = 0; site < state.length; site++) {
    const value = state[site]!;
    if (!Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    const [x, y] = point(site, count, value, range);
    parts.push(`${pen}${x.toFixed(1)} ${y.toFixed(1)}`);
    pen = "L";
  }
  const whole = state.length === count && state.every(Number.isFinite);
  return parts.join("") + (whole ? "Z" : "");
}

export interface Dot {
  x: number;
  y: number;
  /** The ends of its error bar. */
  from: [number, number];
  to: [number, number];
}

/** What was observed, with one standard deviation to each side. */
export function dots(
  observed: Float32Array,
  deviations: (site: number) => number,
  count: number,
  range: Range,
): Dot[] {
  const found: Dot[] = [];
  observed.forEach((value, site) => {
    if (!Number.isFinite(value)) return;
    const [x, y] = point(site, count, value, range);
    const error = deviations(site);
    found.push({
      x,
      y,
      from: point(site, count, value - error, range),
      to: point(site, count, value + error, range),
    });
  });
  return found;
}
