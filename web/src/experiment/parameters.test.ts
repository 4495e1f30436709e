import { expect, test } from "vitest";

import type { MethodSchema } from "../api/types";
import { isSent } from "./parameters";
import { parameter } from "./testing";

const choice = (...choices: string[]) => parameter({ type: "str", choices });

test("what is declared decides", () => {
  const schema: MethodSchema = {
    kind: choice("a", "b", "c"),
    depth: parameter({ type: "int", only_with: { name: "kind", values: ["a", "b"] } }),
    free: parameter({ type: "int", only_with: null }),
  };
  const sent = (kind: string) => isSent("depth", schema, { kind: "c" }, { kind, depth: "1" });
  expect(["a", "b", "c", ""].map(sent)).toEqual([true, true, false, false]);
  expect(isSent("free", schema, {}, { kind: "c" })).toBe(true);
  expect(isSent("kind", schema, {}, { kind: "c" })).toBe(true);
});

test("a condition on what is itself not sent is judged by its default", () => {
  const schema: MethodSchema = {
    top: choice("on", "off"),
    middle: { ...choice("x", "y"), only_with: { name: "top", values: ["on"] } },
    leaf: parameter({ type: "float", only_with: { name: "middle", values: ["y"] } }),
  };
  const defaults = { top: "off", middle: "x" };
  expect(isSent("leaf", schema, defaults, { top: "on", middle: "y" })).toBe(true);
  expect(isSent("leaf", schema, defaults, { top: "off", middle: "y" })).toBe(false);
});

test("a condition on a truth value", () => {
  const schema: MethodSchema = {
    adapt: parameter({ type: "bool" }),
    rate: parameter({ type: "float", only_with: { name: "adapt", values: ["true"] } }),
  };
  expect(isSent("rate", schema, {}, { adapt: true })).toBe(true);
  expect(isSent("rate", schema, {}, { adapt: false })).toBe(false);
});

test("a condition on a parameter that there is not does not hide anything", () => {
  const a = parameter({ type: "int", only_with: { name: "gone", values: ["x"] } });
  expect(isSent("a", { a }, {}, { a: "1" })).toBe(true);
});

test("without declarations a radius is not sent with taper none", () => {
  const schema: MethodSchema = { r: parameter({ type: "float" }), taper: choice("box", "none") };
  const sent = (taper: string) => isSent("r", schema, { taper: "box" }, { taper });
  expect(["box", "none", ""].map(sent)).toEqual([true, false, true]);
  expect(isSent("r", { r: parameter({ type: "int" }) }, {}, {})).toBe(true);
});
