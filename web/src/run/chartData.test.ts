import { expect, test } from "vitest";

import { align } from "./chartData";
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

test("a method that is behind has no values yet", () => {
  const data = align([method([0, 1, 2], [1, 2, 3]), method([0], [4])], "error", false);
  expect(data).toEqual([
    [0, 0.1, 0.2],
    [2, 4, 6],
    [1, 2, 3],
    [8, null, null],
    [4, null, null],
  ]);
});

test("steps that only one method has get a row of their own", () => {
  const data = align([method([0, 2, 4], [1, 2, 3]), method([0, 3], [5, 6])], "error", false);
  expect(data[0]).toEqual([0, 0.2, 0.3, 0.4]);
  expect(data[2]).toEqual([1, 2, null, 3]);
  expect(data[4]).toEqual([5, null, 6, null]);
});

test("a log axis leaves out what is not positive, a linear one does not", () => {
  const methods = [method([0, 1, 2], [0, null, 3])];
  expect(align(methods, "error", true)[2]).toEqual([null, null, 3]);
  expect(align(methods, "error", false)[2]).toEqual([0, null, 3]);
});

test("nothing has arrived", () => {
  expect(align([method([], [])], "error", true)).toEqual([[], [], []]);
});
