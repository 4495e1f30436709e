import { expect, test } from "vitest";

import { bytes, duration, improvement, number, percent, seconds, share } from "./format";

test.each([
  [0.0012346, "0.001235"],
  [0.00012345, "1.23e-4"],
  [3.58012, "3.580"],
  [1234.56, "1235"],
  [1e7, "1.00e7"],
  [0, "0"],
  [null, "–"],
  [NaN, "–"],
])("number %s", (value, text) => expect(number(value)).toBe(text));

test("fewer digits", () => {
  expect(number(0.000098, 2)).toBe("9.8e-5");
  expect(number(1234.5, 3)).toBe("1235");
});

test.each([
  [0.26, "+26 %"],
  [0.0512, "+5.1 %"],
  [-0.4, "−40 %"],
  [null, "–"],
])("percent %s", (ratio, text) => expect(percent(ratio)).toBe(text));

test("share", () => {
  expect([0, 0.0952, 0.5, 1].map(share)).toEqual(["0.0 %", "9.5 %", "50 %", "100 %"]);
});

test("improvement is what the analysis takes off the background", () => {
  expect(improvement(2, 1)).toBe(0.5);
  expect(improvement(1, 2)).toBe(-1);
  expect(improvement(0, 1)).toBe(null);
  expect(improvement(1, undefined)).toBe(null);
});

test("seconds", () => {
  expect(seconds(0.0421)).toBe("42 ms");
  expect(seconds(12.345)).toBe("12.3 s");
});

test.each([
  [0.0004, "10 ms"],
  [0.0421, "40 ms"],
  [3.21, "3.2 s"],
  [119, "119 s"],
  [120, "2.0 min"],
  [7199, "120 min"],
  [7200, "2.0 h"],
  [864_000, "10 d"],
])("about %d seconds", (time, text) => expect(duration(time)).toBe(text));

test.each([
  [900, "0.90 kB"],
  [45_600_000, "46 MB"],
  [4_294_967_296, "4.3 GB"],
  [1.2e16, "12000 TB"],
])("about %d bytes", (count, text) => expect(bytes(count)).toBe(text));
