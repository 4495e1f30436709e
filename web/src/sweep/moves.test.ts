import { expect, test } from "vitest";

import { movedTo } from "./moves";

// 2 rows of 3: 0 1 2 / 3 4 5
test.each([
  [1, "ArrowLeft", 0],
  [1, "ArrowRight", 2],
  [1, "ArrowDown", 4],
  [4, "ArrowUp", 1],
  [0, "ArrowLeft", null],
  [2, "ArrowRight", null],
  [3, "ArrowLeft", null],
  [1, "ArrowUp", null],
  [4, "ArrowDown", null],
  [4, "Home", 3],
  [4, "End", 5],
  [4, "Enter", null],
] as const)("from %d by %s to %j", (cell, key, expected) => {
  expect(movedTo(cell, key, 2, 3)).toBe(expected);
});
