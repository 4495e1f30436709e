/** The radar of a run's scores: on each spoke the best method is at the rim. */

import { metric, type Score } from "./ranking";
import type { MethodState } from "./state";

/** Spokes, clockwise from the top; their names are `table.<name>` in the dictionary. */
export const SPOKES = [
  "rmse_analysis",
  "crps_analysis",
  "spread_skill",
  "final",
  "mean",
  "rmse_background",
] as const;
export type Spoke = (typeof SPOKES)[number];

/** 1 on the rim; null where the method does not have that score. */
export type Polygon = readonly (number | null)[];

/**
 * Errors: the smallest among the methods over the method's own, so that half way in is twice the
 * error. Spread over error: itself or its inverse, whichever is below 1.
 */
export function polygons(methods: readonly MethodState[]): Polygon[] {
  const columns = SPOKES.map((spoke) => {
    const score: Score = metric(spoke);
    const values = methods.map(score);
    if (spoke === "spread_skill") return values.map((value) => value && Math.min(value, 1 / value));
    const positive = values.filter((value) => value !== null && value > 0) as number[];
    const best = Math.min(...positive);
    return values.map((value) => (value !== null && value > 0 ? best / value : null));
  });
  return methods.map((_, index) => columns.map((column) => column[index] ?? null));
}

/** The end of a spoke of the given length, from (0, 0), y downwards. */
export function point(spoke: number, length: number): [number, number] {
  const angle = (2 * Math.PI * spoke) / SPOKES.length;
  return [length * Math.sin(angle), -length * Math.cos(angle)];
}

/** A path along the spokes; a method that lacks a score is drawn through what it has. */
export function outline(polygon: Polygon, radius: number): string {
  const corners = polygon.flatMap((value, spoke) =>
    value === null ? [] : [point(spoke, value * radius).map((part) => part.toFixed(2)).join(" ")],
  );
  return corners.length === 0 ? "" : `M${corners.join("L")}Z`;
}
