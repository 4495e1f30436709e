import { expect, test } from "vitest";

import { placed, textWidth, wrapped } from "./svg";

test("a text is cut between words where it is too wide", () => {
  expect(wrapped("one two", 10, 100)).toEqual(["one two"]);
  const lines = wrapped("one two three four", 10, textWidth("one two", 10));
  expect(lines).toEqual(["one two", "three", "four"]);
  expect(wrapped("longer-than-the-line x", 10, 20)).toEqual(["longer-than-the-line", "x"]);
});

test("entries of a key stand beside each other as far as there is room", () => {
  const { places, rows } = placed([{ label: "a" }, { label: "b" }, { label: "c" }], [10, 160]);
  expect(places.map(({ row }) => row)).toEqual([0, 0, 1]);
  expect(places[0]!.left).toBe(10);
  expect(places[2]!.left).toBe(10);
  expect(rows).toBe(2);
  expect(placed([], [10, 160]).rows).toBe(0);
});
