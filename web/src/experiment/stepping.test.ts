import { expect, test } from "vitest";

import { stepped } from "./stepping";

test.each([
  ["1.04", 1, { step: 0.01 }, "1.05"],
  ["0.1", 1, { step: 0.05 }, "0.15"],
  ["0.3", -1, { step: 0.1 }, "0.2"],
  ["2", -1, { step: 1, min: 2 }, "2"],
  ["999.9", 1, { step: 0.5, max: 1000 }, "1000"],
  ["0,3", -1, { step: 0.1 }, "0.2"],
  ["", 1, { step: 1 }, ""],
  ["many", 1, { step: 1 }, "many"],
] as const)("%s by %s", (text, direction, range, result) => {
  expect(stepped(text, direction, range)).toBe(result);
});
