import { expect, test } from "vitest";

import { isGrouped, withPoint } from "./numbers";

test.each([
  ["0,05", "0.05"],
  ["1,5", "1.5"],
  ["0,125", "0.125"],
  [",125", ".125"],
  ["-0,125", "-0.125"],
  ["1234,567", "1234.567"],
  ["1,0000", "1.0000"],
  ["1.000", "1.000"],
  ["8", "8"],
])("%s has a decimal comma or a point: %s", (text, number) => {
  expect(isGrouped(text)).toBe(false);
  expect(withPoint(text)).toBe(number);
});

test.each(["1,000", "12,345", " 1,000,000 ", "-1,000", "1,000.5"])("%s may be thousands", (text) => {
  expect(isGrouped(text)).toBe(true);
  expect(Number(withPoint(text))).toBeNaN();
});

test.each(["1.000,5", "1,2,3", "1,", "1,000,00"])("%s is no number", (text) => {
  expect(isGrouped(text)).toBe(false);
  expect(Number(withPoint(text))).toBeNaN();
});
