/** Colour scales for numbers on a grid; told apart with the common colour-vision deficiencies. */

import type { Grid } from "./states";

export type Scale = "diverging" | "sequential";

/** From the low end to the high one. */
const STOPS: Record<Scale, readonly string[]> = {
  // blue through grey to orange
  diverging: ["#08306b", "#2f79b5", "#9cc4de", "#eeece8", "#f5b779", "#d9731a", "#7a3302"],
  // dark violet through green to yellow
  sequential: ["#2a0845", "#3b4a8c", "#23818c", "#4fb477", "#c5d94a", "#fdf0a0"],
};

export const LEVELS = 256;

const channels = (hex: string): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** The scale as LEVELS colours, red, green and blue one after the other. */
export function levels(scale: Scale): Uint8ClampedArray {
  const known = STOPS[scale].map(channels);
  const found = new Uint8ClampedArray(3 * LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    const place = (level / (LEVELS - 1)) * (known.length - 1);
    const below = Math.min(known.length - 2, Math.floor(place));
    for (let c = 0; c < 3; c++) {
      const [from, to] = [known[below]![c]!, known[below + 1]![c]!];
      found[3 * level + c] = from + (place - below) * (to - from);
    }
  }
  return found;
}

/** The scale's colours at equal distances, low end first. */
export const stops = (scale: Scale): readonly string[] => STOPS[scale];

/** The scale as CSS has it. */
export const gradient = (scale: Scale): string => `linear-gradient(to right, ${STOPS[scale].join(", ")})`;

/**
 * The grid as pixels: a column a step, a row a site, `columns` wide. What is not finite, or has not
 * come yet, is clear; what is beyond the range has the colour of its end.
 */
export function pixels(
  grid: Grid,
  columns: number,
  [low, high]: readonly [number, number],
  scale: Scale,
): Uint8ClampedArray {
  const colours = levels(scale);
  const found = new Uint8ClampedArray(4 * columns * grid.sites);
  for (let k = 0; k < grid.steps; k++) {
    for (let s = 0; s < grid.sites; s++) {
      const value = grid.values[k * grid.sites + s]!;
      if (!Number.isFinite(value)) continue;
      const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
      const level = Math.round(share * (LEVELS - 1));
      const at = 4 * (s * columns + k);
      for (let c = 0; c < 3; c++) found[at + c] = colours[3 * level + c]!;
      found[at + 3] = 255;
    }
  }
  return found;
}
