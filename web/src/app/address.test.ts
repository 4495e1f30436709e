import { expect, test } from "vitest";

import { firstView } from "../run/view";
import { runTold, sweepTold, type About } from "./about";
import { aboutOf, compareHash, comparedIds, hashOf, openIds, routeOf, withAbout, withOpenIds } from "./address";
import { pack } from "./packing";

const METHOD = { id: "m1", name: "letkf", label: "LETKF <b>é</b> &#%?", params: { r: 2 } };
const ABOUT: About = {
  a: { request: { seed: 7, methods: [METHOD] }, view: { ...firstView(), axis: "linear", hidden: ["m1"] } },
  b: { request: { seed: 8, methods: [METHOD] } },
  s: { request: { seed: 9, methods: [METHOD] }, axes: [{ field: "m", values: [10, 20] }] },
};

test("the open runs go into the address and come back, each once", () => {
  const href = withOpenIds("http://localhost/?x=1&run=old#top", ["b", "a"]);
  expect(href).toBe("http://localhost/?x=1&run=b&run=a#top");
  expect(openIds(new URL(href).search)).toEqual(["b", "a"]);
  expect(openIds("?run=a&run=a")).toEqual(["a"]);
});

test("a comparison has an address of its own", () => {
  expect(compareHash(["a", "b"])).toBe("#/compare?run=a&run=b");
  expect(comparedIds(routeOf("#/compare?run=b&run=a&run=b")!)).toEqual(["b", "a"]);
  expect(comparedIds(routeOf("#/")!)).toBe(null);
  expect(comparedIds(routeOf("")!)).toBe(null);
});

test("a fragment that names a place is no view", () => {
  expect(routeOf("#runs")).toBe(null);
  expect(routeOf("#")).toEqual(routeOf(""));
  for (const hash of ["", "#/compare?run=a", "#/sweep"]) expect(hashOf(routeOf(hash)!)).toBe(hash);
});

test("an address carries what it is about, and is still the same view", async () => {
  const hash = await withAbout("#/compare?run=a&run=b", ABOUT);
  expect(hash).toMatch(/^#\/compare\?run=a&run=b&about=[\w-]+$/);
  expect(comparedIds(routeOf(hash)!)).toEqual(["a", "b"]);
  expect(await aboutOf(hash)).toEqual(ABOUT);
  expect(await withAbout(hash, {})).toBe("#/compare?run=a&run=b");
  expect(await withAbout("#runs", {})).toBe("");
  expect(await aboutOf(await withAbout("", ABOUT))).toEqual(ABOUT);
});

test("of ten runs it takes little more room than of one", async () => {
  const { a } = ABOUT;
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`run-${i}`, a!]));
  expect((await withAbout("", many)).length).toBeLessThan(1.5 * (await withAbout("", { a: a! })).length);
});

test("what is told of a sweep is nothing that is told of a run", () => {
  expect(sweepTold(ABOUT, "s")).toBe(ABOUT["s"]);
  expect(runTold(ABOUT, "a")).toBe(ABOUT["a"]);
  for (const told of [sweepTold(ABOUT, "a"), runTold(ABOUT, "s"), runTold(ABOUT, "x"), sweepTold(ABOUT, "x")]) {
    expect(told).toBeUndefined();
  }
});

const LONG = Array.from({ length: 51 }, (_, value) => value);

test.each([
  ["no axes", { axes: [] }],
  ["three axes", { axes: [1, 2, 3].map((k) => ({ field: `f${k}`, values: [1] })) }],
  ["an axis without values", { axes: [{ field: "m", values: [] }] }],
  ["an axis without a name", { axes: [{ values: [1] }] }],
  ["values that are none", { axes: [{ field: "m", values: [null] }] }],
  ["more cells than a sweep has", { axes: ["m", "seed"].map((field) => ({ field, values: LONG })) }],
  ["two methods", { request: { methods: [METHOD, { ...METHOD, id: "m2" }] } }],
])("a sweep of %s was made up", async (_, change) => {
  const hash = `#/?about=${await pack({ s: { ...ABOUT["s"], ...change } })}`;
  expect(await aboutOf(hash)).toEqual({});
});

test("an address that was cut, or made up, says nothing", async () => {
  const whole = await withAbout("#/", ABOUT);
  const made = [{ a: 1 }, { a: { request: { methods: [{ id: "m1" }] } } }, { a: { ...ABOUT["a"], view: {} } }, { a: { request: { methods: [METHOD, METHOD] } } }, [], null];
  const packed = await Promise.all(made.map(async (value) => `#/?about=${await pack(value)}`));
  const bomb = `#/?about=${await pack({ a: { request: { seed: "0".repeat(3e6), methods: [] } } })}`;
  for (const hash of [whole.slice(0, -9), "#/?about=%%%", "#/?about=AAAA", bomb, ...packed]) {
    expect(await aboutOf(hash)).toEqual({});
  }
});
