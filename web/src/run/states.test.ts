import { expect, test } from "vitest";

import { gradient, LEVELS, levels, pixels } from "./colours";
import { dots, path, point, radius, SIZE } from "./ring";
import {
  columnCount,
  decode,
  errorGrid,
  gridOf,
  half,
  joined,
  range,
  rmse,
  scaleEnd,
  stateAt,
  type States,
} from "./states";

/** An answer as the server sends it, of numbers given as their bits. */
function answer(head: object, bits: readonly number[]): ArrayBuffer {
  const line = new TextEncoder().encode(JSON.stringify(head) + "\n");
  const bytes = new Uint8Array(line.length + 2 * bits.length);
  bytes.set(line);
  const view = new DataView(bytes.buffer, line.length);
  bits.forEach((value, k) => view.setUint16(2 * k, value, true));
  return bytes.buffer;
}

const some = (steps: number[], stateCount: number, values: number[]): States => ({
  steps,
  stateCount,
  siteCount: values.length / steps.length / stateCount,
  values: Float32Array.from(values),
});

test.each([
  [0x0000, 0],
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65504],
  [0x0001, 2 ** -24],
  [0x7c00, Infinity],
  [0xfc00, -Infinity],
  [0x7e00, NaN],
])("half precision %i", (bits, value) => expect(half(bits)).toBe(value));

test("an answer is read, whatever the length of its first line", () => {
  for (const steps of [[3], [300]]) {
    const buffer = answer({ steps, state_count: 2, site_count: 1 }, [0x3c00, 0xc000]);
    expect(decode(buffer)).toEqual(some(steps, 2, [1, -2]));
  }
});

test("later steps come after those that are there", () => {
  const first = some([0, 2], 2, [1, 2, 3, 4, 5, 6, 7, 8]);
  const both = joined(joined(null, first), some([4], 2, [9, 10, 11, 12]));
  expect(both.steps).toEqual([0, 2, 4]);
  expect([...stateAt(both, 2, 1)]).toEqual([11, 12]);
  expect([...gridOf(both, 0).values]).toEqual([1, 2, 5, 6, 9, 10]);
});

test("the error is the analysis minus the truth, where both are known", () => {
  const truth = some([0, 1], 2, [1, 2, NaN, NaN, 3, 4, 0, 0]);
  const method = some([0], 3, [2, 1, 0, 0, 9, 9]);
  expect(errorGrid(method, truth)).toEqual({ steps: 1, sites: 2, values: Float32Array.of(1, -1) });
  expect(rmse(Float32Array.of(2, 1), Float32Array.of(1, 2))).toBe(1);
  expect(rmse(Float32Array.of(NaN), Float32Array.of(1))).toBeNull();
});

test("ranges leave out what is not finite", () => {
  expect(range([1.2, NaN, -3.7, Infinity])).toEqual([-4, 2]);
  expect(range([NaN])).toBeNull();
  expect(scaleEnd([0.011, -0.012, NaN])).toBeCloseTo(0.011, 12);
  expect(scaleEnd([])).toBe(1);
  const oneWild = [...Array.from({ length: 99 }, () => 3), 1000];
  expect(scaleEnd(oneWild)).toBe(3);
});

test("what is to come has its place", () => {
  expect(columnCount([0], 101)).toBe(101);
  expect(columnCount([0, 3, 6], 1001)).toBe(334);
});

test("colours go from end to end, and what is not there is clear", () => {
  const colours = levels("diverging");
  expect(colours.length).toBe(3 * LEVELS);
  expect([...colours.slice(0, 3)]).toEqual([0x08, 0x30, 0x6b]);
  expect([...colours.slice(-3)]).toEqual([0x7a, 0x33, 0x02]);
  expect(gradient("sequential")).toMatch(/^linear-gradient\(to right, #/);
  const grid = { steps: 2, sites: 2, values: Float32Array.of(-5, NaN, 1, 100) };
  const found = pixels(grid, 3, [-1, 1], "diverging");
  const at = (column: number, site: number) => [...found.slice(4 * (site * 3 + column)).slice(0, 4)];
  expect(at(0, 0)).toEqual([0x08, 0x30, 0x6b, 255]);
  expect(at(0, 1)[3]).toBe(0);
  expect(at(1, 0)).toEqual([0x7a, 0x33, 0x02, 255]);
  expect(at(1, 1)).toEqual([0x7a, 0x33, 0x02, 255]);
  expect(at(2, 0)[3]).toBe(0);
});

test("sites go round with the clock from the top", () => {
  const [x, y] = point(0, 4, 10, [0, 10]);
  expect(x).toBeCloseTo(SIZE / 2);
  expect(y).toBeCloseTo(SIZE / 2 - radius(10, [0, 10]));
  expect(point(1, 4, 10, [0, 10])[0]).toBeGreaterThan(SIZE / 2);
  expect(radius(1e9, [0, 1])).toBeLessThan(SIZE / 2);
});

test("a ring closes where it is whole, and breaks where a value is missing", () => {
  expect(path(Float32Array.of(1, 2, 3), 3, [0, 4])).toMatch(/^M[\d. ]+L[\d. ]+L[\d. ]+Z$/);
  expect(path(Float32Array.of(1, 2, 3), 9, [0, 4])).not.toMatch(/Z/);
  expect(path(Float32Array.of(1, NaN, 3, 4), 4, [0, 4])).toMatch(/^M[\d. ]+M[\d. ]+L[\d. ]+$/);
});

test("an observation has its error bar", () => {
  const found = dots(Float32Array.of(NaN, 2), (site) => site, 2, [0, 4]);
  expect(found).toHaveLength(1);
  expect(found[0]!.to[1] - found[0]!.from[1]).toBeCloseTo(radius(3, [0, 4]) - radius(1, [0, 4]));
});
