import { expect, test } from "vitest";

import { openIds, withOpenIds } from "./address";

test("the open runs go into the address and come back, each once", () => {
  const href = withOpenIds("http://localhost/?x=1&run=old#top", ["b", "a"]);
  expect(href).toBe("http://localhost/?x=1&run=b&run=a#top");
  expect(openIds(new URL(href).search)).toEqual(["b", "a"]);
  expect(openIds("?run=a&run=a")).toEqual(["a"]);
});
