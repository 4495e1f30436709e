import { expect, test } from "vitest";

import { finerTicks, ticks } from "./ticks";

test.each([
  [[0, 10], [0, 2, 4, 6, 8, 10]],
  [[0, 400], [0, 50, 100, 150, 200, 250, 300, 350, 400]],
  [[0, 0.7], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]],
  [[-0.3, 1.06], [-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1]],
] as const)("of a linear axis %j", (range, expected) => {
  expect(ticks(range, false)).toEqual(expected);
});

test("powers of ten of a logarithmic axis, never too many", () => {
  expect(ticks([1e-3, 10], true)).toEqual([0.001, 0.01, 0.1, 1, 10]);
  expect(ticks([0.02, 30], true)).toEqual([0.1, 1, 10]);
  expect(ticks([1e-30, 1], true).length).toBeLessThanOrEqual(10);
});

test.each([
  [[0.1, 2], [0.1, 0.2, 0.5, 1, 2]],
  [[0.15, 12], [0.2, 0.5, 1, 2, 5, 10]],
  [[0.01, 100], [0.01, 0.1, 1, 10, 100]],
  [[0.2, 0.4], [0.2, 0.25, 0.3, 0.35, 0.4]],
] as const)("numbers on a logarithmic axis that may be short: %j", (range, expected) => {
  expect(finerTicks(range)).toEqual(expected);
});
