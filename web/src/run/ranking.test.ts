import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { Metrics } from "../api/types";
import type { Curve } from "./curves";
import { bestBaseline, over, overBackground, places, rmse, sorted, turned, unscored, verdict } from "./ranking";
import { emptyColumns } from "./state";

function curve(id: string, value: number | null, se: number | null = 0.01, reference = false): Curve {
  const scores = { rmse_analysis: value, rmse_analysis_se: se, rmse_background: value && 2 * value };
  const metrics = partly<Metrics>(scores);
  const fixed = { params: {}, diagnostics: null, runtime: null, divergedStep: null, run: 0, colour: 0 };
  return { id, name: id, label: id, status: "completed", columns: emptyColumns(), metrics, reference, background: true, ...fixed };
}

const ids = (curves: readonly Curve[]) => curves.map(({ id }) => id);

test("sorted by a score, what has none last whichever way", () => {
  const curves = [curve("none", null), curve("b", 2), curve("a", 1), curve("nan", NaN)];
  expect(ids(sorted(curves, rmse, false))).toEqual(["a", "b", "none", "nan"]);
  expect(ids(sorted(curves, rmse, true))).toEqual(["b", "a", "none", "nan"]);
});

test("a second click on a heading turns the order round", () => {
  const first = turned({ column: "mean", descending: true }, "final");
  expect(first).toEqual({ column: "final", descending: false });
  expect(turned(first, "final")).toEqual({ column: "final", descending: true });
});

test("differences below their standard error share a place", () => {
  // the error of a difference: 0.01 √2 = 0.0141
  const found = places([curve("c", 0.2), curve("a", 0.1), curve("b", 0.114), curve("d", 0.2142), curve("x", null)]);
  expect(Object.fromEntries(found)).toEqual({
    a: { place: 1, tied: true },
    b: { place: 1, tied: true },
    c: { place: 3, tied: false },
    d: { place: 4, tied: false },
  });
});

test("without a standard error there is no tie", () => {
  expect(places([curve("a", 0.1, null), curve("b", 0.1001)]).get("b")).toEqual({ place: 2, tied: false });
});

test("improvement over the background and over the best baseline", () => {
  const curves = [curve("free", 4, 0.1, true), curve("clim", 2, 0.1, true), curve("letkf", 0.5), curve("bad", 3)];
  const best = bestBaseline(curves);
  expect(best?.id).toBe("clim");
  expect(curves.map(over(best))).toEqual([-1, 0, 0.75, -0.5]);
  expect(curves.map(overBackground)).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(over(bestBaseline([curve("free", null, null, true)]))(curves[2]!)).toBe(null);
});

test("the verdict is over filters, once all have ended", () => {
  const curves = [curve("clim", 0.3, 0.01, true), curve("bad", 0.4), curve("a", 0.1), curve("b", 0.11)];
  const said = verdict(curves)!;
  expect([said.best?.id, ids(said.ties), ids(said.beaten), said.baseline?.id]).toEqual(["a", ["b"], ["bad"], "clim"]);
  expect(verdict([...curves, { ...curve("late", null), status: "running" }])).toBe(null);
  expect(verdict([curve("alone", 1)])).toBe(null);
  expect(verdict([curve("clim", 1, 0.1, true)])).toBe(null);
});

test("a filter that diverged is neither best nor in a tie", () => {
  const lost = (id: string, value: number): Curve => ({ ...curve(id, value), status: "diverged" });
  const said = verdict([curve("clim", 3, 0.01, true), lost("enkf", 0.1), curve("a", 0.2), lost("b", 0.201)])!;
  expect([said.best?.id, ids(said.ties)]).toEqual(["a", []]);
  const none = verdict([curve("clim", 3, 0.01, true), lost("enkf", 4), lost("b", 2)])!;
  expect([none.best, ids(none.ties), ids(none.beaten)]).toEqual([null, [], ["enkf"]]);
});

test("nothing is scored where all cycles lie within the burn-in", () => {
  const counting = (cycles_scored: number): Curve => ({
    ...curve("a", null),
    metrics: partly<Metrics>({ rmse_analysis: null, cycles_scored }),
  });
  expect(unscored([counting(0), counting(0)])).toBe(true);
  expect(unscored([counting(0), counting(3)])).toBe(false);
  expect(unscored([counting(0), { ...counting(0), status: "running" }])).toBe(false);
  expect(unscored([{ ...curve("a", null), metrics: null, status: "cancelled" }])).toBe(false);
  expect(unscored([])).toBe(false);
});
