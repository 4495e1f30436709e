/** The score over one setting as points, and the course of cells in time as curves. */

import type { CellSeries, SweepAxis } from "../api/types";
import { logShare, type ScorePoint } from "../share/scoreCurve";
import type { Range } from "../share/ticks";
import { best, type Cell } from "./cells";

/** Where each value of an axis stands: at its number, or in its order where they are no numbers. */
export function places({ values }: SweepAxis): number[] {
  const numbers = values.every((value) => typeof value === "number");
  return values.map((value, k) => (numbers ? Number(value) : k));
}

/** The cells of a sweep over one setting that have a number, from left to right. */
export function scorePoints(axis: SweepAxis, cells: readonly Cell[]): ScorePoint[] {
  const winner = best(cells);
  const at = places(axis);
  return cells
    .flatMap((cell) =>
      cell.rmse === null || cell.rmse <= 0
        ? []
        : [
            {
              x: at[cell.cell]!,
              y: cell.rmse,
              error: cell.error,
              lost: cell.status === "diverged",
              best: cell === winner,
            },
          ],
    )
    .sort((one, other) => one.x - other.x);
}

/** Of a logarithmic axis that holds all points with their errors, and some room. */
export function scoreRange(points: readonly ScorePoint[]): Range {
  const ends = points.flatMap(({ y, error }) => [y, y + (error ?? 0), y - (error ?? 0)]);
  return roomy(ends.filter((end) => end > 0));
}

/** Of a logarithmic axis that holds the courses of all cells; null where none has begun. */
export function seriesRange(cells: readonly Cell[]): Range | null {
  let [low, high] = [Infinity, 0];
  for (const { series } of cells) {
    for (const value of series.rmse_analysis) {
      if (value === null || value <= 0) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return high === 0 ? null : roomy([low, high]);
}

function roomy(values: readonly number[]): Range {
  return [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
}

/** The last time that any cell has reached. */
export const lastTime = (cells: readonly Cell[]): number =>
  cells.reduce((last, { series }) => Math.max(last, series.t.at(-1) ?? 0), 0);

/** As an SVG path on an area of this size; gaps are bridged, as in the charts of runs. */
export function seriesPath(
  { t, rmse_analysis }: CellSeries,
  end: number,
  range: Range,
  width: number,
  height: number,
): string {
  const points = t.flatMap((time, k) => {
    const value = rmse_analysis[k];
    if (value === null || value === undefined) return [];
    const y = (1 - Math.min(1, logShare(value, range))) * height;
    return [`${((time / (end || 1)) * width).toFixed(1)} ${y.toFixed(1)}`];
  });
  return points.length === 0 ? "" : `M${points.join("L")}`;
}
