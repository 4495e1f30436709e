import { expect, test } from "vitest";

import { remaining } from "./pace";
import { emptyColumns, type MethodState, type RunState } from "./state";

const method = (last: number | null): MethodState => {
  const columns = emptyColumns();
  if (last !== null) columns.step.push(last);
  return { id: "m", name: "etkf", label: "", params: {}, status: "running", columns, metrics: null, diagnostics: null, runtime: null, divergedStep: null };
};

const run = (firstStep: number | null, newestStep: number | null, ...last: (number | null)[]): RunState =>
  ({ steps: 100, firstStep, newestStep, methods: last.map(method) }) as unknown as RunState;

test.each([
  [run(null, null, null), null],
  [run(10, 10, 0), null],
  [run(10, 20, 49), 10],
  [run(10, 20, 24, 24), 30],
  [run(10, 20, 99, null), 10],
])("what is left of %#", (state, seconds) => {
  const found = remaining(state);
  if (seconds === null) expect(found).toBeNull();
  else expect(found).toBeCloseTo(seconds, 9);
});
