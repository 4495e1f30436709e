import { expect, test } from "vitest";

import { Aligner } from "./alignment";
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

const aligned = (...asked: Parameters<Aligner["align"]>) => new Aligner().align(...asked);

test("a method that is behind has no values yet", () => {
  const data = aligned([method([0, 1, 2], [1, 2, 3]), method([0], [4])], "error", false);
  expect(data).toEqual([
    [0, 0.1, 0.2],
    [2, 4, 6],
    [1, 2, 3],
    [8, null, null],
    [4, null, null],
  ]);
});

test("steps that only one method has get a row of their own", () => {
  const data = aligned([method([0, 2, 4], [1, 2, 3]), method([0, 3], [5, 6])], "error", false);
  expect(data[0]).toEqual([0, 0.2, 0.3, 0.4]);
  expect(data[2]).toEqual([1, 2, null, 3]);
  expect(data[4]).toEqual([5, null, 6, null]);
});

test("a log axis leaves out what is not positive, a linear one does not", () => {
  const methods = [method([0, 1, 2], [0, null, 3])];
  expect(aligned(methods, "error", true)[2]).toEqual([null, null, 3]);
  expect(aligned(methods, "error", false)[2]).toEqual([0, null, 3]);
});

test("nothing has arrived", () => {
  expect(aligned([method([], [])], "error", true)).toEqual([[], [], []]);
});

test("runs of other intervals are laid over each other by time", () => {
  const other = method([0, 1], [7, 8]);
  other.columns.t.splice(0, 2, 0, 0.2);
  const data = aligned([method([0, 1, 2], [1, 2, 3]), other], "error", false);
  expect(data[0]).toEqual([0, 0.1, 0.2]);
  expect(data[4]).toEqual([7, null, 8]);
});

/** A method goes on. */
function grow({ columns }: MethodState, steps: number[], values: number[]): void {
  columns.step.push(...steps);
  columns.t.push(...steps.map((step) => step / 10));
  columns.error_a.push(...values);
  columns.error_b.push(...values);
}

test("what comes later is as if it had been there at once, in the arrays that are there", () => {
  const [one, other] = [method([0, 1], [1, 2]), method([], [])];
  const aligner = new Aligner();
  const [times, first] = aligner.align([one, other], "error", true);
  for (const [behind, ahead] of [
    [[0], [2, 3]],
    [[1, 2, 3, 4], []],
    [[6], [4, 6, 7]],
  ] as const) {
    grow(other, [...behind], behind.map(() => 5));
    grow(one, [...ahead], ahead.map(() => 6));
    const data = aligner.align([one, other], "error", true);
    expect(data).toEqual(aligned([one, other], "error", true));
    expect(data[0]).toBe(times);
    expect(data[1]).toBe(first);
  }
  expect(times).toHaveLength(7);
});

test("a time between those that are there, another quantity or other methods: all anew", () => {
  const [one, other] = [method([0, 4], [1, 2]), method([0], [3])];
  const aligner = new Aligner();
  aligner.align([one, other], "error", false);
  grow(other, [3], [-4]);
  const data = aligner.align([one, other], "error", false);
  expect(data[0]).toEqual([0, 0.3, 0.4]);
  expect(data[4]).toEqual([3, -4, null]);
  expect(aligner.align([one, other], "error", true)[4]).toEqual([3, null, null]);
  expect(aligner.align([one, other], "rmse", true)[4]).toEqual([null, null, null]);
  expect(aligner.align([one], "error", false)).toEqual(aligned([one], "error", false));
});
