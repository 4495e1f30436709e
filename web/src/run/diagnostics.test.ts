import { expect, test } from "vitest";

import type { Diagnostics } from "../api/types";
import { diagnosed, errorPerSpread, logRange, outside, rankBars, roundUp } from "./diagnostics";
import { emptyColumns, type MethodState } from "./state";

const method = (diagnostics: Diagnostics | null): MethodState => ({
  id: "m1",
  name: "enkf",
  label: "EnKF",
  params: {},
  status: "completed",
  columns: emptyColumns(),
  metrics: null,
  diagnostics,
  runtime: null,
  divergedStep: null,
});

const NO_BINS = { edges: [], counts: [], spread: [], error: [] };
const EMPTY: Diagnostics = { rank_histogram: [], spread_skill: NO_BINS, lead_rmse: [] };

test("only methods with something to show are shown, in their places", () => {
  const bins = { edges: [1, null], counts: [0, 3], spread: [null, 2], error: [null, 3] };
    const found = diagnosed([
    method(null),
    method({ ...EMPTY, spread_skill: bins }),
    method(EMPTY),
    method({ ...EMPTY, rank_histogram: [0, 0], lead_rmse: [null, 0.5] }),
    method({ ...EMPTY, rank_histogram: [0, 0], lead_rmse: [null] }),
  ]);
  expect(found.map(({ index }) => index)).toEqual([1, 3]);
  expect(found[0]).toMatchObject({ ranks: [], spread: [{ spread: 2, error: 3 }], leads: [] });
  expect(found[1]).toMatchObject({ ranks: [], spread: [], leads: [null, 0.5] });
});

test("bins with next to no cases, or no number, are left out", () => {
  const bins = {
    edges: [1, 2, 3, null],
    counts: [1, 1000, 1000, 30],
    spread: [0.5, 1.5, null, 4],
    error: [9, 1.5, 2, 8],
  };
  const spread = diagnosed([method({ ...EMPTY, spread_skill: bins })])[0]!.spread;
  expect(spread).toEqual([
    { spread: 1.5, error: 1.5 },
    { spread: 4, error: 8 },
  ]);
  expect(errorPerSpread(spread)).toEqual([1, 2]);
  expect(errorPerSpread([])).toBe(null);
});

test("bars are relative to a flat histogram, however ranks share them", () => {
  expect(rankBars([2, 1, 3])).toEqual([1, 0.5, 1.5]);
  expect(rankBars([4, 4, 4, 4, 4], 2)).toEqual([1, 1]);
  const many = rankBars(Array.from({ length: 1025 }, () => 7));
  expect(many).toHaveLength(48);
  expect(many.every((height) => Math.abs(height - 1) < 1e-12)).toBe(true);
});

test("what lies outside the ensemble", () => {
  expect(outside([3, 1, 1, 5])).toEqual({ share: 0.8, flat: 0.5 });
  expect(outside([1, 1])).toEqual({ share: 1, flat: 1 });
});

test.each([
  [1, 1],
  [1.2, 2],
  [0.03, 0.05],
  [0.3, 0.5],
  [70, 100],
])("%s rounds up to %s", (value, expected) => expect(roundUp(value)).toBe(expected));

test("a logarithmic range", () => {
  expect(logRange([0.03, 3])).toEqual([0.02, 5]);
  expect(logRange([1])).toEqual([1, 2]);
  expect(logRange([])).toBe(null);
});
