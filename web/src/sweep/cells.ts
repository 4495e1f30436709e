/** The cells of a sweep as a table of colours. */

import type { CellSeries, MethodStatus, SweepAxis, Value } from "../api/types";
import { levels, LEVELS } from "../run/colours";
import type { CellUpdate } from "../stream/events";

export interface Cell {
  cell: number;
  values: Value[];
  status: MethodStatus;
  /** Of the analysis: the score, or while it is computed the newest step's; null: none yet. */
  rmse: number | null;
  /** Standard error of the score. */
  error: number | null;
  scored: boolean;
  /** In time, thinned; empty before the first step. */
  series: CellSeries;
}

/** What is known of a cell after some news of it, from its sweep or from the stream. */
export function withNews(before: Cell | undefined, news: CellUpdate): Cell {
  const { cell, values, status, metrics } = news;
  const scored = metrics !== undefined && metrics !== null;
  const series = continued(before?.series ?? NO_SERIES, news.series ?? NO_SERIES);
  return {
    cell,
    values,
    status,
    rmse: scored ? (metrics.rmse_analysis ?? null) : (series.rmse_analysis.at(-1) ?? before?.rmse ?? null),
    error: scored ? (metrics.rmse_analysis_se ?? null) : null,
    scored,
    series,
  };
}

const NO_SERIES: CellSeries = { t: [], rmse_analysis: [] };

/** What is told again, after a lost connection or a reload, is known already. */
function continued(before: CellSeries, news: CellSeries): CellSeries {
  const known = before.t.at(-1) ?? -Infinity;
  const first = news.t.findIndex((t) => t > known);
  if (first < 0) return before;
  return {
    t: [...before.t, ...news.t.slice(first)],
    rmse_analysis: [...before.rmse_analysis, ...news.rmse_analysis.slice(first)],
  };
}

/** Rows of the first axis, columns of the second; one axis is one row. */
export function table(axes: readonly SweepAxis[], cells: readonly Cell[]): (Cell | undefined)[][] {
  const columns = axes.at(-1)!.values.length;
  const rows = axes.length > 1 ? axes[0]!.values.length : 1;
  const byNumber = new Map(cells.map((cell) => [cell.cell, cell]));
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => byNumber.get(row * columns + column)),
  );
}

/** The scored cell with the smallest RMSE that held the truth; null while there is none. */
export function best(cells: readonly Cell[]): Cell | null {
  let found: Cell | null = null;
  for (const cell of cells) {
    if (cell.status !== "completed" || cell.rmse === null) continue;
    if (found === null || cell.rmse < found.rmse!) found = cell;
  }
  return found;
}

/** The ends of the colour scale: the smallest and the largest RMSE; null where there is none. */
export function ends(cells: readonly Cell[]): [number, number] | null {
  const known = cells.flatMap(({ rmse }) => (rmse !== null && rmse > 0 ? [rmse] : []));
  if (known.length === 0) return null;
  return [Math.min(...known), Math.max(...known)];
}

const COLOURS = levels("sequential");

/** Background and ink of a cell, on a logarithmic scale; null where nothing is known. */
export function colours(rmse: number | null, range: [number, number] | null): [string, string] | null {
  if (rmse === null || range === null) return null;
  const [low, high] = range.map((end) => Math.log(end));
  const share = high! > low! ? (Math.log(Math.max(rmse, range[0])) - low!) / (high! - low!) : 0;
  const level = Math.round(Math.min(1, share) * (LEVELS - 1));
  const channels = [0, 1, 2].map((c) => COLOURS[3 * level + c]!);
  return [`rgb(${channels.join(" ")})`, luminance(channels) > EQUAL ? "#000000" : "#ffffff"];
}

/** Where black and white have the same contrast, 4.58 : 1, which is enough to be read. */
const EQUAL = 0.179;

/** Relative luminance as WCAG 2 defines it, of sRGB. */
function luminance(channels: readonly number[]): number {
  const [r, g, b] = channels.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
