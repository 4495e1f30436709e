import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { Metrics } from "../api/types";
import { outline, point, polygons, SPOKES } from "./radar";
import { emptyColumns, type MethodState } from "./state";

function method(scores: Partial<Metrics> | null): MethodState {
  const metrics = scores && partly<Metrics>(scores);
  const fixed = { params: {}, diagnostics: null, runtime: null, divergedStep: null };
  return { id: "m", name: "enkf", label: "m", status: "completed", columns: emptyColumns(), metrics, ...fixed };
}

const at = (polygon: readonly (number | null)[], spoke: (typeof SPOKES)[number]) => polygon[SPOKES.indexOf(spoke)];

test("the best is at the rim, twice the error half way in", () => {
  const [good, bad] = polygons([method({ rmse_analysis: 0.1, mean: 2 }), method({ rmse_analysis: 0.2, mean: 1 })]);
  expect([at(good!, "rmse_analysis"), at(bad!, "rmse_analysis")]).toEqual([1, 0.5]);
  expect([at(good!, "mean"), at(bad!, "mean")]).toEqual([0.5, 1]);
  expect(at(good!, "crps_analysis")).toBe(null);
});

test("a spread of half the error is as bad as one of twice the error", () => {
  const [small, large] = polygons([method({ spread_skill: 0.5 }), method({ spread_skill: 2 })]);
  expect([at(small!, "spread_skill"), at(large!, "spread_skill")]).toEqual([0.5, 0.5]);
});

test("methods without scores have no outline", () => {
  expect(outline(polygons([method(null)])[0]!, 100)).toBe("");
  expect(outline([1, null, null, null, null, 0.5], 100)).toBe("M0.00 -100.00L-43.30 -25.00Z");
  expect(point(3, 10).map(Math.round)).toEqual([0, 10]);
});
