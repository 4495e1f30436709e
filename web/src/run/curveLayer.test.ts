import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { CurveLayer, thinned, type Line, type Place } from "./curveLayer";

/** A hundred units of time on fifty pixels. */
const PLACE: Place = {
  width: 70,
  height: 30,
  box: { left: 10, top: 5, width: 50, height: 20 },
  x: [0, 100],
  y: [0, 10],
  log: false,
  ratio: 1,
};

function line(values: (number | null)[], change: Partial<Line> = {}): Line {
  const times = values.map((_, row) => row);
  return { id: "m1", colour: "red", width: 2, dash: [], alpha: 1, times, values, ...change };
}

test("of a column of pixels the first, the lowest, the highest and the last row remain", () => {
  const wide = { ...PLACE, x: [0, 500] as const }; // ten rows to a pixel
  const values = [5, 6, 2, 7, 9, 6, 5, 4, 3, 4, /* the next */ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
  expect(thinned(line(values), 0, wide)).toEqual([0, 2, 4, 9, 10, 19]);
});

test("where there is room all rows remain but those without a value", () => {
  expect(thinned(line([1, null, 0, 4, 2]), 0, PLACE)).toEqual([0, 2, 3, 4]);
  expect(thinned(line([1, null, 0, 4, 2]), 0, { ...PLACE, y: [1, 10], log: true })).toEqual([0, 3, 4]);
  expect(thinned(line([1, null, 0, 4, 2]), 3, PLACE)).toEqual([3, 4]);
});

test("a long line costs no more than its pixels", () => {
  const values = Array.from({ length: 100_000 }, (_, row) => 5 + 5 * Math.sin(row * 1.7));
  expect(thinned(line(values), 0, { ...PLACE, x: [0, 100_000] }).length).toBeLessThanOrEqual(4 * 50);
});

/** What a canvas was told to draw: the ends of each stroke, and how its dashes begin. */
interface Stroke {
  points: [number, number][];
  dash: readonly number[];
  offset: number;
}

let strokes: Stroke[];
let layer: CurveLayer;
const target = { drawImage: vi.fn() } as unknown as CanvasRenderingContext2D;

beforeEach(() => {
  strokes = [];
  let points: [number, number][] = [];
  let dash: readonly number[] = [];
  const context = {
    lineDashOffset: 0,
    save: () => {},
    restore: () => {},
    rect: () => {},
    clip: () => {},
    setLineDash: (parts: readonly number[]) => (dash = parts),
    beginPath: () => (points = []),
    lineTo: (x: number, y: number) => points.push([x, y]),
    stroke: () => strokes.push({ points, dash, offset: context.lineDashOffset }),
  };
  vi.stubGlobal("document", { createElement: () => ({ getContext: () => context }) });
  layer = new CurveLayer();
});

afterEach(() => vi.unstubAllGlobals());

test("a frame draws what is new, from where the line ended", () => {
  const grown = line([0, 10]);
  layer.draw(target, PLACE, [grown]);
  (grown.times as number[]).push(2, 3);
  (grown.values as number[]).push(0, 10);
  layer.draw(target, PLACE, [{ ...grown }]);
  layer.draw(target, PLACE, [{ ...grown }]);
  expect(strokes.map(({ points }) => points)).toEqual([
    [
      [10, 25],
      [10.5, 5],
    ],
    [
      [10.5, 5],
      [11, 25],
      [11.5, 5],
    ],
  ]);
});

test("dashes go on where they were, and are left out where they could not be seen", () => {
  const far = { ...PLACE, x: [0, 10] as const }; // five pixels to a row
  const grown = line([5, 5], { dash: [3, 1] });
  layer.draw(target, { ...far, ratio: 2 }, [grown]);
  (grown.times as number[]).push(2);
  (grown.values as number[]).push(5);
  layer.draw(target, { ...far, ratio: 2 }, [grown]);
  expect(strokes.map(({ dash, offset }) => [dash, offset])).toEqual([
    [[6, 2], 0],
    [[6, 2], 5],
  ]);
  layer.draw(target, PLACE, [grown]);
  expect(strokes.at(-1)!.dash).toEqual([]);
});

test.each<[string, Place, (before: Line) => Line[]]>([
  ["another scale", { ...PLACE, y: [0, 20] }, (before) => [before]],
  ["another size", { ...PLACE, width: 71 }, (before) => [before]],
  ["another quantity", PLACE, (before) => [{ ...before, values: [1, 2] }]],
  ["another choice of curves", PLACE, (before) => [before, { ...before, id: "m2" }]],
])("%s: all is drawn anew", (_, place, change) => {
  const before = line([0, 10]);
  layer.draw(target, PLACE, [before]);
  const after = change(before);
  layer.draw(target, place, after);
  expect(strokes.slice(1).map(({ points }) => points.length)).toEqual(after.map(() => 2));
});

/** The context of `target` stands for that of the bitmap, too. */
const drawnOn = (): CanvasRenderingContext2D =>
  document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;

test("what only goes on is drawn upon what is there, and is not forgotten by the bitmap", () => {
  const grown = line([0, 10]);
  const add = (value: number): void => {
    (grown.times as number[]).push(grown.times.length);
    (grown.values as number[]).push(value);
  };
  layer.draw(target, PLACE, [grown]);
  add(0);
  expect(layer.extend(drawnOn(), PLACE, [{ ...grown }])).toBe(true);
  add(5);
  expect(layer.extend(drawnOn(), PLACE, [{ ...grown }])).toBe(true);
  layer.draw(target, PLACE, [grown]);
  expect(strokes.slice(1).map(({ points }) => points.map(([, y]) => y))).toEqual([
    [5, 25],
    [25, 15],
    [5, 25, 15],
  ]);
});

test("what does not only go on is left to be drawn as a whole", () => {
  const grown = line([]);
  expect(layer.extend(drawnOn(), PLACE, [grown])).toBe(false); // never drawn
  layer.draw(target, PLACE, [grown]);
  (grown.times as number[]).push(0);
  (grown.values as number[]).push(3);
  expect(layer.extend(drawnOn(), PLACE, [grown])).toBe(false); // the first makes the axis
  layer.draw(target, PLACE, [grown]);
  expect(layer.extend(drawnOn(), { ...PLACE, width: 71 }, [grown])).toBe(false);
  (grown.times as number[]).push(1);
  (grown.values as number[]).push(11);
  expect(layer.extend(drawnOn(), PLACE, [grown])).toBe(false); // above the axis
  expect(strokes).toHaveLength(1);
});
