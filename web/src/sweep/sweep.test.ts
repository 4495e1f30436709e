import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { MethodStatus, Metrics } from "../api/types";
import { firstDraft } from "../experiment/draft";
import { METHODS } from "../experiment/testing";
import type { CellUpdate } from "../stream/events";
import { sameTruth, settings, startRange, valuesOf } from "./axes";
import { best, colours, ends, table, withNews, type Cell } from "./cells";

const cell = (number: number, rmse: number | null, status: MethodStatus = "completed"): Cell => ({
  cell: number,
  values: [number],
  status,
  rmse,
  error: null,
  scored: rmse !== null,
  series: { t: [], rmse_analysis: [] },
});

test("what can be varied: numbers of the method, then of the experiment", () => {
  const draft = firstDraft(METHODS);
  const found = settings(draft, METHODS, draft.instances[1]!);
  const fields = found.map(({ field }) => field);
  expect(fields).toContain("methods.0.params.r");
  expect(fields).toContain("ensemble_size");
  expect(fields).not.toContain("obs_network");
  expect(fields).not.toContain("initial_std"); // does not apply
  expect(fields.findIndex((f) => !f.startsWith("methods"))).toBe(
    fields.filter((f) => f.startsWith("methods")).length,
  );
  expect(found.find(({ field }) => field === "ensemble_size")!.now).toBe("20");
});

test.each([
  [{ from: "1", to: "1.2", count: "5" }, "float", [1, 1.05, 1.1, 1.15, 1.2]],
  [{ from: "5", to: "20", count: "4" }, "int", [5, 10, 15, 20]],
  [{ from: "2", to: "4", count: "9" }, "int", [2, 3, 4]],
  [{ from: "3", to: "9", count: "1" }, "float", [3]],
  [{ from: "20", to: "10", count: "3" }, "int", [20, 15, 10]],
  [{ from: "", to: "1", count: "3" }, "float", null],
  [{ from: "0", to: "x", count: "3" }, "float", null],
  [{ from: "0", to: "1", count: "0" }, "float", null],
  [{ from: "0", to: "1", count: "2.5" }, "float", null],
  [{ from: "0", to: "1", count: "1e9" }, "float", null],
] as const)("values of %j", (range, kind, values) => {
  expect(valuesOf(range, kind)).toEqual(values);
});

test("cells have one truth unless what makes it is varied", () => {
  const over = (...fields: string[]) => sameTruth(fields.map((field) => ({ field })));
  expect(over("ensemble_size", "methods.0.params.r")).toBe(true);
  expect(over("std_obs", "forecast_F")).toBe(true);
  for (const field of ["seed", "replicates", "lorenz96_n", "lorenz96_F", "truth_noise"]) {
    expect(over("ensemble_size", field)).toBe(false);
  }
});

test("a range begins around what is set", () => {
  const setting = { field: "x", name: null, label: "x" } as const;
  expect(startRange({ ...setting, kind: "int", now: "20" })).toEqual({ from: "10", to: "40", count: "4" });
  expect(startRange({ ...setting, kind: "float", now: "1.04" })).toEqual({ from: "1", to: "1.2", count: "5" });
  expect(startRange({ ...setting, kind: "float", now: "8" })).toEqual({ from: "4", to: "16", count: "5" });
});

test("news fill a cell: the newest step, then the score", () => {
  const news: CellUpdate = { cell: 3, values: [1], status: "running" };
  let found = withNews(undefined, news);
  expect(found).toMatchObject({ rmse: null, scored: false });
  found = withNews(found, { ...news, series: { t: [0, 1], rmse_analysis: [0.9, 0.7] } });
  expect(withNews(found, news).rmse).toBe(0.7);
  const metrics = partly<Metrics>({ rmse_analysis: 0.2, rmse_analysis_se: 0.01 });
  found = withNews(found, { ...news, status: "completed", metrics });
  expect(found).toMatchObject({ rmse: 0.2, error: 0.01, scored: true, status: "completed" });
  expect(found.series).toEqual({ t: [0, 1], rmse_analysis: [0.9, 0.7] });
});

test("a series goes on where it ended, whatever is told again", () => {
  const told = (t: number[], rmse_analysis: (number | null)[]): CellUpdate => ({
    cell: 0,
    values: [1],
    status: "running",
    series: { t, rmse_analysis },
  });
  let found = withNews(undefined, told([0, 1, 2], [3, 2, 1]));
  found = withNews(found, told([0, 1], [3, 2])); // as after a reload
  found = withNews(found, told([2, 3, 4], [1, 0.5, null]));
  expect(found.series).toEqual({ t: [0, 1, 2, 3, 4], rmse_analysis: [3, 2, 1, 0.5, null] });
  expect(withNews(found, { cell: 0, values: [1], status: "failed", series: null }).series).toEqual(found.series);
});

test("cells are rows of the first axis", () => {
  const axes = [
    { field: "a", values: [1, 2] },
    { field: "b", values: [1, 2, 3] },
  ];
  const rows = table(axes, [cell(0, 1), cell(4, 2)]);
  expect(rows.map((row) => row.map((c) => c?.cell))).toEqual([
    [0, undefined, undefined],
    [undefined, 4, undefined],
  ]);
  expect(table([axes[1]!], [cell(2, 1)])[0]!.map((c) => c?.cell)).toEqual([undefined, undefined, 2]);
});

test("the best cell is one that held the truth", () => {
  expect(best([cell(0, 0.5), cell(1, 0.1, "diverged"), cell(2, 0.3), cell(3, null)])!.cell).toBe(2);
  expect(best([cell(0, 0.5, "running")])).toBeNull();
});

test("colours go from the smallest to the largest", () => {
  const cells = [cell(0, 0.1), cell(1, 10), cell(2, null)];
  expect(ends(cells)).toEqual([0.1, 10]);
  expect(ends([cell(0, null)])).toBeNull();
  expect(colours(0.1, [0.1, 10])).toEqual(["rgb(42 8 69)", "#ffffff"]);
  expect(colours(10, [0.1, 10])).toEqual(["rgb(253 240 160)", "#000000"]);
  expect(colours(null, [0.1, 10])).toBeNull();
  expect(colours(5, [5, 5])![0]).toBe("rgb(42 8 69)");
});

test("a number is written in the ink that is read better on its colour", () => {
  // WCAG 2: what axe asks of the page
  const linear = (value: number): number =>
    value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  for (let k = 0; k <= 300; k++) {
    const [paper, ink] = colours(10 ** (k / 300), [1, 10])!;
    const [r, g, b] = paper.match(/\d+/g)!.map((channel) => linear(Number(channel)));
    const light = 0.2126 * r! + 0.7152 * g! + 0.0722 * b! + 0.05;
    expect(ink === "#ffffff" ? 1.05 / light : light / 0.05).toBeGreaterThan(4.5);
  }
});
