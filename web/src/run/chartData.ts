/** What a chart shows of the curves: which quantity, its lines, bands and levels. */

import type { MetricName } from "../api/types";
import type { SeriesName } from "../stream/events";
import { strokeOf, type Curve, type Stroke } from "./curves";
import { metric } from "./ranking";

export const QUANTITIES = ["error", "rmse", "spread"] as const;
export type Quantity = (typeof QUANTITIES)[number];

export const PAIRS: Record<Quantity, { analysis: SeriesName; background: SeriesName }> = {
  error: { analysis: "error_a", background: "error_b" },
  rmse: { analysis: "rmse_analysis", background: "rmse_background" },
  spread: { analysis: "spread_analysis", background: "spread_background" },
};

export type Column = (number | null)[];

/** A curve as it is drawn. */
export interface Drawn extends Stroke {
  id: string;
  /** Place in the palette. */
  colour: number;
  times: readonly number[];
  values: Column;
}

/** Of each curve that is shown its background, where that is drawn, and its analysis over it. */
export function drawn(curves: readonly Curve[], quantity: Quantity, hidden: readonly string[]): Drawn[] {
  return curves.flatMap((curve) => {
    if (hidden.includes(curve.id)) return [];
    const parts = curve.background ? (["background", "analysis"] as const) : (["analysis"] as const);
    return parts.map((part) => ({
      ...strokeOf(curve, part),
      id: `${curve.id} ${part}`,
      colour: curve.colour,
      times: curve.columns.t,
      values: curve.columns[PAIRS[quantity][part]],
    }));
  });
}

/** Where two thirds of a method's replicates lie. */
export interface Band {
  /** Place in the palette. */
  colour: number;
  /** Time, low end, high end: where all are known. */
  points: [number, number, number][];
}

/** Of what is drawn and has replicates. */
export function bands(
  curves: readonly Curve[],
  quantity: Quantity,
  log: boolean,
  hidden: readonly string[],
): Band[] {
  if (quantity === "error") return [];
  const series = PAIRS[quantity].analysis as "rmse_analysis" | "spread_analysis";
  return curves.flatMap(({ id, colour, columns }) => {
    if (hidden.includes(id)) return [];
    const [low, high] = [columns[`${series}_low`], columns[`${series}_high`]];
    const points = columns.t.flatMap((time, row): [number, number, number][] => {
      const [from, to] = [shown(low[row], log), shown(high[row], log)];
      return from === null || to === null ? [] : [[time, from, to]];
    });
    return points.length > 1 ? [{ colour, points }] : [];
  });
}

/** What a baseline reaches on average. */
export interface Level {
  label: string;
  /** Place in the palette. */
  colour: number;
  value: number;
}

const MEANS: Record<Quantity, MetricName> = {
  error: "mean",
  rmse: "rmse_analysis",
  spread: "spread_analysis",
};

export function levels(curves: readonly Curve[], quantity: Quantity, hidden: readonly string[]): Level[] {
  return curves.flatMap((curve) => {
    const { id, label, colour, reference } = curve;
    const value = metric(MEANS[quantity])(curve);
    const drawn = reference && !hidden.includes(id) && value !== null && value > 0;
    return drawn ? [{ label, colour, value }] : [];
  });
}

export function shown(value: number | null | undefined, log: boolean): number | null {
  if (value === null || value === undefined) return null;
  return log && value <= 0 ? null : value;
}
