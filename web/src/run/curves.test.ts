import { expect, test } from "vitest";

import { curvesOf, overlaid, strokeOf } from "./curves";
import { emptyColumns, type MethodState, type RunState } from "./state";

function run(...methods: [id: string, name: string][]): RunState {
  const fixed = { params: {}, metrics: null, diagnostics: null, runtime: null, divergedStep: null };
  return {
    methods: methods.map(([id, name]): MethodState => ({
      id,
      name,
      label: name.toUpperCase(),
      status: "completed",
      columns: emptyColumns(),
      ...fixed,
    })),
  } as RunState;
}

test("baselines are reference lines, without a background", () => {
  const [letkf, free] = curvesOf(run(["m1", "letkf"], ["m2", "free-run"]), ["free-run"]);
  expect(letkf).toMatchObject({ colour: 0, reference: false, background: true });
  expect(free).toMatchObject({ colour: 1, reference: true, background: false });
  expect(strokeOf(free!, "analysis")).not.toEqual(strokeOf(letkf!, "analysis"));
});

test("laid over each other, an instance keeps its colour and a run has its letter and dashes", () => {
  const runs = [run(["m1", "enkf"], ["m2", "letkf"]), null, run(["m2", "letkf"], ["m1", "etkf"])];
  const curves = overlaid(runs, []);
  expect(curves.map(({ id, label, colour }) => [id, label, colour])).toEqual([
    ["A.m1", "A · ENKF", 0],
    ["A.m2", "A · LETKF", 1],
    ["C.m2", "C · LETKF", 1],
    ["C.m1", "C · ETKF", 2],
  ]);
  expect(strokeOf(curves[1]!, "analysis").dash).not.toEqual(strokeOf(curves[2]!, "analysis").dash);
  expect(new Set(curves.map(({ columns }) => columns)).size).toBe(4);
  expect(curves[0]!.columns).toBe(runs[0]!.methods[0]!.columns);
});
