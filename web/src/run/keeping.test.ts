import { expect, test } from "vitest";

import { isKept, span } from "./keeping";

test.each([
  [86_400, "24 hours"],
  [7 * 86_400, "7 days"],
  [5400, "90 minutes"],
  [90, "90 seconds"],
  [null, "some time"],
])("%s s is %s", (seconds, text) => {
  expect(span(seconds)).toBe(text);
});

test("a run is kept by any of its words", () => {
  const none = { name: null, note: null, shared: false };
  expect(isKept(none)).toBe(false);
  for (const some of [{ name: "x" }, { note: "x" }, { shared: true }]) {
    expect(isKept({ ...none, ...some })).toBe(true);
  }
});
