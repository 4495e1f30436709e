import { expect, test } from "vitest";

import type { MethodStatus } from "../api/types";
import type { Cell } from "./cells";
import { sweepDrawing, type SweepFigure } from "./figure";
import { lastTime, places, scorePoints, scoreRange, seriesPath, seriesRange } from "./score";

const cell = (number: number, rmse: number | null, status: MethodStatus = "completed"): Cell => ({
  cell: number,
  values: [number, number / 10],
  status,
  rmse,
  error: rmse === null ? null : rmse / 10,
  scored: rmse !== null,
  series: { t: [0, 1, 2], rmse_analysis: [rmse, null, rmse === null ? null : 2 * rmse] },
});

const FIGURE: SweepFigure = {
  title: "Sweep <1>",
  subtitle: "n = 40",
  source: "here",
  label: "RMSE of the analysis",
  axes: [
    { field: "a", values: [5, 10] },
    { field: "b", values: [1, 1.5, 2] },
  ],
  names: ["Members", "Radius"],
  labels: ["Members", "Radius (sites)"],
  cells: [cell(0, 0.2), cell(1, 0.1), cell(2, 0.4), cell(3, 0.05, "diverged"), cell(4, null, "queued"), cell(5, 0.8)],
  colours: { paper: "#fff", ink: "#000", soft: "#555", grid: "#ddd", curve: "#06a" },
};

const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text!);

test("a map has its cells, axes with units, scale, best cell, and what was lost", () => {
  const { svg, width, height } = sweepDrawing(FIGURE)!;
  expect(svg.match(/class="cell"/g)).toHaveLength(6);
  const filled = [...svg.matchAll(/class="cell" x="([\d.]+)" y="([\d.]+)".*fill="([^"]+)" fill-opacity="([\d.]+)"/g)];
  expect(filled[3]![3]).toBe("rgb(42 8 69)"); // the smallest number
  expect(filled[5]![3]).toBe("rgb(253 240 160)");
  expect(filled[4]!.slice(3)).toEqual(["#ddd", "0.4"]); // not computed
  const best = [...svg.matchAll(/class="best" x="([\d.]+)" y="([\d.]+)"/g)];
  expect(best).toHaveLength(1); // what held the truth, though another number is smaller
  expect(Number(best[0]![1])).toBeCloseTo(Number(filled[1]![1]) - 0.5);
  expect(texts(svg)).toEqual(
    expect.arrayContaining(["Sweep &lt;1&gt;", "n = 40", "Members", "Radius (sites)", "5", "10", "1", "1.5", "2", "0.10", "× 0.050", "here"]),
  );
  expect(texts(svg)).toContain("RMSE of the analysis (logarithmic)");
  for (const number of ["0.050", "0.10", "0.20", "0.40", "0.80"]) expect(texts(svg)).toContain(number);
  expect(texts(svg)).toContain("Frame: best, Members = 1, Radius = 0.1, RMSE 0.100 · ×: truth lost");
  expect([width, height]).toEqual([960, 76 + 250 + 34]); // of the scale: the map is lower
});

test("a large map writes into no cell, and names every so many of its values", () => {
  const values = Array.from({ length: 50 }, (_, k) => k);
  const axes = ["a", "b"].map((field) => ({ field, values }));
  const cells = Array.from({ length: 2500 }, (_, k) => cell(k, 1 + k));
  const { svg, height } = sweepDrawing({ ...FIGURE, axes, cells })!;
  expect(svg.match(/class="cell"/g)).toHaveLength(2500);
  expect(height).toBeLessThan(760);
  expect(texts(svg).length).toBeLessThan(80);
});

test("over one setting it is a curve with error bars, and a ring around the best", () => {
  const one: SweepFigure = {
    ...FIGURE,
    axes: [{ field: "b", values: [2, 1, 3] }],
    names: ["Radius"],
    labels: ["Radius (sites)"],
    cells: [cell(0, 0.2), cell(1, 0.4), cell(2, 4, "diverged")],
  };
  const { svg } = sweepDrawing(one)!;
  expect(svg.match(/class="error"/g)).toHaveLength(3);
  expect(svg.match(/class="best"/g)).toHaveLength(1);
  expect(svg.match(/class="lost"/g)).toHaveLength(1);
  const [, line] = /class="curve" d="M([^"]+)"/.exec(svg)!;
  const points = line!.split("L").map((point) => point.split(" ").map(Number));
  expect(points.map(([x]) => x)).toEqual(points.map(([x]) => x).toSorted((a, b) => a! - b!));
  expect(points[0]![1]).toBeLessThan(points[1]![1]!); // 0.4 at 1, 0.2 at 2
  expect(texts(svg)).toEqual(expect.arrayContaining(["Radius (sites)", "RMSE of the analysis", "0.2", "1", "2", "3"]));
  expect(texts(svg)).toContain("Ring: best, Radius = 0, RMSE 0.200 · ×: truth lost");
});

test("an axis holds the ends of its error bars", () => {
  const [low, high] = scoreRange([
    { x: 0, y: 1, error: 0.5, lost: false, best: true },
    { x: 1, y: 0.9, error: 2, lost: false, best: false },
  ]);
  expect([low < 0.5, low > 0, high > 2.9]).toEqual([true, true, true]);
});

test("there is no figure before there is a number", () => {
  expect(sweepDrawing({ ...FIGURE, cells: [cell(0, null, "queued")] })).toBeNull();
});

test("a figure of one number alone is drawn, too", () => {
  for (const axes of [FIGURE.axes, FIGURE.axes.slice(0, 1)]) {
    const { svg } = sweepDrawing({ ...FIGURE, axes, cells: [cell(0, 0.3)] })!;
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});

test("values that are no numbers stand in their order", () => {
  const axis = { field: "taper", values: ["none", "box"] };
  expect(places(axis)).toEqual([0, 1]);
  expect(scorePoints(axis, [cell(1, 2), cell(0, 1)]).map(({ x }) => x)).toEqual([0, 1]);
});

test("the courses of all cells have one range and one end", () => {
  const cells = [cell(0, 0.1), cell(1, null), cell(2, 5)];
  const [low, high] = seriesRange(cells)!;
  expect(low).toBeLessThan(0.1);
  expect(high).toBeGreaterThan(10);
  expect(lastTime(cells)).toBe(2);
  expect(seriesRange([cell(0, null)])).toBeNull();
});

test("a course is a path, gaps bridged, from the left edge to the right", () => {
  const series = { t: [0, 1, 2], rmse_analysis: [10, null, 0.1] };
  expect(seriesPath(series, 2, [0.1, 10], 200, 100)).toBe("M0.0 0.0L200.0 100.0");
  expect(seriesPath({ t: [], rmse_analysis: [] }, 0, [0.1, 10], 200, 100)).toBe("");
});
