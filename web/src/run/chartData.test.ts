import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { Metrics } from "../api/types";
import { bands, drawn, levels } from "./chartData";
import { emptyColumns, type MethodState } from "./state";

function method(steps: number[], values: (number | null)[]): MethodState {
  const columns = emptyColumns();
  columns.step.push(...steps);
  columns.t.push(...steps.map((step) => step / 10));
  columns.error_a.push(...values);
  columns.error_b.push(...values.map((value) => (value === null ? null : value * 2)));
  const fixed = { params: {}, metrics: null, diagnostics: null, runtime: null, divergedStep: null };
  return { id: "m", name: "enkf", label: "m", status: "running", columns, ...fixed };
}

test("a baseline's mean is a level of the quantity that is shown, unless it is hidden", () => {
  const metrics = partly<Metrics>({ mean: 0.5, rmse_analysis: 2, spread_analysis: null });
  const fixed = { run: 0, background: false };
  const curves = [
    { ...method([], []), ...fixed, id: "a", colour: 0, reference: false, metrics },
    { ...method([], []), ...fixed, id: "b", colour: 1, reference: true, metrics },
    { ...method([], []), ...fixed, id: "c", colour: 2, reference: true },
  ];
  expect(levels(curves, "error", [])).toEqual([{ label: "m", colour: 1, value: 0.5 }]);
  expect(levels(curves, "rmse", [])[0]!.value).toBe(2);
  expect(levels(curves, "spread", [])).toEqual([]);
  expect(levels(curves, "rmse", ["b"])).toEqual([]);
});

test("a band is where both of its ends are known", () => {
  const [state, single] = [method([0, 1, 2], [1, 2, 3]), method([0, 1], [1, 2])];
  state.columns.rmse_analysis_low.push(0, 0.5, null);
  state.columns.rmse_analysis_high.push(1, 1.5, null);
  state.columns.spread_analysis_low.push(0.1, 0.2, 0.3);
  state.columns.spread_analysis_high.push(1, 2, 3);
  single.columns.rmse_analysis_low.push(null, null);
  const fixed = { run: 0, reference: false, background: true };
  const curves = [state, single].map((one, colour) => ({ ...one, id: `m${colour}`, colour, ...fixed }));
  expect(bands(curves, "rmse", false, [])).toEqual([{ colour: 0, points: [[0, 0, 1], [0.1, 0.5, 1.5]] }]);
  expect(bands(curves, "rmse", true, [])).toEqual([]);
  expect(bands(curves, "spread", true, [])[0]!.points).toHaveLength(3);
  expect(bands(curves, "spread", true, ["m0"])).toEqual([]);
  expect(bands(curves, "error", false, [])).toEqual([]);
});

test("a line has the columns themselves, and is absent where it is not drawn", () => {
  const fixed = { run: 0, colour: 3, reference: false };
  const curves = [
    { ...method([0], [1]), ...fixed, id: "a", background: true },
    { ...method([0], [1]), ...fixed, id: "b", background: false },
    { ...method([0], [1]), ...fixed, id: "c", background: true },
  ];
  const lines = drawn(curves, "error", ["c"]);
  expect(lines.map(({ id }) => id)).toEqual(["a background", "a analysis", "b analysis"]);
  expect(lines[0]!.values).toBe(curves[0]!.columns.error_b);
  expect(lines[1]!.values).toBe(curves[0]!.columns.error_a);
  expect(lines[1]!.times).toBe(curves[0]!.columns.t);
  expect(drawn(curves, "rmse", [])[2]!.values).toBe(curves[1]!.columns.rmse_analysis);
});
