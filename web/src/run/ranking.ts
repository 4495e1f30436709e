/** Who is better than whom, and whether it can be said at all: pure, from the server's scores. */

import type { MetricName } from "../api/types";
import { improvement } from "./format";
import type { Curve } from "./curves";
import { isActive, type MethodState } from "./state";

export interface Sorting {
  /** A column of the table of scores. */
  column: string;
  descending: boolean;
}

/** Best first. */
export const FIRST_SORTING: Sorting = { column: "rmse_analysis", descending: false };

/** A number of a method, or null; a column of the table can be sorted by it. */
export type Score = (method: MethodState) => number | null;

export const metric =
  (name: MetricName): Score =>
  ({ metrics }) => {
    const value = metrics?.[name];
    return value === undefined || value === null || !Number.isFinite(value) ? null : value;
  };

export const rmse = metric("rmse_analysis");
const standardError = metric("rmse_analysis_se");

/** Sorted by a column, what has no number last; in their order where it is the same. */
export function sorted<M extends MethodState>(methods: readonly M[], score: Score, descending: boolean): M[] {
  const sign = descending ? -1 : 1;
  const scores = new Map(methods.map((method) => [method, score(method)]));
  return [...methods].sort((one, other) => {
    const [a, b] = [scores.get(one) ?? null, scores.get(other) ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (a - b);
  });
}

/** The sorting after a click on a column's heading. */
export const turned = (before: Sorting, column: string): Sorting =>
  before.column === column ? { column, descending: !before.descending } : { column, descending: false };

/** While methods run their order is that of the request: rows would jump with every one that ends. */
export const settled = (methods: readonly MethodState[]): boolean =>
  methods.every(({ status }) => !isActive(status));

/** True where the RMSE of two methods differ by less than the standard error of the difference. */
export function tie(one: MethodState, other: MethodState): boolean {
  const [a, b] = [rmse(one), rmse(other)];
  const [errorA, errorB] = [standardError(one), standardError(other)];
  if (a === null || b === null || errorA === null || errorB === null) return false;
  return Math.abs(a - b) < Math.hypot(errorA, errorB);
}

/** True where the run was computed and all its cycles lie within the burn-in. */
export const unscored = (methods: readonly MethodState[]): boolean =>
  methods.length > 0 &&
  settled(methods) &&
  methods.every(({ metrics }) => metrics !== null && metrics.cycles_scored === 0);

export interface Place {
  /** 1 is best; all that tie with a group's best share its place. */
  place: number;
  tied: boolean;
}

/** By the method's id; methods without an RMSE have no place. */
export function places(methods: readonly MethodState[]): Map<string, Place> {
  const groups: MethodState[][] = [];
  for (const method of sorted(methods, rmse, false)) {
    if (rmse(method) === null) break;
    const group = groups.at(-1);
    if (group !== undefined && tie(group[0]!, method)) group.push(method);
    else groups.push([method]);
  }
  const result = new Map<string, Place>();
  let place = 1;
  for (const group of groups) {
    for (const { id } of group) result.set(id, { place, tied: group.length > 1 });
    place += group.length;
  }
  return result;
}

/** The baseline with the smallest RMSE; null where none has one yet. */
export function bestBaseline(curves: readonly Curve[]): Curve | null {
  const best = sorted(curves.filter(({ reference }) => reference), rmse, false)[0];
  return best === undefined || rmse(best) === null ? null : best;
}

/** The part of its background's RMSE that a method's analysis removes. */
export const overBackground: Score = (method) =>
  improvement(metric("rmse_background")(method), rmse(method));

/** The part of the best baseline's RMSE that a method removes. */
export const over =
  (baseline: MethodState | null): Score =>
  (method) =>
    baseline === null ? null : improvement(rmse(baseline), rmse(method));

export interface Verdict {
  /** Of those that held the truth; null where none did. */
  best: Curve | null;
  /** Filters whose difference to the best is smaller than its standard error. */
  ties: readonly Curve[];
  /** Filters that do not beat the best baseline. */
  beaten: readonly Curve[];
  baseline: Curve | null;
}

/** What can be said of methods that saw the same truth; null before all have ended, or of one. */
export function verdict(curves: readonly Curve[]): Verdict | null {
  const filters = sorted(curves.filter(({ reference }) => !reference), rmse, false);
  const scored = filters.filter((filter) => rmse(filter) !== null);
  const baseline = bestBaseline(curves);
  if (scored.length === 0 || !settled(curves) || scored.length + Number(baseline !== null) < 2) return null;
  const [best = null, ...others] = scored.filter(({ status }) => status !== "diverged");
  const beaten = scored.filter((filter) => baseline !== null && rmse(filter)! >= rmse(baseline)!);
  return { best, ties: others.filter((filter) => best !== null && tie(best, filter)), beaten, baseline };
}
