/** What the figures of a method's diagnostics show: pure, from the server's numbers. */

import type { SpreadSkill } from "../api/types";
import type { MethodState } from "./state";

/** A method that has something to show, with its place among the run's methods. */
export interface Diagnosed {
  method: MethodState;
  index: number;
  ranks: readonly number[];
  spread: readonly SpreadPoint[];
  leads: readonly (number | null)[];
}

export function diagnosed(methods: readonly MethodState[]): Diagnosed[] {
  return methods
    .map((method, index) => {
      const told = method.diagnostics;
      const ranks = told?.rank_histogram ?? [];
      const leads = told?.lead_rmse ?? [];
      return {
        method,
        index,
        ranks: sum(ranks) > 0 ? ranks : [],
        spread: spreadPoints(told?.spread_skill),
        leads: leads.some(Number.isFinite) ? leads : [],
      };
    })
    .filter(({ ranks, spread, leads }) => ranks.length + spread.length + leads.length > 0);
}

/** Heights of at most `most` bars, 1 where the histogram is flat; neighbouring ranks share a bar. */
export function rankBars(ranks: readonly number[], most = 48): number[] {
  const flat = sum(ranks) / ranks.length;
  const count = Math.min(most, ranks.length);
  const cut = (bar: number) => Math.round((bar * ranks.length) / count);
  return Array.from({ length: count }, (_, bar) => {
    const shared = ranks.slice(cut(bar), cut(bar + 1));
    return sum(shared) / shared.length / flat;
  });
}

/** How often the truth lay below or above all members, and how often it should. */
export function outside(ranks: readonly number[]): { share: number; flat: number } {
  const ends = (ranks[0] ?? 0) + (ranks.length > 1 ? (ranks.at(-1) ?? 0) : 0);
  return { share: ends / sum(ranks), flat: Math.min(1, 2 / ranks.length) };
}

/** A bin of the spread: what the ensemble said, and how wrong its mean was. */
export interface SpreadPoint {
  spread: number;
  error: number;
}

/** Bins with fewer than this part of the cases say little. */
const LEAST = 0.01;

function spreadPoints(bins: SpreadSkill | undefined): SpreadPoint[] {
  if (bins === undefined) return [];
  const least = LEAST * sum(bins.counts);
  return bins.counts
    .map((count, bin) => ({ count, spread: bins.spread[bin] ?? 0, error: bins.error[bin] ?? 0 }))
    .filter(({ count, spread, error }) => count >= least && spread > 0 && error > 0)
    .map(({ spread, error }) => ({ spread, error }));
}

/** The smallest and the largest error, in units of the spread; null without points. */
export function errorPerSpread(points: readonly SpreadPoint[]): [number, number] | null {
  const ratios = points.map(({ spread, error }) => error / spread);
  return points.length === 0 ? null : [Math.min(...ratios), Math.max(...ratios)];
}

/** A range of round numbers, for a logarithmic axis, that holds all values; null without any. */
export function logRange(values: readonly number[]): [number, number] | null {
  if (values.length === 0) return null;
  const low = roundDown(Math.min(...values));
  const high = Math.max(...values);
  return [low, Math.max(2 * low, roundUp(high))];
}

/** The next of 1, 2, 5, 10 ... that is at least this positive value. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [1, 2, 5, 10].find((candidate) => candidate * power >= value) ?? 10;
  return Number((digit * power).toPrecision(1));
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [5, 2, 1].find((candidate) => candidate * power <= value) ?? 1;
  return Number((digit * power).toPrecision(1));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
